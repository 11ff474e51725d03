"""The commands of docs/walkthrough.md are run as they stand, one after the other."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "walkthrough.md").read_text(encoding="utf-8")
PICTURES = re.findall(r"!\[[^]]+\]\(([^)]+)\)", PAGE)
BLOCKS = re.findall(r"^```sh\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def station(tmp_path_factory):
    """A folder in which all commands have been run."""
    folder = tmp_path_factory.mktemp("station")
    (folder / "docs").symlink_to(ROOT / "docs")
    here = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    ended = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", "".join(BLOCKS)],
        cwd=folder,
        env=os.environ | {"PATH": here},
        capture_output=True,
        text=True,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return folder


def classes_on(station, chapter, name):
    legend = json.loads((station / "pictures" / chapter / f"{name}.classes.json").read_text())
    return json.dumps(legend)


def test_every_picture_is_written_by_the_commands(station):
    for picture in PICTURES:
        chapter, _, name = Path(picture).stem.partition("-")
        assert (station / "pictures" / chapter / f"{name}.regions.png").stat().st_size > 0


def test_classes_are_known_from_the_chapter_on_that_teaches_them(station):
    assert "button" not in classes_on(station, "2", "button")
    assert "button" in classes_on(station, "3", "buttons")
    assert "string" not in classes_on(station, "4", "toggle")
    for name in ("button", "string", "contamination", "fleck", "line"):
        assert name in classes_on(station, "5", "everything")


def test_pictures_are_there_and_small():
    assert len(PICTURES) == 8
    kept = sorted(f"walkthrough/{each.name}" for each in (ROOT / "docs/walkthrough").iterdir())
    assert kept == sorted(PICTURES)
    assert all((ROOT / "docs" / each).stat().st_size < 150_000 for each in PICTURES)
