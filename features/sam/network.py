"""Interface of the Segment Anything networks, and their input square.

An image is embedded once, which is slow; prompts (points, boxes, a rough mask) are then decoded to
mask candidates, which is fast. Candidates know their predicted IoU before any mask is drawn, so
that masks nobody wants are never computed.

An image of any size lies in the square that a network works in: SAM keeps the ratio of the sides
and pads at the right and at the bottom (``ResizeLongestSide`` and ``Sam.preprocess`` of
segment-anything); SAM 2 stretches the image to the square.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
import torch
from jaxtyping import Bool, Float
from PIL import Image as Pillow
from torch.nn.functional import pad

from features.images import Image


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

    def embed(self, image: Image) -> Embedding:
        """Encode one RGB image of any size."""

    def decode(
        self, embedding: Embedding, prompts: Prompts, *, is_multimask: bool = True
    ) -> Candidates:
        """Find mask candidates; several prompts at once are independent of each other."""

    def identity(self) -> dict[str, str]:
        """Say which weights these are: ``name`` and ``sha256``."""


# mean and standard deviation of ImageNet's pixels (0 … 255), for which all encoders were trained
MEAN, DEVIATION = (123.675, 116.28, 103.53), (58.395, 57.12, 57.375)


def frame_of(image_size: tuple[int, int], side_px: int) -> tuple[int, int]:
    """Return height and width in the square of an image that keeps its ratio."""
    scale = side_px / max(image_size)
    height, width = image_size
    return int(height * scale + 0.5), int(width * scale + 0.5)


def in_square(
    image: Image, frame_px: tuple[int, int], side_px: int
) -> Float[torch.Tensor, "1 3 side side"]:
    """Resize an RGB image to its frame, normalise it, and pad with the mean colour.

    Raises:
        ValueError: The image has no pixels, or is so narrow that none would be left.
    """
    if not image.size or not min(frame_px):
        raise ValueError(
            f"the image must have pixels left in a square of {side_px} px, "
            f"got {image.shape[0]} x {image.shape[1]}"
        )
    height, width = frame_px
    # bilinear over all pixels that shrink to one, in uint8, as torchvision resizes PIL images
    resized = Pillow.fromarray(image).resize((width, height), Pillow.Resampling.BILINEAR)
    pixels = torch.from_numpy(np.array(resized)).permute(2, 0, 1)[None]
    mean, deviation = (torch.tensor(values).view(3, 1, 1) for values in (MEAN, DEVIATION))
    return pad((pixels - mean) / deviation, (0, side_px - width, 0, side_px - height))


def to_frame(
    points_xy: Float[np.ndarray, "*any 2"], image_size: tuple[int, int], frame_px: tuple[int, int]
) -> Float[np.ndarray, "*any 2"]:
    """Scale pixel coordinates of the image to those of the square."""
    (height, width), (frame_height, frame_width) = image_size, frame_px
    scaled: np.ndarray = points_xy * np.array([frame_width / width, frame_height / height])
    return scaled
