"""The benchmark of ranking on a product of a few rendered photographs."""

from __future__ import annotations

import json
import sys

import numpy as np
import pytest
from PIL import Image

from engine.benchmark.datasets import DatasetError, find_categories
from engine.benchmark.metrics import auroc
from engine.benchmark.protocol import pick_references
from engine.inspector import Inspector
from features.cnn import CnnConfig
from features.image_files import read_image

SIZE = (64, 80)
SMALL = CnnConfig(input_px=128)
HOLE = (slice(20, 34), slice(24, 40))
BASELINES = ["PatchCore", "PatchCore, 50% of its memory", "PaDiM", "thumbnail"]


@pytest.fixture(scope="module")
def ranking(script):
    return script("ranking")


def save(path, pixels):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels.astype(np.uint8)).save(path)


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    """A striped plate, with a hole where it is anomalous, and a mask of one of two holes."""
    root = tmp_path_factory.mktemp("data") / "plate"
    rng = np.random.default_rng(0)
    stripes = 110 + 40 * (np.arange(SIZE[1]) // 8 % 2)[None, :, None]

    def plate():
        return stripes + rng.normal(0, 6, (*SIZE, 3))

    for index in range(3):
        save(root / f"train/good/{index}.png", plate())
        save(root / f"test/good/{index}.png", plate())
    for index in range(2):
        pixels = plate()
        pixels[HOLE] = 10
        save(root / f"test/hole/{index}.png", pixels)
    mask = np.zeros(SIZE)
    mask[HOLE] = 255
    save(root / "ground_truth/hole/0_mask.png", mask)
    return root


@pytest.fixture
def run(ranking, monkeypatch, capsys):
    """Call the script on small images, and return its exit code and what it wrote."""

    def called(*words):
        words = [*map(str, words), "--input", str(SMALL.input_px)]
        monkeypatch.setattr(sys, "argv", ["ranking.py", *words])
        code = ranking.main()
        return code, *capsys.readouterr()

    return called


def rows_of(text, head):
    """Cells of the table whose first cell is this, by the first of each row."""
    lines = text[text.index(f"| {head} |") :].split("\n\n")[0].splitlines()
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return {
        row[0].removesuffix(" †"): dict(zip(cells[0], row, strict=True))
        for row in cells[2:]
        if len(row) > 1
    }


def task_of(ranking, dataset, half="partwise", shots=2, **changed):
    (category,) = find_categories(dataset)
    given = {
        "config": ranking.Config(),
        "cnn": SMALL,
        "with_pixels": False,
        "coreset_share": None,
    } | changed
    return ranking.Task(category, shots, 0, half, **given)


def test_tables_are_printed_and_what_is_finished_is_kept(run, dataset, tmp_path):
    path = tmp_path / "ranking.jsonl"
    words = [dataset, "--shots", "1,2", "--seeds", "0", "--pixels", "--coreset", "0.5"]
    code, out, err = run(*words, "--json", path)
    assert code == 0
    assert "4/4 plate, k = 2, seed 0, baselines" in err
    assert out.count("\n## k = ") == 2
    row = rows_of(out, "set")["plate"]
    assert row["AUROC"] == row["F1-max"] == "1.000"
    ways = rows_of(out, "mean over sets")
    assert list(ways)[-4:] == BASELINES
    assert ways["total"]["AUROC − total"] == "+0.000"
    maps = rows_of(out, "pixel AUROC / PRO")["plate"]
    assert list(maps)[1:] == ["new here", "missing here", "either", *BASELINES[:-1]]
    for name in ("new here", "PatchCore", "PaDiM"):
        area, pro = map(float, maps[name].split(" / "))
        assert min(area, pro) > 0.8, name

    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert [(each["run"]["shots"], each["run"]["half"]) for each in lines] == [
        (1, "partwise"),
        (2, "partwise"),
        (1, "baselines"),
        (2, "baselines"),
    ]
    # a torn line is made anew, the others are not
    path.write_text("\n".join(path.read_text().splitlines())[:-40])
    code, again, err = run(*words, "--json", path)
    assert code == 0
    assert err.splitlines() == [err.splitlines()[0]]
    assert err.startswith("1/1 plate, k = 2, seed 0, baselines")
    assert again.split("\n", 1)[1] == out.split("\n", 1)[1]
    assert run(*words, "--json", path)[2] == ""


@pytest.mark.parametrize("profile", ["embedded", "cnn"])
def test_totals_and_threshold_are_those_of_the_inspector(ranking, dataset, profile):
    config = ranking.Config(profile=profile, cnn=SMALL)
    task = task_of(ranking, dataset, config=config)
    found = task.make()
    references = [read_image(path) for path in pick_references(task.category, 2, 0)]
    inspector = Inspector(config).fit(references)
    reports = [inspector.inspect(read_image(each.path)) for each in task.category.test]
    total = found.scored["total"]
    assert total.scores == pytest.approx([report.total for report in reports])
    assert total.threshold == pytest.approx(reports[0].threshold)
    assert ("network_patch alone" in found.scored) == (profile == "cnn")
    for name in inspector.config.counted_scores:
        alone = found.scored[f"{name} alone"].scores
        values = np.array([report.scores[name] for report in reports])
        labels = np.array(found.is_anomalous)
        assert auroc(labels, np.array(alone)) == auroc(labels, values)
        assert f"without {name}" in found.scored


def test_without_the_only_active_score_nothing_is_left_to_add_up(ranking, dataset):
    config = ranking.Config(active_scores=("located_patch",))
    found = task_of(ranking, dataset, config=config).make().scored
    assert "without located_patch" not in found
    assert found["total"].scores == found["located_patch alone"].scores


def test_baselines_get_their_normal_images_as_the_inspector_does(ranking, dataset):
    several = task_of(ranking, dataset, "baselines").make()
    single = task_of(ranking, dataset, "baselines", shots=1).make()
    for scored in several.scored.values():
        assert (scored.calibration, len(scored.normal)) == ("leave-one-out", 2)
    for scored in single.scored.values():
        assert (scored.calibration, len(scored.normal)) == ("self-calibrated", ranking.N_COPIES)
    # of two references each is judged by the other alone
    thumbnails = several.scored["thumbnail"].normal
    assert thumbnails[0] == thumbnails[1] > 0


def test_processes_give_the_same(run, dataset, tmp_path):
    words = [dataset, "--shots", "1,2", "--seeds", "0", "--test", "1"]
    alone = run(*words)
    together = run(*words, "--jobs", "2")
    assert alone[0] == together[0] == 0
    assert together[1].split("\n", 1)[1] == alone[1].split("\n", 1)[1]


def test_few_images_of_each_type_come_evenly_from_all(ranking, dataset):
    (category,) = find_categories(dataset)
    kept = [(each.group, each.path.name) for each in ranking.few(category, 2).test]
    assert kept == [("good", "0.png"), ("good", "2.png"), ("hole", "0.png"), ("hole", "1.png")]
    assert len(ranking.few(category, 99).test) == len(category.test)


def test_a_run_is_made_again_where_something_it_depends_on_has_changed(
    ranking, dataset, monkeypatch
):
    def keys(**changed):
        return [task_of(ranking, dataset, half, **changed).key for half in ranking.CODE]

    first = keys()
    assert keys() == first
    assert len(set(first)) == 2
    other = keys(config=ranking.Config(active_scores=("located_patch",)))
    assert (other[0] != first[0], other[1] != first[1]) == (True, False)
    assert keys(with_pixels=True) != first
    monkeypatch.setattr(ranking, "code_digest", lambda half: half)
    assert not set(keys()) & set(first)


def test_images_without_a_mask_are_not_counted_and_others_must_fit(ranking, dataset, tmp_path):
    (category,) = find_categories(dataset)
    table = ranking.PixelTable()
    for sample in category.test:
        table.add(sample, {"flat": np.ones(SIZE, np.float32)})
    counts = table.counts["flat"]
    assert counts.n_regions == 1
    assert counts.normal.sum() + counts.anomalous.sum() == 4 * SIZE[0] * SIZE[1]
    masked = next(each for each in category.test if each.masks)
    with pytest.raises(DatasetError, match=r"must have the size of its image, 40×30 px, got 80×64"):
        table.add(masked, {"flat": np.ones((30, 40), np.float32)})


def test_maps_lie_on_the_image_as_they_are_drawn(ranking, dataset):
    references = [read_image(path) for path in sorted((dataset / "train/good").iterdir())]
    report = Inspector().fit(references).inspect(read_image(dataset / "test/hole/0.png"))
    maps = ranking.drawn_maps(report)
    assert {each.shape for each in maps.values()} == {SIZE}
    assert (maps["either"] == np.maximum(maps["new here"], maps["missing here"])).all()
    is_hot = maps["new here"] > maps["new here"].max() / 2
    rows, columns = np.nonzero(is_hot)
    assert HOLE[0].start - 8 <= rows.mean() <= HOLE[0].stop + 8
    assert HOLE[1].start - 8 <= columns.mean() <= HOLE[1].stop + 8


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["nowhere"], "error: no such folder: nowhere"),
        (["{data}", "--shots", "9"], "has 3 training images, fewer than the 9 shots"),
        (["{data}", "{data}"], "each set must have a name of its own, got plate twice"),
        (["{data}", "--json", "{other}"], "must be a file that --json wrote, or new"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(run, dataset, tmp_path, words, message):
    other = tmp_path / "notes.json"
    other.write_text('{"mine": 1}\nlast line without an end')
    code, _, err = run(*(word.format(data=dataset, other=other) for word in words))
    assert code == 2
    assert message in err
    assert len(err.splitlines()) == 1
    assert other.read_text() == '{"mine": 1}\nlast line without an end'


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--test", "0"], "argument --test: must be at least 1, got 0"),
        (["--coreset", "1.5"], "argument --coreset: must be above 0 and at most 1, got 1.5"),
        (["--input", "5"], "argument --input: input_px must lie in 128 … 2048, got 5"),
        (["--shots", "few"], "argument --shots: invalid"),
    ],
)
def test_options_have_ranges(ranking, dataset, monkeypatch, capsys, words, message):
    monkeypatch.setattr(sys, "argv", ["ranking.py", str(dataset), *words])
    with pytest.raises(SystemExit) as ended:
        ranking.main()
    assert ended.value.code == 2
    assert message in capsys.readouterr().err
