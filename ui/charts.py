"""Charts in Altair: colours in light and dark, axes and legends of all pages.

Blue and vermilion stay apart under every common colour blindness (Okabe and Ito, 2008), and no
chart tells by colour alone. They are those of the app and of the reports.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import altair as alt
import streamlit as st

Values = list[dict[str, Any]]


@dataclass(frozen=True)
class ChartTheme:
    """Colours of a chart by what they mean, "#rrggbb"."""

    good: str
    anomalous: str
    ink: str
    soft: str
    line: str
    paper: str


LIGHT = ChartTheme("#0072b2", "#d55e00", "#1b2027", "#5b6572", "#d5dae1", "#ffffff")
DARK = ChartTheme("#56b4e9", "#f28a3c", "#e8ebef", "#9aa5b1", "#3a424d", "#14171c")

HEIGHT_PX = 280
UNTITLED = alt.Legend(title=None)


def chart_of(values: Values) -> alt.Chart:
    """Begin a chart of these values, which go with it."""
    return alt.Chart(alt.InlineData(values=values))


def scale(low: float, high: float) -> alt.Scale:
    """Return a scale that ends exactly where it is told."""
    return alt.Scale(domain=[low, high], nice=False, zero=False)


def layered_chart(theme: ChartTheme, *layers: alt.Chart, height: int = HEIGHT_PX) -> alt.LayerChart:
    """Lay charts over each other, with axes and legends that can be read on this background."""
    chart: alt.LayerChart = (
        alt.LayerChart(layer=list(layers))
        .properties(height=height)
        .configure(background="transparent")
        .configure_view(stroke=None)
        .configure_axis(
            labelColor=theme.soft,
            titleColor=theme.soft,
            gridColor=theme.line,
            domainColor=theme.line,
            tickColor=theme.line,
            labelFontSize=12,
            titleFontSize=12,
            titleFontWeight="normal",
            labelLimit=220,
            labelFlush=False,
        )
        .configure_legend(
            labelColor=theme.ink,
            titleColor=theme.soft,
            labelFontSize=12,
            orient="top",
            symbolSize=90,
            symbolBaseFillColor=theme.soft,
            symbolBaseStrokeColor=theme.soft,
        )
    )
    return chart


def chart_theme() -> ChartTheme:
    """Return the colours for the background of this visitor."""
    return DARK if st.context.theme.type == "dark" else LIGHT


def draw_chart(chart: alt.LayerChart, key: str, title: str) -> None:
    """Draw a chart as wide as there is room; ``title`` says what it is to who cannot see it."""
    st.altair_chart(chart, key=key, alt=title)
