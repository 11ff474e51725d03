import json
import re

import pytest
from PIL import Image

from engine.inspector import Inspector


@pytest.fixture
def fit(partwise, photos, small, tmp_path):
    """Fit on the references or other paths; gives what was said, and the path of the model."""

    def run(*arguments, references=()):
        output = tmp_path / "model.pw"
        paths = references or (photos / "references",)
        ended = partwise("fit", *paths, "-o", output, "-c", small, *arguments)
        assert ended.code == 0, ended.err
        return ended.out, output

    return run


def info(partwise, path):
    return json.loads(partwise("info", path, "--json").out)


def test_what_was_learnt_is_said(fit):
    said, path = fit()
    inspector = Inspector.load(path)
    assert said.startswith(
        f"{path} written\nprofile embedded, preset default, seed 0, working size"
    )
    names = re.search(r"^references \(4\): (.*)$", said, re.MULTILINE)[1]
    assert sorted(names.split(", ")) == ["0.png", "1.png", "2.png", "3.png"]
    for name in inspector.fitted.class_names:
        assert re.search(rf"^  {re.escape(name)} +\d+ \d+ \d+ \d+$", said, re.MULTILINE)
    for name, scale in inspector.fitted.normaliser.scales.items():
        assert re.search(rf"^  {name} +{re.escape(f'{scale:.4g}')}$", said, re.MULTILINE)
    source, calibration = inspector.fitted.threshold_source, inspector.fitted.calibration
    assert f"threshold {inspector.fitted.threshold:.4f}, {source}; {calibration}" in said
    assert "note:" not in said


def test_equal_references_give_equal_bytes(fit):
    first = fit()[1].read_bytes()
    assert fit()[1].read_bytes() == first


def test_one_reference_is_said_to_be_little(fit, photos, partwise):
    said, path = fit(references=(photos / "references" / "0.png",))
    assert "note: one reference: " in said
    assert info(partwise, path)["calibration"] == "self-calibrated"


def test_identical_references_are_noticed(fit, photos, partwise):
    same = photos / "references" / "0.png"
    said, path = fit(references=(same, same, same))
    assert said.count("note: 0.png is the same photograph as 0.png, and does not count") == 2
    assert "note: one reference: " in said
    ended = partwise("score", path, photos / "new", "--jsonl")
    assert ended.code == 0
    assert len(ended.out.splitlines()) == 2


def test_references_of_different_sizes_are_fitted_together(
    fit, photos, partwise, write_scene, tmp_path
):
    other = write_scene(tmp_path / "other.png", 5, size=(700, 300))
    said, path = fit(references=(photos / "references", other))
    assert "references (5)" in said
    assert partwise("score", path, other).code == 0


def test_validation_images_set_the_threshold(fit, partwise, write_scene, tmp_path):
    _, path = fit()
    before = info(partwise, path)
    for seed in range(20, 23):
        write_scene(tmp_path / "validation" / f"{seed}.png", seed)
    _, path = fit("--validation", tmp_path / "validation")
    after = info(partwise, path)
    assert "validation" in after["threshold_source"]
    assert after["threshold"] != before["threshold"]
    assert after["scales"] == before["scales"]
    assert after["references"] == before["references"]


def test_info_says_the_same_as_fit(fit, partwise):
    said, path = fit()
    assert partwise("info", path).out == said.partition("\n")[2]


def test_info_as_json(partwise, model):
    told = info(partwise, model)
    assert told["config"]["working_area_px"] == 16_384
    assert sorted(told["references"]) == ["0.png", "1.png", "2.png", "3.png"]
    assert all(len(each["counts"]) == 4 for each in told["classes"])
    assert all(scale > 0 for scale in told["scales"].values())


def test_broken_references_stop_the_fit(refused, photos, tmp_path):
    output = tmp_path / "model.pw"
    (tmp_path / "zero.png").touch()
    (tmp_path / "empty").mkdir()
    (tmp_path / "text.png").write_text("not an image")
    Image.new("RGB", (500, 500)).save(tmp_path / "bomb.png")
    Image.new("RGB", (1, 1)).save(tmp_path / "dot.png")
    for name, message in {
        "zero.png": "is empty (0 bytes)",
        "text.png": "is not an image",
        "dot.png": "must be at least 16 px on each side, got 1×1",
        "bomb.png": "raise it with --max-pixels",
        "none.png": "no such file or folder; check the path",
        "empty": "is a folder without images",
    }.items():
        for arguments in (
            (photos / "references", tmp_path / name),
            (photos / "references", "--validation", tmp_path / name),
        ):
            said = refused("fit", *arguments, "-o", output, "--max-pixels", 200_000)
            assert message in said
            assert str(tmp_path / name) in said
    assert not output.exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("-c", "papper"), "papper: no such config file; check the path, or name a preset: comp"),
        (
            ("--profile", "magic"),
            '--profile: profile must be "embedded" or "foundation" or "foundation-fast", '
            'got "magic"',
        ),
    ],
)
def test_an_unknown_config_or_profile(refused, photos, tmp_path, arguments, message):
    said = refused("fit", photos / "references", "-o", tmp_path / "m.pw", *arguments)
    assert message in said


def test_all_problems_of_a_config_come_in_one_line(refused, photos, tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text('seed = "x"\nsed = 3\nworking_area_px = 0\n')
    assert refused("fit", photos / "references", "-o", tmp_path / "m.pw", "-c", path) == (
        f'{path} has 3 problems: seed must be an integer, got "x"; '
        "unknown key sed (did you mean seed?); working_area_px must lie in 4096 … 4194304, got 0"
    )


def test_an_unwritable_model(refused, photos, tmp_path):
    for output, message in {
        tmp_path / "no" / "m.pw": "the folder does not exist; create it first",
        tmp_path: "it is a folder; add a file name",
        photos / "references" / "0.png": "it is one of the inputs; name another file",
    }.items():
        said = refused("fit", photos / "references", "-o", output)
        assert said == f"cannot write {output}: {message}"
    Image.open(photos / "references" / "0.png").verify()
