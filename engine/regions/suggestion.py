"""Which unknown regions of many images could be given one name?

Step 4, class proposal: whatever is new and of no class is described as a whole, and what resembles
each other becomes a group, the biggest first. Images are looked at one by one; only descriptions
and thumbnails stay in memory.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float32, Float64, UInt8

from engine.regions.grouping import group
from engine.regions.region import Box
from engine.regions.teaching import thumbnail

if TYPE_CHECKING:
    from engine.regions.embedding import RegionEmbedder
    from engine.regions.recogniser import Recogniser

Image = UInt8[np.ndarray, "height width 3"]
Progress = Callable[[int], None]


@dataclass(frozen=True, eq=False)
class Member:
    """An unknown region: where it is, in pixels of the image file, and how it looks."""

    image_name: str
    box_xyxy: Box
    area_px: int
    novelty: float
    thumbnail: Image

    def as_dict(self) -> dict[str, Any]:
        """Return the JSON form, without the picture."""
        return {
            "image": self.image_name,
            "box_xyxy": list(self.box_xyxy),
            "area_px": self.area_px,
            "novelty": round(self.novelty, 3),
        }


@dataclass(frozen=True, eq=False)
class Suggestion:
    """Unknown regions that look alike, the most central first."""

    members: tuple[Member, ...]

    @property
    def central(self) -> Member:
        """The member that is most like all others: a good first example."""
        return self.members[0]

    @property
    def n_images(self) -> int:
        """In how many images members were found."""
        return len({each.image_name for each in self.members})


def suggest(
    recogniser: Recogniser,
    images: Iterable[tuple[str, Image]],
    progress: Progress | None = None,
) -> list[Suggestion]:
    """Group the unknown regions of images given as (name, photograph); the biggest group first.

    ``progress`` is told how many images are done. What resembles nothing else is in no group.

    Raises:
        LibraryError: The library cannot be read.
    """
    members: list[Member] = []
    views: list[Float32[np.ndarray, "_ views dim"]] = []
    for n_done, (name, image) in enumerate(images, 1):
        unknown = recogniser.inspect(image).unknown
        if unknown:
            regions = [each.region for each in unknown]
            views.append(recogniser.embedder.describe(image, regions))
        members += [
            Member(
                name,
                each.region.box_xyxy,
                each.region.area_px,
                each.novelty,
                thumbnail(image, each.region),
            )
            for each in unknown
        ]
        if progress:
            progress(n_done)
    if not members:
        return []
    groups = group(distance(recogniser.embedder, np.concatenate(views)), recogniser.config.grouping)
    return [Suggestion(tuple(members[index] for index in indices)) for indices in groups]


def distance(
    embedder: RegionEmbedder, views: Float32[np.ndarray, "regions views dim"]
) -> Float64[np.ndarray, "regions regions"]:
    """Return the probability that two regions differ, whichever is asked about the other."""
    same = embedder.same(views, views).astype(np.float64)
    differ = 1 - (same + same.T) / 2
    np.fill_diagonal(differ, 0)
    return np.asarray(np.clip(differ, 0, 1))
