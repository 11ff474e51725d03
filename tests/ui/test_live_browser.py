"""Do parts of a page that draw themselves again leave alone what stands beside them?

Messages to the browser are held back, as on a machine under load, or lost, as happens at the end of
a run when the browser asks for something at that very moment (see ``ui.live``).
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

PATIENCE_MS = 90_000
N_RUNS = 4

LATE = """
import asyncio
import time

from streamlit.runtime.app_session import AppSession

if not hasattr(AppSession, "flushed_at"):
    flush = AppSession.flush_browser_queue

    def flush_late(session):
        if time.monotonic() - session.flushed_at < 0.3:
            asyncio.get_running_loop().call_later(0.05, session._message_enqueued_callback)
            return []
        session.flushed_at = time.monotonic()
        return flush(session)

    AppSession.flushed_at = 0.0
    AppSession.flush_browser_queue = flush_late
"""

BESIDE = (
    LATE
    + """
import streamlit as st
from ui.live import begin_page, end_page, live

def beat():
    st.session_state.beats = st.session_state.get("beats", 0) + 1
    st.markdown(f"beat {st.session_state.beats}")

begin_page()
st.session_state.runs = st.session_state.get("runs", 0) + 1
st.markdown(f"run {st.session_state.runs}")
live(beat, every_s=0.1, key="beats")()
with st.container(key="beside"):
    st.button("Again")
st.markdown("the end")
end_page()
"""
)

ENDING = (
    LATE
    + """
import streamlit as st
from ui.live import begin_page, end_page, live

def follow():
    if time.monotonic() > st.session_state.until:
        st.session_state.until = None
        st.rerun()
    st.markdown("at work")

def start():
    st.session_state.until = time.monotonic() + 1
    st.session_state.jobs = st.session_state.get("jobs", 0) + 1

begin_page()
live(lambda: st.caption("status"), every_s=0.2, key="status")()
if st.session_state.get("until"):
    live(follow, every_s=0.1, key="job")()
else:
    st.markdown(f"done {st.session_state.get('jobs', 0)}")
    st.button("Start", on_click=start)
end_page()
"""
)

LOSING = """
import streamlit as st
from streamlit.runtime.app_session import AppSession
from ui.live import begin_page, end_page, live

if not hasattr(AppSession, "is_losing"):
    enqueue = AppSession._enqueue_forward_msg

    def enqueue_or_lose(session, msg):
        kind = msg.WhichOneof("type")
        if AppSession.is_losing and kind in ("delta", "script_finished"):
            AppSession.is_losing = kind == "delta"  # until this run has come to its end
        else:
            enqueue(session, msg)

    AppSession.is_losing = False
    AppSession._enqueue_forward_msg = enqueue_or_lose

def lose():
    AppSession.is_losing = True

begin_page()
st.session_state.runs = st.session_state.get("runs", 0) + 1
live(lambda: st.caption("status"), every_s=0.2, key="status")()
st.button("Lose", on_click=lose)
st.markdown(f"run {st.session_state.runs}")
end_page()
"""

Open = Callable[[str], Any]


@pytest.fixture
def opened(serve: Any, tab: Callable[..., Any], tmp_path: Path) -> Open:
    """Serve a page and open it."""
    expect.set_options(timeout=PATIENCE_MS)

    def visit(script: str) -> Any:
        (path := tmp_path / "page.py").write_text(script, encoding="utf-8")
        root = str(Path(__file__).parents[2])
        page = tab()
        page.goto(serve(script=path, environment={"PYTHONPATH": root}).url)
        return page

    return visit


def test_a_neighbour_stays_however_late_messages_are(opened: Open) -> None:
    page = opened(BESIDE)
    beat = page.locator(".st-key-beats")
    for run in range(1, N_RUNS + 1):
        expect(page.get_by_text(f"run {run}", exact=True)).to_be_visible()
        said = beat.inner_text()
        expect(beat).not_to_have_text(said)  # a fragment has drawn after the page
        page.wait_for_timeout(700)
        assert page.locator(".st-key-beside").count() == 1, f"gone after run {run}"
        assert page.get_by_text("the end").count() == 1, f"gone after run {run}"
        page.get_by_role("button", name="Again").click()


def test_a_page_that_a_part_asks_for_arrives_however_late(opened: Open) -> None:
    page = opened(ENDING)
    for done in range(N_RUNS):
        expect(page.get_by_text(f"done {done}", exact=True)).to_be_visible()
        page.get_by_role("button", name="Start").click()
        expect(page.get_by_text("at work")).to_be_visible()
    expect(page.get_by_text(f"done {N_RUNS}", exact=True)).to_be_visible()


def test_a_page_whose_end_was_lost_is_asked_for_again(opened: Open) -> None:
    page = opened(LOSING)
    for _ in range(2):
        said = page.get_by_text("run ").inner_text()
        page.get_by_role("button", name="Lose").click()
        shown = int(said.removeprefix("run "))
        # the run in between is the one that nobody has seen
        expect(page.get_by_text(f"run {shown + 2}", exact=True)).to_be_visible()
    page.wait_for_timeout(3000)
    assert page.get_by_text("run ").inner_text() == f"run {shown + 2}", "asked again and again"


SLOW = """
import time
import streamlit as st
from ui.live import begin_page, end_page, live

def work():
    if st.session_state.get("done", 0) == 2:
        st.session_state.done = 3
        st.rerun()
    time.sleep(5)  # as long as a network takes for an image, and longer than the browser waits
    st.session_state.done = st.session_state.get("done", 0) + 1

begin_page()
st.session_state.runs = st.session_state.get("runs", 0) + 1
st.markdown(f"run {st.session_state.runs}")
st.markdown(f"done {st.session_state.get('done', 0)}")
live(work, every_s=0.1 if st.session_state.get("done", 0) < 3 else None, key="work")()
live(lambda: st.caption("status"), every_s=0.2, key="status")()
end_page()
"""


def test_what_takes_long_is_not_begun_again_and_again(opened: Open) -> None:
    page = opened(SLOW)
    expect(page.get_by_text("done 3")).to_be_visible()
    assert page.get_by_text("run ").inner_text() == "run 2"
