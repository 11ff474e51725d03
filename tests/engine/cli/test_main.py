import importlib.metadata
import subprocess
import sys

import pytest

from engine.cli import options
from engine.cli.main import cli
from engine.config import PRESETS
from features.image_files import MAX_PIXELS

COMMANDS = {
    "fit": (
        "REFERENCE...",
        "--output",
        "--config",
        "--profile",
        "--validation",
        "--device",
        "--max-pixels",
    ),
    "score": (
        "MODEL.pw IMAGE_OR_FOLDER...",
        "--jsonl",
        "--csv",
        "--worst-first",
        "--fail-on-anomaly",
        "--regions",
        "--library",
        "--threshold",
        "--device",
        "--runtime",
        "--precision",
        "--max-pixels",
    ),
    "explain": ("MODEL.pw IMAGE...", "--output", "--threshold", "--device", "--max-pixels"),
    "bench": (
        "ROOT",
        "--category",
        "--shots",
        "--seeds",
        "--config",
        "--profile",
        "--device",
        "--perturb",
        "--json",
        "--html",
        "--jobs",
        "--max-pixels",
    ),
    "bench-regions": (
        "[FOLDER]...",
        "--rolls",
        "--first-roll",
        "--photos",
        "--config",
        "--profile",
        "--device",
        "--steps",
        "--speed",
        "--json",
        "--html",
        "--jobs",
    ),
    "demo": ("--output",),
    "info": ("MODEL.pw", "--json"),
    "region": (
        "teach",
        "list",
        "forget",
        "rename",
        "kind",
        "undo",
        "redo",
        "classify",
        "propose",
        "PARTWISE_LIBRARY",
    ),
    "ui": (
        "[MODEL.pw]",
        "--library",
        "--port",
        "--root",
        "--station",
        "--host",
        "--password-file",
        "--oidc",
        "--no-browser",
        "PARTWISE_PASSWORD",
    ),
    "station": (
        "add",
        "list",
        "run",
        "review",
        "export",
        "watch",
        "rejudge",
        "cancel",
        "PARTWISE_LIBRARY",
    ),
    "weights": ("list", "get", "verify", "import"),
    "classes": (
        "list",
        "rename",
        "merge",
        "split",
        "ignore",
        "count",
        "add",
        "remove",
        "undo",
        "redo",
        "history",
    ),
}


@pytest.fixture
def call(capsys):
    def run(*words):
        with pytest.raises(SystemExit) as end:
            cli(list(words), prog_name="partwise")
        return end.value.code, *capsys.readouterr()

    return run


def test_help_lists_every_command_and_exit_code(call):
    code, text, _ = call("--help")
    assert code == 0
    for name in COMMANDS:
        assert f"\n  {name} " in text
    assert "...\n" not in text.partition("Commands:")[2]  # no command's line is cut
    for meaning in ("1    an image could not be judged", "3    an anomaly", "130  interrupted"):
        assert meaning in text
    assert text == call("-h")[1]


@pytest.mark.parametrize("name", COMMANDS)
def test_help_of_a_command_names_its_arguments(call, name):
    code, text, _ = call(name, "--help")
    assert code == 0
    for argument in COMMANDS[name]:
        assert argument in text


def test_help_cuts_no_line_of_a_group(call):
    for group in ("region", "station", "weights"):
        assert "..." not in call(group, "--help")[1].partition("Commands:")[2]


def test_help_names_every_preset(call):
    text = " ".join(call("fit", "--help")[1].split())
    assert all(name in text for name in PRESETS)


def test_the_pixel_cap_is_the_readers():
    assert options.MAX_PIXELS == MAX_PIXELS


def test_the_version_is_that_of_the_distribution(call):
    assert call("--version")[1].split()[-1] == importlib.metadata.version("partwise")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["judge"], "No such command 'judge'"),
        (["fit", "-o", "m.pw"], "Missing argument 'REFERENCE...'"),
        (["fit", "a.png"], "Missing option '-o' / '--output'"),
        (["score", "m.pw"], "Missing argument 'IMAGE_OR_FOLDER...'"),
        (["score", "m.pw", "a.png", "--jsnol"], "No such option"),
        (["score", "m.pw", "a.png", "--max-pixels", "0"], "Invalid value for '--max-pixels'"),
        (["explain", "m.pw", "a.png"], "Missing option '-o' / '--output'"),
        (["bench", "root", "--jobs", "0"], "Invalid value for '--jobs'"),
        (["bench"], "Missing argument 'ROOT'"),
        (["info"], "Missing argument 'MODEL.pw'"),
    ],
)
def test_bad_usage_ends_with_2(call, words, message):
    code, out, err = call(*words)
    assert (code, out) == (2, "")
    assert message in err


def test_python_m_engine_is_partwise():
    ended = subprocess.run(
        [sys.executable, "-m", "engine", "info", "none.pw"], capture_output=True, text=True
    )
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr.startswith("Error: none.pw: no such model file")
