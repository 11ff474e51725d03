"""What do all charts of a benchmark share: colours in light and dark, axes, legends?

Blue and vermilion stay apart under every common colour blindness (Okabe and Ito, 2008), and no
chart tells by colour alone. They are those of the app and of the reports.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import altair as alt

Values = list[dict[str, Any]]


@dataclass(frozen=True)
class Tones:
    """Colours by what they mean, "#rrggbb"."""

    good: str
    anomalous: str
    ink: str
    soft: str
    line: str
    paper: str


LIGHT = Tones("#0072b2", "#d55e00", "#1b2027", "#5b6572", "#d5dae1", "#ffffff")
DARK = Tones("#56b4e9", "#f28a3c", "#e8ebef", "#9aa5b1", "#3a424d", "#14171c")

HEIGHT_PX = 280
UNTITLED = alt.Legend(title=None)


def over(values: Values) -> alt.Chart:
    """Begin a chart of these values, which go with it."""
    return alt.Chart(alt.InlineData(values=values))


def scale(low: float, high: float) -> alt.Scale:
    """Return a scale that ends exactly where it is told."""
    return alt.Scale(domain=[low, high], nice=False, zero=False)


def finished(tones: Tones, *layers: alt.Chart, height: int = HEIGHT_PX) -> alt.LayerChart:
    """Lay charts over each other, with axes and legends that can be read on this background."""
    chart: alt.LayerChart = (
        alt.LayerChart(layer=list(layers))
        .properties(height=height)
        .configure(background="transparent")
        .configure_view(stroke=None)
        .configure_axis(
            labelColor=tones.soft,
            titleColor=tones.soft,
            gridColor=tones.line,
            domainColor=tones.line,
            tickColor=tones.line,
            labelFontSize=12,
            titleFontSize=12,
            titleFontWeight="normal",
            labelLimit=220,
            labelFlush=False,
        )
        .configure_legend(
            labelColor=tones.ink,
            titleColor=tones.soft,
            labelFontSize=12,
            orient="top",
            symbolSize=90,
            symbolBaseFillColor=tones.soft,
            symbolBaseStrokeColor=tones.soft,
        )
    )
    return chart
