import json
import os
import re
from dataclasses import replace

import numpy as np
import pytest

from engine.atomic import OutputError
from engine.benchmark.datasets import DatasetError, find_categories
from engine.benchmark.metrics import auroc, average_precision, f1_at, f1_max
from engine.benchmark.protocol import KINDS, Perturbation
from engine.benchmark.records import labels_of, totals_of
from engine.benchmark.results import read_result, write_result
from engine.benchmark.runner import run_bench


def without_seconds(result):
    return [
        replace(run, fit_seconds=0.0, images=tuple(replace(i, seconds=0.0) for i in run.images))
        for run in result.runs
    ]


@pytest.fixture
def categories(plain):
    return find_categories(plain)


def test_every_category_shots_and_seed_is_run_in_order(categories, brightness):
    result = run_bench(categories, brightness.Brightness, shots=(2, 1), seeds=(42, 0))
    assert [(run.category, run.shots, run.seed) for run in result.runs] == [
        (category, shots, seed)
        for category in ("sharp", "soft")
        for shots in (1, 2)
        for seed in (42, 0)
    ]
    for run in result.runs:
        category = categories[run.category == "soft"]
        assert [image.path for image in run.images] == [
            category.relative(sample.path) for sample in category.test
        ]
        assert run.threshold == 7.0
        assert run.calibration == "leave-one-out"


def test_a_method_sees_exactly_its_references(categories, brightness):
    (_, soft) = categories
    (run,) = run_bench([soft], brightness.Brightness, shots=(2,), seeds=(42,)).runs
    # torch.randperm(4) under seed 42 begins 2, 3: brightness 98 and 101.
    assert run.references == ("train/good/002.png", "train/good/003.png")
    by_path = {image.path: image for image in run.images}
    assert by_path["test/dark/000.png"].total == pytest.approx(39.5, abs=0.5)
    assert by_path["test/dark/000.png"].scores["darkness"] == pytest.approx(39.5, abs=0.5)
    assert by_path["test/bright/001.png"].total == pytest.approx(50.5, abs=0.5)


def test_the_summary_agrees_with_the_metrics_of_each_run(categories, brightness):
    seeds = (42, 0, 1234)
    result = run_bench(categories, brightness.Brightness, shots=(1, 4), seeds=seeds)
    row = next(row for row in result.summary.rows if (row.category, row.shots) == ("soft", 4))
    runs = [run for run in result.runs if (run.category, run.shots) == ("soft", 4)]
    pairs = [(labels_of(run.images), totals_of(run.images)) for run in runs]
    assert row.overall.floor.mean == pytest.approx(10 / 14)
    assert row.overall.f1_max.values == tuple(f1_max(*pair)[0] for pair in pairs)
    assert row.overall.auroc.values == tuple(auroc(*pair) for pair in pairs)
    assert row.overall.aupr.mean == pytest.approx(np.mean([average_precision(*p) for p in pairs]))
    assert row.overall.f1_at_threshold.values == tuple(f1_at(*pair, 7.0) for pair in pairs)
    assert row.overall.auroc.std == pytest.approx(np.std([auroc(*pair) for pair in pairs]))
    assert (row.overall.n_good, row.overall.n_anomalous) == (4, 5)


def test_types_and_single_scores_are_measured_against_all_normal_images(categories, brightness):
    result = run_bench(categories, brightness.Brightness, shots=(4,), seeds=(42,))
    sharp, soft = result.summary.rows
    assert set(soft.types) == set(soft.groups) == {"bright", "dark"}
    assert (soft.types["dark"].n_good, soft.types["dark"].n_anomalous) == (4, 3)
    assert soft.types["dark"].floor.mean == pytest.approx(6 / 10)
    assert soft.scores["darkness"].auroc.mean == pytest.approx((1 + 3 * 4) / 20)
    assert np.isnan(soft.scores["darkness"].f1_at_threshold.mean)
    assert sharp.scores["darkness"].auroc.mean == 1.0


def test_the_mean_is_over_categories_seed_by_seed(categories, brightness):
    result = run_bench(categories, brightness.Brightness, shots=(1, 2), seeds=(42, 0))
    summary = result.summary
    for mean in summary.means:
        rows = [row for row in summary.rows if row.shots == mean.shots]
        assert len(rows) == 2
        for seed in range(2):
            expected = np.mean([row.overall.auroc.values[seed] for row in rows])
            assert mean.overall.auroc.values[seed] == pytest.approx(expected)
    assert [mean.shots for mean in summary.means] == [1, 2]
    ends = [mean.overall.f1_max.mean for mean in summary.means]
    assert summary.area_under_f1["mean of categories"] == pytest.approx(np.mean(ends))
    assert set(summary.area_under_f1) == {"sharp", "soft", "mean of categories"}


def test_logical_and_structural_anomalies_stand_apart(loco, brightness):
    result = run_bench(find_categories(loco), brightness.Brightness, shots=(1,), seeds=(42,))
    (row,) = result.summary.rows
    assert result.summary.means == ()
    assert set(row.groups) == {"logical_anomalies", "structural_anomalies"}
    assert set(row.types) == {"extra_pin", "missing_pin", "scratch"}
    assert row.types["missing_pin"].n_anomalous == 2
    assert row.groups["structural_anomalies"].floor.mean == pytest.approx(0.5)


def test_a_broken_test_image_is_left_out_and_counted(plain, brightness):
    (plain / "soft" / "test" / "dark" / "001.png").write_bytes(b"")
    result = run_bench(find_categories(plain), brightness.Brightness, shots=(1,), seeds=(42, 0))
    run = result.runs[-1]
    (broken,) = run.errors
    assert broken.path == "test/dark/001.png"
    assert "is empty (0 bytes)" in broken.error
    assert broken.total is None
    assert len(run.judged) == 8
    row = result.summary.rows[-1]
    assert row.n_errors == 2
    assert (row.overall.n_good, row.overall.n_anomalous) == (4, 4)


def test_a_total_that_is_no_number_is_an_error_of_that_image(categories, brightness):
    result = run_bench(categories, brightness.NoNumber, shots=(1,), seeds=(42,))
    run = result.runs[0]
    assert [image.path for image in run.errors] == [f"test/dent/00{i}.png" for i in range(3)]
    assert run.errors[0].error == "judged without a finite number for total, darkness"
    overall = result.summary.rows[0].overall
    assert np.isnan(overall.auroc.mean)
    assert result.as_dict()["summary"]["rows"][0]["overall"]["auroc"]["mean"] is None


def test_a_broken_reference_stops_the_benchmark(plain, brightness):
    path = plain / "soft" / "train" / "good" / "002.png"
    path.write_bytes(b"")
    with pytest.raises(DatasetError, match=f"cannot use the reference {re.escape(str(path))}: "):
        run_bench(find_categories(plain), brightness.Brightness, shots=(1,), seeds=(42,))


def test_too_many_shots_are_refused_before_anything_is_run(categories, brightness, monkeypatch):
    monkeypatch.setattr(brightness.Brightness, "n_fits", 0)
    with pytest.raises(DatasetError, match="'sharp' has 4 training images, fewer than the 8 shots"):
        run_bench(categories, brightness.Brightness, shots=(1, 8), seeds=(42,))
    assert brightness.Brightness.n_fits == 0


@pytest.mark.parametrize("names", [["pose"], ["exposure", "noise"], ["all"]])
def test_perturbed_images_are_the_same_for_every_run(categories, brightness, names):
    plain_result = run_bench(categories, brightness.Brightness, shots=(1,), seeds=(42,))
    moved = [
        run_bench(
            categories,
            brightness.Brightness,
            shots=(1,),
            seeds=(42,),
            perturbation=Perturbation.of(names, seed=seed),
        )
        for seed in (0, 0, 1)
    ]
    assert without_seconds(moved[0]) == without_seconds(moved[1])
    assert without_seconds(moved[0]) != without_seconds(moved[2])
    assert without_seconds(moved[0]) != without_seconds(plain_result)
    assert set(moved[0].as_dict()["perturbation"]) == {*Perturbation.of(names).kinds, "seed"}


def test_processes_give_the_same_result_as_one_process(categories, brightness):
    before = dict(os.environ)
    one, two = (
        run_bench(categories, brightness.Brightness, shots=(1, 2), seeds=(42,), jobs=jobs)
        for jobs in (1, 2)
    )
    assert without_seconds(one) == without_seconds(two)
    assert dict(os.environ) == before


class TestInterruption:
    @pytest.fixture
    def arguments(self, categories, tmp_path):
        return {
            "categories": categories,
            "shots": (1, 2),
            "seeds": (42,),
            "config": {"name": "brightness"},
            "results_path": tmp_path / "bench.json",
        }

    @pytest.fixture
    def partial(self, arguments, brightness, monkeypatch, tmp_path):
        """A journal of two finished runs out of four."""
        monkeypatch.setattr(brightness.Interrupted, "n_fits", 0)
        monkeypatch.setattr(brightness.Brightness, "n_fits", 0)
        with pytest.raises(KeyboardInterrupt):
            run_bench(make_inspector=brightness.Interrupted, **arguments)
        assert os.listdir(tmp_path) != []
        assert not (tmp_path / "bench.json").exists()
        return tmp_path / "bench.json.partial"

    def n_made(self, arguments, brightness, **changes):
        heard = []
        whole = run_bench(
            make_inspector=brightness.Brightness, **(arguments | {"results_path": None} | changes)
        )
        result = run_bench(
            make_inspector=brightness.Brightness,
            on_run=lambda run, finished, n: heard.append((finished, n)),
            **(arguments | changes),
        )
        assert without_seconds(result) == without_seconds(whole)
        return heard

    def test_finished_runs_are_not_made_again(self, arguments, brightness, partial):
        assert len(partial.read_text().splitlines()) == 2
        assert self.n_made(arguments, brightness) == [(3, 4), (4, 4)]
        assert not partial.exists()
        assert arguments["results_path"].exists()

    def test_a_torn_last_line_is_ignored(self, arguments, brightness, partial):
        content = partial.read_bytes()
        partial.write_bytes(content[:-40])
        assert self.n_made(arguments, brightness) == [(2, 4), (3, 4), (4, 4)]

    def test_a_second_interruption_after_a_torn_line_loses_nothing(
        self, arguments, brightness, partial
    ):
        partial.write_bytes(partial.read_bytes()[:-40])
        brightness.Interrupted.n_fits = 1  # one more run is finished
        with pytest.raises(KeyboardInterrupt):
            run_bench(make_inspector=brightness.Interrupted, **arguments)
        assert len(partial.read_text().splitlines()) == 2
        assert self.n_made(arguments, brightness) == [(3, 4), (4, 4)]

    def test_lines_of_others_are_ignored(self, arguments, brightness, partial):
        partial.write_text('{"a": 1}\nnot json\n[]\n' + partial.read_text())
        assert len(self.n_made(arguments, brightness)) == 2

    @pytest.mark.parametrize(
        "changes",
        [{"config": {"name": "other"}}, *({"perturbation": Perturbation.of([n])} for n in KINDS)],
    )
    def test_runs_of_another_method_are_not_reused(self, arguments, brightness, partial, changes):
        assert len(self.n_made(arguments, brightness, **changes)) == 4

    def test_runs_of_the_first_release_are_reused(self, arguments, brightness, monkeypatch):
        then, now = {"palette": {"n_words": 7}}, {"visual_words": {"n_words": 7}}
        monkeypatch.setattr(brightness.Interrupted, "n_fits", 0)
        monkeypatch.setattr(brightness.Brightness, "n_fits", 0)
        with monkeypatch.context() as first_release:
            first_release.setattr("engine.config.NEW_NAMES", {})
            with pytest.raises(KeyboardInterrupt):
                run_bench(make_inspector=brightness.Interrupted, **(arguments | {"config": then}))
        assert self.n_made(arguments, brightness, config=now) == [(3, 4), (4, 4)]

    def test_runs_of_another_perturbation_are_not_reused(self, arguments, brightness, monkeypatch):
        monkeypatch.setattr(brightness.Interrupted, "n_fits", 0)
        noise = {"perturbation": Perturbation.of(["noise"])}
        with pytest.raises(KeyboardInterrupt):
            run_bench(make_inspector=brightness.Interrupted, **arguments, **noise)
        both = {"perturbation": Perturbation.of(["noise", "exposure"])}
        assert len(self.n_made(arguments, brightness, **both)) == 4

    def test_posed_runs_of_the_first_release_are_reused(self, arguments, brightness, monkeypatch):
        then = {"rotation_deg": 15.0, "shift": 0.1, "scale": 0.1, "seed": 0}
        monkeypatch.setattr(brightness.Interrupted, "n_fits", 0)
        pose = {"perturbation": Perturbation.of(["pose"])}
        with monkeypatch.context() as first_release:
            first_release.setattr(Perturbation, "facts", lambda self: then)
            with pytest.raises(KeyboardInterrupt):
                run_bench(make_inspector=brightness.Interrupted, **arguments, **pose)
        assert self.n_made(arguments, brightness, **pose) == [(3, 4), (4, 4)]

    def test_runs_over_changed_images_are_not_reused(self, arguments, brightness, partial):
        first = arguments["categories"][0].test[0].path
        os.utime(first, ns=(1, 1))
        assert len(self.n_made(arguments, brightness)) == 4


def test_results_come_back_from_their_file(categories, brightness, tmp_path):
    path = tmp_path / "bench.json"
    result = run_bench(
        categories,
        brightness.Brightness,
        shots=(1,),
        seeds=(42, 0),
        config={"name": "brightness"},
        perturbation=Perturbation.of(["all"], seed=3),
        results_path=path,
    )
    assert read_result(path) == result
    content = json.loads(path.read_text())
    assert content["schema"] == 1
    assert content["summary"] == result.summary.as_dict()
    image = content["runs"][0]["images"][0]
    assert set(image["scores"]) == {"darkness", "contrast"}
    assert isinstance(image["total"], float)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("no json", "is no benchmark result"),
        ("[]", "is no benchmark result"),
        ('{"schema": 99}', "has result schema 99, this version reads 1; run the benchmark again"),
        ('{"schema": 1}', "is no benchmark result"),
    ],
)
def test_foreign_result_files_are_refused(tmp_path, content, message):
    path = tmp_path / "bench.json"
    path.write_text(content)
    with pytest.raises(DatasetError, match=message):
        read_result(path)


def test_an_unwritable_result_shows_before_the_first_run(categories, brightness, tmp_path):
    brightness.Brightness.n_fits = 0
    path = tmp_path / "no folder" / "bench.json"
    with pytest.raises(OutputError, match=r"cannot write .*bench.json.partial: No such file"):
        run_bench(categories, brightness.Brightness, shots=(1,), results_path=path)
    assert brightness.Brightness.n_fits == 0


def test_a_result_that_cannot_be_written_leaves_the_journal(categories, brightness, tmp_path):
    path = tmp_path / "bench.json"
    path.mkdir()
    with pytest.raises(OutputError, match=r"cannot write .*bench.json: it is a folder"):
        run_bench(categories, brightness.Brightness, shots=(1,), seeds=(42,), results_path=path)
    assert len((tmp_path / "bench.json.partial").read_text().splitlines()) == 2


def test_writing_a_result_replaces_the_old_one(categories, brightness, tmp_path):
    path = tmp_path / "bench.json"
    path.write_text("old")
    result = run_bench(categories, brightness.Brightness, shots=(1,), seeds=(42,))
    write_result(result, path)
    assert read_result(path) == result
