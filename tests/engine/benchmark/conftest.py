"""Small data sets on disk and an inspector that only looks at brightness."""

import importlib
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image


def write_image(path: Path, level: int, size: tuple[int, int] = (24, 32)) -> Path:
    """Write a grey gradient of the given mean brightness."""
    path.parent.mkdir(parents=True, exist_ok=True)
    ramp = np.linspace(-8, 8, size[1])
    pixels = np.broadcast_to((level + ramp)[None, :, None], (*size, 3))
    Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8)).save(path)
    return path


def write_category(
    root: Path, groups: dict[str, list[int]], train: tuple[int, ...] = (100, 102, 98, 101)
) -> Path:
    """Write train/good and one test folder per group; numbers are brightnesses."""
    for index, level in enumerate(train):
        write_image(root / "train" / "good" / f"{index:03}.png", level)
    for group, levels in groups.items():
        for index, level in enumerate(levels):
            write_image(root / "test" / group / f"{index:03}.png", level)
    return root


@pytest.fixture
def plain(tmp_path):
    """A folder of two plain categories; `soft` overlaps, `sharp` does not."""
    write_category(
        tmp_path / "set" / "soft",
        {"good": [100, 104, 109, 97], "dark": [60, 90, 95], "bright": [108, 150]},
    )
    write_category(tmp_path / "set" / "sharp", {"good": [100, 101], "dent": [10, 20, 30]})
    return tmp_path / "set"


@pytest.fixture
def loco(tmp_path):
    """One category with two groups, masks per region and named defects."""
    root = write_category(
        tmp_path / "pins",
        {"good": [100, 101], "logical_anomalies": [40, 50], "structural_anomalies": [160]},
    )
    write_image(root / "validation" / "good" / "000.png", 100)
    defects = {"missing_pin": 255, "extra_pin": 254, "scratch": 253}
    entries = [
        {
            "defect_name": name,
            "pixel_value": value,
            "saturation_threshold": 0.5 if name == "scratch" else 120,
            "relative_saturation": name == "scratch",
        }
        for name, value in defects.items()
    ]
    (root / "defects_config.json").write_text(json.dumps(entries))
    masks = {
        "logical_anomalies/000/000": 255,
        "logical_anomalies/000/001": 254,
        "logical_anomalies/001/000": 255,
        "structural_anomalies/000/000": 253,
    }
    for name, value in masks.items():
        path = root / "ground_truth" / f"{name}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        mask = np.zeros((24, 32), dtype=np.uint8)
        mask[4:9, 5:12] = value
        Image.fromarray(mask).save(path)
    return root


@pytest.fixture
def brightness(monkeypatch):
    """The module of the fake inspector, importable by worker processes too."""
    monkeypatch.syspath_prepend(str(Path(__file__).parent))
    return importlib.import_module("brightness")
