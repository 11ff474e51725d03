import json

import pytest

from engine.benchmark.records import Judgement, Run
from engine.benchmark.results import BenchResult, write_result

GOOD, BETTER = (0.1, 0.5, 0.7, 3.0), (0.1, 0.5, 2.0, 3.0)


def make_run(totals, *, shots, seed=42, category="cup"):
    images = tuple(
        Judgement(f"test/{index}.png", index > 1, "dent", ("dent",), total, {}, 0.1)
        for index, total in enumerate(totals)
    )
    return Run(category, shots, seed, ("a.png",), 1.0, "references", "", 1.0, images)


@pytest.fixture
def results(tmp_path):
    """Two result files; in the second, one anomaly more is found by four shots."""
    paths = tmp_path / "old.json", tmp_path / "new.json"
    sides = ((GOOD, GOOD), (GOOD, BETTER))
    for path, totals in zip(paths, sides, strict=True):
        runs = tuple(make_run(each, shots=k) for k, each in zip((1, 4), totals, strict=True))
        write_result(BenchResult({}, None, {"cup": tmp_path}, runs), path)
    return paths


def test_two_files_are_compared_run_by_run(partwise, results):
    ended = partwise("bench-compare", *results)
    assert (ended.code, ended.err) == (0, "")
    assert "Other verdicts: cup, k = 4, seed 42" in ended.out
    assert "test/2.png" in ended.out
    assert "better: anomaly now" in ended.out
    assert "k = 1, seed 42" not in ended.out


def test_runs_within_one_file_are_compared_over_shots_as_json(partwise, results):
    ended = partwise("bench-compare", results[1], "--shots", "1,4", "--json")
    assert (ended.code, ended.err) == (0, "")
    (row,) = json.loads(ended.out)["rows"]
    assert row["shots"] == [1, 4]
    (changed,) = row["pairs"][0]["changed"]
    assert (changed["path"], changed["is_better"]) == ("test/2.png", True)
    assert row["figures"]["f1_at_threshold"]["change"]["mean"] == pytest.approx(1 - 2 / 3)


def test_only_the_category_asked_for_is_compared(partwise, results):
    ended = partwise("bench-compare", *results, "--category", "mug")
    assert ended.code == 2
    assert "no run has a partner" in ended.err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--shots", "4"), "expected two numbers, OLD,NEW, got '4'"),
        (("--seeds", "a,b"), "expected whole numbers from 0 on"),
        (("--seeds", "42,7"), "seeds 42 and 7 on both sides"),
    ],
)
def test_what_cannot_be_paired_is_refused_in_words(partwise, results, words, message):
    ended = partwise("bench-compare", *results, *words)
    assert ended.code == 2
    assert message in " ".join(ended.err.split())


def test_a_file_that_is_no_result_is_refused_in_one_line(partwise, results, tmp_path):
    (tmp_path / "no.json").write_text("{}")
    ended = partwise("bench-compare", results[0], tmp_path / "no.json")
    assert ended.code == 2
    assert "is no benchmark result" in ended.err
    assert "Traceback" not in ended.err
    gone = partwise("bench-compare", tmp_path / "gone.json")
    assert (gone.code, gone.err.count("\n")) == (2, 1)
