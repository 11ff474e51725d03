"""Waits of a person who uses the app, in a real browser.

    python benchmarks/app.py [FOLDER] [--uploads 10] [--queued 500] [--clicks 12]

Prints the seconds until the first useful screen of a model of 8 references, from the drop of an
image to its verdict beside what the engine needed, and how long a click takes while 500 images are
judged. FOLDER holds photographs, of which the first 8 are references; without it trays of pins are
rendered. Needs Chromium and `pip install playwright`.
"""

from __future__ import annotations

import argparse
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from machine import machine, use_one_thread

use_one_thread()

import numpy as np
from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

from engine import Inspector
from engine.station import Station
from features import list_images, read_image

N_REFERENCES = 8
N_RENDERED = 20
N_VISITS = 5
PAUSE_S = 1.0  # a person looks at a verdict before the next image
VERDICT = re.compile("^(Anomaly|Normal)$")
# notes when the band first says a verdict, by the name of the image
WATCH = """() => {
  window.verdicts = {};
  const look = () => {
    const hosts = [...document.querySelectorAll("*")];
    const band = hosts.find((each) => each.shadowRoot?.querySelector(".band"))?.shadowRoot;
    const [word, name] = [".word", ".label"].map((part) => band?.querySelector(part).textContent);
    if (/^(Anomaly|Normal)$/.test(word)) window.verdicts[name] ??= Date.now() / 1000;
    requestAnimationFrame(look);
  };
  look();
}"""
FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or "google-chrome"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path, nargs="?")
    parser.add_argument("--uploads", type=int, default=10, metavar="N")
    parser.add_argument("--queued", type=int, default=500, metavar="N")
    parser.add_argument("--clicks", type=int, default=12, metavar="N")
    asked = parser.parse_args()
    print(machine())
    with tempfile.TemporaryDirectory() as scratch, sync_playwright() as playwright:
        work = Path(scratch)
        images = list_images(asked.folder or rendered(work / "rendered"))
        model = fitted(images[:N_REFERENCES], work / "product.pw")
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        with served(model, work) as url, Station(work / "product.station") as station:
            report("first useful screen", first_screens(browser, url))
            page = visit(browser, url)
            waits = upload_waits(page, station, images[: asked.uploads])
            report("drop to verdict", [whole for whole, _ in waits])
            report("  of which the engine", [engine for _, engine in waits])
            report("  of which all else", [whole - engine for whole, engine in waits])
            report("a click, nothing queued", clicks(page, asked.clicks))
            for number in range(asked.queued):
                path = images[number % len(images)]
                station.add_upload(path.read_bytes(), f"{number}.png", model=model)
            before = station.tally().pending
            report(f"a click, {asked.queued} queued", clicks(page, asked.clicks))
            print(f"  judged meanwhile: {before - station.tally().pending} images")
            station.cancel()
        browser.close()


def rendered(folder: Path) -> Path:
    from engine.synthetic.scenes import render

    folder.mkdir()
    for seed in range(N_RENDERED):
        image = render("pins", np.random.default_rng(seed)).image
        Image.fromarray(image).save(folder / f"{seed:03d}.png")
    return folder


def fitted(paths: Sequence[Path], model: Path) -> Path:
    images = [read_image(path) for path in paths]
    Inspector().fit(images, names=[path.name for path in paths]).save(model)
    return model


@contextmanager
def served(model: Path, folder: Path) -> Iterator[str]:
    command = [sys.executable, "-m", "engine", "ui", str(model), "--no-browser", "--port", "0"]
    with (
        (folder / "log").open("wb") as log,
        subprocess.Popen(
            command, cwd=folder, stdout=subprocess.PIPE, stderr=log, text=True
        ) as server,
    ):
        assert server.stdout is not None
        try:
            yield server.stdout.readline().split()[3]
        finally:
            server.terminate()


def visit(browser: Browser, url: str) -> Page:
    page = browser.new_context(viewport={"width": 1280, "height": 800}).new_page()
    page.goto(url)
    page.get_by_text("Drop images here").wait_for()
    return page


def first_screens(browser: Browser, url: str) -> list[float]:
    """Time visits by browsers that have never been there: nothing is in their caches."""
    seconds = []
    for _ in range(N_VISITS):
        started = time.perf_counter()
        visit(browser, url).context.close()
        seconds.append(time.perf_counter() - started)
    return seconds


def upload_waits(page: Page, station: Station, paths: Sequence[Path]) -> list[tuple[float, float]]:
    """Time from the drop of an image until its verdict can be read, and the engine's part of it."""
    waits = []
    page.locator(".band").wait_for()
    page.evaluate(WATCH)  # asking from outside again and again would slow the page down
    for number, path in enumerate(paths):
        name = f"drop {number}.png"
        # a file that is dropped while the page is being drawn anew may miss its place
        page.locator("[data-test-script-state=notRunning]").wait_for()
        drop = page.get_by_test_id("stFileUploaderDropzoneInput").first
        started = time.time()
        drop.set_input_files({"name": name, "mimeType": "image/png", "buffer": path.read_bytes()})
        page.wait_for_function("name => window.verdicts[name]", arg=name)
        whole = page.evaluate("name => window.verdicts[name]", name) - started
        (entry,) = station.entries(order="newest", limit=1)
        waits.append((whole, entry.seconds or 0.0))
        time.sleep(PAUSE_S)
    return waits


def clicks(page: Page, n: int) -> list[float]:
    """Time changes between one image and all images, there and back."""
    seconds = []
    for number in range(n):
        is_to_all = number % 2 == 0
        started = time.perf_counter()
        page.get_by_role("radio", name="All images" if is_to_all else "One image").click()
        shown = (
            page.get_by_text("Threshold").first if is_to_all else page.get_by_text(VERDICT).first
        )
        shown.wait_for()
        seconds.append(time.perf_counter() - started)
    return seconds


def report(what: str, seconds: Sequence[float]) -> None:
    middle, most = statistics.median(seconds), max(seconds)
    print(f"{what:<26} {middle:6.2f} s (median of {len(seconds)}), {most:6.2f} s (most)")


if __name__ == "__main__":
    main()
