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
    "engine.synthetic.cloth",
    "engine.synthetic.scenes",
    "engine.editing",
    "engine.regions",
    "engine.library",
    "engine.scores",
    "engine.station",
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


def test_regions_refuse_other_names_like_any_module():
    from engine import regions

    with pytest.raises(AttributeError, match=r"'engine\.regions' has no attribute 'Regions'"):
        _ = regions.Regions


def loaded_by(package):
    program = f"import {package}, sys; print(*sys.modules)"
    return subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    ).stdout.split()


def test_regions_import_nothing_before_they_are_used():
    loaded = loaded_by("engine.regions")
    assert "engine.regions" in loaded
    heavy = ("engine.regions.", "features", "numpy", "sqlalchemy", "alembic")
    assert [name for name in loaded if name.startswith(heavy)] == []


def test_engine_imports_nothing_before_it_is_used():
    loaded = loaded_by("engine")
    assert "engine" in loaded
    found = [name for name in loaded if name.startswith(("engine.", "features", "numpy"))]
    assert found == ["engine.lazy"]  # which lets all others wait
