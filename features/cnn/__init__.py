"""Convolutional network with the weights of ImageNet, and its settings: which, how large, what."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from features.config_fields import Range

N_STAGES = 7
# at twice that the widest map alone would take 1.6 GB
MAX_INPUT_PX = 2048
# four cells of the coarsest stage on a side
MIN_INPUT_PX = 128


@dataclass(frozen=True)
class CnnConfig:
    """The network whose weights a package brings."""

    weights: str = "efficientnet-lite0"
    """Known name, or file, of the weights; ``efficientnet-lite1`` and ``-lite2`` are larger."""
    input_px: Annotated[int, Range(MIN_INPUT_PX, MAX_INPUT_PX)] = 512
    """Side of the square whose area the network sees; the aspect is that of the image. Small things
    are lost at 256."""
    layers: tuple[Annotated[int, Range(1, N_STAGES)], ...] = (3, 4, 5, 6, 7)
    """Stages whose output is taken, side by side in this order. Of 1 to 7, 3 lies on a grid of
    stride 8 px, 4 and 5 on one of 16, 6 and 7 on one of 32. All five measure better than 3 to 5."""
    n_components: Annotated[int, Range(1, 2048)] = 160
    """Directions of the references' descriptors that are kept; more are slower."""

    def problems(self) -> list[str]:
        """Name what no range can say."""
        found = []
        if not self.weights:
            found.append("weights must be a known name or a file, got an empty string")
        if not self.layers or len(set(self.layers)) < len(self.layers):
            found.append(f"layers must name at least one stage, and none twice, got {self.layers}")
        return found
