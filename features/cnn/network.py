"""EfficientNet-Lite as a chain of convolutions, ready for any runtime.

EfficientNet (Tan and Le, 2019) without squeeze-and-excitation and with ReLU6 instead of swish, so
that small processors run it well (Liu, 2020). Seven stages of inverted residual blocks follow a
stem: a 1×1 convolution that widens, one of each channel by itself, and a 1×1 convolution that
narrows; where shapes agree, a block adds what it was given. Stages lie on grids of
stride 2, 4, 8, 16, 16, 32 and 32. How wide and deep they are is read from the weights.

At run time batch normalisation is an affine map of each channel; it is folded into the convolution
before it. What runs the network is given an ONNX message, which is written here, for that takes
forty lines and the library for it 60 MB.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32

from features.cnn import N_STAGES
from features.weights.errors import WeightsError

# of the first block of each stage; the stem's is 2
STRIDES = (1, 2, 2, 2, 1, 2, 1)
# of TensorFlow, where the weights were learnt
EPSILON = 1e-3
# the input is RGB from 0 to 255, less the mean; the division by the spread is folded into the stem
MEAN = (0.485 * 255, 0.456 * 255, 0.406 * 255)
SPREAD = (0.229 * 255, 0.224 * 255, 0.225 * 255)


def stride_px(stage: int) -> int:
    """Give the distance of neighbouring cells of a stage, the first of which is 1."""
    return 2 * int(np.prod(STRIDES[:stage]))


@dataclass(frozen=True)
class Convolution:
    """Weights, and what is done with the input before and the output after."""

    weight: Float32[np.ndarray, "filters inputs kernel kernel"]
    bias: Float32[np.ndarray, " filters"]
    stride: int = 1
    is_by_channel: bool = False
    """Each filter sees the one channel of its number."""
    is_clipped: bool = True
    """The output is clipped to 0 … 6."""


@dataclass(frozen=True)
class Block:
    """Convolutions one after the other; with a skip, the input is added to what comes out."""

    convolutions: tuple[Convolution, ...]
    has_skip: bool = False

    @property
    def width(self) -> int:
        """Number of channels that come out."""
        return len(self.convolutions[-1].bias)


@dataclass(frozen=True)
class CnnNetwork:
    """The stem and the seven stages; what follows them, to tell ImageNet's classes, is left out."""

    stem: Convolution
    stages: tuple[tuple[Block, ...], ...]

    def width(self, stage: int) -> int:
        """Number of channels of a stage, the first of which is 1."""
        return self.stages[stage - 1][-1].width


def network_of(tensors: Mapping[str, np.ndarray], n_stages: int = N_STAGES) -> CnnNetwork:
    """Put a network together from the tensors of a checkpoint, up to a stage.

    Raises:
        WeightsError: They are not those of an EfficientNet-Lite.
    """
    try:
        stem = _folded(tensors, "_conv_stem", "_bn0", n_inputs=3, stride=2)
        weight = stem.weight / np.array(SPREAD, np.float32)[:, None, None]
        stem = Convolution(weight, stem.bias, stem.stride)
        return CnnNetwork(stem, _stages(tensors, len(stem.bias), n_stages))
    except KeyError as error:
        raise WeightsError(
            f"expected the weights of an EfficientNet-Lite, but they lack {error.args[0]}; "
            "choose other weights"
        ) from error


def _stages(
    tensors: Mapping[str, np.ndarray], width: int, n_stages: int
) -> tuple[tuple[Block, ...], ...]:
    """Read block after block; a stage ends where the width changes."""
    stages: list[list[Block]] = []
    for number in itertools.count():
        prefix = f"_blocks.{number}."
        shift = tensors.get(f"{prefix}_bn2.bias")
        is_first = not stages or shift is None or shift.size != width
        if is_first and len(stages) == n_stages:
            break
        if is_first:
            stages.append([])
        stride = STRIDES[len(stages) - 1] if is_first else 1
        stages[-1].append(_block(tensors, prefix, width, stride))
        width = stages[-1][-1].width
    return tuple(map(tuple, stages))


def _block(tensors: Mapping[str, np.ndarray], prefix: str, given: int, stride: int) -> Block:
    convolutions, width = [], given
    if f"{prefix}_expand_conv.weight" in tensors:
        widened = _folded(tensors, f"{prefix}_expand_conv", f"{prefix}_bn0", n_inputs=given)
        convolutions, width = [widened], len(widened.bias)
    by_channel = _folded(
        tensors, f"{prefix}_depthwise_conv", f"{prefix}_bn1", n_inputs=1, stride=stride
    )
    if len(by_channel.bias) != width:
        raise _unlike(f"{prefix}_depthwise_conv.weight", by_channel.weight.shape)
    narrowed = _folded(
        tensors, f"{prefix}_project_conv", f"{prefix}_bn2", n_inputs=width, is_clipped=False
    )
    has_skip = stride == 1 and len(narrowed.bias) == given
    return Block((*convolutions, by_channel, narrowed), has_skip)


def _folded(
    tensors: Mapping[str, np.ndarray],
    name: str,
    norm: str,
    *,
    n_inputs: int,
    stride: int = 1,
    is_clipped: bool = True,
) -> Convolution:
    """Fold (y − mean) · gain / √(variance + ε) + shift into the convolution that gives y.

    Raises:
        WeightsError: Shapes are others, or the outcome is not finite.
        KeyError: A tensor is not there.
    """
    weight = tensors[f"{name}.weight"].astype(np.float64)
    kinds = ("weight", "bias", "running_mean", "running_var")
    gain, shift, mean, variance = (tensors[f"{norm}.{kind}"].astype(float) for kind in kinds)
    if weight.ndim != 4 or weight.shape[1] != n_inputs or weight.shape[2:] != weight.shape[3:1:-1]:
        raise _unlike(f"{name}.weight", weight.shape)
    if any(each.shape != weight.shape[:1] for each in (gain, shift, mean, variance)):
        raise WeightsError(
            f"expected the weights of an EfficientNet-Lite, but {norm} has other shapes than "
            f"{name}; choose other weights"
        )
    with np.errstate(invalid="ignore", over="ignore"):
        gain = gain / np.sqrt(variance + EPSILON)
        folded = (weight * gain[:, None, None, None]).astype(np.float32)
        bias = (shift - mean * gain).astype(np.float32)
    if not (np.isfinite(folded).all() and np.isfinite(bias).all()):
        raise WeightsError(f"{name} must hold finite numbers; copy these weights again")
    return Convolution(folded, bias, stride, n_inputs == 1, is_clipped)


def _unlike(name: str, shape: tuple[int, ...]) -> WeightsError:
    return WeightsError(
        f"expected the weights of an EfficientNet-Lite, but {name} has the shape {shape}; "
        "choose other weights"
    )


# ONNX, of which each message is a row of fields (https://onnx.ai/onnx/repo-docs/IR.html)
OPSET, IR_VERSION = 13, 8
INPUT = "image"
_FLOAT, _INT, _INTS = 1, 2, 7


def onnx_of(network: CnnNetwork, stages: Sequence[int]) -> bytes:
    """Write the network as an ONNX model of one image, of which both sides are free.

    The input is ``INPUT``, of shape (1, 3, height, width), and the outputs are called like
    ``output_name`` of the stages. What lies behind the last of them is left out.
    """
    fields = [_field(2, "EfficientNet-Lite"), *_chain(network, max(stages))]
    fields.append(_field(11, _value(INPUT, 3)))
    fields += [_field(12, _value(output_name(each), network.width(each))) for each in stages]
    opset = _field(1, "") + _field(2, OPSET)
    graph = b"".join(fields)
    return _field(1, IR_VERSION) + _field(2, "partwise") + _field(7, graph) + _field(8, opset)


def output_name(stage: int) -> str:
    """Name the map of a stage, the first of which is 1."""
    return f"stage_{stage}"


def _chain(network: CnnNetwork, n_stages: int) -> Iterator[bytes]:
    """Give the nodes of the graph and their weights, in the order in which they run."""
    yield _field(5, _tensor("low", np.array(0, np.float32)))
    yield _field(5, _tensor("high", np.array(6, np.float32)))
    yield from _convolution(network.stem, INPUT, "stem")
    given = "stem"
    for number, stage in enumerate(network.stages[:n_stages], 1):
        for place, block in enumerate(stage, 1):
            name = f"{output_name(number)}.{place}"
            last = output_name(number) if place == len(stage) else name
            made = given
            for step, convolution in enumerate(block.convolutions, 1):
                is_end = step == len(block.convolutions) and not block.has_skip
                target = last if is_end else f"{name}.{step}"
                yield from _convolution(convolution, made, target)
                made = target
            if block.has_skip:
                yield _field(1, _node("Add", [made, given], last))
            given = last


def _convolution(each: Convolution, source: str, target: str) -> Iterator[bytes]:
    """Pad as TensorFlow does where the stride divides the sides: more behind than before."""
    kernel = each.weight.shape[2]
    before, odd = divmod(kernel - each.stride, 2)
    weight, bias = f"{target}.weight", f"{target}.bias"
    yield _field(5, _tensor(weight, each.weight))
    yield _field(5, _tensor(bias, each.bias))
    made = f"{target}.sum" if each.is_clipped else target
    settings: dict[str, int | list[int]] = {
        "kernel_shape": [kernel, kernel],
        "strides": [each.stride, each.stride],
        "pads": [before, before, before + odd, before + odd],
        "group": len(each.bias) if each.is_by_channel else 1,
    }
    yield _field(1, _node("Conv", [source, weight, bias], made, settings))
    if each.is_clipped:
        yield _field(1, _node("Clip", [made, "low", "high"], target))


def _node(
    operation: str,
    inputs: Sequence[str],
    output: str,
    settings: Mapping[str, int | list[int]] | None = None,
) -> bytes:
    fields = [_field(1, name) for name in inputs]
    fields += [_field(2, output), _field(3, output), _field(4, operation)]
    for name, value in (settings or {}).items():
        if isinstance(value, int):
            setting = _field(3, value) + _field(20, _INT)
        else:
            setting = b"".join(_field(8, each) for each in value) + _field(20, _INTS)
        fields.append(_field(5, _field(1, name) + setting))
    return b"".join(fields)


def _tensor(name: str, values: np.ndarray) -> bytes:
    sizes = b"".join(_field(1, size) for size in values.shape)
    return sizes + _field(2, _FLOAT) + _field(8, name) + _field(9, values.astype("<f4").tobytes())


def _value(name: str, n_channels: int) -> bytes:
    free = _field(2, f"{name}.rows"), _field(2, f"{name}.columns")
    shape = b"".join(_field(1, size) for size in (_field(1, 1), _field(1, n_channels), *free))
    return _field(1, name) + _field(2, _field(1, _field(1, _FLOAT) + _field(2, shape)))


def _field(number: int, value: int | str | bytes) -> bytes:
    """Write one field of a protocol buffer: a number from 0 on, or text or bytes."""
    if isinstance(value, int):
        return _number(number << 3) + _number(value)
    content = value.encode() if isinstance(value, str) else value
    return _number(number << 3 | 2) + _number(len(content)) + content


def _number(value: int) -> bytes:
    """Write seven bits a byte, the last ones first; the eighth says that more follow."""
    found = bytearray()
    while value > 0x7F:
        found.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*found, value])
