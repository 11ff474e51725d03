import json
import re

import cv2
import numpy as np
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
    assert f"\nlayout {inspector.pose.layout_}: the product " in said
    assert "note:" not in said


def test_equal_references_give_equal_bytes(fit):
    first = fit()[1].read_bytes()
    assert fit()[1].read_bytes() == first


def test_one_reference_is_said_to_be_little(fit, photos, partwise):
    said, path = fit(references=(photos / "references" / "0.png",))
    assert "note: one reference: " in said
    assert info(partwise, path)["calibration"] == "self-calibrated"
    assert info(partwise, path)["layout"] == "fixed"


def test_identical_references_are_noticed(fit, photos, partwise):
    same = photos / "references" / "0.png"
    said, path = fit(references=(same, same, same))
    assert said.count("note: references/0.png is the same photograph as references/0.png, and") == 2
    assert "note: one reference: " in said
    ended = partwise("score", path, photos / "new", "--jsonl")
    assert ended.code == 0
    assert len(ended.out.splitlines()) == 2


def test_references_of_equal_names_are_told_apart_by_their_folders(
    fit, photos, partwise, write_scene, tmp_path, monkeypatch
):
    old = photos / "references"
    for name in ("0.png", "other.png"):
        write_scene(tmp_path / "more" / name, 5 if name == "0.png" else 6)
    monkeypatch.chdir(tmp_path / "more")
    said, path = fit(references=(old / "0.png", old / "1.png", "0.png", "other.png"))
    names = {"references/0.png", "1.png", "more/0.png", "other.png"}
    assert set(info(partwise, path)["references"]) == names
    assert "is the same photograph" not in said
    said, _ = fit(references=(old, old))
    for n in range(4):
        assert f"references/{n}.png is the same photograph as references/{n}.png" in said


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
            '--profile: profile must be "embedded" or "cnn" or "foundation" or "foundation-fast", '
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


@pytest.fixture
def of_twelve_bits(photos, tmp_path):
    """The same photographs as a camera of 12 bits writes them: words of 16, none above 4095."""
    for path in photos.rglob("*.png"):
        deep = np.asarray(Image.open(path)).astype(np.uint16) << 4
        there = tmp_path / path.relative_to(photos)
        there.parent.mkdir(exist_ok=True)
        cv2.imwrite(str(there), deep[..., ::-1])
    return tmp_path


def test_references_of_twelve_bits_judge_as_those_of_eight(
    fit, partwise, photos, model, of_twelve_bits
):
    said, path = fit(references=(of_twelve_bits / "references",))
    assert "no value above 4095 and are read as of 12 bits" in said
    assert "no value above 4095" in " ".join(info(partwise, path)["notes"])
    assert Inspector.load(path).fitted.significant_bits == 12
    for name in ("good.png", "stained.png"):
        deep = partwise("score", path, of_twelve_bits / "new" / name)
        assert deep.err == ""
        assert (
            deep.out.split()[:2] == partwise("score", model, photos / "new" / name).out.split()[:2]
        )


def test_a_photograph_of_more_bits_than_the_references_is_not_judged(fit, partwise, of_twelve_bits):
    _, path = fit(references=(of_twelve_bits / "references",))
    bright = of_twelve_bits / "bright.png"
    cv2.imwrite(str(bright), np.full((96, 96), 5000, np.uint16))
    ended = partwise("score", path, bright, of_twelve_bits / "new" / "good.png")
    assert ended.code == 1
    assert "values up to 5000, expected at most 4095" in ended.out + ended.err
    assert "good.png" in ended.out


def test_how_many_bits_count_can_be_said(fit, partwise, of_twelve_bits):
    said, path = fit("--bits", "16", references=(of_twelve_bits / "references",))
    assert "are read as of" not in said
    assert "note: these photographs use only the levels" in said
    assert Inspector.load(path).fitted.significant_bits == 16
    refused = partwise("fit", of_twelve_bits / "references", "-o", path, "--bits", "7")
    assert refused.code == 2


def test_references_alone_decide_how_many_bits_count(fit, partwise, of_twelve_bits, tmp_path):
    validation = tmp_path / "validation"
    validation.mkdir()
    cv2.imwrite(str(validation / "dark.png"), np.full((96, 96), 255, np.uint16))
    bright = validation / "bright.png"
    cv2.imwrite(str(bright), np.full((96, 96), 5000, np.uint16))
    arguments = ("fit", of_twelve_bits / "references", "-o", tmp_path / "a.pw")
    refused = partwise(*arguments, "--validation", validation)
    assert refused.code == 2
    assert "values up to 5000, expected at most 4095" in refused.err
    bright.unlink()
    _, path = fit("--validation", validation, references=(of_twelve_bits / "references",))
    assert Inspector.load(path).fitted.significant_bits == 12


def test_bits_of_photographs_that_have_eight_are_not_asked_for(fit):
    said, path = fit("--bits", "12")
    assert "note:" not in said
    assert Inspector.load(path).fitted.significant_bits is None


def test_deep_photographs_for_a_model_of_shallow_ones_are_warned_of(
    partwise, model, of_twelve_bits, caplog
):
    """Whoever scores them is told, although nothing was decided when the model was fitted."""
    partwise("score", model, of_twelve_bits / "new" / "good.png")
    assert "as cameras of 12 bits write, and is read as very dark" in caplog.text
