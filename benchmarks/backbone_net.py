"""The small residual network in PyTorch, and its export with normalisation folded in."""

from __future__ import annotations

import json
from pathlib import Path

import safetensors.torch
import torch
from torch import Tensor, nn

CHANNELS = (32, 48, 96, 192)  # at strides 2, 4, 8 and 16
BLOCKS = (1, 2, 1)  # residual blocks at strides 4, 8 and 16: most where parts are compared
LICENCES = "photographs: CC0 1.0; MIT, Copyright (c) 2019 Marcus Klasson"


def convolution(n_in: int, n_out: int, kernel: int, stride: int) -> nn.Sequential:
    """Convolve and normalise; a kernel of 4 with stride 2 keeps cell centres on pixel blocks."""
    conv = nn.Conv2d(n_in, n_out, kernel, stride, padding=1, bias=False)
    return nn.Sequential(conv, nn.BatchNorm2d(n_out))


class Block(nn.Module):
    """x + conv(relu(conv(relu(x)))): signed maps, which cosine similarity can use in full."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.first = convolution(dim, dim, 3, 1)
        self.second = convolution(dim, dim, 3, 1)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.second(torch.relu(self.first(torch.relu(x))))


class Stage(nn.Module):
    """Halves the resolution, then refines."""

    def __init__(self, n_in: int, n_out: int, n_blocks: int) -> None:
        super().__init__()
        self.down = convolution(n_in, n_out, 4, 2)
        self.blocks = nn.Sequential(*(Block(n_out) for _ in range(n_blocks)))

    def forward(self, x: Tensor) -> Tensor:
        return self.blocks(self.down(torch.relu(x)))


class Net(nn.Module):
    """Maps of an RGB batch in -1..1 at strides 4, 8 and 16."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = convolution(3, CHANNELS[0], 4, 2)
        shapes = zip(CHANNELS[:-1], CHANNELS[1:], BLOCKS, strict=True)
        self.stages = nn.ModuleList(Stage(*shape) for shape in shapes)

    def forward(self, x: Tensor) -> list[Tensor]:
        x = self.stem(x)
        maps = []
        for stage in self.stages:
            x = stage(x)
            maps.append(x)
        return maps


@torch.no_grad()
def fold(net: Net) -> dict[str, Tensor]:
    """Return fp16 weights and biases of plain convolutions equal to the net in evaluation."""
    folded = {}
    for name, module in net.named_modules():
        if isinstance(module, nn.Sequential) and isinstance(module[-1], nn.BatchNorm2d):
            conv, norm = module
            scale = norm.weight / torch.sqrt(norm.running_var + norm.eps)
            folded[f"{name}.weight"] = (conv.weight * scale[:, None, None, None]).half()
            folded[f"{name}.bias"] = (norm.bias - norm.running_mean * scale).half()
    return folded


def save(net: Net, path: Path, recipe: dict[str, float]) -> None:
    layers = (
        "RGB / 127.5 - 1; x = stem, 4x4 stride 2 padding 1; per stage: x = down(relu(x)), 4x4 "
        "stride 2 padding 1; per block: x += second(relu(first(relu(x)))), 3x3 padding 1; "
        "the maps are x after each stage, at strides 4, 8, 16"
    )
    shape = {"channels": CHANNELS, "blocks": BLOCKS, "kernel": 4}
    recipe_text = json.dumps({"script": "benchmarks/train_backbone.py"} | recipe)
    meta = {"layers": layers, "shape": json.dumps(shape), "recipe": recipe_text}
    path.write_bytes(safetensors.torch.save(fold(net), meta | {"training_data": LICENCES}))
