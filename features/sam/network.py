"""What does every network of the Segment Anything family offer?

An image is embedded once, which is slow; prompts (points, boxes, a rough mask) are then decoded to
mask candidates, which is fast. Candidates know their predicted IoU before any mask is drawn, so
that masks nobody wants are never computed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
import torch
from jaxtyping import Bool, Float, UInt8


@dataclass(frozen=True)
class Embedding:
    """One encoded image.

    ``frame_px`` (height, width) is the area that the image of ``image_size`` (height, width) takes
    up, from the top left, in the square of ``side_px`` that the network works in; low-resolution
    logits cover the whole square.
    """

    features: tuple[torch.Tensor, ...]
    image_size: tuple[int, int]
    frame_px: tuple[int, int]
    side_px: int


@dataclass(frozen=True)
class Prompts:
    """One row for each mask that is asked for; coordinates (x, y) in pixels of the image.

    ``is_positive`` is false for points that must not belong to the mask; without it all must.
    ``logits`` is a rough mask at low resolution, in the network's square, as ``Candidates.logits``
    returns it.
    """

    points_xy: Float[np.ndarray, "prompts points 2"] | None = None
    is_positive: Bool[np.ndarray, "prompts points"] | None = None
    box_xyxy: Float[np.ndarray, "prompts 4"] | None = None
    logits: Float[torch.Tensor, "prompts low low"] | None = None

    def __post_init__(self) -> None:
        given = [self.points_xy, self.box_xyxy, self.logits]
        lengths = {len(part) for part in given if part is not None}
        if len(lengths) != 1:
            raise ValueError(
                "prompts need points, boxes or rough masks, as many of each kind; "
                f"got {sorted(lengths) or 'none'}"
            )
        expected = None if self.points_xy is None else self.points_xy.shape[:2]
        if self.is_positive is not None and self.is_positive.shape != expected:
            raise ValueError(
                f"is_positive must have one entry for each point, {expected}, "
                f"got {self.is_positive.shape}"
            )

    @property
    def positive(self) -> Bool[np.ndarray, "prompts points"]:
        """Whether each point must belong to the mask."""
        if self.is_positive is not None:
            return self.is_positive
        n_points = (0, 0) if self.points_xy is None else self.points_xy.shape[:2]
        return np.ones(n_points, dtype=bool)


@runtime_checkable
class Candidates(Protocol):
    """What the decoder found for some prompts; three masks each, or one."""

    @property
    def iou(self) -> Float[torch.Tensor, "prompts masks"]:
        """Predicted overlap with the truth, 0 … 1, on the network's device, in fp32."""

    def logits(
        self, is_chosen: Bool[torch.Tensor, "prompts masks"]
    ) -> Float[torch.Tensor, "chosen low low"]:
        """Draw the chosen masks, prompts first, at low resolution in fp32; above 0 is inside."""


@runtime_checkable
class MaskNetwork(Protocol):
    """Encoder and decoder with their weights."""

    def embed(self, image: UInt8[np.ndarray, "height width 3"]) -> Embedding:
        """Encode one RGB image of any size."""

    def decode(
        self, embedding: Embedding, prompts: Prompts, *, is_multimask: bool = True
    ) -> Candidates:
        """Find mask candidates; several prompts at once are independent of each other."""

    def identity(self) -> dict[str, str]:
        """Say which weights these are: ``name`` and ``sha256``."""
