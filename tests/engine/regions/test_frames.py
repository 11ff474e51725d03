from __future__ import annotations

import tracemalloc
from collections.abc import Callable

import cv2
import numpy as np
import pytest

from alignment.comparison import Comparison
from alignment.pose import RegisteredImage
from alignment.sample import Sample
from alignment.transforms import IDENTITY, about_center, apply, compose, invert, rescale
from engine.regions.frames import Frames, scaled
from engine.report import Examination
from features.region import Region

AREA_PX = 400 * 300
TURNED = about_center((48, 64), angle_rad=0.3, scale=0.9, shift_xy=(2.0, -3.0))
MakeFrames = Callable[..., Frames]


@pytest.fixture(scope="module")
def frames(
    paint: Callable[..., Sample], compare_all: Callable[..., list[Comparison]]
) -> MakeFrames:
    """Make the frames of an image of any size, registered on 48×64 pixels and 6×8 cells."""
    sample = paint([(1, (8, 8, 24, 24))])

    def make(
        size: tuple[int, int], to_original: np.ndarray = IDENTITY, area_px: int = AREA_PX
    ) -> Frames:
        image = np.zeros((*size, 3), dtype=np.uint8)
        registered = RegisteredImage(sample.image, sample.is_valid, to_original)
        examination = Examination(image, sample.image, registered, compare_all(sample, sample), {})
        return Frames(examination, area_px)

    return make


def speck(x: int, y: int) -> Region:
    return Region((x, y, x + 1, y + 1), np.ones((1, 1), dtype=bool))


def thread(size: tuple[int, int], seed: int) -> Region:
    """A line one pixel wide, anyhow across an image."""
    ends = np.random.default_rng(seed).integers(0, (size[1], size[0]), (2, 2)).tolist()
    return Region.of(cv2.line(np.zeros(size, np.uint8), *ends, 1, 1) > 0)


def disc(size: tuple[int, int], radius: float) -> Region:
    y, x = np.indices(size)
    return Region.of((y - size[0] / 2) ** 2 + (x - size[1] / 2) ** 2 <= radius**2)


def reached(region: Region, transform: np.ndarray) -> np.ndarray:
    """Where the centres of a region's pixels get to."""
    yx = np.argwhere(region.mask) + np.array(region.box_xyxy[1::-1])
    return apply(transform, yx[:, ::-1].astype(np.float64))


class TestPicture:
    def test_a_small_image_is_its_own_picture(self, frames: MakeFrames) -> None:
        made = frames((120, 160))
        assert made.picture is made.examination.image
        assert made.picture_size == (120, 160)

    @pytest.mark.parametrize("size", [(1200, 1600), (301, 401), (4000, 90)])
    def test_a_large_one_is_reduced_to_the_area(
        self, frames: MakeFrames, size: tuple[int, int]
    ) -> None:
        height, width = frames(size).picture_size
        assert height * width == pytest.approx(AREA_PX, rel=0.02)
        assert height / width == pytest.approx(size[0] / size[1], rel=0.03)

    @pytest.mark.parametrize("size", [(600, 800), (120, 160)])
    @pytest.mark.parametrize("to_original", [IDENTITY, TURNED], ids=["registered", "turned"])
    def test_the_frames_fit_together(
        self, frames: MakeFrames, size: tuple[int, int], to_original: np.ndarray
    ) -> None:
        made = frames(size, to_original)
        # registered → picture → image file → cells is registered → cells
        to_image = rescale(made.picture_size, size)
        around = compose(made.image_to_cells, compose(to_image, made.registered_to_picture))
        np.testing.assert_allclose(around, rescale((48, 64), (6, 8)), atol=1e-9)

    def test_a_map_is_shown_where_its_pixels_are(self, frames: MakeFrames) -> None:
        made = frames((480, 640), TURNED)
        planes = np.zeros((48, 64), np.float32)
        planes[20, 30] = 1
        x, y = np.rint(made.registered_to_picture @ [30, 20, 1]).astype(int).tolist()
        box = x - 10, y - 20, x + 30, y + 20
        shown = made.on_picture(planes, box)
        assert shown.shape == (40, 40)
        row, column = np.unravel_index(shown.argmax(), shown.shape)
        assert abs(row - 20) <= 1
        assert abs(column - 10) <= 1


class TestRegisteredToPicture:
    @pytest.mark.parametrize("to_original", [IDENTITY, TURNED], ids=["registered", "turned"])
    def test_a_region_keeps_place_and_share(
        self, frames: MakeFrames, to_original: np.ndarray
    ) -> None:
        made, region = frames((240, 320), to_original), disc((48, 64), 9)
        moved = made.region_on_picture(region)
        assert moved is not None
        growth = np.linalg.det(made.registered_to_picture[:, :2])
        assert moved.area_px == pytest.approx(growth * region.area_px, rel=0.03)
        center = reached(region, made.registered_to_picture).mean(axis=0)
        np.testing.assert_allclose(reached(moved, IDENTITY).mean(axis=0), center, atol=0.5)

    def test_beside_the_photograph_there_is_none(self, frames: MakeFrames) -> None:
        far = about_center((48, 64), shift_xy=(200.0, 0.0))
        assert frames((120, 160), far).region_on_picture(disc((48, 64), 9)) is None

    @pytest.mark.parametrize("x", [10, 11])
    @pytest.mark.parametrize("size", [(24, 32), (36, 48), (240, 320)])
    def test_small_and_thin_regions_are_kept(
        self, frames: MakeFrames, size: tuple[int, int], x: int
    ) -> None:
        """Also on photographs that are smaller than the working image."""
        made = frames(size)
        for width, height in ((2, 2), (20, 1), (1, 20)):
            region = Region((x, 11, x + width, 11 + height), np.ones((height, width), dtype=bool))
            assert made.region_on_picture(region) is not None


class TestScaled:
    LARGE, SMALL = (600, 800), (113, 150)

    def test_the_same_size_changes_nothing(self) -> None:
        region = thread(self.SMALL, 0)
        assert scaled(region, self.SMALL, self.SMALL) is region

    @pytest.mark.parametrize("seed", range(6))
    def test_thin_regions_never_get_lost(self, seed: int) -> None:
        line = thread(self.LARGE, seed)
        small = scaled(line, self.LARGE, self.SMALL)
        long_side = max(np.ptp(line.box_xyxy[::2]), np.ptp(line.box_xyxy[1::2]))
        assert small.area_px >= 0.5 * long_side * self.SMALL[1] / self.LARGE[1]
        # and lie where they lay
        there = reached(line, rescale(self.LARGE, self.SMALL))
        for each in reached(small, IDENTITY):
            assert np.abs(there - each).max(axis=1).min() <= 1

    @pytest.mark.parametrize("corner", [(0, 0), (799, 599), (400, 1), (799, 0)])
    def test_a_single_pixel_survives_both_ways(self, corner: tuple[int, int]) -> None:
        small = scaled(speck(*corner), self.LARGE, self.SMALL)
        assert small.area_px == 1
        large = scaled(small, self.SMALL, self.LARGE)
        left, top, right, bottom = large.box_xyxy
        assert left - 1 <= corner[0] <= right
        assert top - 1 <= corner[1] <= bottom
        assert 0 <= left < right <= 800
        assert 0 <= top < bottom <= 600

    def test_a_large_region_comes_back(self) -> None:
        region = disc(self.LARGE, 150)
        back = scaled(scaled(region, self.LARGE, self.SMALL), self.SMALL, self.LARGE)
        assert back.iou(region) > 0.96

    def test_half_of_a_pixel_is_enough(self) -> None:
        mask = np.ones((100, 100), dtype=bool)
        mask[:, 50:55] = False
        mask[30:33, 30:33] = False
        small = scaled(Region.of(mask), (100, 100), (10, 10))
        covered = mask.reshape(10, 10, 10, 10).mean(axis=(1, 3))
        np.testing.assert_array_equal(small.over((10, 10)), covered >= 0.5)

    def test_one_side_alone_can_shrink(self) -> None:
        """As the picture of a strip, which has at least 16 px on a side."""
        stripe = np.zeros((4000, 16), dtype=bool)
        stripe[np.arange(0, 4000, 250), np.arange(16)] = True
        small = scaled(Region.of(stripe), (4000, 16), (1000, 16)).over((1000, 16))
        share = stripe.reshape(1000, 4, 16).mean(axis=1)
        np.testing.assert_array_equal(small, share > 0)

    def test_one_side_can_shrink_as_the_other_grows(self) -> None:
        stripe = np.zeros((4000, 10), dtype=bool)
        stripe[1000:1100, 2:8] = stripe[3000, 5] = True
        small = scaled(Region.of(stripe), (4000, 10), (1000, 16)).over((1000, 16))
        assert small[250:275, 4:12].all()
        assert small[250:275].sum() == pytest.approx(25 * 6 * 1.6, rel=0.1)
        assert not small[:240].any()
        assert not small[285:740].any()

    def test_a_small_region_of_50_megapixels_costs_little(self) -> None:
        size, small = (6000, 8500), (850, 1204)
        tracemalloc.start()
        there = scaled(disc((40, 40), 15), size, small)
        scaled(there, small, size)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 1_000_000


class TestHidden:
    @pytest.mark.parametrize("size", [(480, 640), (48, 64), (30, 40), (150, 800), (700, 60)])
    @pytest.mark.parametrize("to_original", [IDENTITY, TURNED], ids=["registered", "turned"])
    def test_every_pixel_of_a_region_is_hidden(
        self, frames: MakeFrames, size: tuple[int, int], to_original: np.ndarray
    ) -> None:
        made = frames(size, to_original)
        to_registered = compose(
            invert(made.registered_to_picture), rescale(size, made.picture_size)
        )
        for region in (thread(size, 1), speck(size[1] // 3, size[0] // 3), disc(size, 9)):
            is_hidden = made.hidden([region], 0)
            x, y = np.rint(reached(region, to_registered)).astype(int).T
            is_seen = (x >= 0) & (x < 64) & (y >= 0) & (y < 48)
            assert is_hidden[y[is_seen], x[is_seen]].all()

    def test_the_margin_is_added_and_no_more(self, frames: MakeFrames) -> None:
        made, region = frames((480, 640)), disc((480, 640), 80)
        y, x = np.indices((48, 64))
        # 8 working pixels about the centre
        distance = np.hypot(y - 23.5, x - 31.5)
        for margin_px in (0, 4, 9):
            is_hidden = made.hidden([region], margin_px)
            assert is_hidden[distance <= 8 + margin_px - 0.5].all()
            assert not is_hidden[distance > 8 + margin_px + 2.5].any()

    def test_several_regions_are_hidden_at_once(self, frames: MakeFrames) -> None:
        made = frames((480, 640), TURNED)
        regions = [thread((480, 640), seed) for seed in range(3)]
        together = made.hidden(regions, 3)
        one_by_one = np.any([made.hidden([region], 3) for region in regions], axis=0)
        np.testing.assert_array_equal(together, one_by_one)
        assert not made.hidden([], 3).any()
