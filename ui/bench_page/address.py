"""What does the address of the page keep, so that a reload and a link show the same?"""

from __future__ import annotations

import streamlit as st

VIEW, RESULT = "bench_view", "bench_result"
"""What the page shows, and which result: the keys of two widgets."""


def kept(name: str) -> str:
    """Return what the address holds under this name; perhaps empty."""
    return str(st.query_params.get(name, ""))


def keep(name: str, value: str) -> None:
    """Write a value into the address, unless it is there."""
    if kept(name) != value:
        st.query_params[name] = value


def turn_to(job: int) -> None:
    """Show the result of a job from the next run of the script on, however far it is."""
    for key in (VIEW, RESULT):
        st.session_state.pop(key, None)
    keep("view", "results")
    keep("result", f"job-{job}")
