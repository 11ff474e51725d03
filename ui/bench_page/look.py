"""How is a chart drawn on this page, in the theme that the visitor has chosen?"""

from __future__ import annotations

import altair as alt
import streamlit as st

from ui.charts import DARK, LIGHT, Tones


def tones() -> Tones:
    """Return the colours for the background of this visitor."""
    return DARK if st.context.theme.type == "dark" else LIGHT


def draw(chart: alt.LayerChart, key: str, words: str) -> None:
    """Draw a chart as wide as there is room; ``words`` say what it is to who cannot see it."""
    st.altair_chart(chart, key=key, alt=words)
