"""An engineer makes the classes what is meant: renames, merges, paints, sees the effect, undoes."""

import re
import shutil

import pytest
from playwright.sync_api import expect

from engine import Inspector
from engine.editing import class_rows, effect, leave_one_out_totals
from engine.station import Station
from engine.station.judge import Judge
from engine.station.worker import work_once
from ui.parts_page.effect_view import effect_text

PATIENCE_MS = 90_000
DESK, TABLET = {"width": 1280, "height": 800}, {"width": 1024, "height": 768}


@pytest.fixture(scope="module")
def model(tmp_path_factory, fitted_model):
    """A copy to be edited, and a station beside it with three judged images."""
    path = tmp_path_factory.mktemp("parts") / "product.pw"
    shutil.copy(fitted_model, path)
    return path


@pytest.fixture(scope="module")
def url(serve, model, photographs):
    folder = model.with_suffix(".station")
    with Station(folder) as station:
        for path in (photographs.good[0], *photographs.anomalies[:2]):
            station.add_upload(path.read_bytes(), path.name, model=model)
        judge = Judge()
        while work_once(station.database, station.paths, judge, station.limits):
            pass
    return serve(model, "--station", folder).url


class Visitor:
    """Somebody at the page Parts."""

    def __init__(self, page, url, settle, screens):
        self.page, self._settle, self._screens = page, settle, screens
        page.set_default_timeout(PATIENCE_MS)
        expect.set_options(timeout=PATIENCE_MS)
        page.goto(f"{url}/parts")
        expect(page.get_by_role("table", name="Classes of parts")).to_be_visible()

    def box(self, name):
        return self.page.get_by_role("checkbox", name=f"Choose {name}", exact=True)

    def choose(self, *names):
        for name in names:
            self.box(name).check()
        expect(self.page.get_by_text(", ".join(names), exact=True)).to_be_visible()

    def fill(self, label, words):
        field = self.page.get_by_role("textbox", name=label)
        field.fill(words)
        field.press("Enter")

    def press(self, name):
        button = self.page.get_by_role("button", name=name, exact=True)
        expect(button).to_be_enabled()
        button.click()

    def try_out(self):
        self.press("See what it changes")
        expect(self.page.get_by_text("Draft, not saved:")).to_be_visible()
        # all three images were tried: nothing can be stopped any more
        expect(self.page.get_by_text(re.compile("of 3 verdicts would turn"))).to_be_visible()

    def save(self):
        self.press("Save")
        expect(self.page.get_by_text(re.compile("Saved: "))).to_be_visible()

    def paint(self, *places):
        """Draw one stroke of the brush; places are shares of the canvas."""
        canvas = self.page.locator(".st-key-parts_painter canvas").last
        expect(canvas).to_be_visible()
        box = canvas.bounding_box()
        across, down = zip(*places, strict=True)
        points = [
            (box["x"] + x * box["width"], box["y"] + y * box["height"])
            for x, y in zip(across, down, strict=True)
        ]
        self.page.mouse.move(*points[0])
        self.page.mouse.down()
        for point in points[1:]:
            self.page.mouse.move(*point, steps=6)
        self.page.mouse.up()

    def shot(self, name):
        self.page.mouse.move(5, 5)
        self._settle(self.page)
        self.page.screenshot(path=self._screens / f"parts-{name}.png")


@pytest.fixture
def visitor(browser, url, settle, screens):
    context = browser.new_context(viewport=DESK)
    yield Visitor(context.new_page(), url, settle, screens)
    context.close()


def names(model):
    return [row.name for row in class_rows(Inspector.load(model)) if not row.is_background]


def test_rename_merge_paint_see_the_effect_and_undo(visitor, model):
    fitted = Inspector.load(model)
    first, second, third = names(model)[:3]
    visitor.shot("1-classes")

    visitor.choose(first)
    visitor.fill("New name", "jacket")
    visitor.try_out()
    expect(visitor.page.get_by_text("stay as they are, and so does")).to_be_visible()
    assert names(model)[0] == first
    visitor.save()
    assert names(model)[0] == "jacket"
    expect(visitor.box("jacket")).to_be_visible()

    visitor.box("jacket").uncheck()
    visitor.choose(second, third)
    visitor.shot("2-merge")
    visitor.try_out()
    visitor.shot("3-draft")
    visitor.page.reload()
    expect(visitor.page.get_by_text("Draft, not saved:")).to_be_visible()
    visitor.save()
    assert third not in names(model)
    merged = Inspector.load(model)
    assert leave_one_out_totals(merged) != leave_one_out_totals(fitted)

    if visitor.box(second).is_checked():
        visitor.box(second).uncheck()
    visitor.press("Add a part class")
    visitor.paint((0.3, 0.31), (0.5, 0.325), (0.7, 0.32))
    visitor.fill("Name of the class", "cable")
    expect(visitor.page.get_by_text("Up to its border:")).to_be_visible()
    visitor.shot("4-paint")
    visitor.try_out()
    visitor.shot("5-painted")
    said = visitor.page.get_by_text(re.compile("^The threshold"))
    words = said.inner_text()
    visitor.save()
    painted = Inspector.load(model)
    assert "cable" in names(model)
    assert words == effect_text(effect(merged, painted))
    assert leave_one_out_totals(painted) != leave_one_out_totals(merged)
    expect(visitor.box("cable")).to_be_checked()
    expect(visitor.box("cable")).to_be_in_viewport()  # however long the table is
    visitor.shot("6-saved")

    visitor.press("Undo")
    expect(visitor.page.get_by_text("Undone: painted")).to_be_visible()
    expect(visitor.box("cable")).to_have_count(0)
    assert leave_one_out_totals(Inspector.load(model)) == leave_one_out_totals(merged)
    visitor.press("Judge the last images again")
    expect(visitor.page.get_by_text(re.compile("Judged again: .* of 3 verdicts"))).to_be_visible()
    visitor.shot("7-undone")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_everything_fits_on_a_tablet(browser, url, settle, screens, theme):
    context = browser.new_context(viewport=TABLET, color_scheme=theme, has_touch=True)
    visitor = Visitor(context.new_page(), url, settle, screens)
    wide = visitor.page.evaluate("document.documentElement.scrollWidth > window.innerWidth")
    assert not wide
    visitor.shot(f"8-tablet-{theme}")
    context.close()
