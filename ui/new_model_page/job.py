"""Fit of a model: its progress, and what was learnt."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import streamlit as st

from engine.editing import class_rows, reference_picture
from engine.inspector import Inspector
from engine.model_file import ModelFileError
from features.images import ImageError
from ui.charts import chart_theme
from ui.images import thumbnail
from ui.live import live
from ui.new_model_page.view import legend, show_legend, step_text, totals_chart, totals_text
from ui.sidebar import select_model
from ui.text import plain, share_done

if TYPE_CHECKING:
    from engine.station import Job
    from ui.context import Context

POLL_S = 0.5
FEW = 4  # references that are shown large
TOTALS_HINT = (
    "Each reference in turn is judged by the others. 1 is what the oddest of them reached in every "
    "score; an image above the threshold is called an anomaly."
)


def show_progress(context: Context, job: Job) -> None:
    """Draw how far a job is, with a way to cancel it, until it ends."""
    if job.kind == "fit":
        st.subheader(plain(f"Learning {job.spec['name']}"), anchor=False)
        live(_follow, every_s=POLL_S, key="new-job")(context, job.id)
        _show_references(job)
    else:
        st.subheader("Making an example product", anchor=False)
        live(_follow, every_s=POLL_S, key="new-job")(context, job.id)


def show_failure(job: Job, *, again: Callable[[], None]) -> None:
    """Say why a job did not succeed, and what to do."""
    st.error(plain(job.error or "It failed without a word."), icon=":material/error:")
    st.button("Choose again", key="new-again", icon=":material/undo:", on_click=again)


def show_learnt(context: Context, job: Job, *, again: Callable[[], None]) -> None:
    """Show the references with their parts, their totals and the threshold, and go on."""
    result = job.result or {}
    path = Path(str(result["model"]))
    try:
        inspector = _inspector(path)
    except ModelFileError as error:
        st.error(plain(str(error)), icon=":material/error:")
        st.button("Start anew", key="new-again", on_click=again)
        return
    st.success(plain(f"{path.stem} is ready."), icon=":material/check_circle:")
    with st.container(horizontal=True):
        is_to_use = st.button(
            "Use this model", key="new-use", type="primary", icon=":material/arrow_forward:"
        )
        st.button("Start another", key="new-again", on_click=again)
    if is_to_use:
        select_model(path)
        context.go("inspect")
    for warning in result["warnings"]:
        st.warning(plain(warning["text"]), icon=":material/warning:")
    _show_parts(job, inspector)
    _show_totals(job, result)


def _inspector(path: Path) -> Inspector:
    """Load the model once for all sessions, and again when its file has changed."""
    stamp = path.stat().st_mtime_ns if path.is_file() else 0
    return _loaded(str(path), stamp)


@st.cache_resource(show_spinner=False, max_entries=2)
def _loaded(path: str, stamp: int) -> Inspector:
    return Inspector.load(path, is_to_judge=False)


def _follow(context: Context, job_id: int) -> None:
    job = context.station.job(job_id)
    if not job.is_active:
        st.rerun()
    st.progress(share_done(job), f"{step_text(job)} …")
    if st.button("Cancel", key="new-cancel", icon=":material/cancel:"):
        context.station.cancel_job(job_id)
        st.rerun()


def _show_references(job: Job) -> None:
    references: list[dict[str, Any]] = job.spec["references"]
    with st.container(horizontal=True, gap="medium"):
        for each in references:
            with st.container(width=168):
                try:
                    st.image(thumbnail(Path(each["path"])), width="stretch")
                except (ImageError, OSError):  # the job says so in words
                    st.caption(":material/broken_image:")
                st.caption(plain(each["name"]))


def _show_parts(job: Job, inspector: Inspector) -> None:
    st.subheader(
        "Parts and their classes",
        anchor=False,
        help="Every photograph is cut into parts; parts that look alike form a class. Colour and "
        "number say which. Names can be given, and classes changed, on the page Parts.",
    )
    lines = legend(class_rows(inspector))
    if lines:
        show_legend(lines, key="new-legend")
    else:
        st.caption("Everything was taken for background; places are still compared.")
    order = [each["name"] for each in job.spec["references"]]
    numbers = sorted(range(len(order)), key=lambda each: order.index(inspector.fitted.names[each]))
    columns = st.columns(2 if len(numbers) <= FEW else 3, gap="medium")
    for place, number in enumerate(numbers):
        with columns[place % len(columns)]:
            st.image(reference_picture(inspector, number), width="stretch", output_format="JPEG")
            st.caption(plain(inspector.fitted.names[number]))


def _show_totals(job: Job, result: Mapping[str, Any]) -> None:
    st.subheader("What counts as normal", anchor=False, help=TOTALS_HINT)
    threshold = float(result["threshold"])
    order = [each["name"] for each in job.spec["references"]]
    judged = [each for each in result["references"] if each["total"] is not None]
    judged.sort(key=lambda each: order.index(each["name"]))
    if judged:
        names, totals = [each["name"] for each in judged], [each["total"] for each in judged]
        chart = totals_chart(names, totals, threshold, ink=chart_theme().ink)
        st.vega_lite_chart(chart, width="stretch", key="new-bars")
        st.caption(plain(totals_text(names, totals, threshold)))
    st.write(
        f"Threshold **{threshold:.3f}**: {plain(result['threshold_source'])}. An image with a "
        "higher total is called an anomaly. It can be changed on the page Inspect."
    )
