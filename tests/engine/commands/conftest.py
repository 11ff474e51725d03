"""The command line as a user sees it, with rendered photographs and a model fitted on them."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from engine.benchmark.scenes import render
from engine.cli import cli


@pytest.fixture(scope="session")
def write_scene():
    """Write a photograph of two terminals joined by a cable; size is (width, height)."""

    def write(path, seed, *, is_stained=False, size=None):
        photo = Image.fromarray(render("cable", np.random.default_rng(seed)).image)
        if is_stained:
            photo.paste("red", (160, 100, 260, 200))
        path.parent.mkdir(parents=True, exist_ok=True)
        (photo.resize(size) if size else photo).save(path)
        return path

    return write


@pytest.fixture
def partwise(capfd):
    """Run a command in this process; gives its exit code and what it wrote to both streams."""

    def run(*arguments):
        with pytest.raises(SystemExit) as end:
            cli([str(argument) for argument in arguments], prog_name="partwise")
        out, err = capfd.readouterr()
        assert "Traceback" not in err
        return SimpleNamespace(code=end.value.code or 0, out=out, err=err)

    return run


@pytest.fixture
def refused(partwise):
    """Run a command that must end with exit code 2; gives its one line of complaint."""

    def run(*arguments):
        ended = partwise(*arguments)
        assert ended.code == 2, ended
        assert ended.out == ""
        assert ended.err.startswith("Error: ")
        assert ended.err.count("\n") == 1
        return ended.err.removeprefix("Error: ").rstrip()

    return run


@pytest.fixture(scope="session")
def small(tmp_path_factory) -> Path:
    """A config that works on small images, so that tests are quick."""
    path = tmp_path_factory.mktemp("config") / "small.toml"
    path.write_text("working_area_px = 16384\n")
    return path


@pytest.fixture(scope="session")
def photos(tmp_path_factory, write_scene) -> Path:
    """A folder with ``references`` (4), and ``new``: good.png, seen before, and stained.png."""
    root = tmp_path_factory.mktemp("photos")
    for seed in range(4):
        write_scene(root / "references" / f"{seed}.png", seed)
    write_scene(root / "new" / "good.png", 0)
    write_scene(root / "new" / "stained.png", 1, is_stained=True)
    return root


@pytest.fixture(scope="session")
def model(tmp_path_factory, photos, small) -> Path:
    """What ``partwise fit`` makes of the references."""
    path = tmp_path_factory.mktemp("model") / "cable.pw"
    with pytest.raises(SystemExit) as end:
        cli(["fit", str(photos / "references"), "-o", str(path), "-c", str(small)])
    assert end.value.code == 0
    return path
