"""EfficientNet-Lite by plain PyTorch, thin and random, and written as its publisher wrote it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.functional import pad, relu6

# repeats, kernel, stride, factor of widening, width; the last as thin as the layout allows
LITE0 = (
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
)
THIN = tuple((*spec[:3], min(spec[3], 2), 4 + 2 * number) for number, spec in enumerate(LITE0))
MEAN, SPREAD = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])

Layout = tuple[tuple[int, int, int, int, int], ...]


def same(image: torch.Tensor, convolution: nn.Conv2d) -> torch.Tensor:
    """Convolve, padded as TensorFlow's "same": ceil(size / stride) outputs, more pixels behind."""
    margins = []
    for size in (image.shape[3], image.shape[2]):
        stride, kernel = convolution.stride[0], convolution.kernel_size[0]
        total = max((-(-size // stride) - 1) * stride + kernel - size, 0)
        margins += [total // 2, total - total // 2]
    found: torch.Tensor = convolution(pad(image, margins))
    return found


def norm(width: int) -> nn.BatchNorm2d:
    return nn.BatchNorm2d(width, eps=1e-3)


class ReferenceBlock(nn.Module):
    def __init__(self, given: int, kernel: int, stride: int, factor: int, width: int) -> None:
        super().__init__()
        inner = given * factor
        self.has_skip = stride == 1 and given == width
        if factor > 1:
            self._expand_conv = nn.Conv2d(given, inner, 1, bias=False)
            self._bn0 = norm(inner)
        self._depthwise_conv = nn.Conv2d(inner, inner, kernel, stride, groups=inner, bias=False)
        self._bn1 = norm(inner)
        self._project_conv = nn.Conv2d(inner, width, 1, bias=False)
        self._bn2 = norm(width)

    def forward(self, given: torch.Tensor) -> torch.Tensor:
        made = given
        if hasattr(self, "_expand_conv"):
            made = relu6(self._bn0(same(made, self._expand_conv)))
        made = relu6(self._bn1(same(made, self._depthwise_conv)))
        made = self._bn2(same(made, self._project_conv))
        return made + given if self.has_skip else made


class ReferenceNetwork(nn.Module):
    def __init__(self, layout: Layout, width: int) -> None:
        super().__init__()
        self._conv_stem = nn.Conv2d(3, width, 3, 2, bias=False)
        self._bn0 = norm(width)
        blocks, self.ends = [], []
        for repeats, kernel, stride, factor, wanted in layout:
            for number in range(repeats):
                blocks.append(
                    ReferenceBlock(width, kernel, 1 if number else stride, factor, wanted)
                )
                width = wanted
            self.ends.append(len(blocks))
        self._blocks = nn.ModuleList(blocks)
        self.eval()

    def stages(self, image: np.ndarray) -> list[np.ndarray]:
        """Maps of all stages, (rows, columns, channels)."""
        made = (torch.from_numpy(image) / 255 - MEAN) / SPREAD
        found = []
        with torch.inference_mode():
            made = relu6(self._bn0(same(made.permute(2, 0, 1)[None], self._conv_stem)))
            for number, block in enumerate(self._blocks, 1):
                made = block(made)
                if number in self.ends:
                    found.append(made[0].permute(1, 2, 0).numpy())
        return found


def save(tensors: object, path: Path) -> Path:
    torch.save(tensors, path, _use_new_zipfile_serialization=False)
    return path


@pytest.fixture(scope="session")
def reference() -> ReferenceNetwork:
    """A thin network whose weights and statistics are random."""
    generator = torch.Generator().manual_seed(0)
    network = ReferenceNetwork(THIN, 4)
    for each in network.modules():
        if isinstance(each, nn.Conv2d):
            fan_in = each.weight[0].numel()
            each.weight.data.normal_(0, (2 / fan_in) ** 0.5, generator=generator)
        if isinstance(each, nn.BatchNorm2d):
            for values, low, high in (
                (each.weight, 0.5, 1.2),
                (each.bias, -0.5, 1),
                (each.running_mean, -0.5, 0.5),
                (each.running_var, 0.5, 2),
            ):
                assert values is not None
                values.data.uniform_(low, high, generator=generator)
    # the publisher's came from TensorFlow, which has axes in another order
    stem = network._conv_stem.weight
    stem.data = stem.data.permute(2, 3, 1, 0).contiguous().permute(3, 2, 0, 1)
    return network


@pytest.fixture(scope="session")
def checkpoint(reference: ReferenceNetwork, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save(reference.state_dict(), tmp_path_factory.mktemp("weights") / "thin.pth")


@pytest.fixture(scope="session")
def make_lite0() -> Callable[[Path], ReferenceNetwork]:
    def make(path: Path) -> ReferenceNetwork:
        network = ReferenceNetwork(LITE0, 32)
        tensors = torch.load(path, weights_only=True)
        wanted = network.state_dict().keys()
        network.load_state_dict({name: tensors[name] for name in wanted})
        return network

    return make


def random_image(height: int, width: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
