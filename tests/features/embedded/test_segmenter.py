from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import pytest

from alignment.transforms import about_center, warp_image
from engine.synthetic.scenes import render
from features.config_fields import problems_of
from features.dense import DenseMap
from features.embedded.backbone import CELL_PX
from features.embedded.segmenter import EmbeddedSegmenter, SegmenterConfig
from features.images import fit_size, resize
from features.parts import Parts

SIZE = (128, 192)
GREY, RED, BLUE, GREEN, SAND = (
    (120, 120, 120),
    (200, 40, 40),
    (40, 60, 200),
    (40, 150, 60),
    (210, 190, 140),
)
Box = tuple[int, int, int, int]  # top, left, bottom, right
Thing = tuple[tuple[int, int, int], Box]


def paint(*things: Thing, ground: tuple[int, int, int] = GREY, seed: int = 0) -> np.ndarray:
    image = np.full((*SIZE, 3), ground, dtype=float)
    for color, (top, left, bottom, right) in things:
        image[top:bottom, left:right] = color
    noise = np.random.default_rng(seed).normal(0, 2, image.shape)
    return (image + noise).clip(0, 255).astype(np.uint8)


def seen(image: np.ndarray, is_valid: np.ndarray | None = None) -> DenseMap:
    """A dense map of nothing but which cells are valid: this segmenter looks at pixels only."""
    rows, columns = image.shape[0] // CELL_PX, image.shape[1] // CELL_PX
    if is_valid is None:
        is_valid = np.ones(image.shape[:2], dtype=bool)
    blocks = is_valid.reshape(rows, CELL_PX, columns, CELL_PX)
    return DenseMap(np.zeros((rows, columns, 1), dtype=np.float32), blocks.all(axis=(1, 3)))


def fitted(
    images: Sequence[np.ndarray], config: SegmenterConfig | None = None
) -> EmbeddedSegmenter:
    masks = [np.ones(image.shape[:2], dtype=bool) for image in images]
    return EmbeddedSegmenter(config or SegmenterConfig()).fit(images, masks)


def cut(image: np.ndarray, is_valid: np.ndarray | None = None) -> Parts:
    return fitted([image])(image, seen(image, is_valid))


def part_at(parts: Parts, y: int, x: int) -> int:
    return int(parts.labels[y, x])


THINGS: tuple[Thing, ...] = (
    (RED, (16, 16, 48, 48)),
    (RED, (16, 120, 48, 152)),
    (BLUE, (80, 24, 104, 160)),
)
OBJECTS = paint(*THINGS)


class TestPartition:
    def test_things_are_parts(self) -> None:
        parts = cut(OBJECTS)
        found = {part_at(parts, 64, 90)}
        for _, (top, left, bottom, right) in THINGS:
            part = part_at(parts, (top + bottom) // 2, (left + right) // 2)
            found.add(part)
            box = np.zeros(SIZE, dtype=bool)
            box[top:bottom, left:right] = True
            is_part = parts.labels == part
            assert np.count_nonzero(is_part & box) > 0.85 * np.count_nonzero(is_part | box)
        assert len(found) == 4

    @pytest.mark.parametrize("category", ["pins", "bag", "bottle"])
    def test_every_pixel_has_one_part_and_every_part_is_large_and_whole(
        self, category: str
    ) -> None:
        image = resize(render(category, np.random.default_rng(0)).image, SIZE)
        parts = cut(image)
        assert parts.labels.shape == SIZE
        assert parts.labels.min() == 0
        assert parts.labels.max() == len(parts) - 1
        assert (parts.area_px >= SegmenterConfig().min_part * parts.labels.size).all()
        for part in range(len(parts)):
            mask = (parts.labels == part).astype(np.uint8)
            assert cv2.connectedComponents(mask, connectivity=4)[0] == 2

    @pytest.mark.parametrize("min_part", [0.005, 0.03])
    def test_least_size_is_respected(self, min_part: float) -> None:
        image = resize(render("bag", np.random.default_rng(0)).image, SIZE)
        parts = fitted([image], SegmenterConfig(min_part=min_part))(image, seen(image))
        assert (parts.area_px >= min_part * parts.labels.size).all()

    def test_specks_and_seams_are_no_parts(self) -> None:
        image = OBJECTS.copy()
        image[60:62, 60:62] = RED  # smaller than any part
        image[70, 8:180] = BLUE  # thinner than any part
        segmenter = fitted([OBJECTS])
        plain, littered = (segmenter(each, seen(each)) for each in (OBJECTS, image))
        assert len(littered) == len(plain)
        assert np.mean(littered.labels != plain.labels) < 0.01

    @pytest.mark.parametrize("color", [GREY, (0, 0, 0), (255, 255, 255)])
    def test_one_colour_is_one_part(self, color: tuple[int, int, int]) -> None:
        image = np.full((*SIZE, 3), color, dtype=np.uint8)
        parts = cut(image)
        np.testing.assert_array_equal(parts.labels, np.zeros(SIZE))
        np.testing.assert_array_equal(parts.is_background, [True])

    def test_a_plain_ground_is_not_cut_up_along_its_noise(self) -> None:
        assert len(cut(paint((RED, (40, 60, 90, 130))))) == 2

    def test_noise_alone_has_no_small_parts(self) -> None:
        image = np.random.default_rng(0).integers(0, 256, (*SIZE, 3), dtype=np.uint8)
        parts = cut(image)
        assert (parts.area_px >= SegmenterConfig().min_part * parts.labels.size).all()


class TestBackground:
    def test_the_ground_is_background_and_things_are_not(self) -> None:
        parts = cut(OBJECTS)
        ground = part_at(parts, 64, 90)
        np.testing.assert_array_equal(parts.is_background, np.arange(len(parts)) == ground)

    def test_a_thing_cropped_at_top_and_bottom_stays_a_thing(self) -> None:
        """A bottle that stands from edge to edge cuts the ground in two: both are background."""
        parts = cut(paint((RED, (0, 70, 128, 120))))
        bottle, left, right = (part_at(parts, 64, x) for x in (95, 30, 160))
        assert len({bottle, left, right}) == 3
        assert not parts.is_background[bottle]
        assert parts.is_background[left]
        assert parts.is_background[right]

    def test_a_thing_cropped_at_one_edge_or_a_corner_stays_a_thing(self) -> None:
        parts = cut(paint((RED, (0, 70, 40, 120)), (BLUE, (90, 150, 128, 192))))
        assert not parts.is_background[part_at(parts, 20, 95)]
        assert not parts.is_background[part_at(parts, 110, 170)]
        assert parts.is_background[part_at(parts, 64, 30)]

    def test_a_hole_of_the_ground_inside_a_thing_is_none(self) -> None:
        ring = paint((RED, (24, 40, 104, 150)), (GREY, (50, 70, 80, 120)))
        parts = cut(ring)
        assert parts.is_background[part_at(parts, 4, 4)]
        assert not parts.is_background[part_at(parts, 64, 95)]


class TestValidity:
    MOVES = (
        about_center(SIZE, scale=0.85),
        about_center(SIZE, angle_rad=0.2),
        about_center(SIZE, shift_xy=(40, -30)),
    )

    @pytest.mark.parametrize("move", MOVES)
    def test_parts_lie_in_the_photograph(self, move: np.ndarray) -> None:
        moved, is_valid = warp_image(OBJECTS, move)
        dense = seen(moved, is_valid)
        parts = fitted([OBJECTS])(moved, dense)
        is_cell_valid = np.kron(dense.is_valid, np.ones((CELL_PX, CELL_PX), dtype=bool))
        assert (parts.labels[~is_cell_valid] == -1).all()
        assert np.mean(parts.labels[is_cell_valid] >= 0) > 0.999
        assert (parts.area_px >= SegmenterConfig().min_part * parts.labels.size).all()

    @pytest.mark.parametrize("move", MOVES)
    def test_the_ground_stays_background(self, move: np.ndarray) -> None:
        moved, is_valid = warp_image(OBJECTS, move)
        parts = fitted([OBJECTS])(moved, seen(moved, is_valid))
        area_px = parts.area_px[parts.is_background]
        assert area_px.sum() == pytest.approx(parts.area_px.max())

    def test_a_part_outside_the_photograph_is_none(self) -> None:
        is_valid = np.ones(SIZE, dtype=bool)
        is_valid[:, 112:] = False  # holds one of the two red squares
        segmenter = fitted([OBJECTS])
        whole, half = (segmenter(OBJECTS, seen(OBJECTS, mask)) for mask in (None, is_valid))
        assert len(half) == len(whole) - 1
        assert (half.area_px > 0).all()

    def test_nothing_valid_is_no_part(self) -> None:
        assert len(cut(OBJECTS, np.zeros(SIZE, dtype=bool))) == 0


class TestFit:
    def test_twice_equals_once(self) -> None:
        masks = [np.ones(SIZE, dtype=bool)]
        again = fitted([paint((SAND, (8, 8, 80, 80)))]).fit([OBJECTS], masks)
        np.testing.assert_array_equal(again.centers_, fitted([OBJECTS]).centers_)

    def test_restored_from_its_state(self) -> None:
        segmenter = fitted([OBJECTS])
        restored = EmbeddedSegmenter(SegmenterConfig()).restore(segmenter.state())
        np.testing.assert_array_equal(
            restored(OBJECTS, seen(OBJECTS)).labels, segmenter(OBJECTS, seen(OBJECTS)).labels
        )

    def test_what_is_not_valid_is_not_learnt(self) -> None:
        is_valid = np.ones(SIZE, dtype=bool)
        is_valid[:, 112:] = False
        other = OBJECTS.copy()
        other[:, 120:] = GREEN  # beyond the reach of the blurs
        config = SegmenterConfig()
        ours, theirs = (
            EmbeddedSegmenter(config).fit([image], [is_valid]) for image in (OBJECTS, other)
        )
        np.testing.assert_allclose(ours.centers_, theirs.centers_, atol=1.0)

    def test_fewer_colours_than_materials(self) -> None:
        flat = np.full((*SIZE, 3), GREY, dtype=np.uint8)
        assert len(fitted([flat]).centers_) == 1


@pytest.mark.parametrize(
    ("category", "floor"), [("pins", 0.8), ("meal", 0.85), ("bag", 0.75), ("cable", 0.6)]
)
def test_parts_follow_what_is_in_the_scene(category: str, floor: float) -> None:
    """Parts, each given the true class that it shows most, make up the true classes."""
    scenes = [render(category, np.random.default_rng(seed)) for seed in range(4)]
    size = fit_size(*scenes[0].image.shape[:2], area_px=65_536, multiple=CELL_PX)
    images = [resize(scene.image, size) for scene in scenes]
    segmenter = fitted(images[:3])
    parts = segmenter(images[3], seen(images[3]))
    truth = cv2.resize(scenes[3].class_map, size[::-1], interpolation=cv2.INTER_NEAREST)

    votes = np.zeros((len(parts), int(truth.max()) + 1))
    np.add.at(votes, (parts.labels.ravel(), truth.ravel()), 1)
    found = votes.argmax(axis=1)[parts.labels]
    ious = [
        np.count_nonzero((found == k) & (truth == k))
        / np.count_nonzero((found == k) | (truth == k))
        for k in np.unique(truth)
    ]
    assert np.mean(ious) > floor


def test_config_names_its_problems() -> None:
    assert problems_of(SegmenterConfig(), "segmenter") == []
    config = SegmenterConfig(n_materials=1, min_part=0.5, opening_px=0, n_restarts=0)
    assert problems_of(config, "segmenter") == [
        "segmenter.n_materials must lie in 2 … 64, got 1",
        "segmenter.min_part must lie in 0 … 0.1, got 0.5",
        "segmenter.opening_px must lie in 1 … 31, got 0",
        "segmenter.n_restarts must lie in 1 … 100, got 0",
    ]
