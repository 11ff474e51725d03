import dataclasses
import json
import os
import re
import subprocess
import sys
import tomllib
from functools import reduce
from pathlib import Path

import numpy as np
import pytest

from alignment.network_view import NetworkViewConfig
from engine.config import (
    NEW_NAMES,
    PRESETS,
    Config,
    from_dict,
    load,
    to_dict,
    with_current_names,
    with_first_names,
)
from engine.errors import ConfigError
from engine.scores import SEVEN

CONFIGS = Path(__file__).parents[2] / "configs"


def write(tmp_path, text):
    path = tmp_path / "mine.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_default_file_changes_nothing():
    assert load(CONFIGS / "default.toml") == load("default") == Config()


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_is_known_by_its_name_and_bears_it(name):
    config = load(name)
    assert config.preset == name
    assert load(CONFIGS / f"{name}.toml") == config
    assert config.check() is config


def test_there_is_a_file_for_each_preset_and_no_other():
    assert {path.name for path in CONFIGS.glob("*.toml")} == {f"{name}.toml" for name in PRESETS}


@pytest.mark.parametrize("name", PRESETS)
def test_presets_hold_only_differences(name):
    def leaves(values, prefix=""):
        for key, value in values.items():
            if isinstance(value, dict):
                yield from leaves(value, f"{prefix}{key}.")
            else:
                yield f"{prefix}{key}", value

    default = dict(leaves(to_dict(Config())))
    stated = dict(leaves(tomllib.loads((CONFIGS / f"{name}.toml").read_text())))
    del stated["preset"]
    assert all(default[key] != value for key, value in stated.items())


@pytest.mark.parametrize("name", PRESETS)
def test_a_config_survives_a_journey_through_json(name):
    config = load(name)
    assert from_dict(json.loads(json.dumps(to_dict(config), allow_nan=False))) == config


def test_presets_of_the_publication_have_its_scores():
    assert load("paper").active_scores == SEVEN
    competition = ("class_agnostic_patch", "foreground_patch", "class_histogram")
    assert load("competition").active_scores == competition
    for name in ("paper", "competition"):
        config = load(name)
        assert config.comparison.distance == "cosine"
        for patch in (config.scores.class_agnostic_patch, config.scores.foreground_patch):
            assert patch.share == 0.02


def test_a_file_changes_the_preset_that_it_names(tmp_path):
    path = write(tmp_path, 'preset = "paper"\nseed = 7\n[pose]\nmax_shift = 0.125\n')
    paper = load("paper")
    expected = dataclasses.replace(
        paper, seed=7, pose=dataclasses.replace(paper.pose, max_shift=0.125)
    )
    assert load(path) == expected


def test_a_preset_beats_a_file_of_the_same_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("paper").write_text("seed = 7")
    assert load("paper").seed == 0
    assert load("./paper").seed == 7


def test_every_problem_of_a_file_is_told_at_once(tmp_path):
    path = write(
        tmp_path,
        """
        seed = -1
        working_area_px = "big"
        profil = "embedded"
        preset = "papre"
        pose.max_shift = 3
        comparison.distance = "manhattan"
        """,
    )
    with pytest.raises(ConfigError) as caught:
        load(path)
    message = str(caught.value)
    assert "\n" not in message
    assert message.startswith(f"{path} has 6 problems: ")
    for problem in (
        'working_area_px must be an integer, got "big"',
        "unknown key profil (did you mean profile?)",
        "seed must lie in 0 … 4294967295, got -1",
        "preset must be one of competition, default, paper, got 'papre'",
        "pose.max_shift must lie in 0 … 0.5, got 3",
        'comparison.distance must be "cosine" or "euclidean", got "manhattan"',
    ):
        assert problem in message


def test_what_had_other_names_before_is_still_read(tmp_path, caplog):
    path = write(tmp_path, "palette.n_words = 7\nnormalisation.count_emphasis = 0.25\n")
    config = load(path)
    assert config.visual_words.n_words == 7
    assert config.scores.instance_count.weight == 0.25
    assert caplog.messages == [
        f"{path} has old names, which are still read: palette is now visual_words, "
        "normalisation.count_emphasis is now scores.instance_count.weight"
    ]
    assert from_dict({"palette": {"n_words": 7}}).visual_words == config.visual_words
    assert with_current_names({"palette": {"n_words": 7}}) == {"visual_words": {"n_words": 7}}


def test_each_new_name_is_there_and_each_old_one_is_not():
    config = to_dict(Config())
    for old, new in NEW_NAMES.items():
        for name, is_there in ((old, False), (new, True)):
            section, _, field = name.rpartition(".")
            table = reduce(dict.__getitem__, section.split("."), config) if section else config
            assert (field in table) is is_there


def test_a_section_has_one_of_its_names(tmp_path):
    path = write(tmp_path, "palette.n_words = 7\nvisual_words.n_words = 8\n")
    with pytest.raises(
        ConfigError, match=r"visual_words\.n_words is given twice, also by its old name"
    ):
        load(path)


def test_an_unknown_profile_says_which_there_are():
    message = (
        'config: profile must be "embedded" or "cnn" or "foundation" or "foundation-fast", '
        'got "fast"'
    )
    with pytest.raises(ConfigError, match=message):
        from_dict({"profile": "fast"})


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (Config(seed="x"), 'config: seed must be an integer, got "x"'),
        (Config(seed=np.int64(3)), "config: seed must be an integer, got "),
        (Config(working_area_px=1), "working_area_px must lie in 4096 … 4194304, got 1"),
        (Config(active_scores=()), "active_scores must name at least one score, and none twice"),
        (Config(active_scores=("instance_count",) * 2), "active_scores must name at least one"),
        (
            Config(active_scores=("network_patch",)),
            "active_scores must name more than network_patch and detail_patch, or profile be",
        ),
        (
            Config(profile="cnn", network_view=NetworkViewConfig(detail=256)),
            "network_view.detail must be at least cnn.input_px, 512, got 256",
        ),
        (
            Config(network_view=NetworkViewConfig(detail="on")),  # type: ignore[arg-type]
            'network_view.detail must be "auto" or "off" or an integer, got "on"',
        ),
        (
            Config(network_view=NetworkViewConfig(detail=64)),
            "network_view.detail must lie in 128 … 2048, got 64",
        ),
        (Config(active_scores=("patch",)), r"active_scores must be among class_.*, got 'patch'"),
        (Config(preset=["paper"]), r'preset must be a string, got \["paper"\]'),
    ],
)
def test_a_record_made_in_code_can_be_checked(config, message):
    with pytest.raises(ConfigError, match=message):
        config.check()


def test_broken_files_have_one_clear_line_each(tmp_path):
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe\x00")
    (tmp_path / "torn.toml").write_text("seed = \n")
    cases = {
        tmp_path / "none.toml": "no such config file; check the path, or name a preset: comp",
        tmp_path / "torn.toml": "is not valid TOML: Invalid value (at line 1, column 8)",
        tmp_path / "binary.toml": "is not text in UTF-8, expected a TOML file",
        tmp_path: "cannot be read as a config (Is a directory); check path and permissions",
    }
    for path, message in cases.items():
        with pytest.raises(ConfigError, match=re.escape(message)) as caught:
            load(path)
        assert str(path) in str(caught.value)
        assert "\n" not in str(caught.value)


def test_the_mark_of_an_encoding_is_no_part_of_a_config(tmp_path):
    (tmp_path / "a.toml").write_bytes(b"\xef\xbb\xbfseed = 7\n")
    assert load(tmp_path / "a.toml").seed == 7


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("seed = " + "9" * 5000, "is not valid TOML: Exceeds the limit"),
        ("seed = 0x" + "f" * 5000, "is not valid TOML: a whole number has more than 64 bits"),
        ("seed = " + "[" * 3000, "it nests too deeply"),
        (".".join("a" * 60) + " = 1", "unknown key a"),
        (".".join("a" * 9000) + " = 1", "must have at most 200 dots in a line"),
        ("#" * 130_000, "cannot be read as a config (expected at most 128,000 bytes"),
        ("seed = 1e999", "seed must be an integer, got Infinity"),
        ("[pose]\nmax_rotation_deg = nan", "pose.max_rotation_deg must"),
    ],
)
def test_configs_that_break_their_readers_are_refused(tmp_path, text, message):
    (tmp_path / "odd.toml").write_text(text)
    with pytest.raises(ConfigError, match=re.escape(message)) as caught:
        load(tmp_path / "odd.toml")
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 1000


def test_a_config_is_no_pipe(tmp_path):
    os.mkfifo(tmp_path / "a.toml")
    with pytest.raises(
        ConfigError, match=r"a\.toml cannot be read as a config \(it is a device or"
    ):
        load(tmp_path / "a.toml")


def test_a_file_that_may_not_be_read(locked_folder):
    with pytest.raises(ConfigError, match=r"unreadable.png cannot be read as a config \(Permiss"):
        load(locked_folder / "unreadable.png")


def test_a_mistyped_preset_is_no_file():
    with pytest.raises(ConfigError, match=r"papper: no such config file; .* default, paper"):
        load("papper")


def numbers(record, prefix=""):
    """Give the path of each number among the settings, and its value."""
    for field in dataclasses.fields(record):
        value = getattr(record, field.name)
        if dataclasses.is_dataclass(value):
            yield from numbers(value, f"{prefix}{field.name}.")
        elif isinstance(value, int | float) and not isinstance(value, bool):
            yield f"{prefix}{field.name}", value


@pytest.mark.parametrize("path", [path for path, _ in numbers(Config().regions, "regions.")])
def test_every_setting_of_regions_is_checked_and_named(path, tmp_path):
    for value in (-1, 10**9):
        file = write(tmp_path, f"{path} = {value}\n")
        with pytest.raises(ConfigError, match=rf"{re.escape(path)} must .*got {value}"):
            load(file)


@pytest.mark.parametrize("name", PRESETS)
def test_settings_of_regions_hold_for_every_preset(name):
    assert load(name).regions == Config().regions


def test_settings_of_regions_can_be_changed_one_by_one(tmp_path):
    path = write(tmp_path, "[regions]\nn_turns = 1\nproposals.halo_px = 9\nmicro.ratio = 0.5\n")
    regions = load(path).regions
    default = Config().regions
    assert (regions.n_turns, regions.proposals.halo_px, regions.micro.ratio) == (1, 9, 0.5)
    assert regions.segmentation == default.segmentation
    assert regions.grouping == default.grouping
    assert regions.proposals == dataclasses.replace(default.proposals, halo_px=9)


def test_what_grows_may_not_be_more_than_what_is_certain(tmp_path):
    path = write(tmp_path, "[regions.proposals]\ngrow_above = 2\nseed_above = 1\n")
    with pytest.raises(
        ConfigError, match=r"suspect_above <= seed_above must hold, got 2\.0, 0\.85"
    ):
        load(path)


OLD_NAMES = {"turning": "pose", "pose.largest_shift": "pose.max_shift", "chance": "seed"}


@pytest.fixture
def old_names(monkeypatch):
    monkeypatch.setattr("engine.config.NEW_NAMES", OLD_NAMES)


def test_old_names_in_a_file_are_read_and_told_in_one_line(tmp_path, old_names, caplog):
    path = write(tmp_path, "chance = 7\n[turning]\nlargest_shift = 0.125\nn_components = 4\n")
    config = load(path)
    assert (config.seed, config.pose.max_shift, config.pose.n_components) == (7, 0.125, 4)
    (line,) = caplog.messages
    assert line == (
        f"{path} has old names, which are still read: turning is now pose, "
        "pose.largest_shift is now pose.max_shift, chance is now seed"
    )


def test_old_names_in_a_model_are_read_silently(old_names, caplog):
    values = to_dict(Config(seed=7))
    values["chance"] = values.pop("seed")
    values["turning"] = values.pop("pose")
    assert from_dict(values) == Config(seed=7)
    assert not caplog.messages


def test_new_names_are_no_news(tmp_path, old_names, caplog):
    assert load(write(tmp_path, "seed = 7\n[pose]\nmax_shift = 0.125\n")).seed == 7
    assert not caplog.messages


def test_a_setting_under_both_names_is_refused_in_one_line(tmp_path, old_names):
    path = write(tmp_path, "[turning]\nmax_shift = 0.125\n[pose]\nmax_shift = 0.25\n")
    message = (
        f"{path}: pose.max_shift is given twice, also by its old name turning.max_shift; "
        "drop the old one (of its old names, "
    )
    with pytest.raises(ConfigError, match=f"^{re.escape(message)}"):
        load(path)


def test_settings_of_one_section_may_be_given_under_both_its_names(tmp_path, old_names):
    path = write(tmp_path, "[turning]\nmax_shift = 0.125\n[pose]\nmax_rotation_deg = 5.0\n")
    pose = load(path).pose
    assert (pose.max_shift, pose.max_rotation_deg) == (0.125, 5.0)


def test_the_names_of_the_first_release_can_be_told(tmp_path):
    values = to_dict(Config())
    first = with_first_names(values)
    assert {"palette", "normalisation"} <= first.keys()
    assert first["normalisation"]["count_emphasis"] == Config().scores.instance_count.weight
    assert "weight" not in first["scores"]["instance_count"]
    assert with_current_names(first) == values


def test_problems_are_told_under_new_names_with_the_old_ones_beside(old_names):
    message = (
        "config: pose.max_shift must lie in 0 … 0.5, got 3.0 (of its old names, turning is now pose"
    )
    with pytest.raises(ConfigError, match=f"^{re.escape(message)}"):
        from_dict({"turning": {"largest_shift": 3}})


def test_a_user_sees_old_names_on_one_line_of_stderr(tmp_path):
    path = write(tmp_path, "chance = 7\n")
    code = f"import engine.config as c; c.NEW_NAMES = {OLD_NAMES}; c.load({str(path)!r})"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ended.stdout == ""
    assert ended.stderr == f"{path} has old names, which are still read: chance is now seed\n"


def test_every_new_name_is_one_of_the_config():
    for old, new in NEW_NAMES.items():
        config = Config()
        for name in new.split("."):
            config = getattr(config, name)
        assert old != new
