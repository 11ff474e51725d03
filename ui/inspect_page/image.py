"""What does the page show of one image beside its verdict?"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import streamlit as st

from engine.station import StationError
from ui.inspect_page.actions import show_actions
from ui.inspect_page.view_tables import (
    class_lines,
    finding_lines,
    framed,
    has_recognised,
    image_words,
    region_lines,
    score_lines,
)
from ui.inspect_page.view_verdict import TOTAL_HINT
from ui.table import show_table
from ui.view import counted, plain
from ui.viewer import Layer, Mark, viewer

if TYPE_CHECKING:
    from engine.station import Entry, Result
    from ui.context import Context

PHOTO_HEIGHT_PX = 460
# name in Result.layers, words on the chip, whether it is on at first, how strong
_LAYERS = (
    ("parts", "Parts", False, 0.6),
    ("anomaly", "Not seen before", True, 0.8),
    ("missing", "Missing", True, 0.8),
)
_RECOGNISED = Layer("recognised", "Recognised", b"", is_on=True, opacity=0.7)
# the map shows them already
_UNKNOWN = Layer("unknown", "New regions", b"", is_on=False, opacity=0.7)


def show_image(context: Context, entry: Entry) -> None:
    """Draw what belongs to a verdict: buttons, photograph with findings, and tables."""
    show_actions(context, entry)
    result = _result(context, entry)
    if result is None:
        return
    picture, findings = st.columns([3, 2], gap="medium")
    with picture:
        _viewer(result)
    with findings:
        _findings(result)
    scores, parts = st.columns(2, gap="large")
    with scores:
        _scores(result)
    with parts:
        _parts(result)


def _result(context: Context, entry: Entry) -> Result | None:
    """Return what was drawn of an image; otherwise keep its place and say why there is nothing."""
    if entry.is_drawn and entry.state in ("queued", "running", "done"):
        try:
            return context.station.result(entry.id)
        except StationError as error:
            words = str(error)
    else:
        words = "" if entry.state in ("queued", "running", "done") else "There is no picture of it."
    with st.container(height=PHOTO_HEIGHT_PX, border=True, key="inspect-empty"):
        st.caption(plain(words) or "The photograph follows its verdict.")
        if words:
            st.button(
                "Judge it again",
                key="inspect-again",
                icon=":material/refresh:",
                on_click=context.station.rejudge,
                args=([entry.id],),
            )
    return None


def _viewer(result: Result) -> None:
    layers = [
        Layer(name, title, result.layers[name], is_on=is_on, opacity=opacity)
        for name, title, is_on, opacity in _LAYERS
    ]
    if "regions" in result.layers:
        kind = _RECOGNISED if has_recognised(result) else _UNKNOWN
        layers.append(replace(kind, png=result.layers["regions"]))
    viewer(
        result.photo,
        layers,
        image_size=result.image_size,
        marks=[
            Mark(each.letter, each.box_xyxy, each.title, each.is_absent) for each in framed(result)
        ],
        other=result.reference,
        other_title="Nearest reference",
        height=PHOTO_HEIGHT_PX,
        is_listing=False,  # beside it
        key="inspect-viewer",
    )


def _findings(result: Result) -> None:
    lines = finding_lines(result)
    is_anomaly = result.entry.verdict == "anomaly"
    st.markdown(
        "**What deviates**" if is_anomaly or not lines else "**What deviates**, though not enough",
        help="Each line is one difference from the references, the worst first. The letter is the "
        "one in the image; a dashed frame is where something should be. The figure says how many "
        "times as large it is as what normal images reach.",
    )
    with st.container(height=PHOTO_HEIGHT_PX - 30, border=False, key="inspect-findings"):
        if lines:
            show_table(lines, label="What deviates", key="inspect-findings-table")
        else:
            st.caption("Nothing that can be named differs more than in good parts.")
        regions = region_lines(result)
        if regions:
            st.markdown(
                f"**What is new**: {counted(len(regions), 'region')}",
                help="Regions that no reference shows, compared with what was taught on the page "
                "Teach: ✓ accepted, ✕ defect, ? of no class. The figure says how sure that is.",
            )
            show_table(regions, label="Recognised regions", key="inspect-regions-table")


def _scores(result: Result) -> None:
    used = sum(bool(each["is_active"]) for each in result.scores)
    st.markdown(
        f"**What adds to the total**: {used} of {len(result.scores)} questions", help=TOTAL_HINT
    )
    show_table(
        score_lines(result.scores),
        label="Scores and their shares of the total",
        headings=("Question", "Share"),
        key="inspect-scores-table",
    )


def _parts(result: Result) -> None:
    st.markdown(
        "**Parts**",
        help="A class is a kind of part that looks alike. Found is how many this image has, "
        "expected how many the references show; numbers and colours are those of the layer Parts.",
    )
    show_table(
        class_lines(result),
        label="Classes of parts",
        headings=("Class", "Found", "Expected"),
        key="inspect-classes-table",
    )
    st.caption(plain(image_words(result)))
