"""The exact mode against the reference, with a small trained network; records and arguments."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from segment_anything import SamAutomaticMaskGenerator
from segment_anything.modeling import Sam
from segment_anything.utils.amg import area_from_rle, rle_to_mask
from torch import nn

from engine.synthetic.scenes import CATEGORIES, render
from features.device import MachineConfig
from features.image_files import list_images, read_image
from features.images import ImageError, fit_size, resize
from features.sam import SamConfig
from features.sam.architecture import read_decoder, read_encoder
from features.sam.checkpoint import fill, read_tensors
from features.sam.generator import MaskGenerator
from features.sam.masks import mask_of
from features.sam.network import MaskNetwork
from features.sam.official import load
from features.sam.point_grid import lattice

WEIGHTS = Path(__file__).parents[2] / "assets" / "sam-mini.safetensors"
SETTINGS = json.loads(WEIGHTS.with_suffix(".json").read_text()) | {"points_per_side": 12}
DATA = Path(os.environ.get("PARTWISE_DATA", Path(__file__).parents[4] / "shared" / "data"))
N_IMAGES = 6

Record = Mapping[str, Any]


def pictures() -> list[np.ndarray]:
    """Photographs where there are any, or else rendered scenes."""
    folders = sorted(DATA.glob("*/train/good"))
    photos = [read_image(list_images(folder)[n]) for n in (0, 1) for folder in folders]
    rng = np.random.default_rng(0)
    while len(photos) < N_IMAGES:
        photos.append(render(CATEGORIES[len(photos) % len(CATEGORIES)], rng).image)
    return [shrunk(photo) for photo in photos[:N_IMAGES]]


def shrunk(photo: np.ndarray) -> np.ndarray:
    return resize(photo, fit_size(*photo.shape[:2], area_px=240 * 320, multiple=1))


PICTURES = pictures()


@pytest.fixture(scope="module")
def network() -> MaskNetwork:
    return load(WEIGHTS, MachineConfig(device="cpu", n_threads=1))


@pytest.fixture(scope="module")
def sam() -> Sam:
    """The same weights in the reference's own hands."""
    tensors = read_tensors(WEIGHTS)
    encoder = read_encoder(tensors)
    modules = encoder.build(), *read_decoder(tensors).build(encoder.grid, encoder.side_px)
    names = ("image_encoder", "prompt_encoder", "mask_decoder")
    fill(nn.ModuleDict(dict(zip(names, modules, strict=True))), tensors)
    return Sam(*modules).eval()


def assert_same(ours: list[Record], theirs: list[Record]) -> None:
    """The same masks in the same order, with the same measures."""
    assert len(ours) == len(theirs)
    for our, their in zip(ours, theirs, strict=True):
        assert {name: type(value) for name, value in our.items()} == {
            name: type(value) for name, value in their.items()
        }
        one, other = our["segmentation"], their["segmentation"]
        assert np.count_nonzero(one & other) >= 0.99 * np.count_nonzero(one | other)
        for name in ("bbox", "crop_box", "point_coords", "predicted_iou", "stability_score"):
            np.testing.assert_allclose(our[name], their[name], atol=1e-3, err_msg=name)
        assert our["area"] == pytest.approx(their["area"], rel=1e-3)


class TestParity:
    @pytest.mark.parametrize("index", range(N_IMAGES))
    def test_masks_are_those_of_the_reference(
        self, network: MaskNetwork, sam: Sam, index: int
    ) -> None:
        ours = MaskGenerator(network, SamConfig(mode="exact", **SETTINGS)).records(PICTURES[index])
        theirs = SamAutomaticMaskGenerator(sam, **SETTINGS).generate(PICTURES[index])
        assert theirs
        assert_same(ours, theirs)

    @pytest.mark.parametrize(
        "changes",
        [
            {"crop_n_layers": 1, "crop_n_points_downscale_factor": 2},
            {"crop_n_layers": 2, "points_per_side": 4, "crop_overlap_ratio": 0.1},
            {"min_mask_region_area": 60},
            {"crop_n_layers": 1, "points_per_side": 5, "min_mask_region_area": 200},
            {"pred_iou_thresh": 0.0, "stability_score_thresh": 0.0, "points_per_side": 5},
            {"box_nms_thresh": 0.3, "stability_score_offset": 0.3, "points_per_batch": 7},
        ],
        ids=lambda changes: ",".join(changes),
    )
    def test_every_parameter_means_the_same(
        self, network: MaskNetwork, sam: Sam, changes: dict[str, Any]
    ) -> None:
        image = shrunk(render("pins", np.random.default_rng(3)).image)
        settings = SETTINGS | {"points_per_side": 8} | changes
        ours = MaskGenerator(network, SamConfig(mode="exact", **settings)).records(image)
        theirs = SamAutomaticMaskGenerator(sam, **settings).generate(image)
        assert theirs
        assert_same(ours, theirs)

    def test_points_can_be_given(self, network: MaskNetwork, sam: Sam) -> None:
        grids = [np.random.default_rng(0).random((n, 2)) for n in (40, 10)]
        image = shrunk(render("meal", np.random.default_rng(1)).image)
        settings = SETTINGS | {"crop_n_layers": 1}
        config = SamConfig(mode="exact", **settings)
        ours = MaskGenerator(network, config, point_grids=grids).records(image)
        given = settings | {"points_per_side": None, "point_grids": grids}
        assert_same(ours, SamAutomaticMaskGenerator(sam, **given).generate(image))


class TestRecords:
    IMAGE = np.full((120, 180, 3), 120, dtype=np.uint8)
    IMAGE[30:90, 40:100] = (200, 40, 40)

    def test_masks_come_in_three_forms(self, painted: ModuleType) -> None:
        generator = MaskGenerator(painted.PaintedNetwork(), SamConfig(points_per_side=8))
        plain = generator.records(self.IMAGE)
        runs = generator.records(self.IMAGE, "uncompressed_rle")
        coco = generator.records(self.IMAGE, "coco_rle")
        assert len(plain) == 2
        for mask, run, text in zip(plain, runs, coco, strict=True):
            rle = run["segmentation"]
            np.testing.assert_array_equal(rle_to_mask(rle), mask["segmentation"])
            np.testing.assert_array_equal(mask_of(rle["counts"], (120, 180)), mask["segmentation"])
            assert area_from_rle(rle) == mask["area"] == run["area"] == text["area"]
            assert text["segmentation"]["size"] == [120, 180]
            json.dumps([run, text])

    def test_masks_know_their_point_and_box(self, painted: ModuleType) -> None:
        for mask in MaskGenerator(painted.PaintedNetwork())(self.IMAGE):
            pixels = mask.pixels()
            x, y = mask.point_xy
            assert pixels[int(y), int(x)]
            rows, columns = np.nonzero(pixels)
            assert mask.box_xyxy == (columns.min(), rows.min(), columns.max(), rows.max())
            assert mask.area_px == np.count_nonzero(pixels)
            assert mask.crop_xyxy == (0, 0, 180, 120)


class TestArguments:
    def test_every_layer_needs_a_grid(self, painted: ModuleType) -> None:
        with pytest.raises(ValueError, match=r"one grid .* each layer of crops, 2 in all, got 1"):
            MaskGenerator(
                painted.PaintedNetwork(), SamConfig(crop_n_layers=1), point_grids=[lattice(4)]
            )

    def test_what_is_no_image_is_refused(self, painted: ModuleType) -> None:
        with pytest.raises(ImageError, match="must be at least 16 px"):
            MaskGenerator(painted.PaintedNetwork())(np.zeros((50, 8, 3), dtype=np.uint8))
