import json
from dataclasses import replace

import pytest

from engine.atomic import OutputError
from engine.benchmark.regions.figures import RollRun, Speed
from engine.benchmark.regions.runner import Task, run_regions_bench
from engine.benchmark.regions.walkthrough import Counts
from engine.inspector import Inspector


def silent(stage, done, total):
    pass


@pytest.fixture
def task():
    return Task((0, 1, 2), Counts(4, 1), Inspector, {"seed": 0})


def test_rolls_come_in_order_and_are_told(task, rolls):
    told = []
    result = run_regions_bench(task, rolls.make_roll, tell=lambda *each: told.append(each))
    assert [run.walked.seed for run in result.runs] == [0, 1, 2]
    assert [(done, total) for _, done, total in told] == [(1, 3), (2, 3), (3, 3)]


def test_processes_give_the_same(task, rolls):
    alone = run_regions_bench(task, rolls.make_roll, tell=silent)
    assert run_regions_bench(task, rolls.make_roll, jobs=2, tell=silent).runs == alone.runs


def test_everything_is_in_the_file(task, rolls, tmp_path):
    path = tmp_path / "result.json"
    full = replace(task, speed=lambda tell: Speed(0.5, ()), boxed={"folder": lambda tell: []})
    result = run_regions_bench(full, rolls.make_roll, results_path=path, tell=silent)
    content = json.loads(path.read_text())
    assert content == json.loads(json.dumps(result.as_dict()))
    assert [RollRun.from_dict(each) for each in content["rolls"]] == list(result.runs)
    assert content["speed"]["teaching_seconds"] == 0.5
    assert content["boxed"] == {"folder": []}
    assert list(tmp_path.iterdir()) == [path]


def test_an_interrupted_benchmark_goes_on(task, rolls, tmp_path):
    path = tmp_path / "result.json"
    with pytest.raises(KeyboardInterrupt):
        run_regions_bench(task, rolls.make_roll_once, results_path=path, tell=silent)
    assert [each.name for each in tmp_path.iterdir()] == ["result.json.partial"]
    made = []

    def noted(seed, task, tell):
        made.append(seed)
        return rolls.make_roll(seed)

    result = run_regions_bench(task, noted, results_path=path, tell=silent)
    assert made == [1, 2]
    assert [run.walked.seed for run in result.runs] == [0, 1, 2]
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    "change",
    [{"config": {"seed": 1}}, {"counts": Counts(8, 1)}, {"is_with_steps": True}],
)
def test_a_roll_of_another_task_is_not_reused(task, change):
    other = replace(task, **change)
    assert not {task.key(seed) for seed in task.seeds} & {other.key(seed) for seed in task.seeds}
    assert task.key(0) == replace(task, seeds=(0,)).key(0)


def test_a_folder_that_is_not_there_shows_before_the_first_roll(task, tmp_path):
    def never(seed, task, tell):
        raise AssertionError("measured a roll")

    with pytest.raises(OutputError, match="cannot write"):
        run_regions_bench(task, never, results_path=tmp_path / "no" / "x.json", tell=silent)
