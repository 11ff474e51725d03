"""Looking at an image in a real browser: nothing of it runs the page again, and nothing jumps."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image as Pillow

PATIENCE_S = 90.0

PAGE = """
import sys
from pathlib import Path
import streamlit as st
from ui.viewer import Layer, Mark, viewer

folder = Path(sys.argv[1])
runs = st.session_state["runs"] = st.session_state.get("runs", 0) + 1
number = st.query_params.get("number", "0")
if st.button("Next"):
    st.query_params["number"] = number = "1"
(folder / "runs").write_text(str(runs))
viewer(
    (folder / f"photo{number}.jpg").read_bytes(),
    [Layer("map", "Anomaly map", (folder / "map.png").read_bytes(), True, 0.6),
     Layer("parts", "Parts", (folder / "map.png").read_bytes(), False, 0.4)],
    image_size=(400, 600),
    marks=[Mark("A", (60, 80, 180, 160), "leg missing", True),
           Mark("B", (300, 200, 420, 300), "<b>scratch</b>")],
    other=(folder / "other.jpg").read_bytes(), other_title="Nearest reference", key="look",
)
st.text("below")
"""


def encoded(color: tuple[int, ...], kind: str, size: tuple[int, int] = (600, 400)) -> bytes:
    file = BytesIO()
    Pillow.new("RGB" if len(color) == 3 else "RGBA", size, color).save(file, kind)
    return file.getvalue()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("viewer")
    (folder / "page.py").write_text(PAGE, encoding="utf-8")
    for name, color in (("photo0", (200, 0, 0)), ("photo1", (0, 200, 0)), ("other", (0, 0, 200))):
        (folder / f"{name}.jpg").write_bytes(encoded(color, "JPEG"))
    (folder / "map.png").write_bytes(encoded((255, 255, 0, 0), "PNG"))
    return folder


@pytest.fixture(scope="module")
def url(serve: Callable[..., Any], folder: Path) -> str:
    return str(serve(folder, script=folder / "page.py").url)


@pytest.fixture
def page(tab: Callable[..., Any], url: str) -> Any:
    page = tab()
    page.goto(url)
    page.locator(".plane img").first.wait_for()
    return page


def seen(page: Any, share_x: float, share_y: float = 0.5) -> tuple[int, int, int]:
    """Give the colour at a place of the window, by its share of the way."""
    shown = page.locator(".frame").screenshot()
    pixels = np.asarray(Pillow.open(BytesIO(shown)).convert("RGB"))
    height, width = pixels.shape[:2]
    red, green, blue = pixels[int(share_y * height), int(share_x * width)].tolist()
    return red, green, blue


def level(page: Any) -> str:
    return str(page.locator(".level").inner_text())


def wait_until(page: Any, is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not is_so():
        assert time.monotonic() < deadline, "the page did not get there"
        page.wait_for_timeout(20)


def test_looking_around_never_runs_the_page_again(page: Any, folder: Path) -> None:
    runs = (folder / "runs").read_text()
    whole = level(page)
    page.locator(".frame").hover()
    page.mouse.wheel(0, -500)
    page.get_by_role("button", name="Zoom in").click()
    page.get_by_role("button", name="Anomaly map").click()
    page.get_by_label("Opacity: Parts").fill("80", force=True)
    page.get_by_role("button", name="Swipe").click()
    page.get_by_role("slider", name="Swipe").press("ArrowLeft")
    page.get_by_role("button", name="Side by side").click()
    assert level(page) != whole
    page.wait_for_timeout(300)  # for what would be asked of the server
    assert (folder / "runs").read_text() == runs


def test_the_wheel_zooms_where_the_pointer_is_and_the_buttons_show_all_again(page: Any) -> None:
    whole = level(page)
    mark = page.locator(".mark").first.bounding_box()
    at_x, at_y = round(mark["x"]) + 20, round(mark["y"]) + 10
    page.mouse.move(at_x, at_y)
    page.mouse.wheel(0, -800)
    wait_until(page, lambda: level(page) != whole)
    zoomed, factor = page.locator(".mark").first.bounding_box(), 1.0015**800
    assert zoomed["width"] == pytest.approx(mark["width"] * factor, rel=0.02)
    assert zoomed["x"] == pytest.approx(at_x + (mark["x"] - at_x) * factor, abs=1)
    assert zoomed["y"] == pytest.approx(at_y + (mark["y"] - at_y) * factor, abs=1)
    page.get_by_role("button", name="Whole image").click()
    assert level(page) == whole


def test_what_was_chosen_holds_for_the_next_image_and_after_a_reload(page: Any) -> None:
    page.get_by_label("Opacity: Anomaly map").fill("25")
    page.get_by_role("button", name="Parts", exact=True).click()
    page.get_by_role("button", name="Zoom in").click()
    page.get_by_role("button", name="Swipe").click()
    page.get_by_role("slider", name="Swipe").press("End")
    chosen = level(page)

    def is_kept() -> None:
        assert level(page) == chosen
        assert page.get_by_label("Opacity: Anomaly map").input_value() == "25"
        parts = page.get_by_role("button", name="Parts", exact=True)
        assert parts.get_attribute("aria-pressed") == "true"
        swipe = page.get_by_role("slider", name="Swipe")
        assert swipe.get_attribute("aria-valuenow") == "100"

    page.get_by_role("button", name="Next").click()
    page.wait_for_url(re.compile("number=1"))
    wait_until(page, lambda: seen(page, 0.5, 0.9)[1] > 150)
    is_kept()
    page.reload()
    page.locator(".plane img").first.wait_for()
    wait_until(page, lambda: level(page) == chosen)
    is_kept()


WATCH = """(plane) => {
  const frame = plane.parentElement;
  const place = () => JSON.stringify(frame.getBoundingClientRect());
  const before = place();
  const watched = (window.watched = { frames: 0, blank: 0, moved: 0 });
  const look = () => {
    watched.frames += 1;
    const photo = plane.querySelector("img");
    if (!photo || !photo.complete || !photo.naturalWidth) watched.blank += 1;
    if (place() !== before) watched.moved += 1;
    requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
}"""


def test_the_next_image_comes_without_a_blank_frame_or_a_jump(page: Any) -> None:
    page.locator(".plane").evaluate(WATCH)
    assert seen(page, 0.5, 0.9)[0] > 150
    page.get_by_role("button", name="Next").click()
    page.wait_for_url(re.compile("number=1"))
    wait_until(page, lambda: seen(page, 0.5, 0.9)[1] > 150)
    watched = page.evaluate("window.watched")
    assert watched["frames"] > 10
    assert (watched["blank"], watched["moved"]) == (0, 0)


def test_the_swipe_shows_the_other_picture_on_its_right(page: Any) -> None:
    page.get_by_role("button", name="Swipe").click()
    swipe = page.get_by_role("slider", name="Swipe")
    assert seen(page, 0.45, 0.9)[0] > 150
    assert seen(page, 0.55, 0.9)[2] > 150
    grip = swipe.bounding_box()
    assert grip["width"] >= 36
    page.mouse.move(grip["x"] + grip["width"] / 2, grip["y"] + grip["height"] / 2)
    page.mouse.down()
    page.mouse.move(grip["x"] + 240, grip["y"] + 100, steps=4)
    page.mouse.up()
    assert int(swipe.get_attribute("aria-valuenow")) > 60
    assert seen(page, 0.55, 0.9)[0] > 150
    swipe.press("Home")
    assert seen(page, 0.45, 0.9)[2] > 150


def test_side_by_side_both_show_the_same_place_and_move_together(page: Any) -> None:
    page.get_by_role("button", name="Side by side").click()
    wait_until(page, lambda: seen(page, 0.75)[2] > 150)
    frame = page.locator(".frame").bounding_box()
    half = frame["width"] / 2
    assert seen(page, 0.25)[0] > 150
    assert seen(page, 0.75)[2] > 150

    def shifts() -> list[float]:
        here, there = (page.locator(f"{name} .mark") for name in (".plane", ".twin"))
        assert here.count() == there.count() == 2
        return [
            there.nth(each).bounding_box()["x"] - here.nth(each).bounding_box()["x"]
            for each in range(2)
        ]

    assert shifts() == pytest.approx([half, half], abs=0.5)
    mark = page.locator(".twin .mark").first.bounding_box()
    at_x, at_y = round(mark["x"]) + 10, round(mark["y"]) + 5
    page.mouse.move(at_x, at_y)  # in the right pane: what is pointed at stays there
    whole = level(page)
    page.mouse.wheel(0, -400)
    wait_until(page, lambda: level(page) != whole)
    zoomed, factor = page.locator(".twin .mark").first.bounding_box(), 1.0015**400
    assert zoomed["x"] == pytest.approx(at_x + (mark["x"] - at_x) * factor, abs=1)
    assert shifts() == pytest.approx([half, half], abs=0.5)
    page.get_by_role("button", name="Side by side").click()
    page.get_by_role("button", name="Whole image").click()
    assert page.locator(".twin .mark").first.is_visible() is False
    assert seen(page, 0.75)[0] > 150


def test_marks_and_their_list_light_up_together(page: Any) -> None:
    lines, marks = page.locator(".line"), page.locator(".plane .mark")
    assert lines.all_inner_texts() == ["A\nleg missing", "B\n<b>scratch</b>"]
    assert page.locator("b").count() == 0
    border = "(mark) => getComputedStyle(mark, '::before').borderStyle"
    assert [mark.evaluate(border) for mark in marks.all()] == ["dashed", "none"]
    lines.nth(1).hover()
    assert ["lit" in mark.get_attribute("class") for mark in marks.all()] == [False, True]
    page.get_by_role("button", name="A, absent: leg missing").focus()
    assert "lit" in lines.nth(0).get_attribute("class")
    before = marks.nth(0).bounding_box()["width"]
    lines.nth(0).click()
    assert marks.nth(0).bounding_box()["width"] > before


def test_fingers_find_what_they_press_and_everything_has_a_name(page: Any) -> None:
    for button in page.locator(".viewer button:not(.badge)").all():
        assert button.bounding_box()["height"] >= 36
    for button in page.locator(".viewer button").all():
        assert button.get_attribute("aria-label") or button.inner_text()


def test_a_print_has_the_whole_image(page: Any) -> None:
    for _ in range(3):
        page.get_by_role("button", name="Zoom in").click()
    page.emulate_media(media="print")
    plane, frame = (page.locator(name).bounding_box() for name in (".plane", ".frame"))
    assert plane["width"] <= frame["width"] + 1
    assert plane["width"] / plane["height"] == pytest.approx(1.5, rel=0.01)
    assert not page.locator(".controls").is_visible()
    mark = page.locator(".mark").first.bounding_box()
    assert (mark["x"] - plane["x"]) / plane["width"] == pytest.approx(0.1, abs=0.005)
