from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn.functional import avg_pool2d, interpolate, normalize

from features.cnn import CnnConfig
from features.cnn.backbone import CELL_PX, CnnBackbone, local_mean, to_grid
from features.dense import Backbone
from features.device import MachineConfig
from features.images import resize
from features.weights.errors import WeightsError

MACHINE = MachineConfig(n_threads=1)

MakeBackbone = Callable[..., CnnBackbone]


def random_image(height: int, width: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


@pytest.fixture
def make_backbone(checkpoint: Path) -> MakeBackbone:
    def make(**settings: object) -> CnnBackbone:
        values = {"weights": str(checkpoint), "input_px": 128, "layers": (3, 4, 5)} | settings
        return CnnBackbone(CnnConfig(**values), MACHINE)  # type: ignore[arg-type]

    return make


def planes(cells: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(cells).permute(2, 0, 1)[None]


def pooled(cells: np.ndarray) -> torch.Tensor:
    return avg_pool2d(planes(cells), 3, 1, 1, count_include_pad=False)


def test_it_is_a_backbone_that_learns_directions(make_backbone: MakeBackbone) -> None:
    backbone = make_backbone()
    assert isinstance(backbone, Backbone)
    assert backbone.fit([random_image(64, 64)]) is backbone
    basis = backbone.state()["basis"]
    np.testing.assert_allclose(basis.T @ basis, np.eye(30), atol=1e-5)
    other = make_backbone()
    assert other.restore(backbone.state()) is other
    image = random_image(90, 70, 1)
    np.testing.assert_array_equal(other(image).tokens, backbone(image).tokens)


def test_directions_are_those_of_the_images(make_backbone: MakeBackbone) -> None:
    """Few of them keep nearly all of what they were learnt from, and more of it than of others."""
    images = [resize(random_image(3, 3, seed), (128, 128)) for seed in range(2)]
    whole, few = (make_backbone(n_components=n).fit(images) for n in (2048, 12))
    lengths = [
        [
            float((backbone(image).tokens ** 2).mean())
            for image in (images[0], random_image(128, 128))
        ]
        for backbone in (whole, few)
    ]
    (all_of_it, all_of_other), (own, other) = lengths
    assert few(images[0]).tokens.shape[-1] == 12
    assert 0.95 < 12 * own / (30 * all_of_it) <= 1.001
    assert other / all_of_other < own / all_of_it


def test_descriptors_are_such_as_half_precision_holds(make_backbone: MakeBackbone) -> None:
    image = random_image(128, 128)
    tokens = make_backbone().fit([image])(image).tokens
    assert tokens.dtype == np.float32
    np.testing.assert_array_equal(tokens, tokens.astype(np.float16))


@pytest.mark.parametrize(
    ("size", "grid"),
    [((128, 128), (8, 8)), ((300, 300), (8, 8)), ((50, 90), (6, 11)), ((40, 400), (4, 16))],
)
def test_the_grid_has_the_aspect_of_the_image(
    size: tuple[int, int], grid: tuple[int, int], make_backbone: MakeBackbone
) -> None:
    image = random_image(*size)
    dense = make_backbone().fit([image])(image)
    assert dense.tokens.shape == (*grid, 8 + 10 + 12)
    assert dense.tokens.dtype == np.float32
    assert dense.is_valid.all()


@pytest.mark.parametrize("layers", [(3, 4, 5), (5,), (1, 2), (4, 7)])
def test_descriptors_are_local_means_of_one_length_on_one_grid(
    layers: tuple[int, ...], make_backbone: MakeBackbone, reference: Any
) -> None:
    image = random_image(128, 160)
    backbone = make_backbone(layers=layers, input_px=143)  # 143² px are about 128 × 160
    whole = backbone.describe(image)
    tokens = backbone.fit([image])(image).tokens @ backbone.state()["basis"].T
    grid = 128 // CELL_PX, 160 // CELL_PX
    maps = [reference.stages(image)[layer - 1] for layer in layers]
    expected = []
    for cells in maps:
        is_finer = len(cells) >= grid[0]
        mode: dict[str, Any] = {"mode": "area"} if is_finer else {"mode": "bilinear"}
        on_grid = interpolate(pooled(cells), size=grid, **mode)[0].permute(1, 2, 0)
        expected.append(normalize(on_grid, dim=-1) / len(layers) ** 0.5)
    np.testing.assert_allclose(whole, torch.cat(expected, dim=-1), atol=1e-3)
    np.testing.assert_allclose(tokens, whole, atol=2e-3)  # in half precision


def test_layers_are_given_as_the_network_has_them(
    make_backbone: MakeBackbone, reference: Any
) -> None:
    image = random_image(300, 200)
    backbone = make_backbone(layers=(5, 3))
    found = backbone.layers(image)
    seen = resize(image, (160, 112))
    expected = reference.stages(seen)
    assert list(found) == ["stage_5", "stage_3"]
    assert found["stage_5"].shape == (10, 7, 12)
    np.testing.assert_allclose(found["stage_5"], expected[4], atol=1e-3)
    np.testing.assert_allclose(found["stage_3"], expected[2], atol=1e-3)


def test_cells_with_made_up_pixels_are_not_valid(make_backbone: MakeBackbone) -> None:
    is_valid = np.ones((128, 128), dtype=bool)
    is_valid[:, :20] = False
    image = random_image(128, 128)
    dense = make_backbone().fit([image])(image, is_valid)
    assert not dense.is_valid[:, :2].any()
    assert dense.is_valid[:, 2:].all()


def test_several_images_are_described_as_one_by_one(make_backbone: MakeBackbone) -> None:
    images = [random_image(100, 140, seed) for seed in range(3)]
    backbone = make_backbone().fit(images)
    is_valid = [np.ones((100, 140), dtype=bool) for _ in images]
    is_valid[1][:40] = False
    found = backbone.batch(images, is_valid)
    assert len(found) == 3
    for dense, image, mask in zip(found, images, is_valid, strict=True):
        alone = backbone(image, mask)
        np.testing.assert_array_equal(dense.tokens, alone.tokens)
        np.testing.assert_array_equal(dense.is_valid, alone.is_valid)
    assert not found[1].is_valid.all()
    assert backbone.batch(images)[1].is_valid.all()


def test_identity_says_what_descriptors_depend_on(make_backbone: MakeBackbone) -> None:
    identity = make_backbone().identity()
    assert identity == make_backbone().identity()
    assert identity["name"] == "thin.pth"
    others = {
        "input": make_backbone(input_px=256),
        "layers": make_backbone(layers=(5, 3)),
    }
    for key, backbone in others.items():
        other = backbone.identity()
        assert {each for each in identity if identity[each] != other[each]} == {key}


def test_identity_of_known_weights_is_their_published_sum() -> None:
    identity = CnnBackbone(CnnConfig(), MACHINE).identity()
    assert identity == {
        "name": "efficientnet-lite0",
        "sha256": "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
        "input": "512",
        "layers": " ".join(map(str, CnnConfig().layers)),
    }


def test_settings_out_of_range_are_refused_at_once() -> None:
    with pytest.raises(ValueError, match=r"^cnn.input_px must lie in .*; machine.n_threads must"):
        CnnBackbone(CnnConfig(input_px=9), MachineConfig(n_threads=-1))


def test_weights_that_are_not_here_are_missed_when_they_are_needed(tmp_path: Path) -> None:
    backbone = CnnBackbone(CnnConfig(weights=str(tmp_path / "none.pth")), MACHINE)
    for use in (backbone.identity, lambda: backbone.fit([random_image(64, 64)])):
        with pytest.raises(WeightsError, match=r"^unknown weights .*none.pth'; name efficientnet"):
            use()


@pytest.mark.parametrize("shape", [(1, 1, 1), (1, 4, 3), (5, 7, 200)])
def test_local_mean_is_that_of_the_cells_that_there_are(shape: tuple[int, int, int]) -> None:
    cells = np.random.default_rng(0).random(shape, dtype=np.float32)
    found = local_mean(cells)
    for row in range(shape[0]):
        for column in range(shape[1]):
            around = cells[max(0, row - 1) : row + 2, max(0, column - 1) : column + 2]
            np.testing.assert_allclose(found[row, column], around.mean(axis=(0, 1)), rtol=1e-5)


@pytest.mark.parametrize("n_channels", [1, 64, 65, 700])
def test_maps_come_to_one_grid(n_channels: int) -> None:
    cells = np.random.default_rng(0).random((4, 6, n_channels), dtype=np.float32)
    np.testing.assert_array_equal(to_grid(cells, (4, 6)), cells)
    halved = interpolate(planes(cells), size=(2, 3), mode="area")[0].permute(1, 2, 0)
    np.testing.assert_allclose(to_grid(cells, (2, 3)), halved, rtol=1e-5)
    grown = interpolate(planes(cells), size=(8, 12), mode="bilinear")[0].permute(1, 2, 0)
    np.testing.assert_allclose(to_grid(cells, (8, 12)), grown, rtol=1e-4)
