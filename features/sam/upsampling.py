"""How does a mask look in the image's own pixels?

The network draws masks at a quarter of its square's resolution. As in ``Sam.postprocess_masks`` of
segment-anything, logits are interpolated bilinearly to the square, cropped to the image's frame,
and interpolated again to the image's size. OpenCV does so several times faster than PyTorch.
"""

from __future__ import annotations

import cv2
import numpy as np
import torch
from jaxtyping import Float, Float32

from features.sam.network import Embedding


def to_image(
    logits: Float[torch.Tensor, "masks low low"], embedding: Embedding
) -> Float32[np.ndarray, "masks height width"]:
    """Return logits at the image's resolution; above 0 is inside."""
    height, width = embedding.image_size
    masks = np.empty((len(logits), height, width), dtype=np.float32)
    for low, mask in zip(logits.float().cpu().numpy(), masks, strict=True):
        cv2.resize(_in_frame(low, embedding), (width, height), dst=mask)
    return masks


def _in_frame(
    low: Float32[np.ndarray, "low low"], embedding: Embedding
) -> Float32[np.ndarray, "frame_height frame_width"]:
    """Interpolate to the square's resolution, within the frame."""
    height, width = embedding.frame_px
    factor = embedding.side_px // len(low)
    # one row and column more than the frame covers: interpolation looks at its neighbours
    needed = low[: -(-height // factor) + 1, : -(-width // factor) + 1]
    rows, columns = needed.shape
    enlarged: np.ndarray = cv2.resize(needed, (factor * columns, factor * rows))
    return enlarged[:height, :width]
