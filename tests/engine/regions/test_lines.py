from __future__ import annotations

import cv2
import numpy as np
import pytest

from engine.regions.lines import bridged, chained
from features.region import Region


def box(left: int, top: int, width: int, height: int) -> Region:
    return Region((left, top, left + width, top + height), np.ones((height, width), dtype=bool))


def stroke(first: tuple[int, int], last: tuple[int, int], width_px: int = 3) -> Region:
    mask = cv2.line(np.zeros((256, 256), np.uint8), first, last, 1, width_px)
    return Region.of(mask > 0)


def between(first: tuple[int, int], last: tuple[int, int], start: float, stop: float) -> Region:
    """The stroke over a stretch of the way from first to last."""
    at = [np.array(first) + share * np.subtract(last, first) for share in (start, stop)]
    near, far = (each.astype(int).tolist() for each in at)
    return stroke((near[0], near[1]), (far[0], far[1]))


def joined(regions: list[Region]) -> list[list[int]]:
    """The groups of more than one."""
    return [sorted(group) for group in chained(regions) if len(group) > 1]


def specks(seed: int, n_specks: int) -> list[Region]:
    places = np.random.default_rng(seed).integers(0, 250, (n_specks, 2)).tolist()
    return [box(left, top, 3, 3) for left, top in places]


class TestChained:
    def test_every_region_is_in_one_group(self) -> None:
        for seed in range(5):
            groups = chained([*specks(seed, 9), stroke((5, 5), (90, 40))])
            assert sorted(index for group in groups for index in group) == list(range(10))

    def test_nothing_is_chained_of_nothing(self) -> None:
        assert chained([]) == []
        assert chained([box(3, 3, 5, 5)]) == [[0]]

    @pytest.mark.parametrize("end", [(200, 40), (200, 120), (90, 230)])
    def test_pieces_of_a_line_are_one(self, end: tuple[int, int]) -> None:
        assert joined([between((20, 40), end, 0, 0.4), between((20, 40), end, 0.6, 1)]) == [[0, 1]]

    def test_so_are_many_pieces_in_any_order(self) -> None:
        pieces = [stroke((20 + 30 * i, 60 + 6 * i), (40 + 30 * i, 64 + 6 * i)) for i in range(6)]
        order = np.random.default_rng(0).permutation(6)
        assert joined([pieces[i] for i in order]) == [list(range(6))]

    def test_a_dot_beyond_the_end_of_a_line_is_its_piece(self) -> None:
        assert joined([stroke((20, 40), (100, 40)), box(110, 39, 3, 3)]) == [[0, 1]]

    def test_parallel_lines_stay_apart(self) -> None:
        assert joined([stroke((20, 40), (200, 40)), stroke((20, 55), (200, 55))]) == []

    def test_crossing_directions_stay_apart(self) -> None:
        assert joined([stroke((20, 40), (100, 40)), stroke((110, 50), (110, 130))]) == []

    def test_a_long_gap_is_no_gap_in_one_thing(self) -> None:
        assert joined([stroke((10, 40), (30, 40)), stroke((90, 40), (110, 40))]) == []

    def test_two_blobs_stay_apart(self) -> None:
        assert joined([box(20, 20, 20, 20), box(50, 22, 20, 20)]) == []
        assert joined([box(20, 20, 20, 20), box(41, 20, 20, 20)]) == []

    def test_a_blob_beside_a_line_stays_apart(self) -> None:
        assert joined([stroke((20, 40), (100, 40)), box(60, 50, 30, 30)]) == []


class TestDots:
    @pytest.mark.parametrize("step", [(12, 0), (9, 9), (4, 13)])
    def test_a_dotted_line_is_one(self, step: tuple[int, int]) -> None:
        dots = [box(20 + step[0] * i, 30 + step[1] * i, 3, 3) for i in range(8)]
        assert joined(dots) == [list(range(8))]
        # whatever else there is, if it is not in line
        assert joined([box(200, 15, 12, 12), *dots]) == [list(range(1, 9))]

    @pytest.mark.parametrize("seed", range(8))
    def test_a_slanting_faulty_thread_is_one(self, seed: int) -> None:
        """It is seen wherever it comes to the surface, but for one place."""
        rng = np.random.default_rng(seed)
        along = np.array([1.0, rng.uniform(-0.2, 0.2)]) * rng.uniform(10, 12)
        places = np.array([20, 120]) + np.arange(12)[:, None] * along + rng.normal(0, 0.5, (12, 2))
        sizes = rng.integers([5, 3], [9, 5], (12, 2))
        corners = np.rint(places - sizes / 2).astype(int)
        dots = [box(*corner, *size) for corner, size in zip(corners, sizes, strict=True)]
        assert joined(dots) == [list(range(12))]
        assert joined(dots[:7] + dots[8:]) == [list(range(11))]

    def test_two_rows_are_two_lines(self) -> None:
        rows = [[box(20 + 10 * i, top, 3, 3) for i in range(7)] for top in (30, 90)]
        assert sorted(joined(rows[0] + rows[1])) == [list(range(7)), list(range(7, 14))]

    def test_dots_on_one_spot_are_no_line(self) -> None:
        assert joined([box(20, 30, 3, 3)] * 6) == []

    def test_three_dots_are_no_line(self) -> None:
        assert joined([box(20 + 12 * i, 30, 3, 3) for i in range(3)]) == []

    def test_uneven_dots_are_no_line(self) -> None:
        assert joined([box(left, 30, 3, 3) for left in (10, 20, 30, 140, 150)]) == []

    def test_things_in_a_row_are_not_one(self) -> None:
        """Four buttons on a strip, evenly spaced, are four buttons."""
        assert joined([box(20 + 55 * i, 60, 20, 20) for i in range(4)]) == []

    @pytest.mark.parametrize("n_specks", [8, 12, 20])
    def test_scattered_specks_are_hardly_ever_a_line(self, n_specks: int) -> None:
        n_joined = sum(bool(joined(specks(seed, n_specks))) for seed in range(20))
        assert n_joined <= 2


class TestBridged:
    def test_all_pieces_and_the_gaps_between_them(self) -> None:
        pieces = [box(10, 20, 8, 3), box(24, 20, 8, 3)]
        assert bridged(pieces).box_xyxy == (10, 20, 32, 23)
        assert bridged(pieces).mask.all()

    @pytest.mark.parametrize("seed", range(4))
    def test_no_pixel_of_a_piece_is_lost_and_the_whole_is_convex(self, seed: int) -> None:
        ends = np.random.default_rng(seed).integers(5, 250, (2, 2))
        first, last = (tuple(each) for each in ends.tolist())
        stretches = (0.0, 0.3), (0.4, 0.7), (0.8, 1.0)
        pieces = [between(first, last, *stretch) for stretch in stretches]
        whole = bridged(pieces).over((256, 256))
        for piece in pieces:
            assert whole[piece.over((256, 256))].all()
        points = np.argwhere(whole)[:, ::-1].astype(np.int32)
        hull = cv2.fillConvexPoly(np.zeros((256, 256), np.uint8), cv2.convexHull(points), 1) > 0
        # but for the steps of slanting sides
        assert np.count_nonzero(hull & ~whole) <= np.abs(ends[1] - ends[0]).max()

    def test_one_piece_of_one_pixel(self) -> None:
        assert bridged([box(4, 5, 1, 1)]).box_xyxy == (4, 5, 5, 6)
