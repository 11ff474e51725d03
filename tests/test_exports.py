"""What each package offers is written out in its ``__all__``, and is there."""

import importlib
import subprocess
import sys

import pytest

import engine

PACKAGES = (
    "alignment",
    "engine",
    "engine.benchmark",
    "engine.benchmark.scenes",
    "engine.scores",
    "features",
    "ui",
)


def order(name):
    """Sort as ruff does: constants, classes, functions."""
    return (not name.isupper(), name[0].islower(), name)


@pytest.mark.parametrize("name", PACKAGES)
def test_names_are_sorted_once_and_there(name):
    package = importlib.import_module(name)
    assert package.__all__ == sorted(set(package.__all__), key=order)
    assert package.__doc__.partition("\n")[0].endswith((".", "?"))
    for each in package.__all__:
        assert getattr(package, each) is not None
        assert each in dir(package)


def test_star_import_brings_the_names_of_engine():
    found = {}
    exec("from engine import *", found)
    assert set(engine.__all__) <= found.keys()
    assert found["Inspector"].__module__ == "engine.inspector"


def test_engine_refuses_other_names_like_any_module():
    with pytest.raises(AttributeError, match="module 'engine' has no attribute 'Engine'"):
        _ = engine.Engine
    with pytest.raises(ImportError, match="cannot import name 'Engine' from 'engine'"):
        from engine import Engine  # noqa: F401


def test_engine_imports_nothing_before_it_is_used():
    program = "import engine, sys; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    ).stdout.split()
    assert "engine" in loaded
    assert [name for name in loaded if name.startswith(("engine.", "features", "numpy"))] == []
