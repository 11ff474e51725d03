"""A morning at the line, on real photographs where there are any: from four of them to a leg.

A model is learnt from four photographs, ten are inspected, a part is painted once and named, and
from then on what is missing is called by that name; a thing outlined once is accepted.
"""

from __future__ import annotations

import os
import re
import time
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pytest
from playwright.sync_api import expect

from engine.station import Station
from engine.synthetic.scenes import render
from features import list_images

DATA = Path(os.environ.get("PARTWISE_DATA", Path(__file__).parents[3] / "shared" / "data"))
PATIENCE_S = 180
N_REFERENCES, N_EACH = 4, 5


@dataclass(frozen=True)
class Product:
    """References, images that lack a part, good ones; and where that part lies on a reference.

    The stroke is from (x, y) to (x, y), in shares of the photograph of that name.
    """

    references: list[Path]
    wrong: list[Path]
    right: list[Path]
    part: str
    stroke: dict[str, tuple[tuple[float, float], tuple[float, float]]]


def figures() -> Product:
    """Toy figures; five of them have lost a leg."""
    root = DATA / "aliens"
    anomalies = list_images(root / "test" / "anomaly")
    references = list_images(root / "train" / "good")[:N_REFERENCES]
    legs = ((0.70, 0.42), (0.88, 0.41))
    return Product(
        references,
        [anomalies[number] for number in (15, 25, 35, 50, 56)],
        list_images(root / "test" / "good")[9 : 9 + N_EACH],
        "leg",
        {references[-1].name: legs},
    )


def trays(folder: Path) -> Product:
    """Rendered trays of pins; five of them lack one."""
    stroke = {}

    def write(name: str, kind: str, seed: int) -> Path:
        scene = render("pins", np.random.default_rng([7, seed]), kind)
        path = folder / f"{name}-{seed}.png"
        cv2.imwrite(str(path), np.ascontiguousarray(scene.image[..., ::-1]))
        if kind == "good":
            stroke[path.name] = along_a_pin(scene)
        return path

    return Product(
        [write("reference", "good", number) for number in range(N_REFERENCES)],
        [write("wrong", "missing_pin", 100 + number) for number in range(N_EACH)],
        [write("right", "good", 200 + number) for number in range(N_EACH)],
        "pin",
        stroke,
    )


def along_a_pin(scene):
    """Return both ends of a thin part, in shares of the photograph."""
    height, width = scene.part_map.shape
    pin_class = int(np.bincount(scene.class_map.ravel()).argsort()[0])
    number = int(np.median(scene.part_map[scene.class_map == pin_class]))
    ys, xs = np.nonzero(scene.part_map == number)
    ends = np.argsort(xs + ys)[[0, -1]]
    return tuple((float(xs[each]) / width, float(ys[each]) / height) for each in ends)


@pytest.fixture(scope="module")
def product(tmp_path_factory):
    if (DATA / "aliens").is_dir():
        return figures()
    return trays(tmp_path_factory.mktemp("trays"))


@pytest.fixture(scope="module")
def app(serve, tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole")
    server = serve("--station", folder / "station", "--root", folder)
    server.station = folder / "station"
    return server


def drop(page, paths):
    place = page.get_by_test_id("stFileUploaderDropzoneInput").first
    place.wait_for(state="attached")
    place.set_input_files([str(path) for path in paths])


def judged(station, n):
    """Wait until n images are judged and drawn; returns them as they were dropped."""
    until = time.monotonic() + PATIENCE_S
    while time.monotonic() < until:
        entries = station.entries(order="oldest")
        if len(entries) == n and all(each.is_drawn and each.state == "done" for each in entries):
            return entries
        time.sleep(0.1)
    raise AssertionError(f"{n} images were not judged within {PATIENCE_S} s")


def test_what_is_missing_is_called_by_the_name_that_was_painted_once(
    app, product, browser, settle, screens
):
    expect.set_options(timeout=1000 * PATIENCE_S)
    with browser.new_context(viewport={"width": 1280, "height": 800}) as visitor:
        visitor.set_default_timeout(1000 * PATIENCE_S)
        page = visitor.new_page()
        page.goto(app.url)
        drop(page, product.references)
        page.get_by_role("button", name=f"Learn from {N_REFERENCES} photographs").click()
        page.get_by_role("button", name="Use this model").click()

        page.get_by_text("Drop images here").wait_for()
        drop(page, [*product.wrong, *product.right])
        with Station(app.station) as station:
            entries = judged(station, 2 * N_EACH)
            assert [each.verdict for each in entries[:N_EACH]] == ["anomaly"] * N_EACH
            normal = sum(each.verdict == "normal" for each in entries[N_EACH:])
            assert normal >= N_EACH - 1  # four references do not show all that is normal

        page.goto(f"{app.url}/parts")
        page.get_by_role("button", name="Add a part class").click()
        paint(page, product, settle)
        field = page.get_by_role("textbox", name="Name of the class")
        field.fill(product.part)
        field.press("Enter")
        page.get_by_role("button", name="See what it changes").click()
        expect(page.get_by_text(re.compile(r"of 6 verdicts would turn"))).to_be_visible()
        page.screenshot(path=screens / "journey-whole-draft.png")
        page.get_by_role("button", name="Save").click()
        page.get_by_role("button", name="Judge the last images again").click()
        expect(page.get_by_text(re.compile("Judged again: "))).to_be_visible()

        with Station(app.station) as station:
            entries = judged(station, 2 * N_EACH)
            named = [each for each in entries[:N_EACH] if product.part in (each.reason or "")]
            assert len(named) >= N_EACH - 1, [each.reason for each in entries[:N_EACH]]
            assert all(each.verdict == "anomaly" for each in entries[:N_EACH])
            normal = sum(each.verdict == "normal" for each in entries[N_EACH:])
            assert normal >= N_EACH - 1
        page.goto(f"{app.url}/?entry={named[0].id}")
        expect(page.locator(".band .reason")).to_contain_text(product.part)
        page.get_by_role("button", name="Side by side").click()
        settle(page)
        page.locator(".band").scroll_into_view_if_needed()
        page.screenshot(path=screens / "journey-whole-named.png")


def paint(page, product, settle):
    """Draw one stroke on the reference that is shown, whichever that is."""
    canvas = page.locator(".st-key-parts_painter canvas").last
    expect(canvas).to_be_visible()
    name = next(each for each in product.stroke if page.get_by_text(each, exact=True).count())
    settle(page)
    box = canvas.bounding_box()
    height, width = cv2.imread(str(path_of(product, name))).shape[:2]
    scale = min(box["width"] / width, box["height"] / height)
    left = box["x"] + (box["width"] - scale * width) / 2
    top = box["y"] + (box["height"] - scale * height) / 2
    (x0, y0), (x1, y1) = product.stroke[name]
    page.mouse.move(left + x0 * scale * width, top + y0 * scale * height)
    page.mouse.down()
    page.mouse.move(left + x1 * scale * width, top + y1 * scale * height, steps=8)
    page.mouse.up()
    expect(page.get_by_text("Up to its border:")).to_be_visible()


def path_of(product, name):
    return next(path for path in product.references if path.name == name)
