"""Streams that are closed, full or left, and outputs that are no files, in real processes."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

PARTWISE = f"'{sys.executable}' -m engine"
ENVIRONMENT = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}


def shell(command, folder, **variables):
    return subprocess.run(
        ["bash", "-o", "pipefail", "-c", command.replace("partwise", PARTWISE)],
        cwd=folder,
        env=ENVIRONMENT | variables,
        capture_output=True,
        text=True,
        timeout=300,
    )


@pytest.mark.parametrize(
    ("command", "code", "err"),
    [
        ("partwise weights list >&-", 0, ""),
        ("partwise weights list <&- >&- 2>&-", 0, ""),
        ("partwise info none 2>&-", 2, ""),
        ("partwise weights list > /dev/full", 2, "Error: the output: No space left on device\n"),
        ("partwise --help > /dev/full", 2, "Error: the output: No space left on device\n"),
        ("partwise info none 2> /dev/full", 2, ""),
        ("partwise weights list | true", 141, ""),
        ("partwise --help | true", 141, ""),
        ("partwise info none 2>&1 | true", None, ""),
    ],
)
def test_a_stream_that_takes_nothing_ends_a_command_well(tmp_path, command, code, err):
    ended = shell(command, tmp_path)
    assert ended.stderr == err
    # who is quick enough has written all before the reader leaves
    assert ended.returncode == code or (code in (141, None) and ended.returncode in (0, 2))


def test_the_first_line_is_enough(tmp_path):
    ended = shell("partwise weights list | head -1", tmp_path)
    assert (ended.stdout.count("\n"), ended.stderr) == (1, "")


@pytest.mark.parametrize("output", ["/dev/stdout", "/dev/fd/1 --worst-first", "link --jsonl"])
@pytest.mark.parametrize("target", ["| cat", "> table.csv; cat table.csv"])
def test_a_table_on_standard_output_is_all_that_is_there(model, photos, tmp_path, output, target):
    (tmp_path / "link").symlink_to("/proc/self/fd/1")
    words = f"score {model} {photos}/new/good.png"
    ended = shell(f"partwise {words} --csv {output} {target}", tmp_path)
    heading, row = ended.stdout.splitlines()
    assert heading.startswith("path,score,")
    assert row.startswith(str(photos))
    assert (ended.returncode, ended.stderr) == (0, "")


def test_a_table_goes_to_another_program(model, photos, tmp_path):
    shell(
        f"partwise score {model} {photos}/new/good.png --csv >(cat > table.csv); sleep 1", tmp_path
    )
    assert (tmp_path / "table.csv").read_text().startswith("path,score,")


def test_other_outputs_on_standard_output_are_all_that_is_there(model, photos, tmp_path):
    image = f"{photos}/new/good.png"
    commands = [
        (f"explain {model} {image} -o /dev/stdout", "<!", "</html>"),
        (f"region list {model} --html /dev/stdout", "<!", "</html>"),
        (f"region propose {model} {image} -o /dev/stdout", "<!", "</html>"),
        ("station export s --csv /dev/stdout", "id,", ""),
        ("station export s --jsonl /dev/fd/1", '{"', "}"),
    ]
    assert shell(f"partwise station add s {image} --model {model}", tmp_path).returncode == 0
    for words, start, end in commands:
        ended = shell(f"partwise {words} | cat", tmp_path)
        assert (ended.returncode, ended.stderr) == (0, ""), words
        assert ended.stdout.startswith(start), words
        assert ended.stdout.rstrip().endswith(end), words
        assert "/dev/" not in ended.stdout


@pytest.mark.parametrize("output", ["/dev/stdout", "/dev/null", "pipe", "/dev/stdout > y.pw"])
def test_a_model_is_no_stream(photos, tmp_path, output):
    os.mkfifo(tmp_path / "pipe")
    ended = shell(f"partwise fit {photos}/references -o {output}", tmp_path)
    named = output.split()[0]
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr == (
        f"Error: cannot write {named}: a model must be a file, got a pipe or device; name a file\n"
    )


@pytest.mark.parametrize("option", ["--csv", "--jsonl", "--html"])
def test_a_station_is_exported_to_devices(tmp_path, option):
    assert shell(f"partwise station export s {option} /dev/null", tmp_path).returncode in (0, 2)
    ended = shell("partwise station export s --csv /dev/full", tmp_path)
    assert ended.returncode == 2
    assert ended.stderr.startswith("Error: cannot write /dev/full: the disk is full;")


OUT_OF_MEMORY = """
import sys
import engine.errors, engine.inspector
from engine.cli.main import main

def fail(*arguments, **named):
    raise MemoryError

if sys.argv.pop(1) == "handler":
    engine.errors.user_message = fail
engine.inspector.Inspector.load = fail
main()
"""


@pytest.mark.parametrize("where", ["command", "handler"])
def test_memory_that_is_out_is_one_line(tmp_path, where):
    words = [sys.executable, "-c", OUT_OF_MEMORY, where, "info", "x"]
    ended = subprocess.run(words, cwd=tmp_path, env=ENVIRONMENT, capture_output=True, text=True)
    message = "Error: out of memory; use fewer or smaller images, or fewer --jobs\n"
    assert (ended.returncode, ended.stdout, ended.stderr) == (2, "", message)


NO_HOME = (
    "partwise info '~nobody-of-this-name/x'",
    "partwise fit '~nobody-of-this-name' -o m.pw",
    "partwise station add '~nobody-of-this-name/s/t' . --model x.pw",
    "partwise station add s '~nobody-of-this-name' --model x.pw",
    "partwise station watch s '~nobody-of-this-name' --model x.pw",
    "partwise region list x.pw --library '~nobody-of-this-name/a.db'",
    "partwise bench '~nobody-of-this-name'",
    "partwise weights import '~nobody-of-this-name'",
    "partwise ui x.pw --root '~nobody-of-this-name'",
    "partwise info loop",
    "partwise score loop loop",
    "partwise fit loop -o m.pw",
    "partwise fit . -o loop",
    "partwise station list loop",
    "partwise station add s loop --model x.pw",
    "partwise station watch s loop --model x.pw",
    "partwise region list x.pw --library loop",
    "partwise classes undo loop",
    "partwise bench loop",
    "partwise bench-compare loop",
    "partwise bench-regions loop",
    "partwise weights import loop",
    "partwise ui x.pw --root loop",
)


@pytest.mark.parametrize("command", NO_HOME)
def test_a_path_that_leads_nowhere_is_one_line(tmp_path, command):
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "x.pw").touch()
    ended = shell(command, tmp_path)
    assert ended.returncode in (1, 2)
    text = ended.stdout + ended.stderr
    assert "Traceback" not in text
    assert text.count("\n") == 1, text
    assert (tmp_path / "loop").is_symlink()


def test_a_user_without_a_home_is_told_so(tmp_path):
    program = (
        "import os, pwd; os.environ.pop('HOME'); os.environ.pop('XDG_CACHE_HOME', 0);"
        "os.environ.pop('HF_HOME', 0); pwd.getpwuid = lambda number: {}[number];"
        "import sys; sys.argv = ['partwise', 'weights', 'list'];"
        "from engine.cli.main import main; main()"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
    )
    assert ended.returncode == 2
    assert ended.stderr.startswith(
        "Error: this user has no home folder to keep weights in; set HOME"
    )
    assert not list(Path(tmp_path).iterdir())
