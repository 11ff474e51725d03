"""What a hand paints in a real browser is what the engine takes, pixel for pixel."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from jaxtyping import Bool, UInt8
from PIL import Image as Pillow

from engine.regions.payload import parse_shapes
from engine.regions.shapes import region_of
from engine.synthetic.scenes import render
from ui.components import static_text

SIZE = (380, 550)
LARGE = (5774, 8660)
# where a block of 5 × 5 red pixels begins, and a chequerboard of single pixels beside it
PLACE_XY = (6007, 1503)
HEIGHT_PX = 480
WHEEL_STEP = 1.0015
PATIENCE_S = 90.0

PAGE = """
import json, os, sys
from pathlib import Path
import numpy as np
import streamlit as st
from ui.painter import painter, tile_of, viewport_of

folder = Path(sys.argv[1])
name = st.query_params.get("image", "small")
size = tuple(json.loads((folder / f"{name}.json").read_text()))
original, tile = folder / f"{name}.npy", None
if original.exists():
    tile = tile_of(np.load(original, mmap_mode="r"), viewport_of("canvas"))
subject = st.query_params.get("subject") or st.session_state.get("subject")
painting = painter(
    (folder / f"{name}.jpg").read_bytes(),
    image_size=size, tile=tile, subject=subject, height=480, key="canvas",
)
if st.button("Next", key="next"):
    st.session_state["subject"] = "next"
    st.rerun()
st.session_state["runs"] = st.session_state.get("runs", 0) + 1
state = st.session_state["canvas"].get("painting")
record = {
    "runs": st.session_state["runs"], "sent": state, "error": painting and painting.error,
    "is_none": painting is None, "tile": tile and tile.box_xyxy,
}
(folder / "new").write_text(json.dumps(record))
os.replace(folder / "new", folder / "record.json")
"""


def jpeg(image: UInt8[np.ndarray, "height width 3"]) -> bytes:
    file = BytesIO()
    Pillow.fromarray(image).save(file, "JPEG", quality=90, subsampling=0)
    return file.getvalue()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page, a small scene, and fifty megapixels with a view of 1600 px."""
    folder = tmp_path_factory.mktemp("painter")
    (folder / "page.py").write_text(PAGE, encoding="utf-8")
    scene = Pillow.fromarray(render("cable", np.random.default_rng(1)).image)
    (folder / "small.jpg").write_bytes(jpeg(np.asarray(scene.resize(SIZE[::-1]))))
    (folder / "small.json").write_text(json.dumps(SIZE))
    shape = (*LARGE, 3)
    large = np.lib.format.open_memmap(folder / "large.npy", "w+", np.uint8, shape)
    x, y = PLACE_XY
    large[y : y + 5, x : x + 5] = 255, 0, 0
    large[y : y + 5, x + 10 : x + 20] = 255 * (np.indices((5, 10)).sum(axis=0) % 2)[..., None]
    large.flush()
    (folder / "large.jpg").write_bytes(jpeg(np.zeros((1067, 1600, 3), np.uint8)))
    (folder / "large.json").write_text(json.dumps(LARGE))
    return folder


@pytest.fixture(scope="module")
def url(serve: Callable[..., Any], folder: Path) -> str:
    return str(serve(folder, script=folder / "page.py").url)


@dataclass
class View:
    """How the picture lies in the canvas: what the test expects of the browser's arithmetic."""

    size: tuple[int, int]
    frame: dict[str, float]
    scale: float = 0.0
    x: float = 0.0
    y: float = 0.0

    def __post_init__(self) -> None:
        self.zoom(0, self.frame["width"] / 2, self.frame["height"] / 2)

    def zoom(self, wheel: float, x: float, y: float) -> None:
        height, width = self.size
        fit = min(self.frame["width"] / width, self.frame["height"] / height)
        before = self.scale or fit
        self.scale = min(max(before * WHEEL_STEP**-wheel, fit), max(fit * 8, 32))
        share = self.scale / before
        self.x, self.y = x - (x - self.x) * share, y - (y - self.y) * share
        self.pan(0, 0)

    def pan(self, x: float, y: float) -> None:
        height, width = self.size
        self.x = self._held(self.x + x, width * self.scale, self.frame["width"])
        self.y = self._held(self.y + y, height * self.scale, self.frame["height"])

    @staticmethod
    def _held(offset: float, length: float, room: float) -> float:
        return (room - length) / 2 if length <= room else min(max(offset, room - length), 0.0)

    def image_xy(self, x: float, y: float) -> tuple[float, float]:
        """Give the place on the image below a point of the page, in 64ths of a pixel."""
        places = (
            (x - self.frame["left"] - self.x) / self.scale,
            (y - self.frame["top"] - self.y) / self.scale,
        )
        across, down = (math.floor(place * 64 + 0.5) / 64 for place in places)
        return across, down

    def page_xy(self, x: float, y: float) -> tuple[int, int]:
        """Give the whole pixel of the page that is nearest to a place on the image."""
        return (
            round(x * self.scale + self.x + self.frame["left"]),
            round(y * self.scale + self.y + self.frame["top"]),
        )


class Hand:
    """A page with a canvas, and the mouse on it."""

    def __init__(self, page: Any, folder: Path, image: str) -> None:
        self.page, self.record_file = page, folder / "record.json"
        self.size = SIZE if image == "small" else LARGE
        self.canvas = page.locator(".painter canvas")
        self.canvas.wait_for()
        self.wait_until(lambda: "%" in page.locator(".level").inner_text())
        frame = page.locator(".frame").evaluate(
            "(frame) => { const { left, top } = frame.getBoundingClientRect();"
            " return { left, top, width: frame.clientWidth, height: frame.clientHeight } }"
        )
        self.view = View(self.size, frame)

    def wait_until(self, is_so: Callable[[], bool]) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while not is_so():
            assert time.monotonic() < deadline, "the page did not get there"
            self.page.wait_for_timeout(20)

    def record(self) -> dict[str, Any]:
        if not self.record_file.exists():
            return {"sent": None, "runs": 0}
        return dict(json.loads(self.record_file.read_text()))

    def shapes(self, n_shapes: int) -> list[dict[str, Any]]:
        """Wait until so many shapes have arrived."""
        self.wait_until(lambda: len((self.record()["sent"] or {}).get("shapes", [])) == n_shapes)
        return list(self.record()["sent"]["shapes"])

    def choose(self, tool: str) -> None:
        self.page.locator(f"[data-tool={tool}]").first.click()

    def brush(self, size: int) -> None:
        value = round(100 * math.log(size) / math.log(400))
        self.page.get_by_label("Size of the brush").fill(str(value))

    def drag(self, *points: tuple[int, int], button: str = "left") -> None:
        mouse = self.page.mouse
        mouse.move(*points[0])
        mouse.down(button=button)
        for point in points[1:]:
            mouse.move(*point)
        mouse.up(button=button)

    def wheel(self, x: int, y: int, amount: float) -> None:
        self.page.mouse.move(x, y)
        self.page.evaluate("() => { window.turned = 0 }")
        self.page.mouse.wheel(0, amount)
        self.wait_until(lambda: self.page.evaluate("window.turned") != 0)
        # Chromium turns by other amounts where pixels are not those of the page
        amount = self.page.evaluate("window.turned")
        self.view.zoom(amount, x - self.view.frame["left"], y - self.view.frame["top"])
        level = f"{math.floor(self.view.scale * 100 + 0.5)} %"
        self.wait_until(lambda: self.page.locator(".level").inner_text() == level)

    def pan(self, x: int, y: int) -> None:
        frame = self.view.frame
        at = round(frame["left"] + frame["width"] / 2), round(frame["top"] + frame["height"] / 2)
        self.drag(at, (at[0] + x, at[1] + y), button="middle")
        self.view.pan(x, y)


Open = Callable[..., Hand]


@pytest.fixture
def open_painter(tab: Callable[..., Any], url: str, folder: Path) -> Open:
    def opened(
        image: str = "small", *, window: tuple[int, int] = (1280, 800), dpr: float = 1, **more: Any
    ) -> Hand:
        (folder / "record.json").unlink(missing_ok=True)
        page = tab(window, device_scale_factor=dpr, **more)
        page.goto(f"{url}/?image={image}")
        page.evaluate(
            "addEventListener('wheel', (event) => { window.turned += event.deltaY }, true)"
        )
        return Hand(page, folder, image)

    return opened


def swept(
    points: list[tuple[float, float]], radius: float, size: tuple[int, int]
) -> Bool[np.ndarray, "height width"]:
    """Ask the centre of each pixel how near the path comes to it."""
    at_y, at_x = np.mgrid[: size[0], : size[1]] + 0.5
    is_near = np.zeros(size, dtype=bool)
    for (x, y), (end_x, end_y) in zip([points[0], *points], points, strict=False):
        way_x, way_y = end_x - x, end_y - y
        share = ((at_x - x) * way_x + (at_y - y) * way_y) / (way_x**2 + way_y**2 or 1)
        share = np.clip(share, 0, 1)
        is_near |= np.hypot(at_x - x - share * way_x, at_y - y - share * way_y) <= radius
    return is_near


@pytest.mark.parametrize(
    ("window", "dpr"), [((1280, 800), 1), ((1024, 768), 2), ((820, 1180), 1.5), ((1440, 900), 1.25)]
)
def test_what_is_painted_is_exact_to_the_pixel(
    open_painter: Open, window: tuple[int, int], dpr: float
) -> None:
    hand = open_painter(window=window, dpr=dpr)
    expected = np.zeros(SIZE, dtype=bool)
    n_shapes = 0
    frame = hand.view.frame
    middle = round(frame["left"] + frame["width"] / 2), round(frame["top"] + 250)
    moves: list[Callable[[], None]] = [
        lambda: None,
        lambda: hand.wheel(middle[0] + 60, middle[1] - 40, -700),
        lambda: hand.pan(-137, 61),
        lambda: hand.wheel(middle[0] - 90, middle[1] + 33, -900),
        lambda: hand.wheel(middle[0] + 11, middle[1] - 7, 1200),
    ]
    for index, move in enumerate(moves):
        move()
        is_erasing = index == 3
        hand.choose("eraser" if is_erasing else "brush")
        hand.brush(23)
        x, y = middle[0] - 70 + 13 * index, middle[1] - 30 + 17 * index
        way = [(x, y), (x + 101, y + 37), (x + 60, y + 90), (x + 60, y + 91)]
        hand.drag(*way)
        n_shapes += 1
        sent = hand.shapes(n_shapes)[-1]
        path = [hand.view.image_xy(*point) for point in way]
        assert [tuple(point) for point in sent["points"]] == path
        painted = swept(path, sent["radius"], SIZE)
        expected = expected & ~painted if is_erasing else expected | painted
    shapes = parse_shapes(hand.shapes(n_shapes), SIZE)
    np.testing.assert_array_equal(region_of(shapes, SIZE).over(SIZE), expected)


def test_boxes_polygons_and_clicks_are_where_the_mouse_was(open_painter: Open) -> None:
    hand = open_painter()
    hand.wheel(640, 400, -500)
    at = hand.view.image_xy
    hand.choose("box")
    hand.drag((700, 500), (600, 420))
    hand.choose("polygon")
    corners = [(400, 300), (520, 310), (470, 420)]
    for corner in corners:
        hand.page.mouse.click(*corner)
    hand.page.keyboard.press("Enter")
    hand.choose("click")
    hand.page.mouse.click(555, 333)
    box, polygon, click = hand.shapes(3)
    assert box["box"] == [*at(600, 420), *at(700, 500)]
    assert polygon["points"] == [list(at(*corner)) for corner in corners]
    assert click["point"] == list(at(555, 333))


def test_a_double_click_closes_a_polygon_without_another_corner(open_painter: Open) -> None:
    hand = open_painter()
    hand.choose("polygon")
    hand.page.mouse.click(500, 300)
    hand.page.mouse.click(620, 310)
    hand.page.mouse.dblclick(570, 420)
    assert len(hand.shapes(1)[0]["points"]) == 3
    for corner in ((500, 300), (620, 420), (620, 300), (500, 420)):
        hand.page.mouse.click(*corner)
    hand.page.keyboard.press("Enter")
    assert "crosses itself" in hand.page.locator(".painter .words").inner_text()
    assert len(hand.shapes(1)) == 1


def red_centre(hand: Hand) -> tuple[float, float]:
    """Find the red block as a person sees it, in CSS pixels of the page."""
    seen = np.asarray(Pillow.open(BytesIO(hand.page.screenshot())).convert("RGB")).astype(int)
    is_red = (seen[..., 0] > 110) & (seen[..., 1] < 90) & (seen[..., 2] < 90)
    frame = hand.view.frame
    left, top = round(frame["left"]), round(frame["top"])
    is_red[:top], is_red[:, :left] = False, False
    is_red[top + round(frame["height"]) :] = False
    rows, columns = np.nonzero(is_red)
    if not len(rows):
        return math.nan, math.nan
    return float(columns.mean()) + 0.5, float(rows.mean()) + 0.5


def test_fifty_megapixels_are_painted_to_the_pixel_where_they_are_seen(open_painter: Open) -> None:
    hand = open_painter("large")
    x, y = PLACE_XY[0] + 2.5, PLACE_XY[1] + 2.5
    hand.brush(1)
    for index, amount in enumerate((-1700, -600, -600, -800)):
        hand.wheel(*hand.view.page_xy(x, y), amount)
        assert hand.view.scale >= 1
        # the block cannot be seen in the view: it is only in the tile, which must have come
        hand.wait_until(lambda: not math.isnan(red_centre(hand)[0]))
        seen = red_centre(hand)
        page_xy = round(seen[0] - 0.5), round(seen[1] - 0.5)
        hand.page.mouse.click(*page_xy)
        found = hand.shapes(index + 1)[-1]["points"][0]
        assert abs(found[0] - x) <= 1, (hand.view.scale, found)
        assert abs(found[1] - y) <= 1
    assert hand.view.scale > 15
    assert found == [x, y]


def test_zoomed_in_single_pixels_of_fifty_megapixels_are_seen(open_painter: Open) -> None:
    hand = open_painter("large")
    x, y = PLACE_XY[0] + 15, PLACE_XY[1] + 2.5
    hand.wheel(*hand.view.page_xy(x, y), -3300)
    hand.wait_until(lambda: not math.isnan(red_centre(hand)[0]))
    seen = np.asarray(Pillow.open(BytesIO(hand.page.screenshot())).convert("L")).astype(int)
    row = [
        seen[hand.view.page_xy(0, y)[1], hand.view.page_xy(column + 0.5, 0)[0]]
        for column in range(PLACE_XY[0] + 10, PLACE_XY[0] + 20)
    ]
    assert min(abs(one - other) for one, other in pairwise(row)) > 100


def test_the_preview_follows_the_rule_of_the_engine(open_painter: Open) -> None:
    hand = open_painter()
    rng = np.random.default_rng(3)
    drawings: list[list[dict[str, Any]]] = []
    for _ in range(60):
        points = (np.round((rng.random((6, 2)) * 1.4 - 0.2) * (70, 50) * 64) / 64).tolist()
        (x, y), (to_x, to_y) = np.sort(np.round(rng.random((2, 2)) * (70, 50) * 64) / 64, axis=0)
        triangle = (np.round(rng.random((3, 2)) * (70, 50) * 64) / 64).tolist()
        radius = float(rng.choice([0.5, 1, 3.5, 8, 21]))
        drawings.append(
            [
                {"kind": "stroke", "points": points[:3], "radius": radius, "erase": False},
                {"kind": "box", "box": [x, y, to_x + 1 / 64, to_y + 1 / 64]},
                {"kind": "stroke", "points": points[3:], "radius": radius, "erase": True},
                {"kind": "polygon", "points": triangle},
            ]
        )
    script = (
        static_text("raster.js")
        + """
      return drawings.map((shapes) => {
        const grid = newGrid(0, 0, 1, 71, 51);
        for (const shape of shapes) fillShape(grid, shape);
        return [...grid.cells].join("");
      });"""
    )
    drawn = hand.page.evaluate(
        "([script, drawings]) => new Function('drawings', script)(drawings)", [script, drawings]
    )
    for shapes, cells in zip(drawings, drawn, strict=True):
        region = region_of(parse_shapes(shapes, (51, 71)), (51, 71))
        assert "".join(map(str, region.over((51, 71)).ravel().astype(int))) == cells


def test_undo_takes_back_what_was_painted_last_even_clearing(open_painter: Open) -> None:
    hand = open_painter()
    hand.drag((500, 300), (560, 330))
    hand.drag((500, 360), (560, 390))
    both = hand.shapes(2)
    hand.page.keyboard.press("Control+z")
    assert hand.shapes(1) == both[:1]
    hand.page.keyboard.press("Control+Shift+z")
    assert hand.shapes(2) == both
    hand.page.get_by_role("button", name="Clear").click()
    hand.shapes(0)
    hand.page.get_by_role("button", name="Undo").click()
    assert hand.shapes(2) == both


def test_a_reload_loses_no_stroke_and_another_subject_begins_anew(open_painter: Open) -> None:
    hand = open_painter()
    hand.drag((500, 300), (560, 330))
    painted = hand.shapes(1)
    hand.record_file.unlink()
    hand.page.reload()
    assert hand.shapes(1) == painted
    hand.page.get_by_role("button", name="Next").click()
    hand.wait_until(lambda: hand.record()["is_none"])
    hand.wait_until(hand.page.get_by_role("button", name="Clear").is_disabled)
    hand.drag((500, 300), (600, 330))
    hand.wait_until(lambda: not hand.record()["is_none"])
    assert len(hand.shapes(1)) == 1
    assert hand.shapes(1) != painted


WATCH = """(canvas) => {
  const frame = canvas.parentElement;
  const { top } = frame.getBoundingClientRect();
  const watched = (window.watched = { frames: 0, blank: 0, moved: 0 });
  const look = () => {
    watched.frames += 1;
    const middle = [canvas.width / 2, canvas.height / 2, 1, 1];
    const [, , , opacity] = canvas.getContext("2d").getImageData(...middle).data;
    if (!opacity || !canvas.isConnected) watched.blank += 1;
    if (frame.getBoundingClientRect().top !== top) watched.moved += 1;
    requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
}"""


def test_nothing_flickers_or_jumps_when_a_stroke_runs_the_page_again(open_painter: Open) -> None:
    hand = open_painter()
    hand.canvas.evaluate(WATCH)
    runs = hand.record()["runs"]
    for index in range(4):
        hand.drag((450, 250 + 30 * index), (800, 260 + 30 * index))
        hand.page.mouse.move(500, 20)
        hand.page.wait_for_timeout(50)
        before = hand.canvas.evaluate("(canvas) => canvas.toDataURL()")
        hand.shapes(index + 1)
        hand.page.wait_for_timeout(150)
        assert hand.canvas.evaluate("(canvas) => canvas.toDataURL()") == before
    assert hand.record()["runs"] >= runs + 4
    watched = hand.page.evaluate("window.watched")
    assert watched["frames"] > 20
    assert (watched["blank"], watched["moved"]) == (0, 0)
    assert hand.page.locator(".painter").get_attribute("data-mounts") == "1"


def test_two_fingers_zoom_and_paint_nothing(open_painter: Open) -> None:
    hand = open_painter(has_touch=True)
    fit = hand.page.locator(".level").inner_text()
    touch = hand.page.context.new_cdp_session(hand.page)

    def fingers(kind: str, *points: tuple[int, int]) -> None:
        places = [{"x": x, "y": y, "id": index} for index, (x, y) in enumerate(points)]
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": places})

    fingers("touchStart", (600, 300))
    fingers("touchStart", (600, 300), (700, 300))
    for spread in range(10, 110, 10):
        fingers("touchMove", (600 - spread, 300), (700 + spread, 300))
    fingers("touchEnd")
    hand.wait_until(lambda: hand.page.locator(".level").inner_text() != fit)
    ratio = int(hand.page.locator(".level").inner_text()[:-2]) / int(fit[:-2])
    assert ratio == pytest.approx(3, rel=0.05)
    fingers("touchStart", (600, 300))
    fingers("touchMove", (660, 330))
    fingers("touchEnd")
    assert len(hand.shapes(1)[0]["points"]) >= 2


def test_the_space_bar_and_the_middle_button_pan_and_paint_nothing(open_painter: Open) -> None:
    hand = open_painter()
    hand.wheel(640, 400, -600)
    hand.page.keyboard.down("Space")
    hand.drag((640, 400), (600, 370))
    hand.page.keyboard.up("Space")
    hand.view.pan(-40, -30)
    hand.pan(25, 10)
    hand.brush(1)
    hand.page.mouse.click(640, 400)
    x, y = hand.view.image_xy(640, 400)
    assert hand.shapes(1)[0]["points"] == [[math.floor(x) + 0.5, math.floor(y) + 0.5]]


def test_keys_of_the_canvas_do_not_reach_the_page(open_painter: Open) -> None:
    hand = open_painter()
    hand.page.evaluate("() => { document.onkeydown = (event) => { window.heard = event.key } }")
    hand.page.mouse.click(600, 300)
    for key in ("]", "[", "2", "+", "ArrowLeft", "0"):
        hand.page.keyboard.press(key)
    assert hand.page.evaluate("window.heard ?? null") is None
    assert hand.page.locator("[data-tool=eraser]").first.get_attribute("aria-pressed") == "true"
    hand.page.keyboard.press("a")
    assert hand.page.evaluate("window.heard") == "a"
