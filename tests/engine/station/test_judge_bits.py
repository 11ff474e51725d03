"""Twelve bits in words of sixteen: does a station read them as its model does?"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from engine.inspector import Inspector
from engine.station import Station
from engine.station.photographs import bits_of
from engine.station.records import Limits
from features.images import ImageError


@pytest.fixture
def deep(tmp_path: Path, pictures: Path) -> Path:
    """Photographs as such a camera writes them; they belong to the folder of the station."""
    for path in sorted(pictures.iterdir()):
        values = np.asarray(Image.open(path).convert("RGB")).astype(np.uint16) << 4
        cv2.imwrite(str(path), values[..., ::-1])
    return pictures


def test_they_are_judged_and_shown_in_the_light_of_the_references(
    station: Station, deep: Path, model: Path, tmp_path: Path, work: Callable[[Station], int]
) -> None:
    inspector = Inspector.load(model)
    told = tmp_path / "told.pw"
    inspector.with_fitted(replace(inspector.fitted, significant_bits=12)).save(told)
    station.add_folder(deep, model=told)
    work(station)
    entries = {each.name: each for each in station.entries()}
    assert [entries[name].verdict for name in ("a.png", "b.png", "c.png")] == [
        "normal",
        "normal",
        "anomaly",
    ]
    assert station.photo(entries["a.png"].id).max() > 100


def test_references_tell_together_how_many_bits_count(deep: Path) -> None:
    photographs = {path: path.name for path in deep.iterdir()}
    assert bits_of(photographs, Limits()) == 12


def test_what_cannot_be_read_is_called_by_its_name(deep: Path) -> None:
    (deep / "a.png").write_bytes(b"nothing")
    photographs = {path: f"photograph {path.stem}" for path in deep.iterdir()}
    with pytest.raises(ImageError, match=r"^photograph a is not an image") as caught:
        bits_of(photographs, Limits())
    assert str(deep) not in str(caught.value)
