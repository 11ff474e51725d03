from __future__ import annotations

from types import ModuleType

import numpy as np
import pytest

from alignment.transforms import about_center, warp_image
from features.dense import DenseMap
from features.device import MachineConfig
from features.parts import Parts, Segmenter
from features.sam import SamConfig
from features.sam.segmenter import SamSegmenter

SIZE = (120, 180)
CELL_PX = 10
GREY, RED, BLUE, GREEN = (120, 120, 120), (200, 40, 40), (40, 60, 200), (40, 150, 60)
Thing = tuple[tuple[int, int, int], tuple[int, int, int, int]]

# a blue plate with a red thing on it, and one beside it
THINGS: tuple[Thing, ...] = (
    (BLUE, (20, 20, 100, 90)),
    (RED, (40, 40, 70, 70)),
    (RED, (30, 120, 60, 150)),
)


def paint(*things: Thing, ground: tuple[int, int, int] = GREY) -> np.ndarray:
    image = np.full((*SIZE, 3), ground, dtype=np.uint8)
    for color, (top, left, bottom, right) in things:
        image[top:bottom, left:right] = color
    return image


def seen(is_valid: np.ndarray | None = None) -> DenseMap:
    """A dense map of nothing but which cells are valid."""
    if is_valid is None:
        is_valid = np.ones(SIZE, dtype=bool)
    rows, columns = SIZE[0] // CELL_PX, SIZE[1] // CELL_PX
    blocks = is_valid.reshape(rows, CELL_PX, columns, CELL_PX)
    return DenseMap(np.zeros((rows, columns, 1), dtype=np.float32), blocks.all(axis=(1, 3)))


@pytest.fixture
def segmenter(painted: ModuleType) -> SamSegmenter:
    network = painted.PaintedNetwork(groups=((BLUE, RED),))
    return SamSegmenter(SamConfig(), MachineConfig(), network=network)


def part_at(parts: Parts, y: int, x: int) -> int:
    return int(parts.labels[y, x])


def overlap(mask: np.ndarray, thing: Thing) -> float:
    top, left, bottom, right = thing[1]
    truth = np.zeros(SIZE, dtype=bool)
    truth[top:bottom, left:right] = True
    return float(np.count_nonzero(mask & truth) / np.count_nonzero(mask | truth))


class TestParts:
    def test_things_are_parts_though_masks_are_nested(self, segmenter: SamSegmenter) -> None:
        parts = segmenter(paint(*THINGS), seen())
        plate, on_it, beside, ground = (
            part_at(parts, y, x) for y, x in ((25, 25), (55, 55), (45, 135), (5, 5))
        )
        assert len({plate, on_it, beside, ground}) == len(parts) == 4
        assert overlap(parts.labels == on_it, THINGS[1]) > 0.8
        assert overlap(parts.labels == beside, THINGS[2]) > 0.8
        assert overlap((parts.labels == plate) | (parts.labels == on_it), THINGS[0]) > 0.8

    def test_every_pixel_has_one_part_and_every_part_is_large(
        self, segmenter: SamSegmenter
    ) -> None:
        parts = segmenter(paint(*THINGS), seen())
        assert parts.labels.shape == SIZE
        assert parts.labels.min() == 0
        assert (parts.area_px >= segmenter.config.min_part * parts.labels.size).all()

    def test_one_colour_is_one_part_and_background(self, segmenter: SamSegmenter) -> None:
        parts = segmenter(paint(), seen())
        np.testing.assert_array_equal(parts.labels, np.zeros(SIZE))
        np.testing.assert_array_equal(parts.is_background, [True])

    def test_what_the_network_does_not_see_is_background(self, painted: ModuleType) -> None:
        network = painted.PaintedNetwork(blind=(GREY,))
        parts = SamSegmenter(SamConfig(), MachineConfig(), network=network)(paint(*THINGS), seen())
        ground = part_at(parts, 5, 5)
        assert ground == part_at(parts, 110, 170)
        np.testing.assert_array_equal(parts.is_background, np.arange(len(parts)) == ground)


class TestBackground:
    BOTTLE = (RED, (0, 50, 120, 140))

    def test_a_thing_from_edge_to_edge_is_not_lost(self, segmenter: SamSegmenter) -> None:
        parts = segmenter(paint(self.BOTTLE), seen())
        bottle, left, right = (part_at(parts, 60, x) for x in (95, 20, 160))
        assert not parts.is_background[bottle]
        assert parts.is_background[left]
        assert parts.is_background[right]

    def test_the_published_rule_loses_it(self, painted: ModuleType) -> None:
        config = SamConfig(background="two-edges")
        segmenter = SamSegmenter(config, MachineConfig(), network=painted.PaintedNetwork())
        assert segmenter(paint(self.BOTTLE), seen()).is_background.all()

    def test_any_rule_can_be_given(self, painted: ModuleType) -> None:
        def darkest(image: np.ndarray, labels: np.ndarray, n_parts: int) -> np.ndarray:
            means = [image[labels == part].mean() for part in range(n_parts)]
            return np.arange(n_parts) == np.argmin(means)

        segmenter = SamSegmenter(
            SamConfig(),
            MachineConfig(),
            network=painted.PaintedNetwork(),
            name_background=darkest,
        )
        parts = segmenter(paint((GREEN, (20, 20, 60, 60))), seen())
        green = part_at(parts, 40, 40)
        np.testing.assert_array_equal(parts.is_background, np.arange(len(parts)) == green)


class TestValidity:
    MOVES = (
        about_center(SIZE, scale=0.85),
        about_center(SIZE, angle_rad=0.2),
        about_center(SIZE, shift_xy=(40, -30)),
    )

    @pytest.mark.parametrize("move", MOVES)
    def test_parts_lie_in_the_photograph(self, segmenter: SamSegmenter, move: np.ndarray) -> None:
        moved, is_valid = warp_image(paint(*THINGS), move)
        dense = seen(is_valid)
        parts = segmenter(moved, dense)
        is_cell_valid = np.kron(dense.is_valid, np.ones((CELL_PX, CELL_PX), dtype=bool))
        assert (parts.labels[~is_cell_valid] == -1).all()
        assert np.mean(parts.labels[is_cell_valid] >= 0) > 0.99
        assert (parts.area_px >= segmenter.config.min_part * parts.labels.size).all()
        assert parts.is_background[np.argmax(parts.area_px)]

    def test_a_part_outside_the_photograph_is_none(self, segmenter: SamSegmenter) -> None:
        is_valid = np.ones(SIZE, dtype=bool)
        is_valid[:, 110:] = False  # holds the thing beside the plate
        whole, half = (segmenter(paint(*THINGS), seen(mask)) for mask in (None, is_valid))
        assert len(half) == len(whole) - 1
        assert (half.area_px > 0).all()

    def test_nothing_valid_is_no_part(self, segmenter: SamSegmenter) -> None:
        assert len(segmenter(paint(*THINGS), seen(np.zeros(SIZE, dtype=bool)))) == 0


class TestInterface:
    def test_it_is_a_segmenter(self, segmenter: SamSegmenter) -> None:
        assert isinstance(segmenter, Segmenter)

    def test_nothing_is_learnt(self, segmenter: SamSegmenter) -> None:
        image = paint(*THINGS)
        before = segmenter(image, seen())
        fitted = segmenter.fit([paint()], [np.ones(SIZE, dtype=bool)])
        assert fitted is segmenter.restore(segmenter.state()) is segmenter
        np.testing.assert_array_equal(segmenter(image, seen()).labels, before.labels)
        assert segmenter.state() == {}

    def test_identity_is_that_of_the_network(self, segmenter: SamSegmenter) -> None:
        assert segmenter.identity() == {"name": "painted", "sha256": "0" * 64}

    def test_the_network_is_loaded_only_when_needed(self) -> None:
        segmenter = SamSegmenter(SamConfig(weights="no-such-weights"), MachineConfig())
        with pytest.raises(ValueError, match="no-such-weights"):
            segmenter.identity()
