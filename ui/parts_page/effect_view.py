"""Effect of an edit in words, rows and a chart: totals, counts, verdicts; pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import altair as alt

from engine.rendering.colors import class_colors
from ui.charts import UNTITLED, ChartTheme, chart_of, layered_chart, scale
from ui.tables import TableRow, ink_on
from ui.text import counted, figure

if TYPE_CHECKING:
    from engine.editing.refit import Change, Effect
    from engine.station import Entry

BEFORE, AFTER = "before", "after"
_IS_BEFORE = alt.datum["when"] == BEFORE
# of the axis, in units of the largest number: figures stand to the right of all bars
_ROOM = 1.45
# CSS pixels: two bars and the space around them, and the axis
_REFERENCE_PX, _AXIS_PX = 40, 62
_AXIS = "total of each reference, judged by the others"
_SIGNS = {"normal": "✓ normal", "anomaly": "✕ anomaly"}


@dataclass(frozen=True)
class Verdict:
    """One image of the history: what was said of it, and what the draft says; None: not yet."""

    entry_id: int
    name: str
    before: str | None
    total_before: float | None
    after: str | None = None
    total_after: float | None = None
    error: str | None = None

    @property
    def is_turned(self) -> bool:
        """Whether the draft changes the verdict."""
        return self.after is not None and self.after != self.before


def effect_text(effect: Effect) -> str:
    """Say in a sentence or two what an edit does to the references and the threshold."""
    if not effect.changed_counts and not _has_moved(effect):
        return (
            "Counts and totals of the references stay as they are, and so does the threshold, "
            f"{figure(effect.threshold.after)}."
        )
    limit = effect.threshold
    n_before = sum(each.before > limit.before for each in effect.totals)
    n_after = sum(each.after > limit.after for each in effect.totals)
    before, after = figure(limit.before), figure(limit.after)
    moves = f"stays at {after}" if before == after else f"goes from {before} to {after}"
    then = "as before" if n_before == n_after else f"where {n_before} did before"
    of = counted(len(effect.totals), "reference")
    words = f"The threshold {moves}. {n_after} of {of} lie above it, {then}."
    return words if effect.changed_counts else f"{words} No count changes."


def totals_chart(effect: Effect, theme: ChartTheme) -> alt.LayerChart:
    """Pair the total of each reference, judged by the others, before and after the edit.

    What was before is hollow and dashed, what would be is filled; the figures stand on the right.
    """
    numbers = [each for change in (*effect.totals, effect.threshold) for each in _ends(change)]
    axis = alt.X(
        "total:Q",
        title=_AXIS,
        scale=scale(0, _ROOM * max(*numbers, 1e-9)),
        axis=alt.Axis(grid=False, tickCount=6),
    )
    row = alt.Y("reference:N", sort=None, title=None, axis=alt.Axis(labelLimit=130, labelPadding=8))
    bars = (
        chart_of(
            [
                {"reference": each.name, "when": when, "total": total, "words": figure(total)}
                for each in effect.totals
                for when, total in zip((BEFORE, AFTER), _ends(each), strict=True)
            ]
        )
        .mark_bar(cornerRadiusEnd=3, strokeWidth=1.5, stroke=theme.good)
        .encode(
            x=axis,
            y=row,
            yOffset=alt.YOffset("when:N", sort=[BEFORE, AFTER]),
            fill=alt.value(theme.good),
            fillOpacity=alt.condition(_IS_BEFORE, alt.value(0.0), alt.value(1.0)),
            strokeDash=alt.condition(_IS_BEFORE, alt.value([3, 2]), alt.value([1, 0])),
            tooltip=["reference:N", "when:N", alt.Tooltip("words:N", title="total")],
        )
    )
    figures = (
        chart_of([{"reference": each.name, "words": _from_to(each)} for each in effect.totals])
        .mark_text(align="right", color=theme.ink, fontSize=12)
        .encode(x=alt.value("width"), y=row, text="words:N")
    )
    height = _REFERENCE_PX * len(effect.totals) + _AXIS_PX
    return layered_chart(theme, bars, _thresholds(effect, theme), figures, height=height)


def _thresholds(effect: Effect, theme: ChartTheme) -> alt.Chart:
    limit = effect.threshold
    names = [f"threshold {BEFORE}", f"threshold {AFTER}"]
    values = [
        {"when": name, "at": at, "words": figure(at)}
        for name, at in zip(names, _ends(limit), strict=True)
    ]
    colors, dashes = [theme.soft, theme.anomalous], [[5, 4], [1, 0]]
    rules: alt.Chart = (
        chart_of(values)
        .mark_rule(size=2)
        .encode(
            x=alt.X("at:Q", title=_AXIS),
            color=alt.Color("when:N", scale=_named(names, colors), legend=UNTITLED),
            strokeDash=alt.StrokeDash("when:N", scale=_named(names, dashes), legend=UNTITLED),
            tooltip=[alt.Tooltip("when:N", title="line"), alt.Tooltip("words:N", title="total")],
        )
    )
    return rules


def _named(names: list[str], values: list[Any]) -> alt.Scale:
    return alt.Scale(domain=names, range=values)


def count_lines(effect: Effect) -> tuple[TableRow, ...]:
    """Show the counts that change, before and after, in the order of the references."""
    return tuple(
        TableRow(
            title=each.name,
            hint=_fate(each.before, each.after),
            mark=str(each.class_id),
            color=(color := _color(each.class_id)),
            ink=ink_on(color),
            cells=(_counts(each.before), _counts(each.after)),
        )
        for each in effect.changed_counts
    )


def verdict_lines(verdicts: Sequence[Verdict]) -> tuple[TableRow, ...]:
    """Show verdicts and totals before and after, those that turn set apart."""
    return tuple(
        TableRow(
            title=each.name,
            hint=each.error or "",
            cells=(
                _said(each.before, each.total_before),
                "…" if is_open(each) else _said(each.after, each.total_after),
            ),
            tone="off" if each.is_turned else "plain",
        )
        for each in verdicts
    )


def is_open(verdict: Verdict) -> bool:
    """Tell whether it is not known yet what becomes of a verdict."""
    return verdict.after is None and verdict.error is None


def verdict_text(verdicts: Sequence[Verdict], turn: str = "would turn") -> str:
    """Say how many of the known verdicts turn, and which way."""
    known = [each for each in verdicts if each.after is not None]
    turned = [each for each in known if each.is_turned]
    n_bad = sum(each.after == "anomaly" for each in turned)
    words = f"{len(turned)} of {counted(len(known), 'verdict')} {turn}"
    if turned:
        words += f": {n_bad} to anomaly, {len(turned) - n_bad} to normal"
    return words


def verdict_of(entry: Entry) -> Verdict:
    """Take what the history says of an image."""
    return Verdict(entry.id, entry.name, entry.verdict, entry.total)


def _ends(change: Change) -> tuple[float, float]:
    return change.before, change.after


def _from_to(change: Change) -> str:
    before, after = figure(change.before), figure(change.after)
    return before if before == after else f"{before} → {after}"


def _has_moved(effect: Effect) -> bool:
    return any(each.before != each.after for each in (*effect.totals, effect.threshold))


def _color(class_id: int) -> str:
    red, green, blue = class_colors(class_id + 1)[-1].tolist()
    return f"#{red:02x}{green:02x}{blue:02x}"


def _fate(before: tuple[int, ...] | None, after: tuple[int, ...] | None) -> str:
    return "new" if before is None else "no more" if after is None else ""


def _counts(counts: tuple[int, ...] | None) -> str:
    return "–" if counts is None else " · ".join(map(str, counts))


def _said(verdict: str | None, total: float | None) -> str:
    words = _SIGNS.get(verdict or "", "–")
    return words if total is None else f"{words} {figure(total)}"
