"""A station with a quick model, and photographs as files."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path

import cv2
import numpy as np
import pytest

from engine.config import Config
from engine.inspector import Inspector
from engine.station import Station
from engine.station.judge import Judge
from engine.station.worker import work_once
from engine.synthetic.scenes import render

SMALL = replace(Config(), working_area_px=16384)


@cache
def png_of(seed: int, kind: str = "good", category: str = "pins") -> bytes:
    image = render(category, np.random.default_rng([seed, len(kind)]), kind).image
    return bytes(cv2.imencode(".png", np.ascontiguousarray(image[..., ::-1]))[1])


@pytest.fixture(scope="session")
def photograph() -> Callable[..., bytes]:
    """Give the bytes of a rendered photograph; the model has seen good 0 … 3."""
    return png_of


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("model") / "pins.pw"
    images = [render("pins", np.random.default_rng([seed, 4])).image for seed in range(4)]
    Inspector(SMALL).fit(images, names=[f"{seed}.png" for seed in range(4)]).save(path)
    return path


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """A folder with two good photographs and one that lacks a pin."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    for name, kind in (("a.png", "good"), ("b.png", "good"), ("c.png", "missing_pin")):
        (folder / name).write_bytes(png_of(20 + len(list(folder.iterdir())), kind))
    return folder


@pytest.fixture
def station(tmp_path: Path, pictures: Path) -> Iterator[Station]:
    """A station that may read the folder of pictures."""
    with Station(tmp_path / "station", roots=[pictures]) as station:
        yield station


@pytest.fixture
def judge() -> Iterator[Judge]:
    judge = Judge()
    yield judge
    judge.close()


@pytest.fixture
def work(judge: Judge) -> Callable[[Station], int]:
    """Judge all that is queued, in this process; gives how many that were."""

    def work(station: Station) -> int:
        n = 0
        while work_once(station.database, station.paths, judge, station.limits):
            n += 1
        return n

    return work


@pytest.fixture(scope="session")
def until() -> Callable[..., None]:
    """Wait until a condition holds, for long: processes may have to share the machine."""

    def wait(condition: Callable[[], bool], seconds: float = 300.0) -> None:
        end = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < end, "it never came true"
            time.sleep(0.02)

    return wait
