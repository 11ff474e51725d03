from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import openvino
import pytest

from features.device import MachineConfig, MachineError
from features.vit import VitConfig
from features.vit.architectures import describe
from features.vit.runtime import N_SIZES, Encoder

MakeFolder = Callable[..., Path]
# between them: both feed-forward parts, registers, learnt positions and rotations
TYPES = ("dinov2_with_registers", "dinov3_vit")


def make_encoder(folder: Path, **machine: object) -> Encoder:
    config = MachineConfig(**({"device": "cpu", "n_threads": 1} | machine))
    return Encoder(folder, describe(folder), VitConfig(layers=(-1, 0)), config)


def random_images(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (*shape, 3), dtype=np.uint8)


def cosines(found: np.ndarray, expected: np.ndarray) -> np.ndarray:
    lengths = np.linalg.norm(found, axis=-1) * np.linalg.norm(expected, axis=-1)
    return (found * expected).sum(axis=-1) / lengths


@pytest.mark.parametrize("model_type", TYPES)
@pytest.mark.parametrize("runtime", ["onnx", "openvino"])
def test_runtimes_give_the_same_up_to_rounding(
    runtime: str, model_type: str, make_folder: MakeFolder
) -> None:
    folder = make_folder(model_type, num_hidden_layers=2)
    patch_px = describe(folder).patch_px
    images = random_images(2, 5 * patch_px, 7 * patch_px)
    expected = make_encoder(folder)(images)
    found = make_encoder(folder, runtime=runtime)(images)
    assert expected.shape == (2, 5, 7, 96)
    np.testing.assert_allclose(found, expected, atol=1e-4)


@pytest.mark.parametrize("runtime", ["torch", "openvino"])
def test_half_the_bits_give_nearly_the_same(runtime: str, make_folder: MakeFolder) -> None:
    folder, images = make_folder(), random_images(2, 70, 70)
    expected = make_encoder(folder)(images)
    encoder = make_encoder(folder, runtime=runtime, precision="bf16")
    has_bf16 = "BF16" in openvino.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    if runtime == "openvino" and not has_bf16:
        with pytest.raises(
            MachineError, match='which this processor does not compute; set it to "fp32'
        ):
            encoder(images)
        return
    found = encoder(images)
    assert found.dtype == np.float32
    assert cosines(found, expected).min() > 0.999
    assert np.abs(found - expected).max() > 1e-5


def test_runs_are_kept_for_the_last_sizes(make_folder: MakeFolder) -> None:
    encoder = make_encoder(make_folder())
    for rows in (5, 6, 7, 8, 5, 9):
        encoder(random_images(1, 14 * rows, 70))
    assert len(encoder._runs) == N_SIZES
    assert list(encoder._runs) == [(14 * rows, 70) for rows in (7, 8, 5, 9)]
