"""Examination: one image beside the references, before it is called normal or not.

Between describing an image and judging it there is one record, so that a second opinion (regions
that an operator has taught, say) costs no second look.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Float

from alignment.comparison import Comparison
from alignment.pose import RegisteredImage
from alignment.sample import Sample
from alignment.transforms import compose, rescale
from engine.scores import Reading
from features.images import AnyImage


@dataclass(frozen=True)
class Examination:
    """One image, registered, beside each reference, and what each score read from that.

    ``photo`` is the image in the size in which networks see it.
    """

    image: AnyImage
    photo: AnyImage
    registered: RegisteredImage
    comparisons: Sequence[Comparison]
    readings: dict[str, Reading]

    @property
    def sample(self) -> Sample:
        """The image as the scores see it."""
        return self.comparisons[0].test

    @property
    def image_size(self) -> tuple[int, int]:
        """Height and width of the image file."""
        return self.image.shape[0], self.image.shape[1]

    @cached_property
    def to_image(self) -> Float[np.ndarray, "2 3"]:
        """Affine from registered working pixels (x, y) to pixels of the image file."""
        height, width = self.registered.image.shape[:2]
        return compose(rescale((height, width), self.image_size), self.registered.to_original)
