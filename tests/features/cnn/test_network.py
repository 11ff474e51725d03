from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest

from features.cnn.checkpoint import Tensors, read_tensors
from features.cnn.network import EPSILON, SPREAD, network_of, onnx_of, output_name, stride_px
from features.weights.errors import WeightsError


@pytest.fixture
def tensors(checkpoint: Path) -> Tensors:
    return read_tensors(checkpoint)


def test_layout_is_read_from_the_weights(tensors: Tensors) -> None:
    network = network_of(tensors)
    assert [len(stage) for stage in network.stages] == [1, 2, 2, 3, 3, 4, 1]
    assert [network.width(stage) for stage in range(1, 8)] == [4, 6, 8, 10, 12, 14, 16]
    assert [stage[0].convolutions[-2].stride for stage in network.stages] == [1, 2, 2, 2, 1, 2, 1]
    for number, stage in enumerate(network.stages):
        # the first stage is as wide as the stem
        assert [block.has_skip for block in stage] == [number == 0] + [True] * (len(stage) - 1)
    assert len(network.stages[0][0].convolutions) == 2
    assert len(network.stages[1][0].convolutions) == 3


def test_strides() -> None:
    assert [stride_px(stage) for stage in range(1, 8)] == [2, 4, 8, 16, 16, 32, 32]


def test_normalisation_is_folded_into_the_convolution(tensors: Tensors) -> None:
    convolution = network_of(tensors).stages[3][1].convolutions[1]
    gain, shift, mean, variance = (
        tensors[f"_blocks.6._bn1.{kind}"]
        for kind in ("weight", "bias", "running_mean", "running_var")
    )
    weight = tensors["_blocks.6._depthwise_conv.weight"]
    for channel in range(len(weight)):
        factor = gain[channel] / np.sqrt(variance[channel] + EPSILON)
        np.testing.assert_allclose(convolution.weight[channel], weight[channel] * factor, rtol=1e-5)
        bias = shift[channel] - mean[channel] * factor
        np.testing.assert_allclose(convolution.bias[channel], bias, rtol=1e-4, atol=1e-6)


def test_spread_of_the_input_is_folded_into_the_stem(tensors: Tensors) -> None:
    gain = tensors["_bn0.weight"] / np.sqrt(tensors["_bn0.running_var"] + EPSILON)
    found = network_of(tensors).stem.weight * np.array(SPREAD)[:, None, None]
    expected = tensors["_conv_stem.weight"] * gain[:, None, None, None]
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_the_model_is_sound_onnx_and_ends_where_it_may(tensors: Tensors) -> None:
    sizes = []
    for last in (1, 3, 5, 7):
        content = onnx_of(network_of(tensors, last), (last, 1) if last > 1 else (1,))
        model = onnx.load_from_string(content)
        onnx.checker.check_model(model, full_check=True)
        outputs = [each.name for each in model.graph.output]
        assert outputs == [output_name(each) for each in ((last, 1) if last > 1 else (1,))]
        sizes.append(len(content))
    assert sizes == sorted(sizes)
    network = network_of(tensors)
    assert onnx_of(network, (3,)) == onnx_of(network_of(tensors, 3), (3,))


def lacking(tensors: Tensors) -> None:
    del tensors["_blocks.6._bn1.running_var"]


def short(tensors: Tensors) -> None:
    for name in [name for name in tensors if name.startswith("_blocks.15.")]:
        del tensors[name]


def wide(tensors: Tensors) -> None:
    tensors["_conv_stem.weight"] = np.zeros((4, 1, 3, 3), np.float32)


def oblong(tensors: Tensors) -> None:
    tensors["_blocks.0._depthwise_conv.weight"] = np.zeros((4, 1, 3, 5), np.float32)


def narrow(tensors: Tensors) -> None:
    tensors["_blocks.3._expand_conv.weight"] = np.zeros((12, 5, 1, 1), np.float32)


def unequal(tensors: Tensors) -> None:
    tensors["_bn0.running_mean"] = np.float32(0)


def damaged(tensors: Tensors) -> None:
    tensors["_blocks.2._bn0.running_var"] = np.full(12, -1, np.float32)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lacking, "EfficientNet-Lite, but they lack _blocks.6._bn1.running_var; choose"),
        (short, "but they lack _blocks.15._depthwise_conv.weight; choose"),
        (wide, r"but _conv_stem.weight has the shape \(4, 1, 3, 3\); choose"),
        (oblong, r"but _blocks.0._depthwise_conv.weight has the shape \(4, 1, 3, 5\)"),
        (narrow, r"but _blocks.3._expand_conv.weight has the shape \(12, 5, 1, 1\)"),
        (unequal, r"but _bn0 has other shapes than _conv_stem; choose"),
        (damaged, "_blocks.2._expand_conv must hold finite numbers; copy"),
    ],
)
def test_other_weights_are_refused(
    change: Callable[[Tensors], None], message: str, tensors: Tensors
) -> None:
    change(tensors)
    with pytest.raises(WeightsError, match=message):
        network_of(tensors)
