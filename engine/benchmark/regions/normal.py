"""Which photographs show what is normal, if there is a labelled thing on every one of them?

Those whose boxes are small enough to be covered (``cover``), and on which nothing else stands out.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from jaxtyping import UInt8

from engine.benchmark.datasets import DatasetError
from engine.benchmark.regions.cover import cover
from engine.benchmark.regions.labels import BoxedPhoto
from features.image_files import read_image

Image = UInt8[np.ndarray, "height width 3"]

# beyond this share of a photograph, what covers its boxes would be most of what is learnt
MAX_COVERED = 0.25
# labels miss a thing now and then, and one of them in a reference would make it normal: of the
# covered photographs the loudest quarter is left out
QUIET_SHARE = 0.75
# px: spots are wider than the noise of the camera, narrower than a change of light
SPOT_PX, LIGHT_PX, BORDER_PX = 1.5, 12, 6


def normal_photos(photos: Sequence[BoxedPhoto]) -> list[Image]:
    """Cover the boxes of photographs; begin with those that are most unlike each other.

    References that are alike would tell little of how brightness and weave vary. Photographs on
    which something stands out although it is in no box are left out.

    Raises:
        DatasetError: Fewer than two photographs can be made normal.
    """
    covered = []
    for photo in photos:
        if sum(box.share for box in photo.boxes) <= MAX_COVERED:
            image = read_image(photo.path)
            size = image.shape[0], image.shape[1]
            covered.append(cover(image, [box.region(size) for box in photo.boxes]))
    images = [each for each in covered if each is not None]
    if len(images) < 2:
        raise DatasetError(
            f"only {len(images)} of {len(photos)} photographs can be made normal: expected 2 with "
            f"boxes on at most {MAX_COVERED:.0%} of their area; add photographs with small boxes"
        )
    images.sort(key=_loudness)
    images = images[: max(2, round(QUIET_SHARE * len(images)))]
    return [images[i] for i in _spread_out(images)]


def _spread_out(images: Sequence[Image]) -> list[int]:
    """Order images by how unlike they are to those before, in brightness and direction."""
    looks = np.array([_look(image) for image in images])
    looks = (looks - looks.mean(axis=0)) / (looks.std(axis=0) + 1e-6)
    order = [int(np.linalg.norm(looks, axis=1).argmin())]
    while len(order) < len(images):
        apart = np.linalg.norm(looks[:, None] - looks[order], axis=2).min(axis=1)
        apart[order] = -1
        order.append(int(apart.argmax()))
    return order


def _loudness(image: Image) -> float:
    """Return how far the most striking spot stands out, in typical deviations."""
    grey = image.astype(np.float32).mean(axis=2)
    fine, wide = (cv2.GaussianBlur(grey, (0, 0), sigma) for sigma in (SPOT_PX, LIGHT_PX))
    inner = (slice(BORDER_PX, -BORDER_PX),) * 2
    deviation = np.abs(fine - wide)[inner]
    return float(deviation.max() / (np.median(deviation) + 1e-6))


def _look(image: Image) -> tuple[float, ...]:
    """Brightness, contrast, and the double angle in which edges run, times how many do."""
    grey = image.astype(np.float64).mean(axis=2)
    down, right = np.gradient(grey)
    energy = (down**2 + right**2).mean() + 1e-9
    turned = (right + 1j * down) ** 2
    # fourfold, too: a weave has two directions at right angles
    double, fourfold = turned.mean() / energy, (turned**2).mean() / (np.abs(turned) ** 2).mean()
    return grey.mean(), grey.std(), double.real, double.imag, fourfold.real, fourfold.imag
