"""What is a scene, and what does a category of scenes consist of?"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from jaxtyping import Bool, UInt8, UInt16

if TYPE_CHECKING:
    from engine.synthetic.scenes.canvas import Canvas

Group = Literal["good", "logical_anomalies", "structural_anomalies"]
GROUPS: tuple[Group, ...] = ("good", "logical_anomalies", "structural_anomalies")
GOOD = "good"


@dataclass(frozen=True)
class Scene:
    """One rendered photograph with everything that is true of it.

    Each pixel of ``part_map`` is the number of one part, 0 where there is none (the surroundings);
    ``class_map`` is the class of that part, 0 for the surroundings. ``masks`` has one entry per
    anomalous region: the kind of anomaly and where it is. They are empty for ``kind`` "good".
    """

    image: UInt8[np.ndarray, "height width 3"]
    part_map: UInt16[np.ndarray, "height width"]
    class_map: UInt8[np.ndarray, "height width"]
    masks: tuple[tuple[str, Bool[np.ndarray, "height width"]], ...]
    kind: str
    group: Group

    def __post_init__(self) -> None:
        for map_of in (self.part_map, self.class_map, *(mask for _, mask in self.masks)):
            if map_of.shape != self.image.shape[:2]:
                raise ValueError(
                    f"maps and masks must have the size of the image {self.image.shape[:2]}, "
                    f"got {map_of.shape}"
                )


@dataclass(frozen=True)
class Kind:
    """A named anomaly; finding ``saturation_px`` of its region counts as finding all of it.

    None means the whole region. A missing object may be marked by all the room where it could lie,
    and one object too many by all objects of its class; then the area of one object saturates
    (Bergmann et al., 2022, section 4: saturated per-region overlap).
    """

    name: str
    group: Group
    saturation_px: int | None = None


def logical(name: str, saturation_px: int | None = None) -> Kind:
    """Name a violation of what should be where, and how many of it."""
    return Kind(name, "logical_anomalies", saturation_px)


def structural(name: str) -> Kind:
    """Name a damage or a foreign body."""
    return Kind(name, "structural_anomalies")


@dataclass(frozen=True)
class Category:
    """A kind of product: size of its photographs, classes of its parts, anomalies, and how to draw.

    ``classes[0]`` is the background. ``draw`` paints one scene of the given kind ("good" or one of
    ``kinds``) and marks the anomaly on the canvas.
    """

    name: str
    height: int
    width: int
    classes: tuple[str, ...]
    kinds: tuple[Kind, ...]
    draw: Callable[[Canvas, str], None]

    def group_of(self, kind: str) -> Group:
        """Look up the group of a kind; ValueError names the kinds there are."""
        groups: dict[str, Group] = {GOOD: "good", **{each.name: each.group for each in self.kinds}}
        if kind not in groups:
            raise ValueError(f"{self.name} has kinds {', '.join(groups)}; got {kind!r}")
        return groups[kind]
