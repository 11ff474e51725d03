"""The siamese network in PyTorch, and its export with normalisation folded in."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.torch
import torch
from torch import Tensor, nn

from engine.regions.canonical import CHANNELS, MEASURES, Views

TRAINING_DATA = (
    "regions rendered by benchmarks/siamese_training on rendered grounds, on sound rendered cloth, "
    "and on cuts of photographs: CC0 1.0 (alexeygrigorev/clothing-dataset); MIT, Copyright 2019 "
    "Marcus Klasson (marcusklasson/GroceryStoreDataset)"
)

# (channels, kernel, stride): 48 x 48 becomes 3 x 3, which still says what lies where
LAYERS = ((24, 4, 2), (48, 4, 2), (48, 3, 1), (64, 4, 2), (64, 3, 1), (96, 4, 2))
N_CELLS = 9
N_HIDDEN, DIM = 128, 48


class Net(nn.Module):
    """Unit descriptors of canonical cuts (n, channels, 48, 48) and their measures."""

    def __init__(self) -> None:
        super().__init__()
        widths = (len(CHANNELS), *(width for width, _, _ in LAYERS))
        self.convolutions = nn.ModuleList(
            nn.Sequential(
                nn.Conv2d(n_in, n_out, kernel, stride, padding=1, bias=False),
                nn.BatchNorm2d(n_out),
            )
            for n_in, (n_out, kernel, stride) in zip(widths[:-1], LAYERS, strict=True)
        )
        self.hidden = nn.Linear(N_CELLS * widths[-1] + len(MEASURES), N_HIDDEN)
        self.out = nn.Linear(N_HIDDEN, DIM)

    def forward(self, pixels: Tensor, measures: Tensor) -> Tensor:
        x = pixels
        for convolution in self.convolutions:
            x = torch.relu(convolution(x))
        # cells first, then channels: as the maps lie in memory where this runs without PyTorch
        flat = x.permute(0, 2, 3, 1).flatten(1)
        x = torch.relu(self.hidden(torch.cat([flat.float(), measures], 1)))
        return nn.functional.normalize(self.out(x).float(), dim=1)


@torch.no_grad()
def folded(net: Net) -> dict[str, Tensor]:
    """Return fp16 weights and biases of plain layers equal to the net in evaluation."""
    arrays = {}
    for number, layer in enumerate(net.convolutions):
        convolution, norm = layer
        scale = norm.weight / torch.sqrt(norm.running_var + norm.eps)
        weight = convolution.weight * scale[:, None, None, None]
        arrays[f"convolutions.{number}.weight"] = weight.half()
        arrays[f"convolutions.{number}.bias"] = (norm.bias - norm.running_mean * scale).half()
    for name in ("hidden", "out"):
        layer = getattr(net, name)
        arrays[f"{name}.weight"], arrays[f"{name}.bias"] = layer.weight.half(), layer.bias.half()
    return {name: array.contiguous() for name, array in arrays.items()}


@torch.no_grad()
def describe(net: Net, views: Views) -> np.ndarray:
    """Describe all views of all regions, in single precision."""
    n_turns = views.pixels.shape[1]
    rows = []
    for pixels, measures in zip(views.pixels, views.measures, strict=True):
        turned = torch.from_numpy(np.ascontiguousarray(pixels.transpose(0, 3, 1, 2)))
        rows.append(net(turned, torch.from_numpy(measures).expand(n_turns, -1)).numpy())
    return np.stack(rows)


def save(net: Net, path: Path, record: dict[str, Any]) -> None:
    """Write the weights, and beside them how they were made and what they reach."""
    metadata = {"script": "benchmarks/train_siamese.py", "training_data": TRAINING_DATA}
    content = safetensors.torch.save(folded(net), metadata)
    path.write_bytes(content)
    record = {
        "file": path.name,
        "sha256": hashlib.sha256(content).hexdigest(),
        **metadata,
        "curve": record["held_out"]["siamese"]["curve"],
        **record,
    }
    text = json.dumps(record, indent=2) + "\n"
    path.with_suffix(".json").write_text(text, encoding="utf-8")
