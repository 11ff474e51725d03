from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from features.dense import Backbone
from features.device import MachineConfig, MachineError
from features.vit import VitConfig
from features.vit.backbone import VitBackbone
from features.weights.errors import WeightsError

MakeFolder = Callable[..., Path]
MACHINE = MachineConfig(device="cpu", n_threads=1, batch_size=4)


@pytest.fixture(autouse=True)
def _user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the user's weights and cache out of the tests."""
    for name in ("HF_HOME", "HF_HUB_CACHE", "PARTWISE_WEIGHTS", "XDG_CACHE_HOME", "HOME"):
        monkeypatch.setenv(name, str(tmp_path / "home"))


@pytest.fixture
def make_backbone(make_folder: MakeFolder) -> Callable[..., VitBackbone]:
    def make(model_type: str = "dinov2", **settings: object) -> VitBackbone:
        folder = make_folder(model_type)
        config = VitConfig(weights=str(folder), **({"input_px": 70} | settings))
        return VitBackbone(config, MACHINE)

    return make


MakeBackbone = Callable[..., VitBackbone]


def random_image(height: int, width: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def test_it_is_a_backbone_that_learns_nothing(make_backbone: MakeBackbone) -> None:
    backbone = make_backbone()
    assert isinstance(backbone, Backbone)
    assert backbone.fit([random_image(64, 64)]) is backbone
    assert backbone.state() == {}
    assert backbone.restore({}) is backbone


@pytest.mark.parametrize(
    ("shape", "grid"), [("keep", (4, 6)), ("square", (5, 5)), ("published", (5, 5))]
)
def test_the_grid_has_the_shape_asked_for(
    shape: str, grid: tuple[int, int], make_backbone: MakeBackbone
) -> None:
    dense = make_backbone(shape=shape)(random_image(50, 90))
    assert dense.tokens.shape == (*grid, 48)
    assert dense.tokens.dtype == np.float32
    assert dense.is_valid.all()
    np.testing.assert_allclose(np.linalg.norm(dense.tokens, axis=-1), 1, atol=1e-5)


def test_the_published_way_loses_detail(make_backbone: MakeBackbone) -> None:
    stripes = np.zeros((280, 280, 3), dtype=np.uint8)
    stripes[:, ::2] = 255
    square, published = (
        make_backbone(shape=shape, input_px=280) for shape in ("square", "published")
    )
    assert not np.allclose(square(stripes).tokens, published(stripes).tokens, atol=1e-2)
    plain = np.full_like(stripes, 90)
    np.testing.assert_allclose(square(plain).tokens, published(plain).tokens, atol=1e-5)


def test_an_image_of_the_input_size_is_not_resampled(make_backbone: MakeBackbone) -> None:
    backbone, image = make_backbone(), random_image(70, 70)
    np.testing.assert_array_equal(backbone(image).tokens, backbone.encoder(image[None])[0])


def test_patches_are_where_they_are_seen(make_backbone: MakeBackbone) -> None:
    backbone = make_backbone(shape="keep", layers=(0,))
    image = random_image(56, 84)
    image[28:42, 14:28] = 255 - image[28:42, 14:28]
    change = np.abs(backbone(image).tokens - backbone(random_image(56, 84)).tokens).sum(axis=-1)
    assert np.unravel_index(change.argmax(), change.shape) == (2, 1)


def test_cells_are_valid_if_nearly_all_their_pixels_are(make_backbone: MakeBackbone) -> None:
    is_valid = np.ones((100, 100), dtype=bool)
    is_valid[:, :21] = False
    is_valid[99, 99] = False  # a four-hundredth of its cell
    dense = make_backbone()(random_image(100, 100), is_valid)
    np.testing.assert_array_equal(dense.is_valid, np.tile([False, False, True, True, True], (5, 1)))


def test_a_batch_gives_what_single_images_give(make_backbone: MakeBackbone) -> None:
    backbone = make_backbone()
    images = [
        random_image(*size, seed) for seed, size in enumerate([(70, 70)] * 3 + [(50, 90)] * 3)
    ]
    masks = [
        None,
        *(np.random.default_rng(0).random((*image.shape[:2],)) > 0 for image in images[1:]),
    ]
    masks[1][:40] = False
    for dense, image, is_valid in zip(backbone.batch(images, masks), images, masks, strict=True):
        alone = backbone(image, is_valid)
        np.testing.assert_allclose(dense.tokens, alone.tokens, atol=1e-5)
        np.testing.assert_array_equal(dense.is_valid, alone.is_valid)
    assert backbone.batch([]) == []
    assert len(backbone.batch(images)) == 6


class SmallMemory:
    """An encoder on a GPU that holds only so many images."""

    def __init__(self, encoder: Callable[[np.ndarray], np.ndarray], n_images: int) -> None:
        self.encoder = encoder
        self.description = encoder.description
        self.n_images = n_images
        self.asked: list[int] = []

    def __call__(self, images: np.ndarray) -> np.ndarray:
        self.asked.append(len(images))
        if len(images) > self.n_images:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return self.encoder(images)


def test_out_of_memory_halves_the_batch_for_good_and_says_so(
    make_backbone: MakeBackbone, caplog: pytest.LogCaptureFixture
) -> None:
    backbone = make_backbone()
    images = [random_image(70, 70, seed) for seed in range(5)]
    expected = backbone.batch(images)
    small = SmallMemory(backbone.encoder, n_images=2)
    backbone.encoder = small
    with caplog.at_level(logging.WARNING):
        found = backbone.batch(images)
    assert caplog.messages == ["out of memory on the GPU: going on with batches of 2"]
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one.tokens, other.tokens, atol=1e-5)
    backbone.batch(images)
    assert small.asked == [4, 2, 2, 1, 2, 2, 1]


def test_too_little_memory_for_one_image_says_what_to_do(make_backbone: MakeBackbone) -> None:
    backbone = make_backbone()
    backbone.encoder = SmallMemory(backbone.encoder, n_images=0)
    with pytest.raises(MachineError, match="does not hold a single item; use smaller weights"):
        backbone(random_image(70, 70))


def test_identity_tells_weights_and_input_apart(make_backbone: MakeBackbone) -> None:
    backbone = make_backbone(layers=(0, -1))
    file = Path(backbone.config.weights) / "model.safetensors"
    assert backbone.identity() == {
        "name": "dinov2",
        "sha256": hashlib.sha256(file.read_bytes()).hexdigest(),
        "input": "70 keep",
        "layers": "0 -1",
        "length": "one",
    }
    other = make_backbone(layers=(0, -1), is_unit=False, shape="square").identity()
    differing = {key for key, value in other.items() if value != backbone.identity()[key]}
    assert differing == {"input", "length"}


def test_settings_that_do_not_fit_are_refused_when_built(make_backbone: MakeBackbone) -> None:
    with pytest.raises(ValueError, match=r"input_px must be a multiple of 14, .* got 75"):
        make_backbone(input_px=75)
    with pytest.raises(ValueError, match=r"multiple of 16, .* the nearest are 64 and 80"):
        make_backbone("vit")
    with pytest.raises(ValueError, match=r"vit.layers must lie in -3 … 2"):
        make_backbone(layers=(3,))
    with pytest.raises(ValueError, match=r"at least one block.*; machine.batch_size must"):
        VitBackbone(VitConfig(layers=()), MachineConfig(batch_size=0))


def test_weights_that_are_not_here_are_missed_when_needed() -> None:
    backbone = VitBackbone(VitConfig(), MACHINE)
    for ask in (backbone.identity, lambda: backbone(random_image(70, 70))):
        with pytest.raises(WeightsError, match="partwise weights get dinov2-small"):
            ask()
