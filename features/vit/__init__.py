"""Dense descriptors by a pretrained vision transformer, and its settings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from features.config_fields import Range

Shape = Literal["keep", "square", "published"]

# the deepest plain transformer that can be had has 48 blocks
MAX_BLOCKS = 64
MAX_INPUT_PX = 4096


@dataclass(frozen=True)
class VitConfig:
    """The backbone of the foundation profiles."""

    weights: str = "dinov2-small"
    """Known name, or folder, of the weights; the small network runs on a processor."""
    input_px: Annotated[int, Range(1, MAX_INPUT_PX)] = 518
    """Side of the square whose area the network sees; DINOv2 was trained last at 518, so that its
    position embeddings need no interpolation there. A multiple of the patch size."""
    shape: Shape = "keep"
    """``keep`` has the aspect of the image, ``square`` squeezes it into a square, ``published``
    does so by way of 256 × 256, as the method was published, which loses what is finer."""
    layers: tuple[Annotated[int, Range(-MAX_BLOCKS, MAX_BLOCKS - 1)], ...] = (-1,)
    """Blocks whose output is taken, side by side in this order; 0 is the first, -1 the last."""
    is_unit: bool = True
    """Descriptors have length one, so that euclidean distance orders them as cosine distance."""

    def problems(self) -> list[str]:
        """Name what no range can say; what depends on the weights is checked with these."""
        found = []
        if not self.weights:
            found.append("weights must be a known name or a folder, got an empty string")
        if not self.layers or len(set(self.layers)) < len(self.layers):
            found.append(f"layers must name at least one block, and none twice, got {self.layers}")
        return found
