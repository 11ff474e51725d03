"""The page Inspect: images come in, verdicts come out, opinions stay; the worker is stepped."""

import base64
import itertools
import json
import re
import shutil
from io import BytesIO

import numpy as np
import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from engine import Inspector
from engine.station import Station
from engine.station.judge import Judge
from engine.station.worker import work_once
from features import read_image

MARKUP = "<img src=x onerror=alert(1)>.png", "**bold** :red[red] $x$.png"
PATIENCE_S = 60


def page(folder, model, roots, author):
    """Arrange the page alone, as the app does it."""
    from pathlib import Path

    import streamlit as st

    from engine.station import Station
    from ui.context import Context
    from ui.inspect_page import show
    from ui.settings import Settings

    paths = tuple(Path(root) for root in roots)
    settings = Settings(Path(folder), paths, Path(model) if model else None)
    # callbacks of a run use the station of the run before
    station = st.cache_resource(Station)(Path(folder), roots=paths)
    new = st.Page(lambda: None, title="New model", url_path="new")
    st.navigation([st.Page(lambda: None, title="Inspect"), new])
    show(Context(settings, station, settings.model, author, {"new": new}))


class Bench:
    """A page, its station, and a worker that judges when told to."""

    _judge = Judge()  # one for all stations: it keeps the model that it has read

    def __init__(self, folder, model, roots=()):
        self.model = model
        self.station = Station(folder, roots=roots)
        self.page = AppTest.from_function(
            page,
            args=(str(folder), str(model), tuple(map(str, roots)), "first shift"),
            default_timeout=PATIENCE_S,
        )

    def work(self):
        while work_once(
            self.station.database, self.station.paths, self._judge, self.station.limits
        ):
            pass

    def add(self, path, name=None):
        return self.station.add_upload(path.read_bytes(), name or path.name, model=self.model)

    def run(self):
        self.page.run()
        assert not self.page.exception, self.page.exception
        return self.page

    def drop(self, *files):
        self.page.file_uploader[0].set_value([(name, data, "") for name, data in files])
        return self.run()

    def press(self, key):
        self.page.button(key=key).click()
        return self.run()

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
    def verdict(self):
        return self.drawn("inspect-verdict")

    @property
    def entry(self):
        return int(self.page.query_params["entry"][0])


@pytest.fixture(scope="module")
def found_out(fitted_model, photographs):
    """Two anomalies that the model finds, and can say why."""
    inspector = Inspector.load(fitted_model)
    reports = ((path, inspector.inspect(read_image(path))) for path in photographs.anomalies)
    found = (path for path, report in reports if report.is_anomaly and report.deviations)
    return list(itertools.islice(found, 2))


@pytest.fixture(scope="module")
def judged_folder(tmp_path_factory, fitted_model, photographs, found_out):
    """Three judged images: one good, two anomalous."""
    folder = tmp_path_factory.mktemp("judged")
    bench = Bench(folder / "station", fitted_model)
    for path in (photographs.good[0], *found_out):
        bench.add(path)
    bench.work()
    return folder / "station"


@pytest.fixture
def bench(tmp_path, fitted_model, photographs):
    made = Bench(tmp_path / "station", fitted_model, roots=[photographs.root])
    yield made
    made.station.close()


@pytest.fixture
def judged(judged_folder, tmp_path, fitted_model):
    shutil.copytree(judged_folder, tmp_path / "copy")
    made = Bench(tmp_path / "copy", fitted_model)
    yield made
    made.station.close()


def test_without_a_model_the_page_says_how_to_make_one(tmp_path):
    made = Bench(tmp_path / "station", "")
    seen = made.run()
    assert "one to eight photographs" in seen.info[0].value.lower()
    assert not seen.file_uploader


def test_an_empty_station_invites_images(bench):
    bench.run()
    assert bench.verdict["word"] == "Nothing to judge yet"
    assert "entry" not in bench.page.query_params


def test_dropped_images_lie_in_memory_no_longer(bench, uploaded, photographs):
    bench.run()
    bench.drop(*((path.name, path.read_bytes()) for path in photographs.good[:2]), ("none", b"x"))
    assert len(bench.station.entries()) == 2
    assert len(uploaded) == 1  # it was looked at
    assert not any(uploaded.values())


def test_dropped_images_are_queued_judged_and_leave_the_uploader(bench, found_out):
    bench.run()
    first = bench.page.file_uploader[0].proto.id
    files = [(path.name, path.read_bytes()) for path in found_out]
    bench.drop(*files)
    assert [each.name for each in bench.station.entries(order="oldest")] == [n for n, _ in files]
    assert len({each.batch for each in bench.station.entries()}) == 1
    assert bench.page.file_uploader[0].proto.id != first
    assert (bench.entry, bench.verdict["word"]) == (1, "Waiting")

    bench.work()
    bench.run()
    assert (bench.entry, bench.verdict["word"]) == (1, "Anomaly")
    assert bench.verdict["reason"] == bench.station.entry(1).reason


def test_what_is_no_image_is_refused_in_words_and_the_others_are_taken(bench, photographs):
    bench.run()
    good = photographs.good[0]
    bench.drop((MARKUP[0], b"no image"), (good.name, good.read_bytes()))
    assert [each.name for each in bench.station.entries()] == [good.name]
    said = bench.page.error[0].value
    assert "onerror" in said
    assert "<img" not in said.replace("\\<", "")  # escaped, so shown as it is


def test_many_refusals_are_summed_up(bench):
    bench.run()
    bench.drop(*((f"{number}.txt", b"no image") for number in range(9)))
    assert len(bench.page.error) == 6
    assert "4 more files were" in bench.page.error[-1].value


def test_the_image_in_the_address_is_shown_again(judged):
    judged.page.query_params["entry"] = "2"
    judged.run()
    assert judged.entry == 2
    assert judged.verdict["label"] == judged.station.entry(2).name


@pytest.mark.parametrize("asked", ["99", "abc", "-1", "9" * 30])
def test_an_address_of_no_image_shows_the_newest(judged, asked):
    judged.page.query_params["entry"] = asked
    judged.run()
    assert judged.entry == 3


def test_verdict_words_and_tables_are_those_of_the_result(judged):
    judged.page.query_params["entry"] = "2"
    judged.run()
    result = judged.station.result(2)
    lines = judged.drawn("inspect-findings-table")["lines"]
    assert lines[0]["title"] == result.entry.reason
    assert sorted(line["title"] for line in lines) == sorted(
        each["text"] for each in result.report["deviations"]
    )
    assert len(judged.drawn("inspect-scores-table")["lines"]) == len(result.scores)
    names = [line["title"] for line in judged.drawn("inspect-classes-table")["lines"]]
    assert sorted(names) == sorted(each["name"] for each in result.classes)
    marks = judged.drawn("inspect-viewer")["marks"]
    letters = {line["mark"]: line["title"] for line in lines}
    assert all(letters[mark["letter"]] == mark["title"] for mark in marks)
    assert judged.drawn("inspect-viewer")["size"] == list(result.image_size)


def test_next_and_previous_go_through_time(judged):
    judged.page.query_params["entry"] = "1"
    judged.run()
    assert judged.page.button(key="inspect-previous").disabled
    judged.press("inspect-next")
    assert judged.entry == 2
    judged.press("inspect-next")
    assert judged.page.button(key="inspect-next").disabled
    judged.press("inspect-previous")
    assert judged.entry == 2


def test_quick_presses_go_on_from_where_the_one_before_led_to(judged):
    judged.page.query_params["entry"] = "2"
    judged.run()
    judged.page.button(key="inspect-next").click()
    judged.press("inspect-previous")
    assert judged.entry == 2


def test_an_opinion_is_stored_with_its_author_and_can_be_taken_back(judged):
    judged.page.query_params["entry"] = "2"
    judged.run()
    judged.press("inspect-accepted-2")
    said = judged.station.entry(2)
    assert (said.review, said.reviewed_by) == ("accepted", "first shift")
    assert judged.verdict["label"].endswith("verdict accepted by first shift")
    judged.press("inspect-rejected-2")
    assert judged.station.entry(2).review == "rejected"
    judged.press("inspect-rejected-2")
    assert judged.station.entry(2).review is None


def test_an_opinion_of_an_image_that_somebody_removed_is_said_to_be_too_late(judged):
    judged.page.query_params["entry"] = "2"
    judged.run()
    judged.station.remove([2])
    judged.press("inspect-accepted-2")
    assert any("no entry 2" in toast.value for toast in judged.page.toast)


def test_the_keys_of_the_keyboard_are_on_the_buttons(judged):
    judged.run()
    names = ("previous", "next", f"accepted-{judged.entry}", f"rejected-{judged.entry}")
    buttons = (judged.page.button(key=f"inspect-{name}") for name in names)
    assert [each.proto.shortcut for each in buttons] == ["p", "n", "a", "x"]


def test_following_shows_each_new_verdict_until_one_is_chosen(judged, photographs):
    judged.page.query_params["entry"] = "1"
    judged.run()
    judged.page.toggle(key="inspect-follow").set_value(True)
    judged.run()
    assert judged.entry == 3
    judged.add(photographs.good[1])
    judged.run()
    assert judged.entry == 3  # not before its verdict
    judged.work()
    judged.run()
    assert judged.entry == 4
    judged.press("inspect-previous")
    assert judged.entry == 3
    assert judged.page.toggle(key="inspect-follow").value is False


def history(bench):
    bench.run()
    bench.page.button_group(key="inspect-view").set_value("All images")
    return bench.run()


def names(bench):
    return list(bench.page.dataframe[0].value["Name"])


def test_the_history_shows_all_newest_first(judged):
    history(judged)
    expected = [each.name for each in judged.station.entries()]
    assert names(judged) == expected
    assert len(expected) == 3


def test_filters_and_order_hold_for_the_table_and_for_next(judged):
    judged.station.review(2, "rejected", "someone")
    history(judged)
    judged.page.button_group(key="filter-review").set_value(["rejected"])
    judged.run()
    assert names(judged) == [judged.station.entry(2).name]
    judged.page.button_group(key="filter-review").set_value([])
    judged.page.button_group(key="filter-verdict").set_value(["anomaly"])
    judged.page.selectbox(key="filter-order").set_value("worst")
    judged.run()
    ranked = [each.id for each in judged.station.entries(order="worst", verdicts=("anomaly",))]
    assert names(judged) == [judged.station.entry(each).name for each in ranked]

    judged.page.query_params["entry"] = str(ranked[0])
    judged.run()
    judged.press("inspect-next")
    assert judged.entry == ranked[1]
    assert judged.page.button(key="inspect-next").disabled


def test_filters_can_be_cleared(judged):
    history(judged)
    judged.page.button_group(key="filter-review").set_value(["accepted"])
    judged.run()
    assert "No image is like that" in judged.page.info[0].value
    judged.press("inspect-filter-clear")
    assert len(names(judged)) == 3


def test_only_one_page_of_a_long_history_is_drawn(judged, photographs):
    batch = judged.station.new_batch("many", model=judged.model)
    data = photographs.good[0].read_bytes()
    for number in range(43):
        judged.station.add_upload(data, f"{number}.png", model=judged.model, batch=batch.id)
    history(judged)
    assert len(names(judged)) == 20
    judged.press("inspect-page-on")
    judged.press("inspect-page-on")
    assert len(names(judged)) == 6
    assert judged.page.button(key="inspect-page-on").disabled
    judged.press("inspect-cancel")
    assert judged.station.tally(batch=batch.id).cancelled == 43


def test_a_threshold_is_tried_then_applied_then_reset(judged):
    history(judged)
    learnt = judged.station.entry(1).threshold
    (slider,) = judged.page.slider
    slider.set_value(slider.max)
    judged.run()
    turned = judged.station.tally().anomaly
    assert any(f"{turned} of 3 images would become normal" in m.value for m in judged.page.markdown)
    assert judged.station.tally().anomaly == turned  # only tried

    judged.press("inspect-threshold-apply")
    assert judged.station.tally().anomaly == 0
    assert any("set by hand" in each.value for each in judged.page.markdown)
    judged.press("inspect-threshold-reset")
    assert judged.station.threshold(judged.model) is None
    assert judged.station.entry(1).threshold == learnt
    assert judged.station.tally().anomaly == turned


def test_a_folder_below_the_root_is_judged(bench, photographs):
    bench.run()
    folder = photographs.good[0].parent
    bench.page.text_input(key="inspect-folder-typed").set_value(str(folder))
    bench.run()
    bench.press("inspect-folder-judge")
    found = bench.station.entries()
    assert {each.source for each in found} == {"folder"}
    assert {each.name for each in found} == {path.name for path in photographs.good}
    assert bench.entry == min(each.id for each in found)


def test_a_folder_elsewhere_is_refused(bench, tmp_path):
    bench.run()
    bench.page.text_input(key="inspect-folder-typed").set_value(str(tmp_path))
    bench.run()
    assert "is not below a folder" in re.sub(r"\\", "", bench.page.warning[0].value)
    assert bench.page.button(key="inspect-folder-judge").disabled


def test_folders_can_be_walked_without_typing(bench, photographs):
    bench.run()
    names = sorted(path.name for path in photographs.root.iterdir() if path.is_dir())
    bench.press("inspect-folder-0")
    assert bench.page.text_input(key="inspect-folder-typed").value.endswith(names[0])
    bench.press("inspect-folder-up")
    assert bench.page.text_input(key="inspect-folder-typed").value == str(photographs.root)


def test_a_watched_folder_is_followed_and_can_be_left(bench, photographs):
    bench.run()
    bench.page.text_input(key="inspect-folder-typed").set_value(str(photographs.good[0].parent))
    bench.run()
    bench.press("inspect-folder-watch")
    (watch,) = bench.station.watches()
    bench.station.add_upload(photographs.good[0].read_bytes(), "new.png", model=bench.model)
    bench.work()
    bench.run()
    assert bench.page.toggle(key="inspect-follow").value is True
    bench.press(f"inspect-unwatch-{watch.id}")
    assert bench.station.watches() == []


def test_an_image_can_be_removed_and_judged_again(judged):
    judged.page.query_params["entry"] = "2"
    judged.run()
    judged.press("inspect-rejudge")
    assert judged.station.entry(2).state == "queued"
    judged.work()
    judged.press("inspect-remove")
    assert [each.id for each in judged.station.entries(order="oldest")] == [1, 3]
    assert judged.entry in (1, 3)


def test_an_image_that_cannot_be_judged_says_why(bench, photographs):
    broken = photographs.good[0].read_bytes()[:2000]
    entry = bench.station.add_upload(broken, "cut.png", model=bench.model)
    bench.work()
    bench.run()
    assert bench.verdict["word"] == "Not judged"
    assert bench.verdict["reason"] == bench.station.entry(entry).error
    bench.press("inspect-again")
    assert bench.station.entry(entry).state == "queued"


def test_exports_hold_what_the_filters_show(judged):
    history(judged)
    keys = [each.key for each in judged.page.main if each.type == "download_button"]
    assert keys == [f"inspect-export-{each}" for each in ("csv", "jsonl", "html")]


@pytest.mark.parametrize("name", MARKUP)
@pytest.mark.parametrize("is_history", [False, True])
def test_names_are_never_read_as_markup(judged, photographs, name, is_history):
    judged.add(photographs.anomalies[0], name)
    judged.work()
    judged.station.review(4, "accepted", name)
    history(judged) if is_history else judged.run()
    for each in judged.page.markdown:
        assert not each.allow_html
        assert name not in each.value
    for each in judged.page.caption:
        assert name not in each.value
    if not is_history:
        assert name in judged.verdict["label"]


def test_pictures_are_sent_of_the_current_image_only(judged):
    judged.run()
    assert judged.drawn("inspect-viewer")["photo"].startswith("data:image/jpeg")
    history(judged)
    for address in judged.page.dataframe[0].value["Image"]:
        assert len(address) < 12_000
        data = address.partition(",")[2]
        with Image.open(BytesIO(base64.b64decode(data))) as small:
            assert max(small.size) <= 96
            assert np.asarray(small).std() > 1
