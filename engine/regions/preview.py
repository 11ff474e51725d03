"""What would be taught by an outline, before anybody says yes?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import UInt8

from engine.regions.frames import Frames
from engine.regions.likeness import Likeness, likenesses
from engine.regions.teaching import exact, thumbnail
from engine.regions.tokens import describe_regions

if TYPE_CHECKING:
    from engine.examination import Examination
    from engine.regions.recogniser import Recogniser
    from engine.regions.teaching import Outlined
    from features.region import Region

PICTURE_PX = 480


@dataclass(frozen=True, eq=False)
class Preview:
    """The pixels that an outline means, a picture of them, and the classes that they look like."""

    region: Region
    picture: UInt8[np.ndarray, "rows columns 3"]
    likenesses: tuple[Likeness, ...]
    """The likeliest first; none of a library that holds nothing."""


def preview(recogniser: Recogniser, examination: Examination, outlined: Outlined) -> Preview:
    """Show what teaching this outline would teach; nothing is taught."""
    frames = Frames(examination, recogniser.config.photo_area_px)
    region = exact(recogniser, frames, outlined)
    tokens = describe_regions(examination.sample.dense, [region], frames.image_to_cells)[0]
    views = recogniser.embedder.describe(examination.image, [region])
    return Preview(
        region,
        thumbnail(examination.image, region, PICTURE_PX),
        tuple(likenesses(recogniser, tokens, views)),
    )
