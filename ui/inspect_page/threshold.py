"""Threshold of a model set by hand, and the verdicts that another would turn."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from ui.inspect_page.threshold_view import slider_top, strip_plot, strip_rows, would_change
from ui.inspect_page.verdict import TOTAL_HINT
from ui.text import figure

if TYPE_CHECKING:
    from pathlib import Path

    from ui.context import Context

# more marks than these hide each other
MAX_MARKS = 1500
PLOT_HEIGHT_PX = 176
_SLIDER, _ROUND = "inspect-tried", "inspect-tried-round"


def show_threshold(context: Context, model: Path) -> None:
    """Draw the slider with what it would change, and the totals along a line."""
    with st.container(border=True, key="inspect-threshold"):
        st.fragment(_show_slider_and_plot)(context, model)


def _show_slider_and_plot(context: Context, model: Path) -> None:
    judged = context.station.entries(model=model, states=("done",))
    by_hand = context.station.threshold(model)
    in_force = by_hand if by_hand is not None else next((e.threshold for e in judged), None)
    if in_force is None:
        st.caption("The threshold can be moved once an image has been judged.")
        return
    top = slider_top(judged, in_force)
    control, plot = st.columns([2, 3], gap="large")
    with control:
        tried = _slider(in_force, top)
        change = would_change(judged, tried)
        st.markdown(f"**{change.summary}**" if tried != in_force else _origin(by_hand, in_force))
        _buttons(context, model, tried, in_force, by_hand)
    # the place is kept while the browser loads what draws it
    with plot, st.container(height=PLOT_HEIGHT_PX, border=False, key="inspect-plot"):
        st.altair_chart(
            strip_plot(strip_rows(judged[:MAX_MARKS], tried), tried, top),
            key="inspect-strip",
            width="stretch",
        )


def _slider(in_force: float, top: float) -> float:
    tried: float = st.slider(
        "Threshold",
        0.0,
        top,
        value=in_force,
        step=top / 200,
        format="%.2f",
        key=f"{_SLIDER}-{st.session_state.get(_ROUND, 0)}-{in_force:.6g}-{top:.6g}",
        help=f"{TOTAL_HINT} Taught defects stay anomalies whatever the threshold.",
    )
    return tried


def _origin(by_hand: float | None, in_force: float) -> str:
    how = "set by hand" if by_hand is not None else "learnt from the references"
    return f"In force: {figure(in_force)}, {how}"


def _buttons(
    context: Context, model: Path, tried: float, in_force: float, by_hand: float | None
) -> None:
    with st.container(horizontal=True):
        if st.button(
            "Apply",
            key="inspect-threshold-apply",
            type="primary",
            disabled=tried == in_force,
            on_click=context.station.set_threshold,
            args=(model, tried),
            help="All verdicts of this model follow at once, those to come, too.",
        ):
            st.rerun()
        if st.button(
            "Reset to learnt",
            key="inspect-threshold-reset",
            disabled=by_hand is None and tried == in_force,
            on_click=_reset,
            args=(context, model),
            help="Back to what the references say.",
        ):
            st.rerun()


def _reset(context: Context, model: Path) -> None:
    context.station.set_threshold(model, None)
    st.session_state[_ROUND] = st.session_state.get(_ROUND, 0) + 1
