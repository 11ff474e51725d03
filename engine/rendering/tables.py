"""Tables of a report: scores, and part classes with their counts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Int

from engine.rendering.colors import EXTRA_COLOR, class_colors, css_color, ink_on
from engine.rendering.overlays import EXTRA, NO_PART
from engine.report import Report
from engine.scores import SCORES

_QUESTIONS = {each.name: each.question for each in SCORES}


@dataclass(frozen=True)
class ScoreLine:
    """One score: its raw value, what it adds to the total, and its share of it, 0 … 1."""

    name: str
    question: str
    raw: float
    added: float
    share: float
    is_active: bool


@dataclass(frozen=True)
class PartClassLine:
    """One part class: its mark and colours in the pictures, how many are usual and were found.

    ``is_off`` tells whether the report counts that difference as a deviation.
    """

    mark: str
    name: str
    color: str
    ink: str
    usual: int
    found: int
    is_background: bool
    is_off: bool


def score_lines(report: Report) -> tuple[ScoreLine, ...]:
    """Return a line for each score, largest share first, inactive scores last."""
    total = sum(report.normalised.values())
    lines = []
    for name, raw in report.scores.items():
        added = report.normalised.get(name, 0.0)
        # an active score adds nothing only if it is zero itself
        is_active = name in report.normalised and bool(added != 0 or raw == 0)
        share = added / total if total > 0 else 0.0
        lines.append(ScoreLine(name, _QUESTIONS.get(name, ""), raw, added, share, is_active))
    return tuple(sorted(lines, key=lambda line: (not line.is_active, -line.share)))


def class_lines(
    report: Report, usual_counts: Int[np.ndarray, " classes"], class_names: Sequence[str]
) -> tuple[PartClassLine, ...]:
    """Return a line for each class, one for parts of no class if there are any, background last.

    A deviation in the count of a class says what is usual better than ``usual_counts``.
    """
    off = {
        each.class_id: round(each.expected)
        for each in report.deviations
        if each.kind in ("missing", "extra")
    }
    usual = dict(enumerate(usual_counts.tolist())) | off
    aligned = report.aligned
    lines = [
        PartClassLine(
            mark=str(class_id),
            name=name,
            color=css_color(color),
            ink=css_color(ink_on(color)),
            usual=usual[class_id],
            found=int(aligned.counts[class_id]),
            is_background=bool(aligned.is_background_class[class_id]),
            is_off=class_id in off,
        )
        for class_id, (name, color) in enumerate(
            zip(class_names, map(tuple, class_colors(aligned.n_classes).tolist()), strict=True)
        )
    ]
    n_extra = int(np.count_nonzero(shown_classes(report) == EXTRA))
    if n_extra:
        color, ink = css_color(EXTRA_COLOR), css_color(ink_on(EXTRA_COLOR))
        is_off = EXTRA in off
        lines.append(PartClassLine("?", "of no class", color, ink, 0, n_extra, False, is_off))
    return tuple(sorted(lines, key=lambda line: line.is_background))


def shown_classes(report: Report) -> Int[np.ndarray, " parts"]:
    """Return the class of each part; background of no class counts as no part, not as extra."""
    aligned = report.aligned
    is_bare = aligned.parts.is_background & (aligned.class_of_part < 0)
    return np.where(is_bare, NO_PART, aligned.class_of_part)


def count_regions(
    class_map: Int[np.ndarray, "height width"], n_classes: int
) -> Int[np.ndarray, " classes"]:
    """Count the connected regions of each class."""
    masks = [(class_map == class_id).astype(np.uint8) for class_id in range(n_classes)]
    return np.array([cv2.connectedComponents(mask)[0] - 1 for mask in masks], dtype=np.int64)
