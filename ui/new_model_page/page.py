"""Page New model: choose photographs of good products, and see what is learnt.

The job is named in the address, ``?job=NUMBER``, and lives in the station: a page that is loaded
again, or anew, finds it where it is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from engine.station import StationError
from ui.new_model_page.choice import choose, go_on_with_example, is_example
from ui.new_model_page.job import show_failure, show_learnt, show_progress

if TYPE_CHECKING:
    from engine.station import Job
    from ui.context import Context

JOB = "job"


def show(context: Context) -> None:
    """Draw the page: the choice, the job on its way, or what was learnt."""
    st.title("New model")
    job = _current(context)
    if job is None or job.state == "cancelled":
        if job is not None:
            st.info("Cancelled; nothing was made.", icon=":material/cancel:")
        choose(context, start=lambda kind, spec: _start(context, kind, spec))
    elif job.is_active:
        show_progress(context, job)
    elif job.state == "failed":
        show_failure(job, again=_forget)
    elif is_example(context, job):
        go_on_with_example(context, job, start=lambda kind, spec: _start(context, kind, spec))
    else:
        show_learnt(context, job, again=_forget)


def _current(context: Context) -> Job | None:
    """Return the job in the address, or else one that is still on its way."""
    asked = st.query_params.get(JOB, "")
    if asked.isdecimal():
        try:
            job = context.station.job(int(asked))
        except StationError:
            _forget()
        else:
            return job if job.kind in ("fit", "samples") else None
    active = [
        job for kind in ("fit", "samples") for job in context.station.jobs(kind, is_active=True)
    ]
    if active:
        st.query_params[JOB] = str(active[0].id)
        return active[0]
    return None


def _start(context: Context, kind: str, spec: dict[str, object]) -> None:
    """Start a job and show it.

    Raises:
        StationError: The spec is wrong.
    """
    st.query_params[JOB] = str(context.station.start_job(kind, spec))
    st.rerun()


def _forget() -> None:
    st.query_params.pop(JOB, None)
