"""Result files: what was written comes back, and what was doctored is refused in one line."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from engine.benchmark.datasets import DatasetError
from engine.benchmark.journal import Journal
from engine.benchmark.perturbations import Pose
from engine.benchmark.protocol import KINDS, TOGETHER, Perturbation
from engine.benchmark.records import Judgement, Run
from engine.benchmark.results import BenchResult, read_result, write_result


def run(shots: int = 1, seed: int = 0) -> Run:
    images = (
        Judgement("test/a.png", False, "good", (), 0.5, {"one": 0.1, "two": 1.0}, 0.1),
        Judgement("test/b.png", True, "dent", ("dent",), 1.5, {"one": 0.7, "two": 1.0}, 0.1),
        Judgement("test/c.png", True, "dent", ("dent",), None, {}, 0.0, "is broken"),
    )
    return Run("pins", shots, seed, ("train/a.png",), 1.0, "so", "leave-one-out", 2.0, images)


RESULT = BenchResult(
    {"preset": "default"},
    Perturbation.of(["pose", "glare", "jpeg"], seed=3),
    {"pins": Path("data/pins")},
    (run(), run(4), run(4, 42)),
)


# as the first release wrote it, which knew nothing but a pose
FIRST = {"rotation_deg": 15.0, "shift": 0.1, "scale": 0.2, "seed": 3}


@pytest.fixture
def doctored(tmp_path: Path) -> Callable[..., Path]:
    """Write a result with changes."""

    def write(change: Callable[[Any], object]) -> Path:
        values = json.loads(json.dumps(RESULT.as_dict()))
        change(values)
        path = tmp_path / "result.json"
        path.write_text(json.dumps(values))
        return path

    return write


def test_what_was_written_is_read(tmp_path: Path) -> None:
    write_result(RESULT, tmp_path / "a.json")
    assert read_result(tmp_path / "a.json") == RESULT
    content = (tmp_path / "a.json").read_bytes()
    (tmp_path / "a.json").write_bytes(b"\xef\xbb\xbf" + content)
    assert read_result(tmp_path / "a.json") == RESULT


@pytest.mark.parametrize("name", [*KINDS, *TOGETHER])
def test_every_perturbation_is_read(doctored: Callable[..., Path], name: str) -> None:
    perturbation = Perturbation.of([name], seed=4)
    path = doctored(lambda v: v.update(perturbation=perturbation.as_dict()))
    assert read_result(path).perturbation == perturbation


def test_results_of_the_first_release_are_of_a_pose(doctored: Callable[..., Path]) -> None:
    result = read_result(doctored(lambda v: v.update(perturbation=FIRST)))
    assert result.perturbation == Perturbation(Pose(scale=0.2), seed=3)
    assert result.perturbation.facts() == FIRST
    assert read_result(doctored(lambda v: v.update(perturbation=None))).perturbation is None


def test_a_reader_of_the_figures_is_told_what_was_perturbed() -> None:
    assert RESULT.remarks == ("test images perturbed: pose, glare, jpeg; seed 3",)
    assert replace(RESULT, perturbation=None).remarks == ()


CHANGES: dict[str, tuple[Callable[[Any], object], str]] = {
    "runs of nothing": (lambda v: v.update(runs=None), "runs must be a list"),
    "runs of text": (lambda v: v.update(runs="abc"), "runs must be a list"),
    "config of a list": (lambda v: v.update(config=[]), "config must be a table"),
    "roots of numbers": (lambda v: v.update(roots={"a": 1}), "roots.a must be a path, got 1"),
    "perturbation of a list": (
        lambda v: v.update(perturbation=[1]),
        "perturbation must be a table",
    ),
    "perturbation of too much": (
        lambda v: v["perturbation"]["pose"].update(shift=7),
        r"pose\.shift must lie in 0 … 1, got 7",
    ),
    "perturbation of text": (
        lambda v: v["perturbation"]["jpeg"].update(quality="30"),
        r"perturbation\.jpeg\.quality must be a list of 2",
    ),
    "perturbation of an unknown kind": (
        lambda v: v["perturbation"].update(fog={}),
        r"perturbation\.fog is unknown",
    ),
    "perturbation of no kind": (
        lambda v: v.update(perturbation={"seed": 0}),
        "must have at least one of pose, turn",
    ),
    "perturbation of the first release with too much": (
        lambda v: v.update(perturbation=FIRST | {"scale": 1}),
        r"pose\.scale must lie in 0 … 1 without 1, got 1",
    ),
    "perturbation of the first release with more": (
        lambda v: v.update(perturbation=FIRST | {"shear": 1}),
        r"perturbation\.pose\.shear is unknown",
    ),
    "a run without seed": (lambda v: v["runs"][1].pop("seed"), r"runs\[1\]\.seed is missing"),
    "a seed of text": (
        lambda v: v["runs"][0].update(seed="0"),
        r'runs\[0\]\.seed must be an integer, got "0"',
    ),
    "no shots": (lambda v: v["runs"][0].update(shots=0), "shots must lie in 1 … 1000000, got 0"),
    "endless shots": (lambda v: v["runs"][0].update(shots=2**62), "shots must lie in"),
    "images of a table": (lambda v: v["runs"][0].update(images={}), r"runs\[0\]\.images must be"),
    "a total of text": (
        lambda v: v["runs"][0]["images"][1].update(total="1"),
        r"runs\[0\]\.images\[1\]\.total must be a finite number",
    ),
    "a huge total": (lambda v: v["runs"][0]["images"][1].update(total=1e300), "at most 1e.100"),
    "a huge time": (lambda v: v["runs"][0].update(fit_seconds=1e308), "at most 1e.100"),
    "other scores": (
        lambda v: v["runs"][0]["images"][1].update(scores={"one": 1.0}),
        "the scores of test/b.png must be those of the other images",
    ),
    "a verdict of 1": (
        lambda v: v["runs"][0]["images"][1].update(is_anomalous=1),
        r"is_anomalous must be true or false, got 1",
    ),
    "something unknown": (lambda v: v["runs"][0].update(more=1), r"runs\[0\]\.more is unknown"),
    "no roots": (lambda v: v.pop("roots"), "it lacks 'roots'"),
}


@pytest.mark.parametrize("name", CHANGES)
def test_what_was_doctored_is_refused_with_its_place(
    doctored: Callable[..., Path], name: str
) -> None:
    change, message = CHANGES[name]
    with pytest.raises(DatasetError, match=f"is no benchmark result: .*{message}") as caught:
        read_result(doctored(change))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("text", ["NaN", "1e999", "[" * 5000, "9" * 5000, "[]", "null", '"a"', ""])
def test_what_is_no_result_at_all(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(DatasetError, match=r"is no benchmark result: .*name a file that"):
        read_result(tmp_path / "a.json")


def test_a_journal_leaves_out_what_is_no_run(tmp_path: Path) -> None:
    path = tmp_path / "a.partial"
    journal = Journal(path, Run.from_dict)
    journal.add("first", run())
    journal.close()
    odd = run(4).as_dict() | {"shots": "4"}
    lines = [json.dumps({"fingerprint": "odd", "run": odd}), "[" * 5000, "NaN", "\ud800", "[]", "5"]
    with path.open("a", errors="surrogatepass") as stream:
        stream.write("\n".join(lines) + "\n")
    journal = Journal(path, Run.from_dict)
    journal.close()
    assert "first" in journal
    assert "odd" not in journal
    assert journal["first"] == run()
