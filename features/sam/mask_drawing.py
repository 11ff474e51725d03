"""Mask upscaling: masks drawn from the image's tokens, tile by tile.

Two transposed convolutions (``MaskDecoder.output_upscaling`` of segment-anything) of stride 2,
whose kernels do not overlap: each token unfolds on its own into 4 x 4 pixels, and a mask is the
product of their vectors with its own, its brush. So tokens go through in tiles, small enough to
stay in a processor's cache, and row by row of pixels, so that nothing must be rearranged. The first
convolution is a projection of image tokens, of which the part that all prompts share is known
beforehand (see ``features.sam.shared_attention``).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import torch
from jaxtyping import Float
from torch import nn
from torch.nn.functional import layer_norm

from features.sam.shared_attention import Change, Projection

# tokens of one prompt that a processor works on at once: 1024, each with SAM's 128 values for a row
# of pixels, take half of the 1 MB that a core's second cache holds
TILE = 1024
# prompts that a GPU works on at once
N_PROMPTS = 32


class Canvas(NamedTuple):
    """What the masks of all prompts share; two rows of two pixels each come from a token."""

    shared: Float[torch.Tensor, "tokens canvas"]
    """What the first convolution makes of S."""
    first: Float[torch.Tensor, "tokens canvas"]
    """Added after the first convolution: its bias, and finer features of the image."""
    second: Float[torch.Tensor, "2 2 tokens 2 pair"]
    """Added after the second, for either row of pixels that comes from either row of the first."""


class Fine(NamedTuple):
    """Features of the image at four and at two times the grid, where a network has them."""

    quarters: Float[torch.Tensor, "brush low low"]
    halves: Float[torch.Tensor, "quarter_dim half half"]


class Drawing:
    """The upscaling layers; ``canvas``, the first, is given; ``grid`` counts tokens a side."""

    def __init__(
        self, upscaling: nn.Sequential, canvas: Projection, grid: int, dtype: torch.dtype
    ) -> None:
        norm: Any
        second: Any
        _, norm, self._activation, second, self._last_activation = upscaling
        self.grid, self.dtype, self._canvas = grid, dtype, canvas
        self._eps: float = norm.eps
        self._gain: torch.Tensor = norm.weight.to(dtype)
        self._bias: torch.Tensor = norm.bias.to(dtype)
        half = len(canvas.rest) // 2
        self._halves = slice(0, half), slice(half, 2 * half)
        weight, self._second_bias = as_projection(second)
        self._second = [row.T.to(dtype) for row in weight.chunk(2)]
        is_on_cpu = canvas.weight.device.type == "cpu"
        self.n_prompts = 1 if is_on_cpu else N_PROMPTS
        self._tile_rows = max(1, TILE // grid) if is_on_cpu else grid

    def canvas(self, shared: Float[torch.Tensor, "tokens canvas"], fine: Fine | None) -> Canvas:
        """Lay out what the masks of all prompts share."""
        first = self._canvas.rest.expand_as(shared)
        second = self._second_bias.view(1, 2, 1, 1, -1).expand(2, 2, len(shared), 2, -1)
        if fine is not None:
            first = first + _by_tokens(fine.halves, self.grid).flatten(1)
            # pixels of a token by row and column of the first convolution, then of the second
            cells = _by_tokens(fine.quarters, self.grid)
            pixels = cells.view(len(cells), 2, 2, 2, 2, -1).permute(1, 2, 0, 3, 4, 5)
            second = second + pixels.flatten(4)
        return Canvas(shared.to(self.dtype), first, second)

    def __call__(
        self, change: Change, canvas: Canvas, brushes: Float[torch.Tensor, "prompts masks brush"]
    ) -> Float[torch.Tensor, "prompts masks low low"]:
        """Draw masks as logits in fp32."""
        grid, n_rows, brushes = self.grid, self._tile_rows, brushes.to(self.dtype)
        written = (change.written @ self._canvas.weight.T).to(self.dtype)
        masks = torch.empty(
            *brushes.shape[:2], grid, 2, 2, 4 * grid, device=brushes.device, dtype=torch.float32
        )
        for top in range(0, grid, n_rows):
            tile = slice(top * grid, (top + n_rows) * grid)
            weights = change.weights[..., tile].mT.to(self.dtype)
            scale = change.scale[..., tile].mT
            for i, half in enumerate(self._halves):
                pixels = torch.baddbmm(canvas.shared[tile, half], weights, written[..., half])
                pixels.mul_(scale).add_(canvas.first[tile, half])
                for j, row in enumerate(self._rows(pixels, canvas.second[i, :, tile])):
                    target = masks[:, :, top : top + n_rows, i, j]
                    target.copy_((brushes @ row.mT).view(target.shape))
        return masks.flatten(2, 4)

    def _rows(
        self,
        pairs: Float[torch.Tensor, "prompts tile half_canvas"],
        second: Float[torch.Tensor, "2 tile 2 pair"],
    ) -> Iterator[Float[torch.Tensor, "prompts tile_pixels brush"]]:
        """Upscale two neighbours from each token to the two rows of four that come from them."""
        pairs = torch.unflatten(pairs, 2, (2, -1))
        pairs = layer_norm(pairs, self._gain.shape, self._gain, self._bias, self._eps)
        pairs = self._activation(pairs)
        for weight, rest in zip(self._second, second, strict=True):
            row = self._last_activation((pairs @ weight).add_(rest))
            yield torch.unflatten(row, 3, (2, -1)).flatten(1, 3)


def _by_tokens(
    features: Float[torch.Tensor, "dim fine fine"], grid: int
) -> Float[torch.Tensor, "tokens rows columns dim"]:
    """Gather the fine features that lie within each token."""
    dim, fine, _ = features.shape
    cells = features.view(dim, grid, fine // grid, grid, fine // grid)
    return cells.permute(1, 3, 2, 4, 0).flatten(0, 1)


def as_projection(
    convolution: nn.ConvTranspose2d,
) -> tuple[Float[torch.Tensor, "rows dim"], Float[torch.Tensor, " rows"]]:
    """Write a transposed convolution of stride 2 as weight and bias of a projection to 2 x 2."""
    assert convolution.kernel_size == convolution.stride == (2, 2)
    assert convolution.bias is not None
    weight = convolution.weight.detach().permute(2, 3, 1, 0).flatten(0, 2)
    return weight, convolution.bias.detach().repeat(4)
