"""Actions that the chosen classes allow, and what they mean; pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from ui.text import counted

if TYPE_CHECKING:
    from engine.editing import ClassRow
    from features.region import Region

ActionKind = Literal["rename", "merge", "split", "ignore", "unignore", "count", "remove", "paint"]

MAX_SPLIT = 5


@dataclass(frozen=True)
class Action:
    """Something to be done with ``least`` … ``most`` chosen classes, and what that means."""

    kind: ActionKind
    title: str
    icon: str
    means: str
    least: int = 1
    most: int = 1


ACTIONS = (
    Action(
        "rename",
        "Rename",
        ":material/edit:",
        "Only the word changes, in every report from now on. No verdict does.",
    ),
    Action(
        "merge",
        "Merge",
        ":material/merge:",
        "They become one class, whose parts are counted together. "
        "For one kind of thing that was taken for several.",
        least=2,
        most=1000,
    ),
    Action(
        "split",
        "Split",
        ":material/call_split:",
        "Its parts are sorted by how they look into several classes, each counted on its own. "
        "For different things that were taken for one.",
    ),
    Action(
        "ignore",
        "Ignore",
        ":material/visibility_off:",
        "Its parts are treated as background: not counted, not measured, no longer coloured.",
    ),
    Action(
        "unignore",
        "Count again",
        ":material/visibility:",
        "Its parts are things again: counted, measured and coloured.",
    ),
    Action(
        "count",
        "Set count",
        ":material/tag:",
        "Say how many are fine. Every image with more or fewer is an anomaly then, "
        "however little else differs.",
    ),
    Action(
        "remove",
        "Remove",
        ":material/delete:",
        "The class is no more. Its parts go to the class that they resemble next, "
        "or to none if they resemble no other.",
    ),
    Action(
        "paint",
        "Paint more",
        ":material/brush:",
        "Show it on another reference, where its count is wrong or where it looks different.",
    ),
)


def offered(chosen: Sequence[ClassRow]) -> list[Action]:
    """List what can be done with the chosen classes."""
    return [
        each
        for each in ACTIONS
        if each.least <= len(chosen) <= each.most and not _is_useless(each.kind, chosen)
    ]


def class_names(chosen: Sequence[ClassRow]) -> str:
    """Name the chosen classes, at most three of them."""
    names = [each.name for each in chosen[:3]]
    rest = len(chosen) - len(names)
    return ", ".join(names) + (f" and {rest} more" if rest else "")


def fine_counts(row: ClassRow, tolerance: int) -> str:
    """Say which counts would be fine with a tolerance: ``1``, or ``0 to 3``."""
    low, high = max(0, min(row.counts) - tolerance), max(row.counts) + tolerance
    return f"{low}" if low == high else f"{low} to {high}"


def area_text(region: Region) -> str:
    """Say how large a region is, in pixels of the reference as the model keeps it."""
    return counted(region.area_px, "pixel")


def _is_useless(kind: ActionKind, chosen: Sequence[ClassRow]) -> bool:
    """Tell what would change nothing, or what the engine would refuse."""
    is_idle = any(each.is_background for each in chosen)
    return (
        (kind in ("ignore", "count") and is_idle)
        or (kind == "unignore" and not is_idle)
        or (kind == "paint" and not all(each.is_painted for each in chosen))
        or (kind == "split" and any(each.is_painted or sum(each.counts) < 2 for each in chosen))
    )
