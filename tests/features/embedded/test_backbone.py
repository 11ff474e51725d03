from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import pytest

from engine.synthetic.scenes import render
from features.embedded.backbone import CELL_PX, EmbeddedBackbone, describe, dim
from features.images import fit_size, resize

NOISE = np.random.default_rng(9).normal(0, 3, (400, 400, 3))

# what a line does to the light, each about as strong as it gets
LIGHT: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "darker": lambda image: image * 0.75,
    "brighter": lambda image: image * 1.1,
    "colour cast": lambda image: image * np.array([0.92, 0.96, 1.0]),
    "uneven": lambda image: image * np.linspace(0.8, 1, image.shape[1])[None, :, None],
    "noisy": lambda image: image + NOISE[: image.shape[0], : image.shape[1]],
}


def texture(seed: int = 0, size: int = 256) -> np.ndarray:
    rng = np.random.default_rng(seed)
    blocks = np.kron(rng.integers(0, 256, (size // 8, size // 8, 3)), np.ones((8, 8, 1)))
    return cv2.GaussianBlur(blocks.astype(np.uint8), (0, 0), 2)


@pytest.fixture(scope="module", params=["pins", "meal", "bottle"])
def references(request: pytest.FixtureRequest) -> list[np.ndarray]:
    scenes = [render(request.param, np.random.default_rng(seed)) for seed in range(3)]
    size = fit_size(*scenes[0].image.shape[:2], area_px=65_536, multiple=CELL_PX)
    return [resize(scene.image, size) for scene in scenes]


class TestDescribe:
    @pytest.mark.parametrize("shape", [(64, 64), (32, 200), (80, 32)])
    def test_one_descriptor_a_cell(self, shape: tuple[int, int]) -> None:
        image = np.random.default_rng(0).integers(0, 256, (*shape, 3), dtype=np.uint8)
        described = describe(image)
        assert described.shape == (shape[0] // CELL_PX, shape[1] // CELL_PX, dim())
        assert described.dtype == np.float32
        assert np.isfinite(described).all()

    @pytest.mark.parametrize("value", [0, 100, 255])
    def test_one_colour_says_nothing(self, value: int) -> None:
        described = describe(np.full((64, 64, 3), value, dtype=np.uint8))
        np.testing.assert_allclose(described, 0, atol=0.05)

    def test_moves_with_the_image(self) -> None:
        image = texture()
        before, after = describe(image), describe(np.roll(image, (16, -8), (0, 1)))
        moved = np.roll(before, (2, -1), (0, 1))
        inner = slice(13, -13)  # what the widest blur carries in from the edges
        gap = np.abs(moved - after)[inner, inner]
        assert gap.max() < 0.05 * np.abs(after).max()
        assert gap.mean() < 0.01 * np.abs(after).mean()


class TestValidity:
    @pytest.fixture
    def is_valid(self) -> np.ndarray:
        rows, columns = np.indices((256, 256))
        return rows + columns // 3 > 60

    def test_what_is_not_valid_changes_nothing(self, is_valid: np.ndarray) -> None:
        image, other = texture(), texture()
        image[~is_valid] = (255, 0, 120)
        other[~is_valid] = texture(1)[~is_valid]
        backbone = EmbeddedBackbone().fit([texture()])
        ours, theirs = (backbone(each, is_valid) for each in (image, other))
        np.testing.assert_array_equal(ours.is_valid, theirs.is_valid)
        np.testing.assert_array_equal(ours.tokens[ours.is_valid], theirs.tokens[ours.is_valid])

    def test_a_cell_is_valid_if_all_its_pixels_are(self, is_valid: np.ndarray) -> None:
        dense = EmbeddedBackbone().fit([texture()])(texture(), is_valid)
        for row, column in np.ndindex(dense.is_valid.shape):
            block = is_valid[row * CELL_PX :, column * CELL_PX :][:CELL_PX, :CELL_PX]
            assert dense.is_valid[row, column] == block.all()

    def test_cells_far_from_what_is_not_valid_hardly_notice(self, is_valid: np.ndarray) -> None:
        backbone = EmbeddedBackbone().fit([texture()])
        whole, masked = backbone(texture()).tokens, backbone(texture(), is_valid).tokens
        far = np.s_[16:, 16:]
        gap = np.linalg.norm(whole[far] - masked[far], axis=-1).mean()
        assert gap < 0.05 * np.linalg.norm(whole[far], axis=-1).mean()

    def test_nothing_valid_is_finite(self) -> None:
        is_valid = np.zeros((64, 64), dtype=bool)
        dense = EmbeddedBackbone().fit([texture(size=64)])(texture(size=64), is_valid)
        assert np.isfinite(dense.tokens).all()
        assert not dense.is_valid.any()


class TestLight:
    @pytest.mark.parametrize("name", LIGHT)
    def test_tokens_hardly_change(self, references: list[np.ndarray], name: str) -> None:
        """A change of light moves a cell by less than a fifth of the way to another cell."""
        backbone = EmbeddedBackbone().fit(references)
        image = references[0]
        changed = np.clip(np.rint(LIGHT[name](image.astype(float))), 0, 255).astype(np.uint8)
        before, after = (backbone(each).tokens.reshape(-1, dim()) for each in (image, changed))
        shuffled = np.random.default_rng(0).permutation(before)
        moved = np.linalg.norm(after - before, axis=1).mean()
        assert moved < 0.2 * np.linalg.norm(shuffled - before, axis=1).mean()

    def test_a_painted_spot_is_seen(self, references: list[np.ndarray]) -> None:
        backbone = EmbeddedBackbone().fit(references)
        spotted = references[0].copy()
        spotted[96:112, 96:112] = (250, 20, 200)
        moved = np.linalg.norm(backbone(spotted).tokens - backbone(references[0]).tokens, axis=-1)
        row, column = np.unravel_index(moved.argmax(), moved.shape)
        assert row in (11, 12, 13, 14)
        assert column in (11, 12, 13, 14)
        assert moved.max() > 10 * np.median(moved)


class TestFit:
    def test_dimensions_are_centred_and_scaled_on_the_references(
        self, references: list[np.ndarray]
    ) -> None:
        backbone = EmbeddedBackbone().fit(references)
        tokens = np.concatenate([backbone(each).tokens.reshape(-1, dim()) for each in references])
        np.testing.assert_allclose(tokens.mean(axis=0), 0, atol=1e-3)
        assert (tokens.std(axis=0) <= 1 + 1e-3).all()
        assert np.median(tokens.std(axis=0)) > 0.9

    def test_twice_equals_once(self, references: list[np.ndarray]) -> None:
        once = EmbeddedBackbone().fit(references)
        twice = EmbeddedBackbone().fit(references[:1]).fit(references)
        for name, array in once.state().items():
            np.testing.assert_array_equal(twice.state()[name], array)

    def test_restored_from_its_state(self, references: list[np.ndarray]) -> None:
        fitted = EmbeddedBackbone().fit(references)
        restored = EmbeddedBackbone().restore(fitted.state())
        np.testing.assert_array_equal(restored(references[0]).tokens, fitted(references[0]).tokens)

    def test_references_of_one_colour(self) -> None:
        flat = np.full((64, 64, 3), 90, dtype=np.uint8)
        tokens = EmbeddedBackbone().fit([flat])(texture(size=64)).tokens
        assert np.isfinite(tokens).all()
