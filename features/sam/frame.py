"""How does an image of any size lie in the square that a network works in?

SAM keeps the ratio of the sides and pads at the right and at the bottom (``ResizeLongestSide`` and
``Sam.preprocess`` of segment-anything); SAM 2 stretches the image to the square.
"""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Float, UInt8
from PIL import Image
from torch.nn.functional import pad

# mean and standard deviation of ImageNet's pixels (0 … 255), for which all encoders were trained
MEAN, DEVIATION = (123.675, 116.28, 103.53), (58.395, 57.12, 57.375)


def frame_of(image_size: tuple[int, int], side_px: int) -> tuple[int, int]:
    """Return height and width in the square of an image that keeps its ratio."""
    scale = side_px / max(image_size)
    height, width = image_size
    return int(height * scale + 0.5), int(width * scale + 0.5)


def in_square(
    image: UInt8[np.ndarray, "height width 3"], frame_px: tuple[int, int], side_px: int
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
    resized = Image.fromarray(image).resize((width, height), Image.Resampling.BILINEAR)
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
