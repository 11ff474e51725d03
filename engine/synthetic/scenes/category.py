"""Category of scenes: one product with its part classes and anomaly types."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from engine.synthetic.scenes.canvas import Canvas
from engine.synthetic.scenes.record import GOOD, Group


@dataclass(frozen=True)
class AnomalyType:
    """A named anomaly; finding ``saturation_px`` of its region counts as finding all of it.

    None means the whole region. A missing object may be marked by all the room where it could lie,
    and one object too many by all objects of its class; then the area of one object saturates
    (Bergmann et al., 2022, section 4: saturated per-region overlap).
    """

    name: str
    group: Group
    saturation_px: int | None = None


def logical(name: str, saturation_px: int | None = None) -> AnomalyType:
    """Name a violation of what should be where, and how many of it."""
    return AnomalyType(name, "logical_anomalies", saturation_px)


def structural(name: str) -> AnomalyType:
    """Name a damage or a foreign body."""
    return AnomalyType(name, "structural_anomalies")


@dataclass(frozen=True)
class Category:
    """One product: size of its photographs, part classes, anomaly types, and how to draw it.

    ``classes[0]`` is the background. ``draw`` paints one scene of the given anomaly type ("good" or
    one of ``anomaly_types``) and marks the anomaly on the canvas.
    """

    name: str
    height: int
    width: int
    classes: tuple[str, ...]
    anomaly_types: tuple[AnomalyType, ...]
    draw: Callable[[Canvas, str], None]

    def group_of(self, anomaly_type: str) -> Group:
        """Look up the group of an anomaly type; ValueError names those there are."""
        groups: dict[str, Group] = {GOOD: "good"}
        groups |= {each.name: each.group for each in self.anomaly_types}
        if anomaly_type not in groups:
            raise ValueError(f"{self.name} has kinds {', '.join(groups)}; got {anomaly_type!r}")
        return groups[anomaly_type]
