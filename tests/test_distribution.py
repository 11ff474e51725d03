"""What is installed: one wheel with four packages and their data, that works away from here."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("alignment", "engine", "features", "ui")

# Learns, stores, judges, explains and reports with what was unpacked.
WHOLE_JOB = """
import numpy as np
import engine
from engine import Inspector, config
from engine.benchmark import write_page
from engine.synthetic.scenes import render
from engine.rendering.html_report import explain_page

presets = [config.load(name) for name in config.PRESETS]
image = render("cable", np.random.default_rng(0)).image
inspector = Inspector(config.from_dict({"working_area_px": 16384})).fit([image])
inspector.save("model.pw")
report = Inspector.load("model.pw").inspect(image)
fitted = inspector.fitted
page = explain_page([("cable", image, report)], fitted.references, fitted.class_names)
print(engine.__file__, len(presets), "<style>" in page)
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder]
    subprocess.run(command, cwd=ROOT, capture_output=True, check=True)
    (path,) = folder.iterdir()
    return path


@pytest.fixture(scope="module")
def names(wheel):
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


def test_every_module_and_data_file_is_in_the_wheel(names):
    wanted = [path for package in PACKAGES for path in (ROOT / package).rglob("*.*")]
    kept = {path.relative_to(ROOT).as_posix() for path in wanted if path.suffix != ".pyc"}
    assert kept <= names
    presets = {f"engine/configs/{path.name}" for path in (ROOT / "configs").glob("*.toml")}
    assert len(presets) == 3
    assert presets <= names


def test_nothing_else_is_in_the_wheel(names):
    tops = {name.partition("/")[0] for name in names}
    assert {name for name in tops if not name.endswith(".dist-info")} == set(PACKAGES)
    assert any(name.endswith(".dist-info/licenses/LICENSE") for name in names)


def test_the_wheel_does_the_whole_job(wheel, tmp_path):
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "site")
    environment = os.environ | {"PYTHONPATH": str(tmp_path / "site")}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", WHOLE_JOB],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == [str(tmp_path / "site" / "engine" / "__init__.py"), "3", "True"]
