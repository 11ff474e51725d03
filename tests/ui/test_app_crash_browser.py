"""Everything crashes while images are judged and an edit is tried out: nothing is lost."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
from pathlib import Path
from typing import Any

from playwright.sync_api import expect

from engine import Inspector
from engine.editing import class_rows
from engine.station import Station

PATIENCE_MS = 120_000
N_IMAGES = 30


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def crash(pid: int) -> None:
    """End a process and all that it has started, without a word."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    os.kill(pid, signal.SIGKILL)
    for child in children:
        crash(int(child))


def test_a_crash_loses_nothing_and_the_open_page_comes_back_by_itself(
    serve: Any, browser: Any, fitted_model: Any, photographs: Any, tmp_path: Any
) -> None:
    expect.set_options(timeout=PATIENCE_MS)
    model = shutil.copy(fitted_model, tmp_path / "product.pw")
    words = (model, "--station", tmp_path / "station", "--port", free_port())
    first = serve(*words)
    name = next(row.name for row in class_rows(Inspector.load(model)) if not row.is_background)
    data = photographs.good[0].read_bytes()
    with (
        Station(tmp_path / "station") as station,
        browser.new_context(viewport={"width": 1280, "height": 800}) as context,
    ):
        context.set_default_timeout(PATIENCE_MS)
        page = context.new_page()
        page.goto(f"{first.url}/parts")
        page.get_by_role("checkbox", name=f"Choose {name}", exact=True).check()
        field = page.get_by_role("textbox", name="New name")
        field.fill("jacket")
        field.press("Enter")
        page.get_by_role("button", name="See what it changes").click()
        expect(page.get_by_text("Draft, not saved:")).to_be_visible()

        other = context.new_page()
        other.goto(first.url)
        expect(other.get_by_text("No images yet")).to_be_visible()
        batch = station.new_batch("many", model=tmp_path / "product.pw")
        for number in range(N_IMAGES):
            station.add_upload(data, f"{number}.png", model=tmp_path / "product.pw", batch=batch.id)
        other.reload()
        expect(other.get_by_text(f"of {N_IMAGES} images judged")).to_be_visible()
        crash(first.process.pid)
        first.process.wait()
        assert station.tally(batch=batch.id).pending > 0

        serve(*words)
        # a page that was open asks for its server until it is there again
        expect(other.get_by_text(re.compile(f"^{N_IMAGES} images: "))).to_be_visible()
        tally = station.tally(batch=batch.id)
        assert (tally.total, tally.failed, tally.pending) == (N_IMAGES, 0, 0)

        # what is pressed before the new server has drawn the page is nobody's
        page.reload()
        expect(page.get_by_text(re.compile("of 6 verdicts would turn"))).to_be_visible()
        page.get_by_role("button", name="Save").click()
        expect(page.get_by_text(re.compile("Saved: "))).to_be_visible()
        assert "jacket" in [row.name for row in class_rows(Inspector.load(model))]
