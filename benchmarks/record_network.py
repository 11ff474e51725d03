"""Records what PyTorch computes from a weights file, for ``tests/features/test_network.py``.

``python benchmarks/record_network.py WEIGHTS -o tests/features/network_expected.safetensors``
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
import torch.nn.functional as nnf
from backbone_net import BLOCKS
from safetensors.torch import load_file, save_file
from torch import Tensor

IMAGE_PX = 48, 32  # height and width: small, and not square


def run(weights: dict[str, Tensor], image: Tensor) -> list[Tensor]:
    """Return the maps (height, width, dim) at strides 4, 8 and 16 of an RGB uint8 image."""

    def convolve(x: Tensor, name: str, stride: int) -> Tensor:
        weight, bias = (weights[f"{name}.{kind}"].float() for kind in ("weight", "bias"))
        return nnf.conv2d(x, weight, bias, stride, padding=1)

    x = convolve(image.permute(2, 0, 1)[None] / 127.5 - 1, "stem", 2)
    maps = []
    for stage, n_blocks in enumerate(BLOCKS):
        x = convolve(torch.relu(x), f"stages.{stage}.down", 2)
        for block in range(n_blocks):
            name = f"stages.{stage}.blocks.{block}"
            inner = convolve(torch.relu(x), f"{name}.first", 1)
            x = x + convolve(torch.relu(inner), f"{name}.second", 1)
        maps.append(x[0].permute(1, 2, 0).contiguous())
    return maps


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("weights", type=Path)
    parser.add_argument("-o", "--output", type=Path, required=True)
    args = parser.parse_args()
    torch.manual_seed(0)
    image = torch.randint(0, 256, (*IMAGE_PX, 3), dtype=torch.uint8)
    maps = run(load_file(args.weights), image)
    strides = {f"stride_{4 * 2**i}": features for i, features in enumerate(maps)}
    save_file({"image": image} | strides, args.output)


if __name__ == "__main__":
    main()
