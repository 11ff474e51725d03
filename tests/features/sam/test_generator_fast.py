"""On painted images it is known what there is; on photographs the exact mode says so."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import chain
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from scipy.spatial import KDTree

from engine.synthetic.scenes import render
from features.device import MachineConfig
from features.sam import SamConfig
from features.sam.candidates import View, ask, best_drawn, draft, exact_masks
from features.sam.generator import MaskGenerator, waves
from features.sam.masks import PackedMask
from features.sam.network import MaskNetwork
from features.sam.official import load
from features.sam.point_grid import Crop, lattice

WEIGHTS = Path(__file__).parents[2] / "assets" / "sam-mini.safetensors"
SETTINGS = json.loads(WEIGHTS.with_suffix(".json").read_text())

SIZE = (200, 300)
GREY, RED, BLUE, GREEN = (120, 120, 120), (200, 40, 40), (40, 60, 200), (40, 150, 60)
FAST, EXACT = SamConfig(mode="fast"), SamConfig(mode="exact")
Box = tuple[int, int, int, int]  # top, left, bottom, right


@pytest.fixture(scope="module")
def network() -> MaskNetwork:
    return load(WEIGHTS, MachineConfig(device="cpu", n_threads=1))


def paint(*things: tuple[tuple[int, int, int], Box]) -> np.ndarray:
    image = np.full((*SIZE, 3), GREY, dtype=np.uint8)
    for color, (top, left, bottom, right) in things:
        image[top:bottom, left:right] = color
    return image


def missed(found: list[PackedMask], wanted: list[PackedMask]) -> list[PackedMask]:
    """Masks of which none that was found is nearly the same."""
    return [
        mask
        for mask in wanted
        if not any(overlap(mask.pixels(), other.pixels()) >= 0.9 for other in found)
    ]


def overlap(one: np.ndarray, other: np.ndarray) -> float:
    return float(np.count_nonzero(one & other) / np.count_nonzero(one | other))


class TestWaves:
    @pytest.mark.parametrize("n_per_side", [1, 5, 8, 24, 32, 50])
    def test_every_point_is_in_one_wave(self, n_per_side: int) -> None:
        points_xy = lattice(n_per_side) * (300, 200)
        every = np.concatenate(waves(points_xy, SIZE))
        np.testing.assert_array_equal(np.sort(every), np.arange(n_per_side**2))

    def test_points_of_any_grid_are(self) -> None:
        points_xy = np.random.default_rng(0).random((333, 2)) * (300, 200)
        every = np.concatenate(waves(points_xy, SIZE))
        np.testing.assert_array_equal(np.sort(every), np.arange(333))

    def test_each_wave_doubles_the_points(self) -> None:
        found = waves(lattice(64) * 300, (300, 300))
        assert [len(wave) for wave in found] == [256, 256, 512, 1024, 2048]

    def test_waves_are_spread_evenly(self) -> None:
        points_xy = lattice(64) * (300, 200)
        known = np.zeros((0, 2))
        for wave, reach in zip(waves(points_xy, SIZE), (4, 4, 2, 2, 1), strict=True):
            known = np.concatenate([known, points_xy[wave]])
            nearest, _ = KDTree(known / (300 / 64, 200 / 64)).query(
                points_xy / (300 / 64, 200 / 64), p=np.inf
            )
            assert nearest.max() <= reach + 1e-9


class TestFewerQuestions:
    SCENE = paint((RED, (20, 20, 80, 120)), (BLUE, (40, 60, 56, 80)), (GREEN, (120, 150, 180, 280)))

    def test_the_same_masks_are_found_with_a_fraction_of_the_points(
        self, painted: ModuleType
    ) -> None:
        networks = [painted.PaintedNetwork(groups=((RED, BLUE),)) for _ in range(2)]
        fast, exact = (
            MaskGenerator(network, config)(self.SCENE)
            for network, config in zip(networks, (FAST, EXACT), strict=True)
        )
        assert len(fast) == len(exact)
        assert not missed(fast, exact)
        few, all_of_them = (len(network.asked_xy) for network in networks)
        assert all_of_them == 32 * 32
        assert few < all_of_them / 2.5

    def test_of_a_network_that_hesitates_more_is_asked(self, painted: ModuleType) -> None:
        networks = [
            painted.PaintedNetwork(groups=((RED, BLUE),), hesitation=share)
            for share in (0.0, 0.1, 0.4)
        ]
        found = [MaskGenerator(network, FAST)(self.SCENE) for network in networks]
        assert not missed(found[1], found[0])
        assert not missed(found[2], found[0])
        n_asked = [len(network.asked_xy) for network in networks]
        assert n_asked == sorted(set(n_asked))

    @pytest.mark.parametrize("seed", range(4))
    def test_little_things_on_a_large_one_are_found(self, painted: ModuleType, seed: int) -> None:
        """They lie anywhere between the points asked first, and most hold only one or two."""
        rng = np.random.default_rng(seed)
        image = paint((RED, (10, 10, 190, 290)))
        for row in range(4):
            for column in range(6):
                y, x = 20 + 42 * row + rng.integers(26), 20 + 44 * column + rng.integers(26)
                image[y : y + 10, x : x + 12] = BLUE
        config = replace(FAST, stability_score_thresh=0.8)
        fast, exact = (
            MaskGenerator(painted.PaintedNetwork(), replace(config, mode=mode))(image)
            for mode in ("fast", "exact")
        )
        assert len(exact) >= 25
        assert not missed(fast, exact)

    def test_a_part_of_a_thing_that_looks_the_same_is_found_by_points_on_it(
        self, painted: ModuleType
    ) -> None:
        """Nearly the same colour, but a thing of its own to the network."""
        image = paint((RED, (30, 30, 170, 270)), ((201, 41, 41), (60, 80, 120, 180)))
        fast, exact = (
            MaskGenerator(painted.PaintedNetwork(), config)(image) for config in (FAST, EXACT)
        )
        assert len(exact) == 3
        assert not missed(fast, exact)

    def test_where_nothing_is_seen_every_point_is_asked(self, painted: ModuleType) -> None:
        network = painted.PaintedNetwork(blind=(GREY,))
        MaskGenerator(network, FAST)(paint((RED, (60, 100, 140, 200))))
        asked_xy = np.array(network.asked_xy)
        is_on_red = (np.abs(asked_xy - (150, 100)) < (50, 40)).all(axis=1)
        lattice_xy = lattice(32) * (300, 200)
        is_red = (np.abs(lattice_xy - (150, 100)) < (50, 40)).all(axis=1)
        assert np.count_nonzero(~is_on_red) >= np.count_nonzero(~is_red)
        assert np.count_nonzero(is_on_red) < np.count_nonzero(is_red) / 1.5


class TestTrainedNetwork:
    """A small trained network is unsure of much, and hesitates from point to point."""

    def test_nearly_all_masks_of_the_exact_mode_are_found(self, network: MaskNetwork) -> None:
        image = render("cable", np.random.default_rng(5)).image
        settings = SETTINGS | {"points_per_side": 32}
        fast, exact = (
            MaskGenerator(network, SamConfig(mode=mode, **settings))(image)
            for mode in ("fast", "exact")
        )
        assert len(exact) >= 8
        assert len(missed(fast, exact)) <= 0.05 * len(exact)

    def test_drawing_only_what_may_stay_changes_nothing(self, network: MaskNetwork) -> None:
        image = render("cable", np.random.default_rng(2)).image
        config = SamConfig(**SETTINGS)
        height, width = image.shape[:2]
        view = View(image, Crop((0, 0, width, height), 0), network.embed(image))
        points_xy = lattice(16) * (width, height)
        answers = ask(network, view, points_xy, config, lambda each: draft(each, view, config))
        ours = best_drawn(chain.from_iterable(answers), view, config)
        theirs = exact_masks(network, view, points_xy, config)
        assert len(theirs) > 3
        for one, other in zip(ours, theirs, strict=True):
            np.testing.assert_array_equal(one.pixels(), other.pixels())
            assert (one.predicted_iou, one.stability) == (other.predicted_iou, other.stability)


class TestSameRules:
    def test_masks_pass_all_thresholds(self, painted: ModuleType) -> None:
        for stability in (0.9, 0.96, 0.99):
            config = replace(FAST, stability_score_thresh=stability)
            masks = MaskGenerator(painted.PaintedNetwork(), config)(TestFewerQuestions.SCENE)
            assert masks
            assert all(mask.stability >= stability for mask in masks)
            assert all(mask.predicted_iou > config.pred_iou_thresh for mask in masks)

    def test_no_point_no_mask(self, painted: ModuleType) -> None:
        network = painted.PaintedNetwork()
        generator = MaskGenerator(network, FAST, point_grids=[np.zeros((0, 2))])
        assert generator(paint()) == []

    def test_crops_and_small_regions_are_looked_after(self, painted: ModuleType) -> None:
        config = replace(
            FAST,
            points_per_side=16,
            crop_n_layers=1,
            crop_n_points_downscale_factor=2,
            min_mask_region_area=30,
        )
        fast, exact = (
            MaskGenerator(painted.PaintedNetwork(), replace(config, mode=mode))(
                TestFewerQuestions.SCENE
            )
            for mode in ("fast", "exact")
        )
        assert {mask.crop_xyxy for mask in fast} == {mask.crop_xyxy for mask in exact}
        assert not missed(fast, exact)

    def test_two_runs_agree(self, painted: ModuleType) -> None:
        one, other = (
            MaskGenerator(painted.PaintedNetwork(), FAST).records(TestFewerQuestions.SCENE)
            for _ in range(2)
        )
        for each, same in zip(one, other, strict=True):
            assert each["bbox"] == same["bbox"]
            assert each["predicted_iou"] == same["predicted_iou"]
