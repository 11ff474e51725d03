from __future__ import annotations

from dataclasses import replace
from typing import Self

import cv2
import numpy as np
import pytest

from alignment.network_view import NetworkView, NetworkViewConfig, Viewer
from alignment.pose import RegisteredImage
from alignment.transforms import IDENTITY, about_center, warp_image
from features.config_fields import problems_of
from features.dense import DenseMap, on_grid
from features.images import light_of, to_lab, with_light

CELL_PX = 8
SIZE = (96, 96)
GRID = (6, 8)
WORKING = (48, 64)


class Learnt:
    """The part of a backbone that learns: nothing but how often it was asked to."""

    n_fits = 0

    def fit(self, images: object) -> Self:
        self.n_fits += 1
        return self

    def state(self) -> dict[str, np.ndarray]:
        return {"basis": np.full((1, 1), self.n_fits, np.float32)}

    def restore(self, state: dict[str, np.ndarray]) -> Self:
        self.n_fits = int(state["basis"][0, 0])
        return self

    def identity(self) -> dict[str, str]:
        return {"name": type(self).__name__}

    def batch(self, images: object, is_valid: object) -> list[DenseMap]:
        raise NotImplementedError


class Compass(Learnt):
    """Knows nothing of an image but which way it grows brighter, cell by cell."""

    def __call__(self, image: np.ndarray, is_valid: np.ndarray | None = None) -> DenseMap:
        slopes = np.gradient(image.mean(axis=2))
        return _of_length_1(np.stack([_cell_means(each) for each in slopes], axis=-1), is_valid)


class Colours(Learnt):
    """Knows the colour of each cell, and that alone."""

    def __call__(self, image: np.ndarray, is_valid: np.ndarray | None = None) -> DenseMap:
        planes = [_cell_means(plane) for plane in np.moveaxis(to_lab(image), -1, 0)]
        return _of_length_1(np.stack([*planes, np.full_like(planes[0], 50)], axis=-1), is_valid)


def _cell_means(plane: np.ndarray) -> np.ndarray:
    rows, columns = (side // CELL_PX for side in plane.shape)
    return plane.reshape(rows, CELL_PX, columns, CELL_PX).mean(axis=(1, 3))


def _of_length_1(tokens: np.ndarray, is_valid: np.ndarray | None) -> DenseMap:
    length = np.maximum(np.linalg.norm(tokens, axis=-1, keepdims=True), 1e-6)
    return on_grid((tokens / length).astype(np.float32), is_valid)


def slope(angle_deg: float) -> np.ndarray:
    """An image that grows brighter all over, in one direction."""
    y, x = np.mgrid[: SIZE[0], : SIZE[1]] - 47.5
    angle = np.radians(angle_deg)
    grey = 128 + 1.5 * (x * np.cos(angle) + y * np.sin(angle))
    return np.repeat(grey.clip(0, 255).astype(np.uint8)[..., None], 3, axis=2)


def patches(seed: int = 0) -> np.ndarray:
    colours = np.random.default_rng(seed).integers(80, 170, (12, 12, 3), dtype=np.uint8)
    return np.kron(colours, np.ones((8, 8, 1), dtype=np.uint8))


def lies(photo: np.ndarray) -> RegisteredImage:
    """A photograph that lies as the references do."""
    return RegisteredImage(photo, np.ones(photo.shape[:2], dtype=bool), IDENTITY)


def viewer(
    photos: list[np.ndarray], backbone: Learnt | None = None, **settings: int | bool
) -> Viewer:
    config = NetworkViewConfig(**settings)  # type: ignore[arg-type]
    return Viewer(backbone or Colours(), config).fit(photos, [lies(each) for each in photos])


def random_view(seed: int, grid: tuple[int, int] = GRID, n_turned: int = 0) -> NetworkView:
    """Descriptors anyhow, of length 1 and such as half precision can hold."""
    rng = np.random.default_rng(seed)

    def some(*shape: int) -> np.ndarray:
        rows = rng.normal(size=(*shape, 5))
        rows /= np.linalg.norm(rows, axis=-1, keepdims=True)
        return rows.astype(np.float16).astype(np.float32)

    dense = DenseMap(some(*grid), np.ones(grid, dtype=bool))
    turned = some(n_turned) if n_turned else None
    return NetworkView(dense, IDENTITY, some(*grid), turned)


class TestNearest:
    def test_an_image_is_like_itself(self) -> None:
        photo = patches()
        see = viewer([photo])
        nearest = see(photo, lies(photo)).nearest(see.references([photo], [lies(photo)])[0])
        assert nearest.shape == (12, 12)
        np.testing.assert_allclose(nearest, 0, atol=1e-5)
        assert nearest.min() >= 0

    @pytest.mark.parametrize("has_light", [True, False])
    @pytest.mark.parametrize("n_turned", [0, 9])
    def test_against_loops(self, has_light: bool, n_turned: int) -> None:
        test, reference = random_view(0, (30, 20)), random_view(1, n_turned=n_turned)
        is_valid = np.random.default_rng(3).random(GRID) < 0.5
        reference = replace(reference, dense=replace(reference.dense, is_valid=is_valid))
        if not has_light:
            test = replace(test, in_usual_light=None)
        keys = [*reference.dense.tokens[is_valid]]
        keys += [] if reference.turned is None else [*reference.turned]
        nearest = test.nearest(reference)
        for row, column in ((0, 0), (13, 7), (29, 19)):
            looks = [test.dense.tokens[row, column]]
            looks += [] if test.in_usual_light is None else [test.in_usual_light[row, column]]
            expected = min(1 - float(look @ key) for look in looks for key in keys)
            assert nearest[row, column] == pytest.approx(max(expected, 0), abs=1e-5)

    def test_without_anything_to_compare_with_all_is_infinite(self) -> None:
        nothing = replace(
            random_view(1), dense=DenseMap(random_view(1).dense.tokens, np.zeros(GRID, dtype=bool))
        )
        assert np.isinf(random_view(0).nearest(nothing)).all()
        assert np.isinf(nothing.nearest(random_view(0))).all()


class TestTurns:
    @pytest.mark.parametrize("angle_deg", [45, 90, 135, 180, 270, 315])
    def test_an_image_in_one_of_the_turns_is_found(self, angle_deg: int) -> None:
        upright, turned = slope(0), slope(angle_deg)
        all_turns = viewer([upright], Compass(), n_turns=8)
        as_it_lies = viewer([upright], Compass(), n_turns=1)
        inner = np.s_[2:-2, 2:-2]
        seen = all_turns(turned, lies(turned))
        assert seen.nearest(all_turns.references([upright], [lies(upright)])[0])[inner].max() < 0.01
        assert seen.nearest(as_it_lies.references([upright], [lies(upright)])[0])[inner].min() > 0.2

    def test_a_warped_photograph_is_found(self) -> None:
        photo = slope(20)
        turned, is_valid = warp_image(photo, about_center(SIZE, angle_rad=np.radians(90)))
        see = viewer([photo], Compass())
        nearest = see(turned, lies(turned)).nearest(see.references([photo], [lies(photo)])[0])
        is_cell = cv2.resize(is_valid.astype(np.uint8), (12, 12), interpolation=cv2.INTER_AREA) > 0
        assert nearest[1:-1, 1:-1][is_cell[1:-1, 1:-1]].max() < 0.01

    def test_what_a_turn_invents_is_left_out(self) -> None:
        photo = patches()
        seen = viewer([photo], n_turns=2).references([photo], [lies(photo)])[0]
        assert seen.turned is not None
        assert len(seen.turned) == 144  # half a turn fills the frame
        eighth = viewer([photo], n_turns=8).references([photo], [lies(photo)])[0]
        assert eighth.turned is not None
        assert 3 * 144 < len(eighth.turned) < 7 * 144

    def test_one_turn_is_as_it_lies(self) -> None:
        assert (
            viewer([patches()], n_turns=1).references([patches()], [lies(patches())])[0].turned
            is None
        )

    @pytest.mark.parametrize(
        ("angles_deg", "is_kept"), [((0, 0, 0), False), ((0, 90, 180), True), ((0,), True)]
    )
    def test_turned_copies_stay_where_references_lie_turned_or_cannot_tell(
        self, angles_deg: tuple[int, ...], is_kept: bool
    ) -> None:
        photos = [slope(each) for each in angles_deg]
        see = viewer(photos, Compass(), n_turns=4)
        views = see.references(photos, [lies(each) for each in photos])
        assert [each.turned is not None for each in views] == [is_kept] * len(photos)
        for view, photo in zip(views, photos, strict=True):
            np.testing.assert_array_equal(view.dense.tokens, see(photo, lies(photo)).dense.tokens)


class TestLight:
    def dimmed(self, photo: np.ndarray) -> np.ndarray:
        own = light_of(photo)
        return with_light(photo, own, own + np.array([-15, 4, -5], dtype=np.float32))

    def test_an_image_in_another_light_is_near_only_if_that_is_matched(self) -> None:
        photo = patches()
        dimmed = self.dimmed(photo)
        found = []
        for is_matched in (True, False):
            see = viewer([photo], is_light_matched=is_matched)
            nearest = see(dimmed, lies(dimmed)).nearest(see.references([photo], [lies(photo)])[0])
            found.append(float(nearest.mean()))
        matched, unmatched = found
        assert matched < unmatched / 10

    def test_the_light_of_the_references_is_their_median(self) -> None:
        photo = patches()
        see = viewer([photo, self.dimmed(photo), photo])
        np.testing.assert_allclose(see.state()["light"], light_of(photo), atol=1e-5)
        assert see(photo, lies(photo)).in_usual_light is None
        assert see(self.dimmed(photo), lies(self.dimmed(photo))).in_usual_light is not None

    def test_usual_light_hides_nothing_that_its_own_shows(self) -> None:
        """A second look can only bring an image nearer."""
        photo = patches()
        dimmed = self.dimmed(photo)
        see = viewer([photo])
        seen, reference = see(dimmed, lies(dimmed)), see.references([photo], [lies(photo)])[0]
        plain = replace(seen, in_usual_light=None)
        assert (seen.nearest(reference) <= plain.nearest(reference)).all()


def closer_viewer(photos: list[np.ndarray], *, is_placed: bool = True) -> Viewer:
    see = Viewer(Colours(), NetworkViewConfig(n_turns=1), Colours())
    registered = [lies(each) for each in photos]
    return see.fit(photos, registered, is_placed=is_placed, is_closer=True)


class TestDetail:
    def seen(self, photo: np.ndarray, see: Viewer) -> NetworkView:
        return see(photo, lies(photo))

    def test_without_a_closer_look_there_is_none(self) -> None:
        photo = patches()
        for see in (
            viewer([photo]),
            Viewer(Colours(), NetworkViewConfig(), Colours()).fit([photo], [lies(photo)]),
        ):
            view = self.seen(photo, see)
            assert view.detail is None
            assert view.nearest_in_detail(view) is None

    def test_an_image_is_like_itself(self) -> None:
        photo = patches()
        for is_placed in (True, False):
            view = self.seen(photo, closer_viewer([photo], is_placed=is_placed))
            nearest = view.nearest_in_detail(view)
            assert nearest is not None
            np.testing.assert_allclose(nearest, 0, atol=1e-5)

    def test_a_cell_is_compared_with_its_place_where_there_is_one(self) -> None:
        """The halves of an image are swapped: all is there, and nothing where it was."""
        photo = patches()
        swapped = np.ascontiguousarray(np.roll(photo, SIZE[1] // 2, axis=1))
        found = []
        for is_placed in (True, False):
            see = closer_viewer([photo], is_placed=is_placed)
            nearest = self.seen(swapped, see).nearest_in_detail(self.seen(photo, see))
            assert nearest is not None
            found.append(float(nearest.mean()))
        placed, anywhere = found
        assert anywhere == pytest.approx(0, abs=1e-5)
        assert placed > 1e-3

    def test_against_loops(self) -> None:
        one, other = random_view(0), random_view(1)
        is_valid = np.random.default_rng(3).random(GRID) < 0.6
        theirs = replace(other, detail=replace(other.dense, is_valid=is_valid))
        nearest = replace(one, detail=one.dense).nearest_in_detail(theirs)
        assert nearest is not None
        for row, column in ((0, 0), (3, 4), (5, 7)):
            likeness = [
                float(one.dense.tokens[row, column] @ other.dense.tokens[y, x])
                for y in range(max(0, row - 3), min(GRID[0], row + 4))
                for x in range(max(0, column - 3), min(GRID[1], column + 4))
                if is_valid[y, x]
            ]
            assert nearest[row, column] == pytest.approx(max(1 - max(likeness), 0), abs=1e-5)

    def test_what_is_hidden_is_compared_with_nothing(self) -> None:
        one = random_view(0, (40, 40))
        hidden = np.zeros((160, 160), dtype=bool)
        hidden[:8, :8] = True
        view = replace(one, detail=one.dense).without(hidden)
        nearest = view.nearest_in_detail(replace(one, detail=one.dense))
        assert nearest is not None
        assert np.isinf(nearest[:2, :2]).all()
        np.testing.assert_allclose(nearest[10:, 10:], 0, atol=1e-3)

    @pytest.mark.parametrize("is_placed", [True, False])
    def test_comes_back_as_it_was(self, is_placed: bool) -> None:
        photo, other = patches(), patches(1)
        see = closer_viewer([photo, other], is_placed=is_placed)
        known = Viewer(Colours(), NetworkViewConfig(n_turns=1), Colours()).restore(see.state())
        assert known.state().keys() == see.state().keys()
        view, reference = self.seen(other, see), self.seen(photo, see)
        back = NetworkView.of_state(view.state())
        assert back is not None
        assert back.detail is not None
        expected = view.nearest_in_detail(reference)
        assert expected is not None
        np.testing.assert_array_equal(
            self.seen(other, known).nearest_in_detail(reference), expected
        )
        # a model keeps half precision, in which this network does not answer
        np.testing.assert_allclose(back.nearest_in_detail(reference), expected, atol=2e-3)
        assert back.is_placed is is_placed


class TestHiding:
    @staticmethod
    def hidden(top: int, left: int, bottom: int, right: int) -> np.ndarray:
        mask = np.zeros((160, 160), dtype=bool)
        mask[top:bottom, left:right] = True
        return mask

    def test_hidden_cells_are_compared_with_nothing(self) -> None:
        view, other = random_view(0, (20, 20)), random_view(1, (20, 20), n_turned=9)
        hidden = view.without(self.hidden(0, 0, 16, 16))
        nearest = hidden.nearest(other)
        assert np.isinf(nearest[:2, :2]).all()
        np.testing.assert_array_equal(nearest[8:, 8:], view.nearest(other)[8:, 8:])
        assert np.isfinite(nearest[8:, 8:]).all()

    def test_what_the_network_can_have_seen_around_is_hidden_too(self) -> None:
        kept = random_view(0, (20, 20)).without(self.hidden(76, 76, 84, 84)).dense.is_valid
        assert not kept[8:12, 8:12].any()
        assert kept[:4].all()
        assert kept[:, -4:].all()

    def test_one_pixel_is_enough(self) -> None:
        kept = random_view(0, (20, 20)).without(self.hidden(83, 83, 84, 84)).dense.is_valid
        assert not kept[10, 10]

    def test_the_mask_lies_on_the_registered_image(self) -> None:
        to_registered = about_center((160, 160), angle_rad=np.pi)
        view = replace(random_view(0, (20, 20)), to_registered=to_registered)
        kept = view.without(self.hidden(0, 0, 16, 16)).dense.is_valid
        assert not kept[-2:, -2:].any()
        assert kept[:8, :8].all()

    def test_nothing_hidden_changes_nothing(self) -> None:
        assert random_view(0, (20, 20)).without(self.hidden(0, 0, 0, 0)).dense.is_valid.all()

    def test_all_may_be_hidden(self) -> None:
        hidden = random_view(0, (20, 20)).without(self.hidden(0, 0, 160, 160))
        assert np.isinf(hidden.nearest(random_view(1))).all()


class TestRegistered:
    @staticmethod
    def spot(row: int, column: int) -> np.ndarray:
        cells = np.zeros(GRID, dtype=np.float32)
        cells[row, column] = 1
        return cells

    def test_a_photograph_that_lies_right_keeps_its_map(self) -> None:
        cells = np.random.default_rng(0).random(GRID, dtype=np.float32)
        laid = random_view(0).registered(cells, GRID, WORKING)
        np.testing.assert_allclose(laid, cells, atol=1e-5)

    def test_a_shift_moves_the_map(self) -> None:
        shift = np.array([[1.0, 0, 16], [0, 1, -8]])  # two cells to the right, one up
        view = replace(random_view(0), to_registered=shift)
        np.testing.assert_allclose(
            view.registered(self.spot(2, 3), GRID, WORKING), self.spot(1, 5), atol=1e-5
        )

    def test_a_turn_moves_the_map(self) -> None:
        half = about_center(WORKING, angle_rad=np.pi)
        view = replace(random_view(0), to_registered=half)
        laid = view.registered(self.spot(0, 1), GRID, WORKING)
        np.testing.assert_allclose(laid, self.spot(5, 6), atol=1e-5)

    def test_beyond_the_photograph_nothing_is_said(self) -> None:
        shift = np.array([[1.0, 0, 24], [0, 1, 0]])
        view = replace(random_view(0), to_registered=shift)
        laid = view.registered(np.ones(GRID, np.float32), GRID, WORKING)
        assert not laid[:, :3].any()
        np.testing.assert_allclose(laid[:, 3:], 1, atol=1e-5)

    def test_the_grid_may_be_another(self) -> None:
        laid = random_view(0).registered(self.spot(2, 3), (12, 16), WORKING)
        assert laid.shape == (12, 16)
        assert laid[4:6, 6:8].min() == laid.max() > 0.5


class TestState:
    @pytest.mark.parametrize(("n_turned", "has_light"), [(0, False), (9, True)])
    def test_a_view_comes_back_as_it_was(self, n_turned: int, has_light: bool) -> None:
        view = random_view(0, n_turned=n_turned)
        view = replace(view, to_registered=about_center(WORKING, angle_rad=0.3))
        if not has_light:
            view = replace(view, in_usual_light=None)
        state = view.state()
        assert {each.dtype.name for each in state.values()} == {"float16", "float64"}
        back = NetworkView.of_state({**state, "tokens": np.zeros((2, 2, 2), np.float32)})
        assert back is not None
        other = random_view(1)
        np.testing.assert_array_equal(back.nearest(other), view.nearest(other))
        np.testing.assert_array_equal(other.nearest(back), other.nearest(view))
        np.testing.assert_array_equal(back.to_registered, view.to_registered)
        assert (back.in_usual_light is None, back.turned is None) == (not has_light, not n_turned)

    def test_other_profiles_have_none(self) -> None:
        assert NetworkView.of_state({"tokens": np.zeros((2, 2, 2), np.float32)}) is None

    def test_what_a_viewer_has_learnt_comes_back(self) -> None:
        photo = patches()
        learnt = viewer([photo])
        other = Viewer(Colours(), NetworkViewConfig()).restore(learnt.state())
        assert other.state().keys() == learnt.state().keys()
        for key, value in learnt.state().items():
            np.testing.assert_array_equal(other.state()[key], value)
        assert other.identity() == {"name": "Colours"}


def test_config_names_its_problem() -> None:
    assert problems_of(NetworkViewConfig(), "network_view") == []
    assert problems_of(NetworkViewConfig(n_turns=0), "network_view") == [
        "network_view.n_turns must lie in 1 … 36, got 0"
    ]
