"""Journeys of a visitor: accept a novelty and take it back; two visitors teach at once."""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image

from engine.regions import Library
from engine.station import Station
from features import read_image

PATIENCE_S = 90
SIZES = {"wide": (1280, 800), "tablet": (1024, 768)}


@dataclass(frozen=True)
class Thing:
    """Something foreign on a photograph: where it lies, in pixels of the image."""

    photo: np.ndarray
    center_xy: tuple[int, int]
    radius: int


def with_sticker(photo: np.ndarray) -> Thing:
    """Lay a round, yellow sticker on a photograph."""
    height, width = photo.shape[:2]
    (x, y), radius = (width // 2, round(0.12 * height)), width // 20
    image = photo.copy()
    cv2.circle(image, (x, y), radius, (250, 220, 30), cv2.FILLED)
    cv2.circle(image, (x, y), radius // 2, (40, 40, 200), cv2.FILLED)
    return Thing(image, (x, y), radius)


def with_stain(photo: np.ndarray) -> Thing:
    """Let something green and ragged dry on a photograph."""
    height, width = photo.shape[:2]
    (x, y), radius = (round(0.85 * width), round(0.15 * height)), width // 24
    image, rng = photo.copy(), np.random.default_rng(4)
    for dx, dy in rng.integers(-radius // 2, radius // 2 + 1, (12, 2)):
        cv2.circle(image, (x + int(dx), y + int(dy)), radius // 2, (30, 110, 60), cv2.FILLED)
    return Thing(image, (x, y), radius)


@dataclass(frozen=True)
class Bench:
    """A served station with a photograph of each thing, judged already."""

    url: str
    model: Path
    station: Station
    things: tuple[Thing, ...]
    settle: Callable[[Any], None]

    def verdict(self, entry: int) -> str | None:
        """Return what the history says once nothing is waiting to be judged again."""
        deadline = time.monotonic() + PATIENCE_S
        while self.station.tally().pending and time.monotonic() < deadline:
            time.sleep(0.1)
        return self.station.entry(entry).verdict

    def library(self) -> Library:
        return Library(self.model.with_suffix(".regions.db"), is_read_only=True)


@pytest.fixture
def bench(
    serve: Callable[..., Any], settle: Any, fitted_model: Path, photographs: Any, tmp_path: Path
) -> Iterator[Bench]:
    model = tmp_path / "product.pw"
    shutil.copy(fitted_model, model)
    things = (
        with_sticker(read_image(photographs.good[-1])),
        with_stain(read_image(photographs.good[-2])),
    )
    with Station(tmp_path / "station") as station:
        for number, thing in enumerate(things):
            file = tmp_path / f"{number}.png"
            Image.fromarray(thing.photo).save(file)
            station.add_upload(file.read_bytes(), file.name, model=model)
        server = serve(model, "--station", tmp_path / "station")
        found = Bench(server.url, model, station, things, settle)
        assert [found.verdict(1), found.verdict(2)] == ["anomaly", "anomaly"]
        yield found


class Visitor:
    """A browser with cookies of its own on the page Teach."""

    def __init__(self, browser: Any, bench: Bench, entry: int, name: str, **options: Any) -> None:
        self.bench, self.entry = bench, entry
        size = options.pop("size", SIZES["wide"])
        self.context = browser.new_context(
            viewport={"width": size[0], "height": size[1]}, **options
        )
        self.context.set_default_timeout(1000 * PATIENCE_S)
        self.page = self.context.new_page()
        self.page.goto(f"{bench.url}/teach?entry={entry}")
        self.canvas.wait_for()
        self.type("Your name", name)
        self.page.wait_for_function("document.cookie.includes('partwise_author')")
        self.bench.settle(self.page)

    @property
    def canvas(self) -> Any:
        return self.page.locator(".painter .frame")

    def type(self, label: str, words: str) -> None:
        box = self.page.get_by_role("textbox", name=label, exact=True)
        box.fill(words)
        box.press("Enter")

    def press(self, label: str) -> None:
        self.page.get_by_role("button", name=label, exact=True).click()

    def open(self, view: str) -> None:
        self.page.locator(".st-key-teach_view button", has_text=view).click()

    def at(self, x: float, y: float) -> tuple[float, float]:
        """Return where a place of the image lies on the screen, as long as it is not zoomed."""
        frame = self.canvas.bounding_box()
        height, width = self.bench.things[self.entry - 1].photo.shape[:2]
        scale = min(frame["width"] / width, frame["height"] / height)
        return (
            frame["x"] + (frame["width"] - width * scale) / 2 + x * scale,
            frame["y"] + (frame["height"] - height * scale) / 2 + y * scale,
        )

    def brush_over_the_thing(self) -> None:
        """Paint roughly over it in one stroke to and fro."""
        thing = self.bench.things[self.entry - 1]
        (x, y), half = thing.center_xy, 0.7 * thing.radius
        self.page.locator("button[data-tool=brush]").click()
        rows = np.linspace(y - half, y + half, 4)
        for number, row in enumerate(rows):
            ends = (x - half, x + half) if number % 2 == 0 else (x + half, x - half)
            for end in ends:
                self.page.mouse.move(*self.at(end, row), steps=3)
                if number == 0 and end == ends[0]:
                    self.page.mouse.down()
        self.page.mouse.up()
        self.page.get_by_text("What is meant").wait_for()

    def box_the_thing(self) -> None:
        thing = self.bench.things[self.entry - 1]
        (x, y), half = thing.center_xy, 1.3 * thing.radius
        self.page.locator("button[data-tool=box]").click()
        self.page.mouse.move(*self.at(x - half, max(y - half, 0)))
        self.page.mouse.down()
        self.page.mouse.move(*self.at(x + half, y + half), steps=5)
        self.page.mouse.up()
        self.page.get_by_text("What is meant").wait_for()

    def name_it(self, name: str, kind: str) -> None:
        self.type("Name", name)
        self.page.locator("[data-testid=stRadio]").get_by_text(kind, exact=True).click()
        self.bench.settle(self.page)

    def snap(self, path: Path) -> None:
        """Keep a picture of the page once it stands still."""
        self.page.wait_for_function(
            """() => !document.querySelector("[data-test-script-state=running], [data-stale=true]")
                && [...document.images].every((each) => each.complete && each.naturalWidth)"""
        )
        self.page.screenshot(path=str(path))

    def outcome(self) -> Any:
        return self.page.locator(".st-key-teach_outcome")


def settled(visitor: Visitor) -> str:
    """Return the words on what a lesson changed, once every image was judged again."""
    outcome = visitor.outcome()
    outcome.wait_for()
    visitor.page.wait_for_function(
        """() => {
            const words = document.querySelector(".st-key-teach_outcome")?.innerText ?? "waiting";
            return !/to go|waiting/.test(words);
        }"""
    )
    return str(outcome.inner_text())


def test_an_accepted_novelty_turns_its_image_normal_and_undo_turns_it_back(
    browser: Any, bench: Bench, screens: Path
) -> None:
    visitor = Visitor(browser, bench, 1, "line 3")
    visitor.brush_over_the_thing()
    visitor.name_it("sticker", "Accepted")
    visitor.snap(screens / "teach-painted.png")

    visitor.press("Teach")
    words = settled(visitor)
    visitor.snap(screens / "teach-taught.png")
    assert "1 image becomes normal" in words
    assert bench.verdict(1) == "normal"
    with bench.library() as library:
        (example,) = library.examples("sticker", with_features=False)
    thing = bench.things[0]
    assert (example.author, example.kind) == ("line 3", "accepted")
    # the brush only said where: what is taught is the sticker
    assert example.region.area_px == pytest.approx(np.pi * thing.radius**2, rel=0.15)

    visitor.page.reload()
    visitor.canvas.wait_for()
    visitor.open("Lessons")
    visitor.press("Undo")
    assert "1 image becomes an anomaly" in settled(visitor)
    visitor.snap(screens / "teach-undone.png")
    assert bench.verdict(1) == "anomaly"

    visitor.press("Redo this lesson")
    visitor.page.get_by_role("button", name="Undo this lesson").wait_for()
    settled(visitor)
    assert bench.verdict(1) == "normal"
    visitor.context.close()


def test_two_visitors_teach_at_once_and_both_lessons_survive(
    browser: Any, bench: Bench, screens: Path
) -> None:
    first = Visitor(browser, bench, 1, "line 3")
    second = Visitor(browser, bench, 2, "line 4", size=SIZES["tablet"], color_scheme="dark")
    first.box_the_thing()
    second.box_the_thing()
    first.name_it("sticker", "Accepted")
    second.name_it("stain", "Defect")

    first.press("Teach")
    second.press("Teach")
    settled(first)
    settled(second)
    with bench.library() as library:
        taught = {(each.class_name, each.kind, each.author) for each in library.examples()}
    assert taught == {("sticker", "accepted", "line 3"), ("stain", "defect", "line 4")}

    for number, visitor in enumerate((first, second), 1):
        visitor.open("Library")  # no reload: each page has heard of the other's lesson
        for name in ("sticker", "stain"):
            visitor.page.locator("[class*=st-key-teach_class_]", has_text=name).wait_for()
        visitor.snap(screens / f"teach-library-{number}.png")

    # whoever looks at the library sees the next lesson arrive
    first.open("Lessons")
    first.page.locator("[class*=st-key-teach_turn_] button").first.click()
    undone = second.page.locator("[class*=st-key-teach_class_]")
    second.page.wait_for_function(
        "() => document.querySelectorAll('[class*=st-key-teach_class_]').length === 1"
    )
    assert re.search("sticker|stain", undone.inner_text())
    first.context.close()
    second.context.close()
