from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import load_file
from scipy.ndimage import gaussian_filter
from scipy.signal import correlate

from features.network import STRIDES, WEIGHTS, Network, by_tap, convolve

# Written by benchmarks/record_network.py from the same weights.
EXPECTED = Path(__file__).with_name("network_expected.safetensors")


@pytest.fixture(scope="module")
def network() -> Network:
    return Network()


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def blotches(rng: np.random.Generator, height: int, width: int) -> np.ndarray:
    """Coloured blotches a few pixels wide, so that every place looks different."""
    noise = gaussian_filter(rng.normal(size=(height, width, 3)), (2.5, 2.5, 0))
    return (128 + 40 * noise / noise.std()).clip(0, 255).astype(np.uint8)


def unit(features: np.ndarray) -> np.ndarray:
    return features / np.linalg.norm(features, axis=-1, keepdims=True)


@pytest.mark.parametrize(("height", "width"), [(64, 64), (48, 80), (45, 31), (16, 17)])
def test_each_stride_divides_the_image_into_whole_cells(
    network: Network, rng: np.random.Generator, height: int, width: int
) -> None:
    maps = network(blotches(rng, height, width))
    expected = [
        (height // s, width // s, dim) for s, dim in zip(STRIDES, (48, 96, 192), strict=True)
    ]
    assert [features.shape for features in maps] == expected
    assert {features.dtype for features in maps} == {np.dtype(np.float32)}


def test_agrees_with_pytorch(network: Network) -> None:
    expected = load_file(EXPECTED)
    for stride, features in zip(STRIDES, network(expected["image"]), strict=True):
        np.testing.assert_allclose(features, expected[f"stride_{stride}"], rtol=0, atol=1e-3)


def test_the_same_image_gives_the_same_maps_whatever_came_between(
    network: Network, rng: np.random.Generator
) -> None:
    image, other = blotches(rng, 48, 64), blotches(rng, 64, 48)
    first = network(image)
    network(other)
    for before, after in zip(first, network(image), strict=True):
        np.testing.assert_array_equal(before, after)


def test_maps_move_with_the_image_away_from_the_border(
    network: Network, rng: np.random.Generator
) -> None:
    scene = blotches(rng, 256, 256)
    here, there = network(scene[:-16, :-16]), network(scene[16:, 16:])
    for stride, first, second in zip(STRIDES, here, there, strict=True):
        step = 16 // stride
        # Half the field of view at strides 4, 8, 16 is 13, 51 and 95 px.
        margin = {4: 4, 8: 7, 16: 6}[stride]
        inside = slice(margin, -margin)
        shifted = first[step:, step:][inside, inside]
        assert shifted.size
        np.testing.assert_allclose(shifted, second[:-step, :-step][inside, inside], atol=1e-4)


def test_cells_recognise_their_place_in_other_light(
    network: Network, rng: np.random.Generator
) -> None:
    image = blotches(rng, 128, 128)
    dimmed = (0.7 * image + [0, 10, 20]).astype(np.uint8)
    for bright, dark in zip(network(image), network(dimmed), strict=True):
        here, there = (unit(each).reshape(-1, each.shape[2]) for each in (bright, dark))
        similarity = here @ there.T
        is_found = similarity.argmax(1) == np.arange(len(similarity))
        assert is_found.mean() > 0.9


@pytest.mark.parametrize(("kernel", "stride"), [(3, 1), (4, 2)])
@pytest.mark.parametrize(("height", "width"), [(6, 8), (7, 5)])
def test_convolve_is_a_strided_correlation_with_a_border_of_zeros(
    rng: np.random.Generator, kernel: int, stride: int, height: int, width: int
) -> None:
    x = rng.normal(size=(height, width, 3)).astype(np.float32)
    weight = rng.normal(size=(5, 3, kernel, kernel)).astype(np.float32)
    bias = rng.normal(size=5).astype(np.float32)

    padded = np.pad(x, ((1, 1), (1, 1), (0, 0)))
    naive = [
        correlate(padded, each.transpose(1, 2, 0), "valid")[::stride, ::stride, 0]
        for each in weight
    ]
    result = convolve(x, by_tap(weight), bias, stride=stride)
    np.testing.assert_allclose(result, np.stack(naive, 2) + bias, atol=1e-5)


def test_refuses_an_image_without_a_single_coarse_cell(network: Network) -> None:
    with pytest.raises(ValueError, match="at least 16 px, got height 15 and width 32; enlarge"):
        network(np.zeros((15, 32, 3), np.uint8))


def test_the_weights_say_what_they_were_trained_on() -> None:
    with safe_open(WEIGHTS, "np") as file:
        metadata = file.metadata()
    assert "CC0 1.0" in metadata["training_data"]
    assert "MIT, Copyright (c) 2019 Marcus Klasson" in metadata["training_data"]
    assert metadata["recipe"]
