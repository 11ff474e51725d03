"""The page Parts: edits of classes are tried out, saved, undone, and survive what happens."""

import json
import shutil

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from engine import Inspector, config
from engine.editing import Count, Merge, Rename, change, class_rows
from engine.rendering.layers import jpeg
from engine.station import Station
from engine.station.judge import Judge
from engine.station.worker import work_once
from engine.synthetic.scenes import render
from ui.parts_page.classes import CHOSEN
from ui.parts_page.state import load_edit

MARKUP = "**bold** <img src=x onerror=alert(1)> :red[red]"
PATIENCE_S = 60


def page(station, model):
    """Arrange the page alone, as the app does it."""
    import streamlit as st

    from ui.context import Context
    from ui.parts_page import show
    from ui.settings import Settings

    new = st.Page(lambda: None, title="New model", url_path="new")
    st.navigation([st.Page(lambda: None, title="Parts"), new])
    settings = Settings(station.folder, (), model)
    show(Context(settings, station, model, "first shift", {"new": new}))


class Bench:
    """A page, its model and its station, whose images are judged when told to."""

    def __init__(self, folder, model):
        self.folder, self.model = folder, model
        self.station = Station(folder)
        self._judge = Judge()
        self.visit()

    def visit(self, draft=""):
        """Open the page anew, as another visitor or after a reload does."""
        made = AppTest.from_function(
            page, args=(self.station, self.model), default_timeout=PATIENCE_S
        )
        if draft:
            made.query_params["draft"] = draft
        self.page = made

    def run(self):
        self.page.run()
        assert not self.page.exception, self.page.exception
        return self.page

    def press(self, key):
        self.page.button(key=key).click()
        return self.run()

    def choose(self, *class_ids):
        self.page.session_state[CHOSEN] = class_ids
        return self.run()

    def do(self, title):
        self.page.button_group(key="parts_action").set_value(title)
        return self.run()

    def rename(self, class_id, name):
        """Try out another name."""
        self.choose(class_id)
        self.page.text_input(key=f"parts_rename_{class_id}").set_value(name)
        self.run()
        return self.press("parts_try")

    def add(self, image, name):
        return self.station.add_upload(jpeg(image), name, model=self.model)

    def work(self):
        while work_once(
            self.station.database, self.station.paths, self._judge, self.station.limits
        ):
            pass

    def drawn(self, key):
        """The data of a component of the page."""
        found = [
            each.proto
            for each in self.page.main
            if each.type == "bidi_component" and each.proto.id.endswith(f"-{key}")
        ]
        assert len(found) == 1, key
        return json.loads(found[0].json or found[0].mixed.json)

    @property
    def markdown(self):
        return " ".join(each.value for each in self.page.markdown)

    @property
    def words(self):
        """What a reader sees of it: escapes are not."""
        return _seen(self.markdown)

    @property
    def error(self):
        return _seen(self.page.error[0].value)

    @property
    def draft_name(self):
        return "".join(self.page.query_params["draft"])

    @property
    def names(self):
        return {row.id: row.name for row in class_rows(Inspector.load(self.model))}


def _seen(markdown):
    return markdown.replace("\\", "").replace("\u2060", "")


@pytest.fixture(scope="module")
def fitted(tmp_path_factory):
    """A model of three small rendered cables."""
    path = tmp_path_factory.mktemp("fitted") / "cable.pw"
    images = [render("cable", np.random.default_rng(seed)).image[::2, ::2] for seed in range(3)]
    made = Inspector(config.from_dict({"working_area_px": 16384}))
    made.fit(images, names=["a.png", "b.png", "c.png"]).save(path)
    return path


@pytest.fixture
def bench(tmp_path, fitted):
    model = tmp_path / "cable.pw"
    shutil.copy(fitted, model)
    made = Bench(tmp_path / "station", model)
    made.run()
    yield made
    made.station.close()


@pytest.fixture
def parts(fitted):
    """The classes that are counted."""
    return [row for row in class_rows(Inspector.load(fitted)) if not row.is_background]


def test_without_a_model_the_page_leads_to_where_one_is_made(tmp_path):
    made = Bench(tmp_path / "station", None)
    made.run()
    assert "no model yet" in made.page.info[0].value
    made.station.close()


def test_a_model_that_cannot_be_read_is_said_to_be_one_line(tmp_path):
    (tmp_path / "no.pw").write_bytes(b"no model")
    made = Bench(tmp_path / "station", tmp_path / "no.pw")
    made.run()
    assert "is not a partwise model" in made.error
    made.station.close()


def test_all_classes_stand_in_the_table_and_nothing_is_chosen(bench):
    table = bench.drawn("parts_table")
    assert {row["id"]: row["name"] for row in table["rows"]} == bench.names
    assert table["chosen"] == []
    assert "Nothing chosen" in bench.words


def test_what_is_offered_depends_on_what_is_chosen(bench, parts):
    first, second = (row.id for row in parts[:2])
    bench.choose(first)
    assert "Rename" in bench.page.button_group(key="parts_action").options[0]
    bench.choose(first, second)
    (only,) = bench.page.button_group(key="parts_action").options
    assert "Merge" in only
    assert bench.drawn("parts_table")["chosen"] == [first, second]


def test_a_draft_changes_no_file_until_it_is_saved(bench, parts):
    before = bench.model.read_bytes()
    bench.rename(parts[0].id, "jacket")
    assert "Draft, not saved" in bench.words
    assert "jacket" in bench.words
    assert bench.model.read_bytes() == before

    bench.press("parts_save")
    assert bench.names[parts[0].id] == "jacket"
    assert "Saved: renamed" in bench.words
    assert "draft" not in bench.page.query_params


def test_a_discarded_draft_leaves_nothing(bench, parts):
    before = bench.model.read_bytes()
    bench.rename(parts[0].id, "jacket")
    name = bench.draft_name
    bench.press("parts_discard")
    assert bench.model.read_bytes() == before
    assert load_edit(bench.folder / "drafts", name) is None
    assert "Draft" not in bench.words


def test_saved_edits_are_listed_with_their_author_undone_and_redone(bench, parts):
    number = parts[0].id
    old = bench.names[number]
    bench.rename(number, "jacket")
    bench.press("parts_save")
    assert bench.page.button(key="parts_redo").disabled
    (line,) = bench.drawn("parts_history")["lines"]
    assert line["title"] == f"Renamed '{old}' to 'jacket'"
    assert line["hint"].startswith("first shift, ")

    bench.press("parts_undo")
    assert bench.names[number] == old
    assert "Undone: renamed" in bench.words
    assert bench.drawn("parts_history")["lines"][0]["cells"] == ["undone"]
    assert bench.page.button(key="parts_undo").disabled

    bench.press("parts_redo")
    assert bench.names[number] == "jacket"


def test_merging_shows_counts_and_totals_before_it_is_saved(bench, parts):
    first, second = parts[:2]
    bench.choose(first.id, second.id)
    bench.press("parts_try")
    lines = {line["mark"]: line for line in bench.drawn("parts_counts")["lines"]}
    assert lines[str(second.id)]["hint"] == "no more"
    assert lines[str(first.id)]["cells"][0] == " · ".join(map(str, first.counts))
    assert bench.page.main.get("vega_lite_chart") or bench.page.main.get("arrow_vega_lite_chart")
    bench.press("parts_save")
    assert second.id not in bench.names


def test_a_new_class_is_chosen_and_a_rule_for_its_count_is_suggested(bench, parts):
    many = max(parts, key=lambda row: sum(row.counts))
    bench.choose(many.id)
    bench.do(
        next(
            each for each in bench.page.button_group(key="parts_action").options if "Split" in each
        )
    )
    bench.press("parts_try")
    bench.press("parts_save")
    (new,) = bench.drawn("parts_table")["chosen"]
    assert new not in [row.id for row in parts]
    assert "Saved: split" in bench.words
    assert "that is a rule" in bench.words


def test_a_reload_finds_the_draft_again(bench, parts):
    bench.rename(parts[0].id, "jacket")
    bench.visit(bench.draft_name)
    bench.run()
    assert "Draft, not saved" in bench.words
    bench.press("parts_save")
    assert bench.names[parts[0].id] == "jacket"


@pytest.mark.parametrize("name", ["../../etc/passwd", "0" * 16, "x", "0" * 400])
def test_an_address_of_no_draft_shows_the_classes(bench, name):
    bench.visit(name)
    bench.run()
    assert bench.drawn("parts_table")["rows"]


def test_an_edit_that_somebody_saved_meanwhile_survives(bench, parts):
    mine, other = parts[0].id, parts[1].id
    bench.rename(mine, "jacket")
    change(bench.model, Rename(other, "core"), author="night shift")
    bench.run()
    assert "Draft, not saved" in bench.words  # computed again, on top of the other edit
    bench.press("parts_save")
    assert (bench.names[mine], bench.names[other]) == ("jacket", "core")


def test_an_edit_that_cannot_be_made_says_why(bench, parts):
    bench.rename(parts[0].id, "jacket")
    bench.press("parts_save")
    bench.rename(parts[1].id, "jacket")
    assert "called 'jacket' already" in bench.error
    assert "draft" not in bench.page.query_params
    assert bench.drawn("parts_table")["rows"]


def test_an_edit_whose_class_was_removed_meanwhile_says_why(bench, parts):
    first, second = parts[0].id, parts[1].id
    bench.rename(second, "core")
    change(bench.model, Merge((first, second)))
    bench.run()
    assert f"no class {second}" in bench.error


def test_names_are_shown_letter_for_letter(bench, parts):
    bench.rename(parts[0].id, MARKUP)
    assert MARKUP in bench.words
    assert "**bold**" not in bench.markdown
    bench.press("parts_save")
    bench.choose(parts[0].id)
    assert MARKUP in bench.words
    assert "**bold**" not in bench.markdown
    assert MARKUP in [row["name"] for row in bench.drawn("parts_table")["rows"]]


def test_a_rule_says_which_counts_would_be_fine(bench, parts):
    row = parts[0]
    bench.choose(row.id)
    bench.do("Set count")
    bench.page.radio(key=f"parts_rule_{row.id}").set_value("By a rule")
    bench.run()
    bench.page.number_input(key=f"parts_tolerance_{row.id}").set_value(1)
    bench.run()
    assert f"Fine then: **{max(0, row.low - 1)} to {row.high + 1}**" in bench.words
    bench.press("parts_try")
    bench.press("parts_save")
    after = next(each for each in bench.drawn("parts_table")["rows"] if each["id"] == row.id)
    assert (after["tolerance"], after["is_rule"]) == ("rule: ±1", True)

    bench.do("Set count")
    bench.page.radio(key=f"parts_rule_{row.id}").set_value("Learnt")
    bench.run()
    bench.press("parts_try")
    bench.press("parts_save")
    assert Inspector.load(bench.model).fitted.class_history[-1].edit == Count(row.id, None)


@pytest.fixture
def judged(bench):
    """With three judged images."""
    for seed in range(3):
        image = render("cable", np.random.default_rng(10 + seed)).image[::2, ::2]
        bench.add(np.ascontiguousarray(image), f"{seed}.png")
    bench.work()
    bench.run()
    return bench


def test_the_last_images_are_tried_one_by_one_and_it_can_be_stopped(judged, parts):
    judged.rename(parts[0].id, "jacket")
    lines = judged.drawn("parts_verdicts")["lines"]
    n_first = sum(line["cells"][1] != "…" for line in lines)
    assert 1 <= n_first < 3
    judged.press("parts_verdicts_stop")
    n_stopped = sum(line["cells"][1] != "…" for line in judged.drawn("parts_verdicts")["lines"])
    judged.run()
    lines = judged.drawn("parts_verdicts")["lines"]
    assert sum(line["cells"][1] != "…" for line in lines) == n_stopped < 3

    judged.press("parts_verdicts_go_on")
    for _ in range(3):
        judged.run()
    lines = judged.drawn("parts_verdicts")["lines"]
    # another name changes no verdict and no total
    assert all(line["cells"][0] == line["cells"][1] for line in lines)
    assert "0 of 3 verdicts would turn" in judged.words


def test_an_image_that_is_gone_is_said_to_be(judged, parts):
    for each in (judged.folder / "images").rglob("*"):
        if each.is_file():
            each.unlink()
    judged.rename(parts[0].id, "jacket")
    for _ in range(4):
        judged.run()
    assert all(line["hint"] for line in judged.drawn("parts_verdicts")["lines"])


def test_after_saving_the_last_images_are_judged_again_by_the_new_classes(judged, parts):
    judged.rename(parts[0].id, "jacket")
    judged.press("parts_save")
    times = [each.judged_at for each in judged.station.entries()]
    judged.press("parts_rejudge")
    assert judged.station.tally().queued == 3
    judged.work()
    judged.run()
    assert "Judged again: 0 of 3 verdicts turned" in judged.words
    assert all(
        new > old
        for new, old in zip(
            (each.judged_at for each in judged.station.entries()), times, strict=True
        )
    )


def test_judging_again_can_be_cancelled(judged, parts):
    judged.rename(parts[0].id, "jacket")
    judged.press("parts_save")
    judged.press("parts_rejudge")
    judged.press("parts_rejudge_cancel")
    assert judged.station.tally().pending == 0
    assert judged.station.tally().done == 3


def test_another_model_has_a_page_of_its_own(bench, parts, fitted):
    bench.press("parts_add")
    assert "parts_add" not in [each.key for each in bench.page.button]
    other = bench.model.with_name("other.pw")
    shutil.copy(fitted, other)
    bench.page.args = (bench.station, other)
    bench.run()
    assert "parts_add" in [each.key for each in bench.page.button]
