"""What is imported when, and by whom: each question is asked of a fresh interpreter."""

import importlib.metadata
import json
import subprocess
import sys
import time

import pytest

HEAVY = {
    "PIL",
    "alembic",
    "cv2",
    "jaxtyping",
    "jinja2",
    "numpy",
    "rich",
    "safetensors",
    "scipy",
    "skimage",
    "sklearn",
    "sqlalchemy",
    "streamlit",
}
COMMANDS = (
    "fit",
    "score",
    "explain",
    "bench",
    "bench-regions",
    "demo",
    "info",
    "region",
    "station",
    "ui",
    "weights",
    "classes",
)

# Loads every module of the four packages and does the whole job, noting whatever is asked for.
WHOLE_JOB = """
import importlib, pkgutil, sys

class Spy:
    asked = set()

    def find_spec(self, name, path=None, target=None):
        self.asked.add(name.partition(".")[0])

sys.meta_path.insert(0, Spy())
import alignment, engine, features
for package in (alignment, engine, features):
    for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
        # networks are imported by ``engine.profiles`` when a config asks for them
        is_network = module.name.startswith(("features.sam.", "features.vit."))
        if not module.name.endswith("__main__") and not is_network:
            importlib.import_module(module.name)

import numpy as np
from engine import Config, Inspector
rng = np.random.default_rng(0)
images = rng.integers(0, 255, (2, 64, 64, 3), dtype=np.uint8)
Inspector(Config(profile=sys.argv[1])).fit(list(images)).inspect(images[0])
print(sorted(Spy.asked))
"""


def answer(program, *arguments):
    return subprocess.run(
        [sys.executable, "-c", program, *arguments], capture_output=True, text=True, check=True
    ).stdout


@pytest.mark.parametrize("arguments", [["--help"], *([name, "--help"] for name in COMMANDS)])
def test_help_imports_no_heavy_library(arguments):
    program = f"""
import atexit, json, sys
from engine.cli.main import cli
atexit.register(lambda: print("\\n" + json.dumps(sorted(sys.modules))))
cli({arguments!r})
"""
    text, _, modules = answer(program).strip().rpartition("\n")
    assert "Usage:" in text
    loaded = {name.partition(".")[0] for name in json.loads(modules)}
    assert loaded & (HEAVY | {"torch"}) == set()
    assert loaded & {"alignment", "features"} == set()


def test_help_answers_in_half_a_second():
    seconds = []
    for _ in range(3):
        started = time.perf_counter()
        subprocess.run([sys.executable, "-m", "engine", "--help"], capture_output=True, check=True)
        seconds.append(time.perf_counter() - started)
    assert min(seconds) < 0.5


@pytest.mark.parametrize("profile", ["embedded", "cnn"])
def test_profiles_without_torch_never_ask_for_it(profile):
    asked = answer(WHOLE_JOB, profile)
    assert "'numpy'" in asked  # the spy is awake
    assert ("'onnxruntime'" in asked) == (profile == "cnn")
    networks = {"torch", "torchvision", "transformers", "segment_anything", "openvino"}
    for name in networks | {"huggingface_hub", "pooch", "requests", "urllib3"}:
        assert f"'{name}'" not in asked


def test_judging_without_a_library_never_asks_for_a_database():
    program = """
import sys
import numpy as np
from engine import Inspector

images = np.random.default_rng(0).integers(0, 255, (2, 64, 64, 3), dtype=np.uint8)
Inspector().fit(list(images)).inspect(images[0])
print(*sys.modules)
"""
    loaded = {name.partition(".")[0] for name in answer(program).split()}
    assert "numpy" in loaded
    assert loaded & {"sqlalchemy", "alembic", "psycopg", "sklearn"} == set()


def test_recognising_never_asks_for_what_only_proposing_needs():
    program = """
import sys, tempfile
from pathlib import Path
import numpy as np
from engine import Inspector
from engine.regions import Library, Recogniser

images = np.random.default_rng(0).integers(0, 255, (2, 64, 64, 3), dtype=np.uint8)
inspector = Inspector().fit(list(images))
with tempfile.TemporaryDirectory() as folder, Library(Path(folder) / "regions.db") as library:
    Recogniser(inspector, library).inspect(images[0])
print(*sys.modules)
"""
    loaded = {name.partition(".")[0] for name in answer(program).split()}
    assert "sqlalchemy" in loaded
    assert loaded & {"sklearn", "psycopg", "torch", "skimage"} == set()


@pytest.mark.parametrize("name", ["alignment", "engine", "features", "ui"])
def test_no_other_distribution_owns_our_package_names(name):
    assert set(importlib.metadata.packages_distributions().get(name, ["partwise"])) == {"partwise"}


def test_the_inspector_comes_with_few_modules_and_no_report():
    program = "from engine import Inspector; import sys; print(*sys.modules)"
    loaded = answer(program).split()
    own = [name for name in loaded if name.split(".")[0] in ("engine", "alignment", "features")]
    assert len(own) <= 65
    drawn = ("engine.rendering", "engine.regions.", "engine.library", "engine.editing", "jinja2")
    assert [name for name in loaded if name.startswith(drawn)] == []
