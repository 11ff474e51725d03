"""Texts, rows and badges of classes, examples and lessons; pure."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import UInt8

from engine.rendering.colors import class_colors
from engine.rendering.labels import badge_size, draw_badge
from ui.text import counted, plain, time_text

if TYPE_CHECKING:
    from engine.library import Example, Lesson, RegionClass
    from engine.library.records import Kind

# twice as large as shown, for sharp screens
_CHIP_PX = 44
_PAST = {"teach": "taught", "forget": "forgot", "rename": "renamed", "change": "changed"}


@dataclass(frozen=True)
class LessonRow:
    """One lesson; ``action`` is what can be done with it now."""

    id: int
    text: str
    when: str
    who: str
    action: str
    reversal: str
    """Who undid or redid it last, and when; empty if nobody did."""


def lesson_rows(lessons: Sequence[Lesson]) -> list[LessonRow]:
    """Write every lesson, the newest first."""
    return [
        LessonRow(
            each.id,
            lesson_text(each),
            time_text(each.at),
            each.author,
            "Redo" if each.is_undone else "Undo",
            _reversal(each),
        )
        for each in reversed(lessons)
    ]


def lesson_text(lesson: Lesson) -> str:
    """Say in the past tense what somebody did: ``taught 'button' (accepted) by example 3``."""
    first, _, rest = lesson.text.partition(" ")
    return f"{_PAST.get(first, first)} {rest}"


def outcome_title(lessons: Sequence[Lesson]) -> str:
    """Name lessons that were given at once, as Markdown."""
    words = plain(lesson_text(lessons[0]))
    done = "Undone" if lessons[0].is_undone else "Learnt"
    if len(lessons) == 1:
        return f"**{done}** · lesson {lessons[0].id}: {words}"
    return f"**{done}** · lessons {lessons[0].id} to {lessons[-1].id}: {words}, and so on"


def lesson_announcements(
    lessons: Sequence[Lesson], seen_id: int, own: Collection[int]
) -> list[str]:
    """Announce the lessons after the one that was seen last, but for a visitor's own."""
    return [
        f"**{plain(each.author)}** {plain(lesson_text(each))}"
        for each in lessons
        if each.id > seen_id and each.id not in own
    ]


def class_line(known: RegionClass) -> str:
    """Say how many examples a class has, who began it and when."""
    return (
        f"{counted(known.n_examples, 'example')} · begun by {known.created_by} "
        f"on {time_text(known.created_at)}"
    )


def example_line(example: Example) -> str:
    """Say who taught an example and when."""
    return f"{example.author} · {time_text(example.taught_at)}"


def example_details(example: Example) -> str:
    """Say where an example was outlined, and what was noted."""
    left, top, right, bottom = example.region.box_xyxy
    words = f"example {example.id}, {right - left} × {bottom - top} px at {left}, {top}"
    if example.image_name:
        words += f" of {example.image_name}"
    return f"{words}; {example.note}" if example.note else words


def class_badge(known: RegionClass) -> UInt8[np.ndarray, "height width 4"]:
    """Draw the plate of a class as reports do: its colour, and the sign of its kind."""
    red, green, blue = class_colors(known.color + 1)[-1].tolist()
    width, height = badge_size("", _CHIP_PX)
    drawn = []
    for ground in (0, 255):
        canvas = np.full((height + 8, width + 8, 3), ground, dtype=np.uint8)
        center = (width / 2 + 4, height / 2 + 4)
        draw_badge(canvas, center, _CHIP_PX, "", known.kind, (red, green, blue))
        drawn.append(canvas.astype(np.float32))
    # what differs between black and white ground is transparent
    alpha = 1 - (drawn[1] - drawn[0]).mean(axis=2, keepdims=True) / 255
    color = drawn[0] / np.maximum(alpha, 1 / 255)
    return np.concatenate([color, 255 * alpha], axis=2).round().clip(0, 255).astype(np.uint8)


def other_kind(kind: Kind) -> Kind:
    """Return the kind that a class of this kind can be changed to."""
    return "defect" if kind == "accepted" else "accepted"


def _reversal(lesson: Lesson) -> str:
    if not lesson.reversals:
        return ""
    last = lesson.reversals[-1]
    did = "undone" if last.action == "undo" else "redone"
    return f"{did} by {last.author} on {time_text(last.at)}"
