"""Do parts of a page that draw themselves again leave alone what stands beside them?"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

PATIENCE_MS = 30_000
N_RUNS = 8

# messages wait for each other, as they do on a machine under load
PAGE = """
import asyncio
import time

import streamlit as st
from streamlit.runtime.app_session import AppSession

from ui.live import live

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


def beat():
    st.session_state.beats = st.session_state.get("beats", 0) + 1
    st.markdown(f"beat {st.session_state.beats}")


st.session_state.runs = st.session_state.get("runs", 0) + 1
st.markdown(f"run {st.session_state.runs}")
live(beat, every_s=0.1, key="beats")()
with st.container(key="beside"):
    st.button("Again")
st.markdown("the end")
"""


@pytest.fixture
def page(serve: Any, browser: Any, tmp_path: Path) -> Any:
    script = tmp_path / "page.py"
    script.write_text(PAGE, encoding="utf-8")
    root = str(Path(__file__).parents[2])
    url = serve(script=script, environment={"PYTHONPATH": root}).url
    with browser.new_context() as context:
        context.set_default_timeout(PATIENCE_MS)
        page = context.new_page()
        page.goto(url)
        yield page


def test_a_neighbour_stays_however_late_messages_are(page: Any) -> None:
    expect.set_options(timeout=PATIENCE_MS)
    beat = page.locator(".st-key-beats")
    for run in range(1, N_RUNS + 1):
        expect(page.get_by_text(f"run {run}", exact=True)).to_be_visible()
        said = beat.inner_text()
        expect(beat).not_to_have_text(said)  # a fragment has drawn after the page
        page.wait_for_timeout(700)
        assert page.locator(".st-key-beside").count() == 1, f"gone after run {run}"
        assert page.get_by_text("the end").count() == 1, f"gone after run {run}"
        page.get_by_role("button", name="Again").click()
