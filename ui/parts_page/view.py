"""Rows of the classes of parts and of their edits; pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from ui.tables import TableRow, ink_on
from ui.text import time_text

if TYPE_CHECKING:
    from engine.editing import ClassEdit, ClassRow

KINDS = {
    "part": "Found by itself; counted and measured",
    "painted": "Shown by hand; counted and measured like any other",
    "background": "What lies behind the product; neither counted nor measured",
    "ignored": "Treated as background because somebody said so",
}


@dataclass(frozen=True)
class Row:
    """A class in the table; ``is_odd`` tells which references differ from most in their count."""

    id: int
    name: str
    kind: str
    kind_means: str
    color: str
    ink: str
    counts: tuple[int, ...]
    is_odd: tuple[bool, ...]
    accepted: str
    tolerance: str
    share: str
    is_idle: bool
    is_rule: bool


def rows(classes: Sequence[ClassRow]) -> list[Row]:
    """Put the classes into words, in their order."""
    return [_row(each) for each in classes]


def headings(references: Sequence[str]) -> list[tuple[str, str]]:
    """Name the columns of the table, each with a hint or none."""
    listed = ", ".join(f"{n}: {name}" for n, name in enumerate(references, 1))
    return [
        ("", ""),
        ("No.", "The number and the colour of the class in all pictures"),
        ("Class", ""),
        ("Count", f"How many each reference shows, in this order: {listed}"),
        ("Fine", "Counts that the references show, or that were set by hand"),
        ("Tolerance", "Learnt from the references, or a rule: so many more or fewer are fine"),
        ("Area", "Share of the area of the references"),
    ]


def history_lines(history: Sequence[ClassEdit]) -> tuple[TableRow, ...]:
    """List edits, the newest first; those that are undone are faint."""
    return tuple(
        TableRow(
            title=sentence(each.text),
            hint=_who(each),
            mark=str(each.number),
            color="#5b6572",
            cells=("undone" if each.is_undone else "",),
            tone="idle" if each.is_undone else "plain",
        )
        for each in reversed(history)
    )


def last_counting(history: Sequence[ClassEdit]) -> ClassEdit | None:
    """Return what undoing would take back, if anything."""
    return next((each for each in reversed(history) if not each.is_undone), None)


def last_undone(history: Sequence[ClassEdit]) -> ClassEdit | None:
    """Return what redoing would bring back; None where something was edited since."""
    last = max(history, key=lambda each: each.undone_as, default=None)
    counting = [each.number for each in history if not each.is_undone]
    if last is None or not last.is_undone or last.number < max(counting, default=0):
        return None
    return last


def sentence(text: str) -> str:
    """Begin with a capital."""
    return text[:1].upper() + text[1:]


def _row(each: ClassRow) -> Row:
    kind = _kind(each)
    is_idle = each.is_background or each.is_ignored
    usual = Counter(each.counts).most_common(1)[0][0]
    fine = f"{each.low}" if each.low == each.high else f"{each.low}–{each.high}"
    return Row(
        id=each.id,
        name=each.name,
        kind=kind,
        kind_means=KINDS[kind],
        color=each.color,
        ink=ink_on(each.color),
        counts=each.counts,
        is_odd=tuple(not is_idle and n != usual for n in each.counts),
        accepted="any" if is_idle else fine,
        tolerance="–" if is_idle else _tolerance(each.tolerance),
        share=_share(each.share),
        is_idle=is_idle,
        is_rule=each.tolerance is not None,
    )


def _kind(row: ClassRow) -> str:
    if row.is_ignored:
        return "ignored"
    if row.is_background:
        return "background"
    return "painted" if row.is_painted else "part"


def _tolerance(tolerance: int | None) -> str:
    if tolerance is None:
        return "learnt"
    return f"rule: ±{tolerance}" if tolerance else "rule: exact"


def _share(share: float) -> str:
    return f"{share:.0%}" if share >= 0.1 else f"{share:.1%}" if share >= 0.0005 else "< 0.1%"


def _who(each: ClassEdit) -> str:
    made = f"{each.author or 'somebody'}, {time_text(datetime.fromisoformat(each.at))}"
    return f"{made}, undone by {each.undone_by}" if each.undone_by else made
