"""How far are the benchmarks that run, and how are they cancelled and taken up again?"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import streamlit as st

from ui.bench_page.address import turn_to
from ui.bench_page.view import job_title, remaining_text
from ui.live import live
from ui.view import plain

if TYPE_CHECKING:
    from engine.station import Job
    from ui.context import Context

_POLL_S = 1.0
_SEEN, _HIDDEN = "bench_seen", "bench_hidden"


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
    share = job.done / job.total if job.total else 0.0
    elapsed = (datetime.now(UTC) - job.started_at).total_seconds() if job.started_at else 0.0
    words = [job.step or "Waiting for its turn", remaining_text(elapsed, job.done, job.total)]
    with st.container(border=True):
        bar, stop = st.columns([6, 1], vertical_alignment="center")
        bar.progress(
            min(share, 1.0),
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
        turn_to(job.id)
        st.rerun()
    if hide.button("Hide", key=f"bench_hide_{job.id}", type="tertiary", width="stretch"):
        st.session_state[_HIDDEN].add(job.id)
        st.rerun()
