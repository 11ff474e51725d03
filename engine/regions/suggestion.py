"""Class proposals: groups of unknown regions that could get one name.

Step 4: whatever is new and of no class is described as a whole, and what resembles each other
becomes a group, the biggest first. Images are looked at one by one; only descriptions and
thumbnails stay in memory.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float32, Float64

from engine.regions.grouping import group
from engine.regions.teaching import thumbnail
from features.images import Image
from features.region import Box, Region

if TYPE_CHECKING:
    from engine.regions.embedding import RegionEmbedder
    from engine.regions.recogniser import Recogniser

Progress = Callable[[int], None]


@dataclass(frozen=True, eq=False)
class Member:
    """An unknown region: where it is, in pixels of the image file, and how it looks."""

    image_name: str
    region: Region
    novelty: float
    thumbnail: Image

    @property
    def box_xyxy(self) -> Box:
        """Where it is, right and bottom exclusive."""
        return self.region.box_xyxy

    @property
    def area_px(self) -> int:
        """Number of its pixels."""
        return self.region.area_px

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


class SuggestionCollector:
    """Looks at one image after the other, and groups what was unknown on those seen so far."""

    def __init__(self, recogniser: Recogniser) -> None:
        self.recogniser = recogniser
        self.members: list[Member] = []
        self._views: list[Float32[np.ndarray, "_ views dim"]] = []

    def look(self, name: str, image: Image) -> None:
        """Take up the unknown regions of an image.

        Raises:
            LibraryError: The library cannot be read.
        """
        unknown = self.recogniser.inspect(image).unknown
        if not unknown:
            return
        regions = [each.region for each in unknown]
        self._views.append(self.recogniser.embedder.describe(image, regions))
        self.members += [
            Member(name, each.region, each.novelty, thumbnail(image, each.region))
            for each in unknown
        ]

    def groups(self) -> list[Suggestion]:
        """Give the groups, the biggest first; what resembles nothing else is in none."""
        if not self.members:
            return []
        far = distance(self.recogniser.embedder, np.concatenate(self._views))
        return [
            Suggestion(tuple(self.members[index] for index in indices))
            for indices in group(far, self.recogniser.config.grouping)
        ]


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
    survey = SuggestionCollector(recogniser)
    for n_done, (name, image) in enumerate(images, 1):
        survey.look(name, image)
        if progress:
            progress(n_done)
    return survey.groups()


def distance(
    embedder: RegionEmbedder, views: Float32[np.ndarray, "regions views dim"]
) -> Float64[np.ndarray, "regions regions"]:
    """Return the probability that two regions differ, whichever is asked about the other."""
    same = embedder.same(views, views).astype(np.float64)
    differ = 1 - (same + same.T) / 2
    np.fill_diagonal(differ, 0)
    return np.asarray(np.clip(differ, 0, 1))
