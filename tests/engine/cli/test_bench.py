import json
import shutil

import pytest

from engine.benchmark.protocol import KINDS, TOGETHER
from engine.benchmark.results import read_result
from engine.config import load, to_dict


@pytest.fixture(scope="module")
def dataset(tmp_path_factory, write_scene):
    """Two categories of three training and four test images."""
    root = tmp_path_factory.mktemp("dataset")
    for first, name in ((0, "left"), (50, "right")):
        for seed in range(3):
            write_scene(root / name / "train" / "good" / f"{seed}.png", first + seed)
        for seed in range(2):
            write_scene(root / name / "test" / "good" / f"{seed}.png", first + 10 + seed)
            path = root / name / "test" / "stained" / f"{seed}.png"
            write_scene(path, first + 20 + seed, is_stained=True)
    return root


def test_tables_results_and_page(partwise, dataset, small, tmp_path):
    json_path, html_path = tmp_path / "bench.json", tmp_path / "bench.html"
    outputs = ("--json", json_path, "--html", html_path)
    ended = partwise("bench", dataset, "--shots", "2", "--seeds", "42,0", "-c", small, *outputs)
    assert (ended.code, ended.err) == (0, "")
    for word in ("left", "right", "mean of categories", "floor", "F1-max", "AUROC", "stained"):
        assert word in ended.out
    result = json.loads(json_path.read_text())
    assert result["config"] == to_dict(load(small))
    assert result["perturbation"] is None
    runs = [(run["category"], run["shots"], run["seed"]) for run in result["runs"]]
    assert runs == [(name, 2, seed) for name in ("left", "right") for seed in (42, 0)]
    assert all(len(run["images"]) == 4 for run in result["runs"])
    assert "<svg" in html_path.read_text()
    assert sorted(tmp_path.iterdir()) == [html_path, json_path]


def test_what_is_not_read_is_said_before_and_counted(partwise, dataset, small, tmp_path):
    root, path = tmp_path / "set", tmp_path / "bench.json"
    shutil.copytree(dataset, root)
    deep = root / "left" / "test" / "stained" / "deep"
    deep.mkdir()
    (deep.parent / "1.png").rename(deep / "1.png")
    shutil.copytree(root / "left" / "test" / "good", root / "left" / "test" / "GOOD")
    shutil.copytree(root / "right" / "test", root / "middle" / "test")
    chosen = ("--shots", "1", "--seeds", "0", "-c", small, "--json", path)
    ended = partwise("bench", root, *chosen)
    assert ended.code == 0
    said = [
        "left: 1 file left out: 1 in the folder deep",
        "left: test/GOOD and test/good are taken as one group, good",
        "beside the categories: 4 files left out: 4 in the folder middle",
    ]
    assert ended.err.splitlines() == said
    assert "\n".join(said) in ended.out
    content = json.loads(path.read_text())
    rows = {row["category"]: row for row in content["summary"]["rows"]}
    assert {name: row["n_left_out"] for name, row in rows.items()} == {"left": 1, "right": 0}
    assert rows["left"]["overall"]["n_good"] == 4
    (found,) = content["left_out"]["left"]
    assert found == {"where": str(deep), "what": "in the folder deep", "n_files": 1}
    ended = partwise("bench", root, "--category", "right", *chosen)
    assert (ended.code, ended.err) == (0, "")


ONE = ("--category", "right", "--shots", "1", "--seeds", "7")


def test_one_category_perturbed(partwise, dataset, small, tmp_path):
    path = tmp_path / "bench.json"
    ended = partwise("bench", dataset, *ONE, "--perturb", "-c", small, "--json", path)
    assert ended.code == 0
    assert "left" not in ended.out
    assert "test images perturbed: pose; seed 0" in ended.out
    result = json.loads(path.read_text())
    assert [run["category"] for run in result["runs"]] == ["right"]
    limits = {"rotation_deg": 15.0, "shift": 0.1, "scale": 0.1}
    assert result["perturbation"] == {"pose": limits, "seed": 0}


@pytest.mark.parametrize(
    ("given", "kinds"),
    [
        (("--perturb",), {"pose"}),
        (("--perturb=pose",), {"pose"}),
        (("--perturb", "exposure,noise"), {"exposure", "noise"}),
        (("--perturb", "noise, noise , jpeg"), {"noise", "jpeg"}),
        (("--perturb=light",), {"exposure", "cast", "vignette", "glare"}),
        (("--perturb", "all"), set(KINDS) - {"turn"}),
    ],
)
def test_kinds_of_perturbations(partwise, dataset, small, tmp_path, given, kinds):
    path, page = tmp_path / "bench.json", tmp_path / "bench.html"
    outputs = ("--json", path, "--html", page)
    ended = partwise("bench", dataset, *ONE, "-c", small, *outputs, *given)
    assert (ended.code, ended.err) == (0, "")
    assert set(json.loads(path.read_text())["perturbation"]) == {*kinds, "seed"}
    said = f"test images perturbed: {', '.join(name for name in KINDS if name in kinds)}; seed 0"
    assert said in page.read_text()
    assert set(read_result(path).perturbation.kinds) == kinds


@pytest.mark.parametrize("given", ["fog", "noise,fog", "", ",", "Noise", "noise;pose", "pose,"])
def test_kinds_that_are_none_are_refused_with_all_there_are(refused, dataset, given):
    said = refused("bench", dataset, f"--perturb={given}")
    assert said.startswith("--perturb: expected one or several of pose, turn, ")
    assert all(name in said for name in (*KINDS, *TOGETHER))
    assert f"got {given.split(',')[-1]!r}" in said


def test_a_folder_after_the_option_is_the_data_set(partwise, dataset, small, refused, monkeypatch):
    ended = partwise("bench", *ONE, "-c", small, "--perturb", dataset)
    assert ended.code == 0
    assert "test images perturbed: pose; seed 0" in ended.out
    monkeypatch.chdir(dataset)
    (dataset / "noise").mkdir()
    assert "Missing argument 'ROOT'" in partwise("bench", "--perturb", "noise").err
    assert "got 'missing'" in refused("bench", "--perturb", "missing")
    (dataset / "noise").rmdir()


def test_help_names_every_kind(partwise):
    said = partwise("bench", "--help").out
    assert all(name in said for name in (*KINDS, *TOGETHER))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--category", "middle"), "no category middle in "),
        (("--shots", "4"), "has 3 training images, fewer than the 4 shots asked for"),
        (("--config", "magic"), "magic: no such config file"),
        (("--json", "no/such.json"), "cannot write no/such.json: the folder does not exist"),
        (("--html", "no/such.html"), "cannot write no/such.html: the folder does not exist"),
    ],
)
def test_bad_input_is_refused_before_the_first_run(refused, dataset, arguments, message):
    assert message in refused("bench", dataset, *arguments)


def test_a_folder_that_is_no_data_set(refused, tmp_path):
    assert "no category found in" in refused("bench", tmp_path)
    assert "no such folder" in refused("bench", tmp_path / "no")


@pytest.mark.parametrize("option", ["--shots", "--seeds"])
@pytest.mark.parametrize("value", ["", "1,", "1.5", "x", "-1"])
def test_shots_and_seeds_are_whole_numbers(partwise, dataset, option, value):
    ended = partwise("bench", dataset, f"{option}={value}")
    assert ended.code == 2
    assert f"Invalid value for '{option}': expected whole numbers from " in ended.err


@pytest.mark.parametrize("jobs", [1, 2])
def test_each_broken_image_is_named_once_after_all_is_written(
    partwise, dataset, small, tmp_path, jobs
):
    root = tmp_path / "set"
    shutil.copytree(dataset, root)
    broken = [root / "left/test/stained/0.png", root / "right/test/good/1.png"]
    for path in broken:
        path.write_bytes(path.read_bytes()[:2000])
    outputs = ("--json", tmp_path / "bench.json", "--html", tmp_path / "bench.html")
    chosen = ("--shots", "1", "--seeds", "0,1", "-c", small, "--jobs", jobs)
    ended = partwise("bench", root, *chosen, *outputs)
    assert ended.code == 1
    lines = ended.err.splitlines()
    assert len(lines) == 2
    for line, path in zip(lines, broken, strict=True):
        assert line.startswith(f"Error: {path} is damaged or truncated (")
    assert "mean of categories" in ended.out
    assert all(path.is_file() for path in outputs[1::2])


def test_results_on_standard_output_are_all_that_is_there(partwise, dataset, small):
    chosen = ("--shots", "1", "--seeds", "0", "-c", small, "--category", "left")
    ended = partwise("bench", dataset, *chosen, "--json", "/dev/stdout")
    assert (ended.code, ended.err) == (0, "")
    assert len(json.loads(ended.out)["runs"]) == 1
