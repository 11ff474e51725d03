"""The journey of a newcomer in a real browser: from four photographs to a missing part, named."""

from __future__ import annotations

import time

import cv2
import numpy as np
import pytest

from engine.station import Station
from engine.synthetic.scenes import render

JOB_MS = SLOW_MS = 180_000
PRODUCT, FLAW = "pins", "missing_pin"
N_REFERENCES, N_EACH = 4, 5
DRAWN_S = 120


def write(folder, kind, n, first=0):
    """Photograph products, and remember where in each something is wrong."""
    folder.mkdir()
    truth = {}
    for number in range(n):
        scene = render(PRODUCT, np.random.default_rng([7, first + number]), kind)
        path = folder / f"{kind}-{number}.png"
        cv2.imwrite(str(path), np.ascontiguousarray(scene.image[..., ::-1]))
        truth[path] = np.any([mask for _, mask in scene.masks], axis=0) if scene.masks else None
    return truth


@pytest.fixture(scope="module")
def app(serve, tmp_path_factory):
    folder = tmp_path_factory.mktemp("first")
    server = serve("--station", folder / "station", "--root", folder)
    server.folder = folder
    return server


def finished(station, n):
    """Wait until this many images are judged and drawn; returns them as they were dropped."""
    until = time.monotonic() + DRAWN_S
    while time.monotonic() < until:
        entries = station.entries(order="oldest")
        if len(entries) == n and all(each.is_drawn for each in entries):
            return entries
        time.sleep(0.1)
    raise AssertionError(f"not all of {n} images were judged within {DRAWN_S} s")


def drop(page, paths):
    place = page.get_by_test_id("stFileUploaderDropzoneInput").first
    place.wait_for(state="attached")
    place.set_input_files([str(path) for path in paths])


def test_a_newcomer_learns_inspects_and_reads_what_is_missing(app, browser, screens):
    references = write(app.folder / "references", "good", N_REFERENCES)
    wrong = write(app.folder / "wrong", FLAW, N_EACH, first=100)
    right = write(app.folder / "right", "good", N_EACH, first=200)
    with browser.new_context(viewport={"width": 1280, "height": 800}) as visitor:
        visitor.set_default_timeout(SLOW_MS)
        page = visitor.new_page()
        page.goto(app.url)
        page.get_by_text("Drop 1 to 8 photographs of good products here").wait_for()
        page.screenshot(path=screens / "journey-first-start.png")

        drop(page, references)
        page.get_by_text("4 references of at most 8").wait_for()
        name = page.get_by_label("Name of the model", exact=True)
        name.fill("tray")
        name.press("Enter")
        page.get_by_role("button", name="Learn from 4 photographs").click()
        use = page.get_by_role("button", name="Use this model")
        use.wait_for(timeout=JOB_MS)
        page.get_by_test_id("stVegaLiteChart").wait_for()
        page.screenshot(path=screens / "journey-first-learnt.png")
        use.click()

        page.get_by_text("Drop images here").wait_for()
        drop(page, [*wrong, *right])
        with Station(app.folder / "station") as station:
            entries = finished(station, 2 * N_EACH)
            verdicts = {each.name: each.verdict for each in entries}
            assert {verdicts[path.name] for path in wrong} == {"anomaly"}
            # four references do not show all that is normal
            assert sum(verdicts[path.name] == "normal" for path in right) >= N_EACH - 1
            for path, truth in wrong.items():
                entry = next(each for each in entries if each.name == path.name)
                framed = boxes_of_absent(station.result(entry.id).report)
                assert any(truth[y0:y1, x0:x1].mean() > 0 for x0, y0, x1, y1 in framed), path.name
        shown = next(each for each in entries if each.verdict == "anomaly")
        page.goto(f"{app.url}/?entry={shown.id}")
        page.locator(".band .word", has_text="Anomaly").wait_for()
        page.get_by_text("What deviates").wait_for()
        assert "missing" in page.locator(".band").inner_text().lower()
        page.wait_for_load_state("networkidle")
        page.screenshot(path=screens / "journey-first-missing.png")


def boxes_of_absent(report):
    return [
        each["box_xyxy"]
        for each in report["deviations"]
        if each["kind"] in ("missing", "missing_here") and each["box_xyxy"]
    ]
