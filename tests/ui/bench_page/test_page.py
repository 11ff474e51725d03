"""The page of benchmarks without a browser: what it says, starts, and survives."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from engine.benchmark import find_categories, read_result, run_bench, write_result
from engine.config import Config, to_dict
from engine.inspector import Inspector
from engine.station import Limits, Station, jobs
from engine.station.job_process import run_job
from engine.synthetic.scenes import write_scenes
from ui.text import plain


def page(station: str, root: str) -> None:
    """Show the page as the app does, with pages that are not there."""
    from pathlib import Path

    from engine.station import Station
    from ui.bench_page import show
    from ui.context import Context
    from ui.settings import Settings

    settings = Settings(Path(station), (Path(root),))
    show(Context(settings, Station(settings.station, roots=settings.roots), None, "", {}))


@pytest.fixture(scope="session")
def data_set(tmp_path_factory) -> Path:
    """Cables: three to learn from, two good and three bad ones to judge."""
    root = tmp_path_factory.mktemp("scenes") / "factory"
    amounts = {"n_train": 3, "n_validation": 0, "n_good": 2, "n_logical": 2, "n_structural": 1}
    write_scenes(root, categories=["cable"], **amounts)
    return root


@pytest.fixture(scope="session")
def measured(data_set):
    """Two runs on the cables."""
    config = replace(Config(), working_area_px=16384)
    return run_bench(
        find_categories(data_set),
        lambda: Inspector(config),
        shots=(1, 2),
        seeds=(42,),
        config=to_dict(Config()),
    )


@pytest.fixture
def folder(tmp_path) -> Path:
    return tmp_path / "station"


@pytest.fixture
def station(folder, data_set):
    with Station(folder, roots=[data_set]) as station:
        yield station


@pytest.fixture
def visit(folder, data_set):
    """Open the page, at an address if one is given; gives what a visitor sees."""

    def show(typed: str | None = None, **address: str) -> AppTest:
        kwargs = {"station": str(folder), "root": str(data_set)}
        at = AppTest.from_function(page, default_timeout=60, kwargs=kwargs)
        for name, value in address.items():
            at.query_params[name] = value
        if typed is not None:  # what AppTest cannot type into a list
            at.session_state["bench_root"] = typed
        return checked(at.run())

    return show


def checked(at: AppTest) -> AppTest:
    assert not at.exception, at.exception
    return at


def words(at: AppTest) -> str:
    """Return all that is said outside of tables and charts, without the escapes of Markdown."""
    kinds = (at.markdown, at.caption, at.info, at.warning, at.error, at.subheader, at.text)
    return "\n".join(element.value for kind in kinds for element in kind).replace("\\", "")


def keep(station: Station, result, name: str = "cables") -> Path:
    path = station.paths.bench / f"{name}.json"
    write_result(result, path)
    return path


def test_a_newcomer_is_led_to_the_first_benchmark(visit, station):
    at = visit()
    assert at.button(key="bench_start").label == "Start benchmark"
    assert "3 images to draw references from; 2 normal and 3 anomalous ones to judge" in words(at)
    assert "cable has 3 training images; choose at most so many shots" in words(at).replace(
        "\\", ""
    )
    assert at.button(key="bench_start").disabled


def test_what_was_chosen_becomes_a_job_which_a_reload_finds_again(visit, station, data_set):
    at = visit()
    at.button_group(key="bench_shots").set_value([2, 1])
    at.text_input(key="bench_seeds").input("42, 7")
    checked(at.run())
    assert "4 runs, in which 20 images will be judged" in words(at)
    checked(at.button(key="bench_start").click().run())
    (job,) = station.jobs("bench")
    assert job.spec == {
        "root": str(data_set),
        "categories": ["cable"],
        "shots": [1, 2],
        "seeds": [42, 7],
        "profile": "embedded",
    }
    for seen in (at, visit()):
        assert seen.button(key=f"bench_cancel_{job.id}").label == "Cancel"
        assert seen.selectbox(key="bench_result").value == f"job-{job.id}"
        assert "No run is finished yet" in words(seen)


@pytest.fixture
def odd(data_set):
    """The same cables with an image that is not read."""
    root = data_set / "odd"
    shutil.copytree(data_set / "cable", root / "cable")
    (root / "cable" / "test" / "good" / "x.jp2").touch()
    yield root
    shutil.rmtree(root)


def test_what_is_not_read_is_said_and_counted(visit, station, odd, measured):
    said = "cable: 1 file left out: 1 .jp2"
    assert said in words(visit(str(odd)))
    keep(station, replace(measured, left_out={"cable": find_categories(odd)[0].left_out}))
    at = visit(view="results")
    assert said in words(at)
    assert list(at.dataframe[0].value["left_out"]) == [1, 1]


@pytest.mark.parametrize(
    ("seeds", "complaint"), [("x", "seeds must be whole numbers"), ("", "Give at least one seed")]
)
def test_seeds_that_are_none_start_nothing(visit, station, seeds, complaint):
    at = visit()
    at.button_group(key="bench_shots").set_value([2])
    at.text_input(key="bench_seeds").input(seeds)
    checked(at.run())
    assert complaint in words(at)
    assert at.button(key="bench_start").disabled


@pytest.mark.parametrize(
    ("typed", "complaint"),
    [("/", "below"), ("{root}/gone", "gone"), ("{root}/cable/test", "no category found")],
)
def test_a_folder_that_cannot_be_used_is_refused_in_words(
    visit, station, data_set, typed, complaint
):
    at = visit(typed.format(root=data_set))
    assert complaint in at.error[0].value.replace("\\", "")
    assert not [button for button in at.button if button.key == "bench_start"]


def test_a_job_that_is_done_shows_figures_curves_and_the_worst_images(visit, station, data_set):
    spec = {"root": str(data_set), "shots": [2], "seeds": [42], "profile": None}
    work(station, station.start_job("bench", spec))
    at = visit()
    (run,) = read_result(station.benchmarks()[0].path).runs
    figures = {metric.label: metric.value for metric in at.metric}
    (row,) = read_result(station.benchmarks()[0].path).summary.rows
    assert figures["F1-max"] == f"{row.overall.f1_max.mean:.3f}"
    assert figures["Floor"] == f"{row.overall.floor.mean:.3f}"
    said = words(at)
    for title in ("Totals of all images", "ROC curve", "Worst false alarms", "Worst misses"):
        assert title in said
    opens = [button for button in at.button if (button.key or "").startswith("bench_open_")]
    assert len(opens) == len(run.images) == 5
    assert not any(button.disabled for button in opens)


def work(station: Station, job: int) -> None:
    """Do a job here, as the worker does."""
    with station.database.change() as connection:
        connection.execute("UPDATE jobs SET state = 'running' WHERE id = ?", (job,))
    run_job(station.paths, job, Limits())
    assert station.job(job).state == "done", station.job(job).error


def test_opening_an_image_first_learns_what_its_run_has_learnt(visit, station, measured):
    keep(station, measured)
    at = visit(run="cable/2/42")
    key = next(b.key for b in at.button if (b.key or "").startswith("bench_open_misses_"))
    checked(at.button(key=key).click().run())
    (job,) = station.jobs("fit")
    run = measured.runs[1]
    root = measured.roots["cable"]
    assert [each["path"] for each in job.spec["references"]] == [
        str(root / reference) for reference in run.references
    ]
    assert job.spec["name"].startswith("cable 2 shots seed 42 ")
    assert at.button(key="bench_opening_cancel").label == "Cancel"
    checked(at.button(key=key).click().run())
    assert len(station.jobs("fit")) == 1
    checked(at.button(key="bench_opening_cancel").click().run())
    assert station.job(job.id).state == "cancelled"


def test_a_benchmark_with_settings_of_its_own_says_why_it_cannot_be_opened(
    visit, station, measured
):
    keep(station, replace(measured, config=to_dict(Config()) | {"seed": 5}))
    opens = [b for b in visit().button if (b.key or "").startswith("bench_open_")]
    assert opens
    assert all(button.disabled and "settings of its own" in button.help for button in opens)


def test_images_outside_of_the_roots_are_neither_shown_nor_opened(visit, station, measured):
    keep(station, replace(measured, roots={"cable": Path("/etc")}))
    at = visit()
    assert "The image is not there any more" in words(at)
    assert all(b.disabled for b in at.button if (b.key or "").startswith("bench_open_"))


def test_a_data_set_that_went_away_leaves_figures_and_says_so(
    visit, station, measured, data_set, tmp_path
):
    moved = tmp_path / "moved"
    shutil.copytree(data_set, moved)
    keep(station, replace(measured, roots={"cable": moved / "cable"}))
    shutil.rmtree(moved)
    at = visit()
    assert {metric.label for metric in at.metric} >= {"F1-max", "AUROC", "Floor"}
    assert "The image is not there any more" in words(at)


@pytest.mark.parametrize("content", ["", "{}", "[1]", '{"schema": 99}', "\x00\x01"])
def test_a_broken_result_gives_words_and_the_others_can_still_be_chosen(
    visit, station, measured, content
):
    keep(station, measured, "good")
    (station.paths.bench / "bad.json").write_text(content)
    at = visit(result="bad")
    assert "This result cannot be read" in at.error[0].value
    at.selectbox(key="bench_result").set_value("good")
    assert not checked(at.run()).error


def test_finished_runs_are_seen_while_a_job_goes_on(visit, station, measured, data_set):
    spec = {"root": str(data_set), "shots": [1, 2], "seeds": [42], "profile": None}
    number = station.start_job("bench", spec)
    path = station.paths.bench / f"{number:05d} factory.json"
    with station.database.change() as connection:
        connection.execute("UPDATE jobs SET state = 'running' WHERE id = ?", (number,))
    jobs.set_result(station.database, number, {"result": str(path)})
    jobs.set_progress(station.database, number, "1 of 2 runs done", 5, 10)
    entry = {"fingerprint": "a", "run": measured.runs[0].as_dict()}
    path.with_name(path.name + ".partial").write_text(json.dumps(entry) + '\n{"finger')
    at = visit()
    assert at.selectbox(key="bench_run").options == ["cable · 1 shot · seed 42"]
    assert "Finished so far: 1 shot · 1 seed" in words(at)


def test_a_job_that_was_cancelled_can_be_taken_up_again_or_hidden(visit, station, data_set):
    number = station.start_job("bench", {"root": str(data_set)})
    at = visit()
    checked(at.button(key=f"bench_cancel_{number}").click().run())
    assert station.job(number).state == "cancelled"
    at = visit()
    assert "was cancelled" in at.info[0].value
    checked(at.button(key=f"bench_resume_{number}").click().run())
    assert station.job(number).state == "queued"
    station.cancel_job(number)
    at = visit()
    checked(at.button(key=f"bench_hide_{number}").click().run())
    assert "was cancelled" not in words(at)


def test_a_job_is_cancelled_even_if_it_has_just_come_to_another_step(station, data_set):
    number = station.start_job("bench", {"root": str(data_set)})

    def watched(station, root):
        """Show the page, and from then on only the part that follows the jobs."""
        import streamlit as st

        from ui.bench_page import show, start
        from ui.context import Context
        from ui.settings import Settings

        context = Context(Settings(station.folder, (root,)), station, None, "", {})
        if st.session_state.pop("is_part", False):
            start._watch(context)
        else:
            show(context)

    kwargs = {"station": station, "root": data_set}
    at = checked(AppTest.from_function(watched, default_timeout=60, kwargs=kwargs).run())
    jobs.set_progress(station.database, number, "finding images", 0, 10)
    at.session_state["is_part"] = True
    checked(at.button(key=f"bench_cancel_{number}").click().run())
    assert station.job(number).state == "cancelled"


def test_a_job_that_failed_says_why(visit, station, data_set):
    number = station.start_job("bench", {"root": str(data_set)})
    with station.database.change() as connection:
        connection.execute("UPDATE jobs SET state = 'running' WHERE id = ?", (number,))
    jobs.finish(station.database, number, "failed", error="no *such* weights")
    at = visit()
    assert "stopped: no \\*such\\* weights" in at.error[0].value


def test_two_runs_of_one_result_are_compared_at_once(visit, station, measured):
    keep(station, measured)
    at = visit(view="compare")
    assert at.selectbox(key="bench_pair_shots").value == (1, 2)
    assert at.selectbox(key="bench_pair").options == [
        "cable · 1 shot · seed 42 → cable · 2 shots · seed 42"
    ]
    assert "as before" in words(at)


def test_two_results_are_compared_run_by_run(visit, station, measured):
    keep(station, measured, "one")
    keep(station, measured, "two")
    at = visit(view="compare")
    assert at.selectbox(key="bench_old").value != at.selectbox(key="bench_new").value
    assert "0 became right, 0 became wrong, 5 as before" in words(at)
    assert "No image has another verdict" in words(at)


def test_results_of_other_data_say_that_they_have_nothing_in_common(visit, station, measured):
    keep(station, measured, "one")
    runs = tuple(replace(run, category="mug") for run in measured.runs)
    keep(station, replace(measured, runs=runs, roots={"mug": Path("/mug")}), "two")
    assert "no run has a partner" in visit(view="compare").warning[0].value


def test_names_from_files_are_shown_letter_for_letter(visit, station, measured):
    name = "**b**:red[x](y).png"
    run = measured.runs[0]
    images = tuple(replace(image, path=f"test/bad/{name}") for image in run.images)
    keep(station, replace(measured, runs=(replace(run, category="_i_", images=images),)))
    at = visit()
    assert at.selectbox(key="bench_run").options == ["_i_ · 1 shot · seed 42"]
    shown = [caption.value for caption in at.caption if "png" in caption.value]
    assert any(caption.startswith(plain(name)) for caption in shown)
    assert not any(name in caption for caption in shown)
