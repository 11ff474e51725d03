from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from alignment.comparison import learn_frame
from alignment.frame import (
    KINDS,
    USUAL,
    Frame,
    cells_to_frame,
    learn_places,
    learn_profile,
)


def apart(at_frame: float, inside: float, shape: tuple[int, int] = (24, 32)) -> np.ndarray:
    cells = np.full(shape, at_frame, dtype=np.float32)
    cells[1:-1, 1:-1] = inside
    return cells


class TestProfile:
    def test_of_a_single_reference_is_as_usual(self) -> None:
        np.testing.assert_allclose(learn_profile([]), USUAL)

    def test_is_learnt_from_how_references_differ_there(self) -> None:
        profile = learn_profile([apart(0.6, 0.2)] * 4)
        np.testing.assert_allclose(profile[1:], np.array(USUAL)[1:] ** 0.2, rtol=1e-5)
        assert profile[0] == pytest.approx(3**0.8 * USUAL[0] ** 0.2, rel=1e-5)

    def test_more_references_are_believed_more(self) -> None:
        of_two, of_eight = (learn_profile([apart(0.2, 0.2)] * k) for k in (2, 8))
        assert (of_two[:-1] > of_eight[:-1]).all()
        assert (of_eight >= 1).all()

    def test_a_calm_frame_is_not_made_louder(self) -> None:
        np.testing.assert_array_equal(
            learn_profile([apart(0.01, 0.2)] * 3), learn_profile([apart(0.2, 0.2)] * 3)
        )

    def test_what_could_not_be_compared_has_no_say(self) -> None:
        cells = apart(0.6, 0.2)
        cells[0, :16] = np.inf
        np.testing.assert_array_equal(
            learn_profile([cells] * 2), learn_profile([apart(0.6, 0.2)] * 2)
        )

    @pytest.mark.parametrize("shape", [(1, 1), (2, 9), (9, 9)])
    @pytest.mark.parametrize("value", [0.0, np.inf])
    def test_small_or_equal_images_are_no_problem(
        self, shape: tuple[int, int], value: float
    ) -> None:
        profile = learn_profile([np.full(shape, value, dtype=np.float32)] * 2)
        assert np.isfinite(profile).all()
        assert (profile >= 1).all()
        assert profile[-1] == 1


def test_cells_are_counted_from_all_four_sides() -> None:
    far = cells_to_frame((11, 12))
    assert far.shape == (11, 12)
    assert (far[0] == 0).all()
    assert (far[:, -1] == 0).all()
    assert (far[1, 1], far[4, 3], far[9, 6], far[5, 6]) == (1, 3, 1, 4)


class TestFrame:
    def test_before_anything_is_learnt_nothing_changes(self) -> None:
        cells = apart(0.6, np.inf)
        for kind in KINDS:
            np.testing.assert_array_equal(Frame().weighted(kind, cells), cells)

    def test_distances_are_divided_by_the_profile(self) -> None:
        cells = np.full((20, 20), 2.0, dtype=np.float32)
        cells[3, 0] = np.inf
        frame = Frame().fit({"anywhere": [apart(0.6, 0.2)]})
        weighted = frame.weighted("unlike", cells)
        assert weighted[0, 5] == pytest.approx(2 / 1.4)
        assert weighted[10, 10] == 2
        assert np.isinf(weighted[3, 0])
        assert frame.weighted("anywhere", cells)[0, 5] == pytest.approx(2 / (3 * 1.4) ** 0.5)

    def test_comes_back_as_it_was(self) -> None:
        frame = Frame().fit({"in_place": [apart(0.6, 0.2)] * 3})
        back = Frame().restore(frame.state())
        for kind in KINDS:
            np.testing.assert_array_equal(back.profiles_[kind], frame.profiles_[kind])


class TestPlaces:
    def cells(self) -> np.ndarray:
        """Calm, but for one corner."""
        cells = np.full((20, 24), 0.1, dtype=np.float32)
        cells[:10, :12] = 0.5
        return cells

    def test_a_restless_place_counts_less(self) -> None:
        places = learn_places([self.cells()] * 3)
        assert places[-1, -1] == pytest.approx(1, rel=0.01)
        assert places[2, 2] == pytest.approx((0.5 / 0.1 + 1) / 2, rel=0.05)
        assert (places > 0).all()

    def test_are_used_for_detail_alone_and_kept(self) -> None:
        distances = {"detail": [self.cells()] * 3}
        frame = Frame().fit(distances, is_placed=True)  # type: ignore[arg-type]
        back = Frame().restore(frame.state())
        cells = np.ones((20, 24), dtype=np.float32)
        for each in (frame, back):
            weighted = each.weighted("detail", cells)
            assert weighted[-1, -1] > 2 * weighted[2, 2]
            assert each.weighted("unlike", cells)[10, 12] == 1

    def test_without_places_there_is_a_profile(self) -> None:
        frame = Frame().fit({"detail": [self.cells()] * 3}, is_placed=False)
        assert frame.places_ is None
        assert "places" not in frame.state()

    @pytest.mark.parametrize("value", [0.0, np.inf])
    def test_equal_references_are_no_problem(self, value: float) -> None:
        places = learn_places([np.full((9, 9), value, dtype=np.float32)] * 2)
        assert np.isfinite(places).all()
        assert (places > 0).all()


class TestLearning:
    @pytest.fixture
    def compared(self, paint: Any, compare_all: Any) -> Any:
        """Three samples of which the rims differ, each beside the others."""
        samples = [paint([(1, (8, 8, 32, 40))], seed=seed) for seed in range(3)]
        return [
            compare_all(sample, *[other for other in samples if other is not sample])
            for sample in samples
        ]

    def test_references_are_compared_by_what_they_taught(self, compared: Any) -> None:
        frame = Frame()
        plain = [each[0].anywhere.copy() for each in compared]
        framed = learn_frame(frame, compared, is_usual=False)
        assert frame.profiles_["anywhere"][0] > 1
        for before, after in zip(plain, framed, strict=True):
            assert after[0].frame is frame
            np.testing.assert_allclose(after[0].anywhere, frame.weighted("anywhere", before))

    def test_without_a_network_its_profile_is_as_usual(self, compared: Any) -> None:
        frame = Frame()
        learn_frame(frame, compared, is_usual=False)
        np.testing.assert_allclose(frame.profiles_["unlike"], USUAL)

    def test_a_single_reference_is_as_usual(self, compared: Any) -> None:
        frame = Frame()
        framed = learn_frame(frame, compared[:1], is_usual=True)
        for kind in KINDS:
            np.testing.assert_allclose(frame.profiles_[kind], USUAL)
        assert framed[0][0].frame is frame
