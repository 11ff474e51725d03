"""The command line as a user sees it, with rendered photographs and a model fitted on them."""

import shutil
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from engine.cli.main import cli
from engine.synthetic.scenes import render


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


RED, BLUE = (200, 30, 30), (20, 40, 220)


def plate(seed, *spots):
    """Photograph a striped plate with round spots, each given as (x, y, colour)."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:96, :96]
    stripes = 120 + 30 * np.sin(x / 3) + 10 * np.sin(y / 5)
    pixels = np.repeat(stripes[..., None], 3, axis=2)
    for left, top, color in spots:
        pixels[(x - left) ** 2 + (y - top) ** 2 <= 64] = color
    noise = rng.normal(0, 3, pixels.shape)
    return Image.fromarray(np.clip(pixels + noise, 0, 255).astype(np.uint8))


@pytest.fixture(scope="session")
def plates(tmp_path_factory) -> Path:
    """A folder with ``references`` (4), and ``new``: good, red1, red2, red3, blue1, blue2, both."""
    root = tmp_path_factory.mktemp("plates")
    new = {
        "good": [],
        "red1": [(40, 40, RED)],
        "red2": [(60, 30, RED)],
        "red3": [(30, 60, RED)],
        "blue1": [(60, 60, BLUE)],
        "blue2": [(30, 30, BLUE)],
        "both": [(25, 30, RED), (65, 60, BLUE)],
    }
    for name in ("references", "new"):
        (root / name).mkdir()
    for seed in range(4):
        plate(seed).save(root / "references" / f"{seed}.png")
    for seed, (name, spots) in enumerate(new.items(), 10):
        plate(seed, *spots).save(root / "new" / f"{name}.png")
    return root


@pytest.fixture(scope="session")
def plate_model(tmp_path_factory, plates, small) -> Path:
    """What ``partwise fit`` makes of the plates."""
    path = tmp_path_factory.mktemp("plate_model") / "plate.pw"
    with pytest.raises(SystemExit) as end:
        cli(["fit", str(plates / "references"), "-o", str(path), "-c", str(small)])
    assert end.value.code == 0
    return path


@pytest.fixture(scope="session")
def taught_once(tmp_path_factory, plates, plate_model) -> Path:
    """A folder with the model of the plates and its library of one lesson: red is accepted."""
    folder = tmp_path_factory.mktemp("taught")
    model = shutil.copy(plate_model, folder / "plate.pw")
    words = ("--box", "31,31,50,50", "--class", "red", "--accepted")
    with pytest.raises(SystemExit) as end:
        cli(["region", "teach", str(model), str(plates / "new" / "red1.png"), *words])
    assert end.value.code == 0
    return folder


@pytest.fixture
def untaught(plate_model, tmp_path, monkeypatch) -> Path:
    """The model of the plates in a folder of its own, without a library."""
    monkeypatch.delenv("PARTWISE_LIBRARY", raising=False)
    folder = tmp_path / "station"
    folder.mkdir()
    return Path(shutil.copy(plate_model, folder / "plate.pw"))


@pytest.fixture
def taught(untaught, taught_once) -> Path:
    """The same model with a library of its own after one lesson: a red spot is accepted."""
    shutil.copy(taught_once / "plate.regions.db", untaught.parent)
    return untaught
