"""What another threshold would change, and the plot of the totals; pure.

Colour never stands alone: anomalies are crosses, normal images are dots.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ui.text import counted

if TYPE_CHECKING:
    import altair

    from engine.station import Entry

# Okabe and Ito, as in all pages: blue is normal, vermilion is not
NORMAL_COLOR, ANOMALY_COLOR = "#0072b2", "#d55e00"


@dataclass(frozen=True)
class Change:
    """How many judged images there are, and which verdicts a threshold would turn."""

    n_judged: int
    to_anomaly: tuple[int, ...]
    to_normal: tuple[int, ...]

    @property
    def summary(self) -> str:
        """Say it, such as ``3 of 41 images would become anomalies``."""
        of = f"of {counted(self.n_judged, 'image')} would become"
        said = [
            f"{len(ids)} {of} {one if len(ids) == 1 else many}"
            for ids, one, many in (
                (self.to_anomaly, "an anomaly", "anomalies"),
                (self.to_normal, "normal", "normal"),
            )
            if ids
        ]
        return "; ".join(said) or f"No verdict of {counted(self.n_judged, 'image')} would change"


def would_change(entries: Sequence[Entry], threshold: float) -> Change:
    """Compare the verdicts of judged images with those by another threshold."""
    judged = [each for each in entries if each.verdict is not None]
    turned = [each for each in judged if each.verdict_at(threshold) != each.verdict]
    return Change(
        len(judged),
        tuple(each.id for each in turned if each.verdict == "normal"),
        tuple(each.id for each in turned if each.verdict == "anomaly"),
    )


def slider_top(entries: Sequence[Entry], threshold: float) -> float:
    """Give a round number above all totals that matter: three thresholds are far enough."""
    totals = [each.total for each in entries if each.total is not None]
    wanted = min(max([*totals, 2 * threshold]) * 1.05, 3 * threshold)
    return round(max(wanted, 1.5 * threshold), 2)


def strip_rows(entries: Sequence[Entry], threshold: float) -> list[dict[str, Any]]:
    """Make a row for each judged image: total, verdict by this threshold, name, lane.

    Lanes spread equal totals over the height; they mean nothing and are always the same.
    """
    judged = [each for each in entries if each.total is not None]
    return [
        {
            "total": each.total,
            "verdict": each.verdict_at(threshold),
            "name": each.name,
            "lane": (each.id * 0.618034) % 1,
        }
        for each in judged
    ]


def strip_plot(rows: Sequence[dict[str, Any]], threshold: float, top: float) -> altair.LayerChart:
    """Draw the totals as marks along a line, and the threshold across it."""
    import altair

    kinds = ["normal", "anomaly"]
    points = (
        altair.Chart(altair.InlineData(values=[_clipped(row, top) for row in rows]))
        .mark_point(filled=False, size=46, strokeWidth=1.8, opacity=0.85, clip=True)
        .encode(
            x=altair.X(
                "shown:Q",
                title=None,
                scale=altair.Scale(domain=[0, top], nice=False),
                axis=altair.Axis(grid=False, tickCount=8),
            ),
            y=altair.Y("lane:Q", axis=None, scale=altair.Scale(domain=[-0.15, 1.15])),
            color=altair.Color(
                "verdict:N",
                title=None,
                scale=altair.Scale(domain=kinds, range=[NORMAL_COLOR, ANOMALY_COLOR]),
                legend=altair.Legend(orient="top"),
            ),
            shape=altair.Shape(
                "verdict:N", title=None, scale=altair.Scale(domain=kinds, range=["circle", "cross"])
            ),
            tooltip=[
                altair.Tooltip("name:N"),
                altair.Tooltip("total:Q", format=".3g"),
                altair.Tooltip("verdict:N"),
            ],
        )
    )
    line = (
        altair.Chart(altair.InlineData(values=[{"threshold": threshold}]))
        .mark_rule(strokeWidth=2.5, color="#888888")
        .encode(x="threshold:Q", tooltip=altair.Tooltip("threshold:Q", format=".3g"))
    )
    return altair.LayerChart(layer=[points, line], height=164)


def _clipped(row: dict[str, Any], top: float) -> dict[str, Any]:
    return row | {"shown": min(row["total"], top)}
