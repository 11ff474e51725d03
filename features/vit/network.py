"""From photographs to dense descriptors, as one module for one size of input.

The blocks and their weights are those of transformers; what surrounds them is computed once for a
size: position embeddings, prefix tokens (class and registers), rotations. So a runtime is handed a
plain chain of operations, and blocks behind the last one that is asked for are never run.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float32, UInt8
from torch import nn
from torch.nn.functional import normalize

from features.vit.architectures import Description
from features.vit.positions import resample


@dataclass(frozen=True)
class Anatomy:
    """The parts of a loaded model that dense descriptors need."""

    patches: nn.Conv2d
    blocks: tuple[nn.Module, ...]
    norm: nn.Module
    prefix: Float32[torch.Tensor, "1 prefix dim"]
    """Tokens before those of the patches, with their positions."""
    positions: Float32[torch.Tensor, "1 cells dim"] | None
    """Embeddings of a square grid; None where positions are rotations."""
    rotary: nn.Module | None


class VitNetwork(nn.Module):
    """Describes every cell of images of one size, in the precision of its weights."""

    prefix: torch.Tensor
    positions: torch.Tensor | None
    gain: torch.Tensor
    shift: torch.Tensor

    def __init__(
        self,
        anatomy: Anatomy,
        description: Description,
        size: tuple[int, int],
        *,
        layers: tuple[int, ...],
        is_unit: bool,
    ) -> None:
        super().__init__()
        weight = anatomy.patches.weight
        self.layers = [layer % description.n_blocks for layer in layers]
        self.is_unit = is_unit
        self.patches, self.norm = anatomy.patches, anatomy.norm
        self.blocks = nn.ModuleList(anatomy.blocks[: max(self.layers) + 1])

        # Compute what depends on the size alone
        grid = (size[0] // description.patch_px, size[1] // description.patch_px)
        positions = anatomy.positions
        if positions is not None:
            positions = resample(positions, grid, description.architecture.resampling).to(weight)
        self.register_buffer("prefix", anatomy.prefix.to(weight))
        self.register_buffer("positions", positions)
        self.turns: dict[str, tuple[torch.Tensor, ...]] = {}
        if anatomy.rotary is not None:
            self.turns["position_embeddings"] = anatomy.rotary(weight.new_empty(1, 3, *size))

        # (x / 255 - mean) / std, as one product and sum
        std = 255 * torch.tensor(description.std, device=weight.device)
        self.register_buffer("gain", (1 / std)[:, None, None])
        mean = 255 * torch.tensor(description.mean, device=weight.device)
        self.register_buffer("shift", (-mean / std)[:, None, None])

    def forward(
        self, images: UInt8[torch.Tensor, "batch height width 3"]
    ) -> Float32[torch.Tensor, "batch cells dim"]:
        """Return descriptors row by row; those of several layers side by side."""
        pixels = images.permute(0, 3, 1, 2).float() * self.gain + self.shift
        patches = self.patches(pixels.to(self.prefix.dtype)).flatten(2).transpose(1, 2)
        if self.positions is not None:
            patches = patches + self.positions
        tokens = torch.cat([self.prefix.expand(images.shape[0], -1, -1), patches], dim=1)
        taken = {}
        for number, block in enumerate(self.blocks):
            tokens = block(tokens, **self.turns)
            if number in self.layers:
                taken[number] = self.norm(tokens[:, self.prefix.shape[1] :]).float()
        described = torch.cat([taken[layer] for layer in self.layers], dim=-1)
        return normalize(described, dim=-1) if self.is_unit else described
