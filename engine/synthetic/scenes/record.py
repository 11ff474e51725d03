"""Scene: a rendered photograph and everything that is true of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import UInt8, UInt16

from features.images import Image, Mask

Group = Literal["good", "logical_anomalies", "structural_anomalies"]
GROUPS: tuple[Group, ...] = ("good", "logical_anomalies", "structural_anomalies")
GOOD = "good"


@dataclass(frozen=True)
class Scene:
    """One rendered photograph with everything that is true of it.

    Each pixel of ``part_map`` is the number of one part, 0 where there is none (the surroundings);
    ``class_map`` is the class of that part, 0 for the surroundings. ``masks`` has one entry per
    anomalous region: the type of the anomaly and where it is. They are empty for the
    ``anomaly_type`` "good".
    """

    image: Image
    part_map: UInt16[np.ndarray, "height width"]
    class_map: UInt8[np.ndarray, "height width"]
    masks: tuple[tuple[str, Mask], ...]
    anomaly_type: str
    group: Group

    def __post_init__(self) -> None:
        for map_of in (self.part_map, self.class_map, *(mask for _, mask in self.masks)):
            if map_of.shape != self.image.shape[:2]:
                raise ValueError(
                    f"maps and masks must have the size of the image {self.image.shape[:2]}, "
                    f"got {map_of.shape}"
                )
