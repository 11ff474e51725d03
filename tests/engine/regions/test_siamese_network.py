import json
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from engine.regions.canonical import CHANNELS, MEASURES, SIDE_PX
from engine.regions.siamese import WEIGHTS, Network, convolve


def naive(x: np.ndarray, weight: np.ndarray, bias: np.ndarray, stride: int) -> np.ndarray:
    """Correlation of one map, written out; weight (out, in, kernel, kernel), one cell of zeros."""
    kernel = weight.shape[-1]
    padded = np.pad(x, ((1, 1), (1, 1), (0, 0)))
    rows = range(0, padded.shape[0] - kernel + 1, stride)
    columns = range(0, padded.shape[1] - kernel + 1, stride)
    return np.array(
        [
            [
                np.einsum("hwi,oihw->o", padded[y : y + kernel, x : x + kernel], weight) + bias
                for x in columns
            ]
            for y in rows
        ]
    )


@pytest.mark.parametrize(("kernel", "stride", "side"), [(3, 1, 5), (4, 2, 8), (4, 2, 6)])
def test_convolution_equals_the_sum_written_out(kernel: int, stride: int, side: int) -> None:
    rng = np.random.default_rng(kernel)
    maps = rng.normal(size=(2, side, side, 3)).astype(np.float32)
    weight = rng.normal(size=(4, 3, kernel, kernel)).astype(np.float32)
    bias = rng.normal(size=4).astype(np.float32)
    taps = np.ascontiguousarray(weight.transpose(2, 3, 1, 0))
    expected = np.array([naive(each, weight, bias, stride) for each in maps])
    np.testing.assert_allclose(convolve(maps, taps, bias, stride=stride), expected, atol=1e-4)


def test_the_whole_network_equals_its_layers_one_by_one() -> None:
    rng = np.random.default_rng(0)
    pixels = rng.uniform(-1, 1, (1, SIDE_PX, SIDE_PX, len(CHANNELS))).astype(np.float32)
    measures = rng.normal(size=(1, len(MEASURES))).astype(np.float32)
    arrays = {name: array.astype(np.float64) for name, array in load_file(WEIGHTS).items()}
    x, number = pixels[0].astype(np.float64), 0
    while f"convolutions.{number}.weight" in arrays:
        weight, bias = (arrays[f"convolutions.{number}.{each}"] for each in ("weight", "bias"))
        x = np.maximum(naive(x, weight, bias, 2 if weight.shape[-1] == 4 else 1), 0)
        number += 1
    hidden = arrays["hidden.weight"] @ np.concatenate([x.ravel(), measures[0]])
    out = arrays["out.weight"] @ np.maximum(hidden + arrays["hidden.bias"], 0) + arrays["out.bias"]
    got = Network()(pixels, measures)[0]
    np.testing.assert_allclose(got, out / np.linalg.norm(out), atol=1e-4)


def test_each_cut_is_described_on_its_own() -> None:
    rng = np.random.default_rng(1)
    pixels = rng.uniform(-1, 1, (3, SIDE_PX, SIDE_PX, len(CHANNELS))).astype(np.float32)
    measures = rng.normal(size=(3, len(MEASURES))).astype(np.float32)
    network = Network()
    together = network(pixels, measures)
    alone = np.concatenate([network(pixels[i : i + 1], measures[i : i + 1]) for i in range(3)])
    np.testing.assert_allclose(together, alone, atol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(together, axis=1), 1, atol=1e-5)


def test_no_cuts_give_no_rows() -> None:
    nothing = np.empty((0, SIDE_PX, SIDE_PX, len(CHANNELS)), np.float32)
    assert len(Network()(nothing, np.empty((0, len(MEASURES)), np.float32))) == 0


def test_the_record_beside_the_weights_is_theirs() -> None:
    record = json.loads(WEIGHTS.with_suffix(".json").read_text(encoding="utf-8"))
    assert record["sha256"] == sha256(WEIGHTS.read_bytes()).hexdigest()
    assert (
        record["held_out"]["siamese"]["pair_auroc"]
        > record["held_out"]["arrangement"]["pair_auroc"]
    )
    assert WEIGHTS.stat().st_size < 1_000_000


def test_other_weights_give_other_descriptors(tmp_path: Path) -> None:
    arrays = load_file(WEIGHTS)
    arrays["out.bias"] = arrays["out.bias"] + np.float16(1)
    save_file(arrays, tmp_path / "other.safetensors")
    pixels = np.zeros((1, SIDE_PX, SIDE_PX, len(CHANNELS)), np.float32)
    measures = np.zeros((1, len(MEASURES)), np.float32)
    other = Network(tmp_path / "other.safetensors")(pixels, measures)
    assert not np.allclose(other, Network()(pixels, measures), atol=1e-3)
