"""The page Teach: what is new gets a name, all can be taken back; the worker is stepped."""

import json
import shutil
from io import BytesIO

import cv2
import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from engine.regions import Library
from engine.station import Station
from engine.station.judge import Judge
from engine.station.worker import work_once
from features import read_image

PATIENCE_S = 60


def page(folder, model, author):
    """Arrange the page alone, as the app does it."""
    from pathlib import Path

    import streamlit as st

    from engine.station import Station
    from ui.context import Context
    from ui.settings import Settings
    from ui.teach_page import show

    settings = Settings(Path(folder), (), Path(model) if model else None)
    station = st.cache_resource(Station)(Path(folder))
    show(Context(settings, station, settings.model, author, {}))


class Bench:
    """A page, its station, and a worker that judges when told to."""

    def __init__(self, folder, model, author="line 3"):
        self.model, self.folder = model, folder
        self.station = Station(folder)
        self._judge = Judge()
        self.page = self.visitor(author)

    def visitor(self, author):
        return AppTest.from_function(
            page, args=(str(self.folder), str(self.model), author), default_timeout=PATIENCE_S
        )

    def add(self, photo, name):
        file = BytesIO()
        Image.fromarray(photo).save(file, "PNG")
        return self.station.add_upload(file.getvalue(), name, model=self.model)

    def work(self):
        while work_once(
            self.station.database, self.station.paths, self._judge, self.station.limits
        ):
            pass

    def run(self):
        self.page.run()
        assert not self.page.exception, self.page.exception
        return self.page

    def press(self, key):
        self.page.button(key=key).click()
        return self.run()

    def view(self, name):
        self.page.session_state["teach_view"] = name
        return self.run()

    def pick(self, entry):
        """Open an image and choose the first region that is new on it."""
        self.page.query_params["entry"] = str(entry)
        self.run()
        self.press("teach_find")
        return self.press("teach_new_0")

    def teach(self, entry, name, kind=None):
        self.pick(entry)
        self.page.text_input(key="teach_name").input(name)
        self.run()
        if kind:
            self.page.radio(key="teach_kind").set_value(kind)
        return self.press("teach_button")

    def library(self):
        return Library(self.model.with_suffix(".regions.db"), is_read_only=True)

    def taught(self):
        """What counts now: name, kind and number of examples of each class."""
        with self.library() as library:
            return [(each.name, each.kind, each.n_examples) for each in library.classes()]

    @property
    def words(self):
        """All that is said in Markdown."""
        return "\n".join(each.value for each in self.page.markdown)

    def drawn(self, key):
        found = [
            each.proto
            for each in self.page.main
            if each.type == "bidi_component" and each.proto.id.endswith(f"-{key}")
        ]
        assert len(found) == 1, key
        return json.loads(found[0].json or found[0].mixed.json)


def with_sticker(photo, x_share):
    image = photo.copy()
    height, width = image.shape[:2]
    center = round(x_share * width), round(0.12 * height)
    cv2.circle(image, center, width // 20, (250, 220, 30), cv2.FILLED)
    cv2.circle(image, center, width // 40, (40, 40, 200), cv2.FILLED)
    return image


@pytest.fixture
def empty(tmp_path, fitted_model):
    model = tmp_path / "product.pw"
    shutil.copy(fitted_model, model)
    made = Bench(tmp_path / "station", model)
    yield made
    made.station.close()


@pytest.fixture(scope="module")
def judged(tmp_path_factory, fitted_model, photographs):
    """Two photographs with a sticker, judged."""
    folder = tmp_path_factory.mktemp("judged")
    made = Bench(folder / "station", fitted_model)
    for number, x_share in ((-1, 0.5), (-3, 0.55)):
        made.add(with_sticker(read_image(photographs.good[number]), x_share), f"{number}.png")
    made.work()
    assert [each.verdict for each in made.station.entries()] == ["anomaly", "anomaly"]
    made.station.close()
    return folder / "station"


@pytest.fixture
def bench(tmp_path, fitted_model, judged):
    """A copy of these, judged by a model that is taught by nobody else."""
    model = tmp_path / "product.pw"
    shutil.copy(fitted_model, model)
    shutil.copytree(judged, tmp_path / "station")
    made = Bench(tmp_path / "station", model)
    with made.station.database.change() as connection:
        connection.execute("UPDATE entries SET model = ?", (str(model),))
    yield made
    made.station.close()


def test_without_a_model_or_an_image_the_page_says_what_to_do(tmp_path, empty):
    assert "no image yet" in empty.run().info[0].value
    alone = AppTest.from_function(page, args=(str(tmp_path / "other"), "", "")).run(timeout=60)
    assert "New model" in alone.info[0].value


def test_the_newest_image_is_to_be_painted_on_and_looking_makes_no_library(bench):
    bench.run()
    data = bench.drawn("teach_painter")
    assert data["tools"] == ["brush", "eraser", "box", "polygon", "click"]
    assert "2" in bench.page.query_params["entry"]
    assert data["subject"] == "2/0"
    bench.press("teach_older")
    assert bench.drawn("teach_painter")["subject"] == "1/0"
    bench.pick(1)
    assert "pixels" in bench.page.caption[0].value
    assert not bench.model.with_suffix(".regions.db").exists()


def test_a_name_and_a_kind_must_be_given(bench):
    bench.pick(1)
    assert "name first" in bench.press("teach_button").warning[0].value
    bench.page.text_input(key="teach_name").input("sticker")
    assert "accepted or a defect" in bench.press("teach_button").warning[0].value
    assert not bench.model.with_suffix(".regions.db").exists()


def test_an_accepted_novelty_turns_its_image_normal_until_it_is_undone(bench):
    bench.teach(1, "sticker", "accepted")
    assert bench.taught() == [("sticker", "accepted", 1)]
    with bench.library() as library:
        (example,) = library.examples()
        assert (example.author, example.image_name) == ("line 3", "-1.png")
        assert example.image_sha256 == bench.station.entry(1).image_sha256
    # its own image is known at once, the others are with the station
    assert "1 image becomes normal · 1 to go" in bench.words
    assert {each.state for each in bench.station.entries()} == {"queued"}
    bench.work()
    bench.run()
    assert "2 images become normal" in bench.words
    assert bench.drawn("teach_painter")["subject"] == "1/1"

    bench.press("teach_outcome_turn")
    bench.work()
    bench.run()
    assert "2 images become anomalies" in bench.words
    assert bench.taught() == []


def test_a_waiting_image_keeps_its_verdict_when_judging_is_stopped(bench):
    bench.teach(1, "sticker", "accepted")
    bench.press("teach_outcome_stop")
    # its own image is judged all the same: the history must agree with what is shown
    assert [each.state for each in bench.station.entries()] == ["done", "queued"]
    assert "not judged again" in bench.words
    assert bench.taught() == [("sticker", "accepted", 1)]


def test_a_known_name_has_its_kind_and_gets_another_example(bench):
    bench.teach(1, "sticker", "defect")
    bench.press("teach_outcome_close")
    bench.page.session_state["_teach_picked"] = (2, example_region(bench))
    bench.page.query_params["entry"] = "2"
    bench.run()
    (label,) = bench.page.button_group(key="teach_name_known").options[:1]
    assert "looks like it" in label
    bench.page.text_input(key="teach_name").input("sticker")
    bench.run()
    assert "becomes one more" in bench.page.info[0].value
    bench.press("teach_button")
    assert bench.taught() == [("sticker", "defect", 2)]


def example_region(bench):
    """The region of the one example, which lies nearly alike on the other photograph."""
    from engine.regions import Region

    with bench.library() as library:
        region = library.examples()[0].region
    left, top, right, bottom = region.box_xyxy
    shift = round(0.05 * bench.station.photo(1).shape[1])
    return Region((left + shift, top, right + shift, bottom), region.mask)


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ("teach_as_other", [("sticker", "accepted", 2)]),
        ("teach_forced", [("sticker", "accepted", 1), ("label", "defect", 1)]),
        ("teach_conflict_back", [("sticker", "accepted", 1)]),
    ],
)
def test_two_names_for_one_look_are_asked_about(bench, answer, expected):
    bench.teach(1, "sticker", "accepted")
    bench.page.session_state["_teach_picked"] = (2, example_region(bench))
    bench.page.query_params["entry"] = "2"
    bench.run()
    bench.page.text_input(key="teach_name").input("label")
    bench.run()
    bench.page.radio(key="teach_kind").set_value("defect")
    bench.press("teach_button")
    assert "looks like **sticker**" in bench.page.warning[0].value
    assert bench.taught() == [("sticker", "accepted", 1)]
    bench.press(answer)
    assert bench.taught() == expected


def test_classes_are_renamed_changed_forgotten_and_everything_is_undone(bench):
    bench.teach(1, "sticker", "accepted")
    bench.view("Library")
    assert "**sticker**" in bench.words
    bench.press("teach_rename_1")
    bench.page.text_input(key="teach_new_name_1").input("**round** tag")
    bench.press("teach_yes")
    assert bench.taught() == [("**round** tag", "accepted", 1)]
    assert r"\*\*round\*\* tag" in bench.words

    bench.press("teach_kind_1")
    bench.press("teach_yes")
    assert bench.taught() == [("**round** tag", "defect", 1)]
    bench.press("teach_forget_example_1")
    bench.press("teach_no")
    assert bench.taught() == [("**round** tag", "defect", 1)]
    bench.press("teach_forget_1")
    bench.press("teach_yes")
    assert bench.taught() == []
    assert "Nothing has been taught yet" in bench.page.info[0].value

    bench.view("Lessons")
    for number in (4, 3, 2):
        bench.press(f"teach_turn_{number}")
    assert bench.taught() == [("sticker", "accepted", 1)]
    bench.press("teach_turn_2")
    assert bench.taught() == [("**round** tag", "accepted", 1)]


def test_what_cannot_be_is_said_and_changes_nothing(bench):
    bench.teach(1, "sticker", "accepted")
    bench.view("Library")
    bench.press("teach_rename_1")
    bench.page.text_input(key="teach_new_name_1").input("a/b")
    bench.press("teach_yes")
    assert "slashes" in bench.page.error[0].value
    assert bench.taught() == [("sticker", "accepted", 1)]


def test_things_that_keep_coming_back_are_named_at_once(bench):
    bench.view("Groups")
    bench.press("teach_groups_look")
    assert "2 things that look alike, in 2 images" in bench.words
    bench.page.text_input(key="teach_group_0_name").input("sticker")
    bench.run()
    bench.page.radio(key="teach_group_0_kind").set_value("accepted")
    bench.press("teach_group_0_teach")
    assert bench.taught() == [("sticker", "accepted", 2)]
    assert "teach_group_0_teach" not in {each.key for each in bench.page.button}
    bench.work()
    bench.run()
    assert "2 images become normal" in bench.words
    bench.press("teach_outcome_turn")  # both lessons
    assert bench.taught() == []


def test_lessons_of_others_appear_and_both_survive(bench):
    other = bench.visitor("line 4").run()
    bench.teach(1, "sticker", "accepted")
    other.session_state["teach_view"] = "Library"
    other.run()
    assert any("**sticker**" in each.value for each in other.markdown)
    assert "line 3" in other.toast[0].value
    other.button(key="teach_kind_1").click().run()
    other.button(key="teach_yes").click().run()
    assert not other.exception
    with bench.library() as library:
        assert [each.author for each in library.lessons()] == ["line 3", "line 4"]
    bench.view("Lessons")
    assert "changed" in bench.words
