"""Every example of the README is run as it stands, with images under the names it uses.

What README and method say of names, links and settings is compared with what there is.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from operator import attrgetter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from engine import Config, config
from engine.cli.failures import EXIT_CODES
from engine.cli.main import cli
from engine.scores import SCORES
from engine.synthetic.scenes import render, write_scenes

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)


def blocks(language):
    return [text for name, text in BLOCKS if name == language]


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    """What the examples call good, more-good, new, data and board.pw."""
    root = tmp_path_factory.mktemp("photos")
    names = [f"good/{number}.png" for number in range(4)]
    for seed, name in enumerate([*names, "more-good/4.png", "new/board.png", "new/other.png"]):
        photo = Image.fromarray(render("cable", np.random.default_rng(seed)).image)
        if name == "new/board.png":
            photo.paste("red", (160, 100, 260, 200))
        (root / name).parent.mkdir(exist_ok=True)
        photo.save(root / name)
    write_scenes(
        root / "data",
        categories=["cable"],
        n_train=4,
        n_validation=0,
        n_good=2,
        n_logical=2,
        n_structural=1,
    )
    fit = [sys.executable, "-m", "engine", "fit", "good", "-o", "board.pw"]
    subprocess.run(fit, cwd=root, capture_output=True, check=True)
    return root


@pytest.fixture
def run(photos, tmp_path):
    """Run a program in a folder with all these; gives what it printed."""

    def run(*command):
        folder = tmp_path / "work"
        shutil.copytree(photos, folder)
        here = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
        ended = subprocess.run(
            command, cwd=folder, env=os.environ | {"PATH": here}, capture_output=True, text=True
        )
        assert ended.returncode == 0, ended.stdout + ended.stderr
        return ended.stdout

    return run


def test_the_first_screen_has_everything():
    first = "\n".join(README.splitlines()[:24])
    for each in ("docs/report.jpg", "make demo", "make test", "Inspector()", "partwise fit"):
        assert each in first
    python, shell = blocks("python")[0], blocks("sh")[1]
    assert len([line for line in python.splitlines() if line]) <= 6
    assert len(shell.splitlines()) == 5


@pytest.mark.parametrize("text", blocks("python"))
def test_python_examples_run(run, text):
    assert run(sys.executable, "-W", "error", "-c", text)


# what needs weights is run in features/weights/test_download_readme.py, where there is a hub
@pytest.mark.parametrize(
    "text", [text for text in blocks("sh") if "partwise" in text and "foundation" not in text]
)
def test_commands_run(run, text):
    printed = run("bash", "-euo", "pipefail", "-c", text)
    assert "Traceback" not in printed
    if "--fail-on-anomaly" in text:
        assert "exit code 3" in printed


def test_every_command_is_shown():
    shown = " ".join(blocks("sh"))
    for name in (
        *("fit", "score", "explain", "bench", "bench-compare", "info", "weights"),
        *("classes", "region", "station"),
    ):
        assert f"partwise {name} " in shown
    assert "`demo`" in README
    assert "partwise ui" in README


def test_the_options_of_the_app_are_those_it_has():
    page = (ROOT / "docs" / "app.md").read_text(encoding="utf-8")
    has = {option for each in cli.commands["ui"].params for option in each.opts}
    assert set(re.findall(r"(--(?:host|root|station|library|oidc|password-\w+))", page)) <= has
    assert {"--host", "--root", "--station", "--library", "--password-file", "--oidc"} <= has


def test_make_has_the_targets():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = re.findall(r"\bmake (\w+)", README)
    assert {"app", "demo", "test", "bench"} == set(targets)
    for target in targets:
        assert re.search(rf"^{target}:", makefile, re.MULTILINE)


@pytest.mark.parametrize("text", blocks("toml"))
def test_config_examples_are_sound_and_change_something(text):
    assert config.from_dict(tomllib.loads(text)) != Config()


def test_presets_and_exit_codes_are_those_of_the_code():
    for preset in config.PRESETS:
        assert f"| `{preset}` |" in README
    codes = re.findall(r"^  (\d+) ", EXIT_CODES, re.MULTILINE)
    assert codes == re.findall(r"^\| (\d+) \|", README, re.MULTILINE)


@pytest.mark.parametrize("name", ["README.md", "CHANGELOG.md", "docs/method.md"])
def test_what_is_linked_is_there(name):
    path = ROOT / name
    for link in re.findall(r"\]\(([^)#:]+)\)", path.read_text(encoding="utf-8")):
        assert (path.parent / link).exists(), link


def test_the_picture_is_small():
    assert (ROOT / "docs" / "report.jpg").stat().st_size < 400_000


def test_the_method_names_every_score_and_gives_settings_their_defaults():
    text = (ROOT / "docs" / "method.md").read_text(encoding="utf-8")
    assert re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE) == [each.name for each in SCORES]
    settings = re.findall(r'`([\w.]+) = ([\d.]+|"\w+")`', text)
    assert len(settings) > 20
    for name, value in settings:
        assert attrgetter(name)(Config()) == json.loads(value), name
