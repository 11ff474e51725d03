"""One image beside its verdict: photograph, findings, tables, and actions.

A person can go on to the next, say what they think of the verdict, have the image judged again, and
print its report: the browser does so from a hidden frame, onto paper or into a PDF.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Literal

import streamlit as st

from engine.station import StationError
from features.images import ImageError
from ui.components import static_text
from ui.inspect_page.history_view import neighbours_text
from ui.inspect_page.state import current_filters
from ui.inspect_page.tables import (
    class_lines,
    finding_lines,
    has_recognised,
    image_text,
    marked_findings,
    region_lines,
    score_lines,
)
from ui.inspect_page.verdict import TOTAL_HINT
from ui.session import FOLLOW, load_state, open_entry, open_entry_id, save_state
from ui.tables import show_table
from ui.text import counted, plain
from ui.viewer import Layer, Mark, viewer

if TYPE_CHECKING:
    from engine.station import Entry, Result
    from engine.station.records import Review
    from ui.context import Context

_COMPONENT = st.components.v2.component(
    "partwise_print", html="<div></div>", js=static_text("inspect_print.js")
)

_N_PRINTED = "inspect-prints"

Way = Literal["Previous", "Next"]

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
            Mark(each.letter, each.box_xyxy, each.title, each.is_absent)
            for each in marked_findings(result)
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
    st.caption(plain(image_text(result)))


def show_actions(context: Context, entry: Entry) -> None:
    """Offer the neighbours and an opinion, each by a key of the keyboard, too."""
    before, after = _neighbours(context, entry)
    row = st.container(horizontal=True, vertical_alignment="center", key="inspect-buttons")
    with row:
        _step_button(
            context, "Previous", "P", ":material/chevron_left:", is_there=before is not None
        )
        _step_button(context, "Next", "N", ":material/chevron_right:", is_there=after is not None)
        _review_button(context, entry, "accepted", "Accept", "A", ":material/thumb_up:")
        _review_button(context, entry, "rejected", "Reject", "X", ":material/thumb_down:")
        st.toggle(
            "Follow the newest",
            key=load_state(FOLLOW, False),
            help="Shows each verdict as soon as it is there, for a camera that writes into a "
            "watched folder. Previous and Next end it.",
        )
        save_state(FOLLOW)
        _more_menu(context, entry)


def _neighbours(context: Context, entry: Entry) -> tuple[int | None, int | None]:
    """Return what came before and after an image, of those that the history shows."""
    chosen = current_filters()
    before, after = context.station.neighbours(
        entry.id, model=entry.model, order=chosen.order, **chosen.as_query()
    )
    # next is what came later, whichever way the table is sorted
    return (after, before) if chosen.order == "newest" else (before, after)


def _step_button(context: Context, label: Way, shortcut: str, icon: str, *, is_there: bool) -> None:
    st.button(
        label,
        key=f"inspect-{label.lower()}",
        icon=icon,
        shortcut=shortcut,
        disabled=not is_there,
        on_click=_step,
        args=(context, label),
        help=plain(neighbours_text(current_filters().summary)),
    )


def _step(context: Context, way: Way) -> None:
    """Go on from the image that is shown now: whoever presses quickly is ahead of the page."""
    try:
        entry = context.station.entry(int(open_entry_id()))
    except (StationError, ValueError):  # removed meanwhile: the page says so
        return
    target = _neighbours(context, entry)[way == "Next"]
    if target is not None:
        open_entry(target)


def _review_button(
    context: Context, entry: Entry, opinion: Review, label: str, shortcut: str, icon: str
) -> None:
    is_said = entry.review == opinion
    st.button(
        label,
        # of this image and no other, however late the press arrives
        key=f"inspect-{opinion}-{entry.id}",
        icon=icon,
        shortcut=shortcut,
        type="primary" if is_said else "secondary",
        disabled=entry.verdict is None,
        on_click=_review,
        args=(context, entry.id, None if is_said else opinion),
        help=(
            "Takes your opinion back."
            if is_said
            else f"Notes that the verdict is {'right' if opinion == 'accepted' else 'wrong'}. "
            "It changes no verdict; to teach what is new, use the page Teach."
        ),
    )


def _review(context: Context, entry_id: int, opinion: Review | None) -> None:
    try:
        context.station.review(entry_id, opinion, context.author)
    except StationError as error:  # removed by somebody else
        st.toast(plain(str(error)), icon=":material/info:")


def _more_menu(context: Context, entry: Entry) -> None:
    """Draw the menu and do what is chosen."""
    with st.popover("More", icon=":material/more_horiz:"):
        is_printing = st.button(
            "Print or save as PDF",
            key="inspect-print",
            icon=":material/print:",
            disabled=entry.verdict is None,
            width="stretch",
            help="The report of this one image; choose PDF as printer to keep it as a file.",
        )
        st.button(
            "Judge again",
            key="inspect-rejudge",
            icon=":material/refresh:",
            disabled=entry.state in ("queued", "running"),
            on_click=context.station.rejudge,
            args=([entry.id],),
            width="stretch",
            help="For when the model was changed or something was taught since.",
        )
        st.button(
            "Remove from the history",
            key="inspect-remove",
            icon=":material/delete:",
            on_click=_remove,
            args=(context, entry),
            width="stretch",
            help="Forgets the verdict, and the image if it was dropped here. Images of folders "
            "stay where they are.",
        )
    if is_printing:
        _print(context, entry)


def _print(context: Context, entry: Entry) -> None:
    """Hand the report to the browser, which asks where to print it."""
    try:
        with st.spinner("Writing the report"):
            html = context.station.report_html([entry.id])
    except (StationError, ImageError, ValueError) as error:
        st.toast(plain(str(error)), icon=":material/block:")
        return
    st.session_state[_N_PRINTED] = st.session_state.get(_N_PRINTED, 0) + 1
    _print_page(html, number=st.session_state[_N_PRINTED], key="inspect-printed")


def _remove(context: Context, entry: Entry) -> None:
    """Remove the image and show the one beside it."""
    before, after = context.station.neighbours(entry.id, model=entry.model)
    context.station.remove([entry.id])
    beside = after if after is not None else before
    if beside is not None:
        open_entry(beside)


def _print_page(html: str, *, number: int, key: str) -> None:
    """Ask the browser to print a page of its own, once for each ``number``.

    The page lies in a frame without scripts, forms and links to elsewhere.
    """
    _COMPONENT(data={"html": html, "number": number}, key=key, height=1)
