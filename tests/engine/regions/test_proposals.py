from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest
from scipy.ndimage import label

from engine.regions.proposals import Proposal, propose
from engine.regions_config import ProposalConfig
from features.config_fields import problems_of

CONFIG = ProposalConfig()
SIZE = (160, 200)
# without joining: neither of gaps, nor of small ones
PLAIN = replace(CONFIG, join_px=0, min_area_px=1)


def empty() -> np.ndarray:
    return np.zeros(SIZE, dtype=np.float32)


def hills(seed: int, n_hills: int = 6) -> np.ndarray:
    """Smooth hills of several heights and widths on a rough plain."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[: SIZE[0], : SIZE[1]]
    novelty = cv2.GaussianBlur(rng.normal(size=SIZE), (0, 0), 2) + 0.2
    for _ in range(n_hills):
        row, column = rng.uniform(0, 1, 2) * SIZE
        width, height = rng.uniform(2, 10), rng.uniform(0.8, 8)
        novelty += height * np.exp(-((y - row) ** 2 + (x - column) ** 2) / (2 * width**2))
    return np.maximum(novelty, 0).astype(np.float32)


def over(proposal: Proposal) -> np.ndarray:
    return proposal.region.over(SIZE)


def n_pieces(mask: np.ndarray, novelty: np.ndarray) -> int:
    """Number of connected pieces of what is new; more than one if they were bridged."""
    return int(label(mask & (novelty >= PLAIN.grow_above), np.ones((3, 3)))[1])


@pytest.mark.parametrize("seed", range(6))
class TestProperties:
    def test_every_region_has_a_certain_pixel_and_knows_its_newest(self, seed: int) -> None:
        novelty = hills(seed)
        for config in (CONFIG, PLAIN):
            proposals = propose(novelty, config)
            assert proposals
            for each in proposals:
                assert each.peak >= config.seed_above
                assert each.peak == pytest.approx(novelty[over(each)].max())

    def test_all_that_is_certain_is_in_a_region_or_a_halo(self, seed: int) -> None:
        novelty = hills(seed)
        halo = np.ones((2 * PLAIN.halo_px + 1,) * 2, np.uint8)
        covered = np.any([over(each) for each in propose(novelty, PLAIN)], axis=0)
        near = cv2.dilate(covered.astype(np.uint8), halo) > 0
        assert near[novelty >= PLAIN.seed_above].all()
        assert covered.flat[novelty.argmax()]

    def test_nothing_grows_over_what_is_normal(self, seed: int) -> None:
        novelty = hills(seed)
        whole = [over(each) for each in propose(novelty, PLAIN)]
        in_one_piece = [mask for mask in whole if n_pieces(mask, novelty) == 1]
        assert in_one_piece
        for mask in in_one_piece:
            assert novelty[mask].min() >= max(PLAIN.grow_above, PLAIN.halo * novelty[mask].max())
        # and none of them has a pixel of another
        assert np.sum(in_one_piece, axis=0).max() == 1

    def test_small_gaps_are_all_that_is_filled(self, seed: int) -> None:
        novelty = hills(seed)
        reach = 2 * CONFIG.join_px + 1
        is_new = (novelty >= CONFIG.grow_above).astype(np.uint8)
        near = cv2.dilate(is_new, np.ones((reach, reach), np.uint8)) > 0
        for mask in map(over, propose(novelty, CONFIG)):
            if n_pieces(cv2.dilate(mask.astype(np.uint8), np.ones((3, 3))) > 0, novelty) == 1:
                assert near[mask].all()

    def test_the_newest_come_first(self, seed: int) -> None:
        peaks = [each.peak for each in propose(hills(seed), CONFIG)]
        assert peaks == sorted(peaks, reverse=True)

    def test_the_map_is_not_changed(self, seed: int) -> None:
        novelty = hills(seed)
        before = novelty.copy()
        propose(novelty, CONFIG)
        np.testing.assert_array_equal(novelty, before)


class TestHysteresis:
    def test_a_certain_pixel_takes_along_what_is_perhaps_new(self) -> None:
        novelty = empty()
        novelty[40:50, 60:90] = 0.9
        assert propose(novelty, CONFIG) == []
        novelty[45, 62] = 1.5
        (found,) = propose(novelty, CONFIG)
        assert found.region.box_xyxy == (60, 40, 90, 50)
        assert found.region.mask.all()
        assert found.peak == 1.5

    def test_a_loud_region_does_not_take_along_its_halo(self) -> None:
        novelty = empty()
        novelty[40:70, 60:90] = 0.9
        novelty[50:60, 70:80] = 10
        (found,) = propose(novelty, CONFIG)
        assert found.region.box_xyxy == (70, 50, 80, 60)

    def test_beyond_the_halo_is_another_region(self) -> None:
        """A faint smear runs into something loud."""
        novelty = empty()
        novelty[40:80, 20:90] = 1.5
        novelty[50:60, 20:30] = 10
        loud, faint = propose(novelty, CONFIG)
        assert loud.region.box_xyxy == (20, 50, 30, 60)
        assert faint.region.box_xyxy == (20, 40, 90, 80)
        near = cv2.dilate(over(loud).astype(np.uint8), np.ones((2 * CONFIG.halo_px - 1,) * 2)) > 0
        assert np.count_nonzero(over(faint) & near) < 0.2 * np.count_nonzero(near)
        assert not over(faint)[50:60, 20:30].any()

    def test_two_things_are_two_regions(self) -> None:
        novelty = empty()
        novelty[20:40, 20:40] = 3
        novelty[20:40, 60:80] = 2
        assert [each.region.box_xyxy for each in propose(novelty, CONFIG)] == [
            (20, 20, 40, 40),
            (60, 20, 80, 40),
        ]

    def test_a_hole_stays_a_hole(self) -> None:
        novelty = empty()
        novelty[20:60, 20:60] = 2
        novelty[30:50, 30:50] = 0
        (found,) = propose(novelty, PLAIN)
        assert found.region.area_px == 40 * 40 - 20 * 20

    def test_regions_reach_the_border(self) -> None:
        novelty = empty()
        novelty[:10, :10] = 2
        (found,) = propose(novelty, CONFIG)
        assert found.region.box_xyxy == (0, 0, 10, 10)
        assert found.region.mask.all()

    def test_all_of_an_image_can_be_new(self) -> None:
        (found,) = propose(np.full(SIZE, 2, np.float32), CONFIG)
        assert found.region.area_px == SIZE[0] * SIZE[1]

    def test_nothing_new_no_region(self) -> None:
        assert propose(empty(), CONFIG) == []


class TestJoining:
    @pytest.mark.parametrize("thickness", [1, 2, 3, 8])
    @pytest.mark.parametrize("gap_px", [1, 2, 3])
    def test_a_gap_does_not_tear_a_region_apart(self, thickness: int, gap_px: int) -> None:
        novelty = empty()
        novelty[50 : 50 + thickness, 20:40] = 3
        # by itself it would not be certain
        novelty[50 : 50 + thickness, 40 + gap_px : 80] = 0.99 * CONFIG.seed_above
        (found,) = propose(novelty, replace(CONFIG, halo=0.3))
        left, _, right, _ = found.region.box_xyxy
        assert (left, right) == (20, 80)

    def test_without_joining_any_gap_does(self) -> None:
        novelty = empty()
        novelty[50:70, 20:40] = 3
        novelty[50:70, 41:60] = 3
        assert len(propose(novelty, PLAIN)) == 2
        assert len(propose(novelty, CONFIG)) == 1

    def test_pieces_of_a_line_are_one_region(self) -> None:
        novelty = empty()
        for left in (20, 60, 100, 140):
            novelty[80:83, left : left + 28] = 2
        (found,) = propose(novelty, CONFIG)
        assert found.region.box_xyxy == (20, 80, 168, 83)
        assert found.region.mask.all()

    def test_a_dotted_line_is_one_region_in_its_place_by_peak(self) -> None:
        novelty = empty()
        novelty[20:40, 20:50] = 2
        for left in range(20, 180, 20):
            novelty[100:103, left : left + 3] = 5
        line, blob = propose(novelty, CONFIG)
        assert line.region.box_xyxy == (20, 100, 163, 103)
        assert line.peak == 5
        assert blob.region.box_xyxy == (20, 20, 50, 40)


def test_specks_are_left_out() -> None:
    novelty = empty()
    novelty[20:22, 20:22] = 9
    novelty[80, 80:83] = 9
    (found,) = propose(novelty, replace(CONFIG, min_area_px=4))
    assert found.region.box_xyxy == (20, 20, 22, 22)


def test_there_is_a_limit_and_the_newest_stay_within() -> None:
    novelty = empty()
    peaks = np.random.default_rng(0).permutation(np.arange(2, 32))
    places = np.random.default_rng(1)
    for index, peak in enumerate(peaks):
        top, left = 4 + 26 * (index // 6), 4 + 32 * (index % 6)
        height, width = places.integers(5, 9, 2)
        novelty[top : top + height, left : left + width] = peak
    found = propose(novelty, replace(CONFIG, max_regions=3, halo_px=4))
    assert sorted(each.peak for each in found) == [29, 30, 31]


@pytest.mark.parametrize(
    ("config", "problem"),
    [
        (ProposalConfig(seed_above=101), "seed_above must lie in 0"),
        (ProposalConfig(grow_above=-1), "grow_above must lie in 0"),
        (ProposalConfig(alarm_margin=101), "alarm_margin must lie in 0 … 100, got 101"),
        (ProposalConfig(halo=1.1), "halo must lie in 0 … 1, got 1.1"),
        (ProposalConfig(halo_px=-1), "halo_px must lie in 0 … 256, got -1"),
        (ProposalConfig(join_px=65), "join_px must lie in 0 … 64, got 65"),
        (ProposalConfig(min_area_px=0), "min_area_px must lie in 1 … 10000, got 0"),
        (ProposalConfig(max_regions=0), "max_regions must lie in 1 … 1000, got 0"),
        (
            ProposalConfig(seed_above=1, grow_above=2),
            "grow_above <= suspect_above <= seed_above must hold, got 2, 0.85 and 1",
        ),
        # everything is as new as that, again and again
        (ProposalConfig(seed_above=0, grow_above=0), "seed_above must lie"),
    ],
)
def test_settings_out_of_range(config: ProposalConfig, problem: str) -> None:
    (found,) = problems_of(config, "regions.proposals")
    assert found.startswith("regions.proposals.")
    assert problem in found
    assert problems_of(ProposalConfig(), "regions.proposals") == []
