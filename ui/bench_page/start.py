"""Start of a benchmark, its form, and the benchmarks that wait or run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from engine.benchmark.datasets import Category, DatasetError, find_categories, find_datasets
from engine.benchmark.protocol import SEEDS, SHOTS
from engine.station import StationError
from engine.station.jobs import PROFILES
from features.names import show_name
from ui.bench_page.state import show_job
from ui.bench_page.view import (
    HINTS,
    category_text,
    job_title,
    plan_text,
    read_numbers,
    remaining_text,
)
from ui.live import live
from ui.text import counted, plain, share_done, short_path

if TYPE_CHECKING:
    from engine.station import Job
    from ui.context import Context

_MOST_SHOTS = 8
_FIRST_SHOTS = [4]
_LAYOUT = """\
A folder in the layout of MVTec LOCO or MVTec AD, or of your own:

- `train/good`: normal images, from which references are drawn;
- `test/good`: normal images to judge;
- `test/NAME`: anomalous images to judge, one folder for each type.

Several such folders side by side are one data set with several categories.
"""

_POLL_S = 1.0
_SEEN, _HIDDEN = "bench_seen", "bench_hidden"


def show_start(context: Context) -> None:
    """Draw the form and start what it says."""
    root = _choose_root(context)
    found = _read(root) if root else []
    if root is None or not found:
        _explain_layout()
        return
    categories = _choose_categories(found)
    shots, seeds, profile = _choose_method(categories)
    problem = _problem(categories, shots, seeds)
    if problem:
        st.warning(plain(problem), icon=":material/info:")
    else:
        st.caption(f"{plan_text(categories, shots, seeds)}.")
    if st.button(
        "Start benchmark",
        key="bench_start",
        type="primary",
        icon=":material/play_arrow:",
        disabled=bool(problem),
    ):
        spec = {
            "root": str(root),
            "categories": [category.name for category in categories],
            "shots": sorted(shots),
            "seeds": list(seeds),
            "profile": profile,
        }
        _start(context, spec)


def _choose_root(context: Context) -> Path | None:
    """Offer the data sets that are there, or take a typed folder; says why one cannot be read."""
    station = context.station
    offered = [str(path) for path in _data_sets((*station.roots, station.paths.samples))]
    typed = st.selectbox(
        "Data set",
        offered,
        index=0 if offered else None,
        format_func=lambda path: short_path(Path(path), station.roots),
        accept_new_options=True,
        key="bench_root",
        placeholder="Choose or type a folder",
        help="A folder with normal images to learn from and images to judge. Type any folder below "
        "those that were opened at start (--root).",
    )
    if not typed:
        return None
    try:
        return station.allowed(typed)
    except StationError as error:
        st.error(plain(str(error)), icon=":material/block:")
        return None


def _read(root: Path) -> list[Category]:
    try:
        with st.spinner("Looking into the folder", show_time=False):
            return _categories(str(root))
    except (DatasetError, OSError) as error:
        st.error(plain(str(error)), icon=":material/folder_off:")
        return []


def _choose_categories(found: list[Category]) -> list[Category]:
    if len(found) == 1:
        st.caption(plain(f"{found[0].name}: {category_text(found[0])}"))
        return found
    names = st.multiselect(
        "Categories",
        [category.name for category in found],
        default=[category.name for category in found],
        format_func=show_name,
        key="bench_categories",
        help="One product each; every one is measured on its own, and then their mean.",
    )
    chosen = [category for category in found if category.name in names]
    for category in chosen:
        st.caption(plain(f"{category.name}: {category_text(category)}"))
    return chosen


def _choose_method(categories: Sequence[Category]) -> tuple[list[int], tuple[int, ...], str]:
    left, middle, right = st.columns([2, 2, 1])
    with left:
        shots = st.pills(
            "Shots",
            range(1, _MOST_SHOTS + 1),
            selection_mode="multi",
            default=_FIRST_SHOTS,
            key="bench_shots",
            help=f"{HINTS['shots']} The usual protocol takes {', '.join(map(str, SHOTS))}.",
        )
    with middle:
        text = st.text_input(
            "Seeds",
            value=str(SEEDS[0]),
            key="bench_seeds",
            help=f"{HINTS['seeds']} The usual protocol takes {', '.join(map(str, SEEDS))}.",
        )
    with right:
        profile = st.selectbox("Profile", PROFILES, key="bench_profile", help=HINTS["profile"])
    try:
        seeds = read_numbers(text)
    except ValueError as error:
        st.error(plain(str(error)), icon=":material/block:")
        seeds = ()
    return list(shots), seeds, profile


def _problem(categories: Sequence[Category], shots: Sequence[int], seeds: Sequence[int]) -> str:
    """Say what is missing; empty if nothing is."""
    if not categories:
        return "Choose at least one category."
    if not shots:
        return "Choose at least one number of shots."
    if not seeds:
        return "Give at least one seed."
    least = min(categories, key=lambda category: len(category.train))
    if max(shots) > len(least.train):
        images = counted(len(least.train), "training image")
        return f"{least.name} has {images}; choose at most so many shots."
    return ""


def _start(context: Context, spec: Mapping[str, object]) -> None:
    try:
        job = context.station.start_job("bench", spec)
    except StationError as error:
        st.error(plain(str(error)), icon=":material/block:")
        return
    show_job(job)
    st.rerun()


def _explain_layout() -> None:
    with st.container(border=True):
        st.markdown(_LAYOUT)


@st.cache_resource(show_spinner=False, ttl=30, max_entries=4)
def _data_sets(folders: tuple[Path, ...]) -> list[Path]:
    """Look for data sets now and then, not with every click."""
    return [path for folder in folders for path in find_datasets(folder)]


@st.cache_resource(show_spinner=False, ttl=30, max_entries=8)
def _categories(root: str) -> list[Category]:
    """Read a data set once: names of defects are in its masks, of which there may be thousands."""
    return find_categories(Path(root))


def show_jobs(context: Context) -> None:
    """Draw the jobs that wait or run, and the last one if it failed or was cancelled."""
    active = context.station.jobs("bench", is_active=True)
    st.session_state[_SEEN] = _state_of(active)
    if active:
        live(_watch, every_s=_POLL_S, key="bench_jobs")(context)
    _show_last(context)


def _watch(context: Context) -> None:
    """Draw bars anew every second, and the whole page when a run or a job has finished."""
    active = context.station.jobs("bench", is_active=True)
    if _state_of(active) != st.session_state.get(_SEEN):
        st.rerun()
    for job in reversed(active):
        _show_active(context, job)


def _state_of(jobs: list[Job]) -> list[tuple[int, str, str]]:
    """Return what changes when there is more to show: which jobs, and how many finished runs."""
    return [(job.id, job.state, job.step) for job in jobs]


def _show_active(context: Context, job: Job) -> None:
    elapsed = (datetime.now(UTC) - job.started_at).total_seconds() if job.started_at else 0.0
    words = [job.step or "Waiting for its turn", remaining_text(elapsed, job.done, job.total)]
    with st.container(border=True):
        bar, stop = st.columns([6, 1], vertical_alignment="center")
        bar.progress(
            share_done(job),
            plain(" · ".join([job_title(job), *filter(None, words)])),
        )
        # a callback is called even if this run ends before the button, to have the page drawn
        stop.button(
            "Cancel",
            key=f"bench_cancel_{job.id}",
            icon=":material/stop:",
            width="stretch",
            on_click=context.station.cancel_job,
            args=(job.id,),
            help="Finished runs are kept, and it can be taken up again.",
        )


def _show_last(context: Context) -> None:
    """Say how the newest job ended if it is not done, and offer to go on."""
    jobs = context.station.jobs("bench")
    if not jobs or jobs[0].is_active or jobs[0].state == "done":
        return
    job = jobs[0]
    if job.id in st.session_state.setdefault(_HIDDEN, set()):
        return
    words, again, hide = st.columns([6, 1, 1], vertical_alignment="center")
    title = plain(job_title(job))
    if job.state == "failed":
        words.error(f"{title} stopped: {plain(job.error or '')}", icon=":material/error:")
    else:
        words.info(f"{title} was cancelled. Finished runs are kept.", icon=":material/pause:")
    if again.button(
        "Go on",
        key=f"bench_resume_{job.id}",
        icon=":material/resume:",
        width="stretch",
        help="Only the runs that are missing are made.",
    ):
        context.station.resume_job(job.id)
        show_job(job.id)
        st.rerun()
    if hide.button("Hide", key=f"bench_hide_{job.id}", type="tertiary", width="stretch"):
        st.session_state[_HIDDEN].add(job.id)
        st.rerun()
