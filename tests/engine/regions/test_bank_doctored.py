"""Libraries whose examples were described by other means, or by none."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.numpy

from engine.library import Library, LibraryError
from engine.regions.bank import TokenScale, load_bank
from features.region import Region

IDENTITY = {"backbone": "embedded"}
NORMAL = np.zeros((3, 5, 4), np.float32)


def features(**changes: Any) -> dict[str, np.ndarray]:
    sound = {"views": np.ones((4, 6), np.float32), "tokens": np.ones((3, 2, 4), np.float16)}
    return {name: array for name, array in (sound | changes).items() if array is not None}


class NoEmbedder:
    """Finds all regions alike."""

    def describe(self, image: np.ndarray, regions: Any) -> np.ndarray:
        return np.ones((len(regions), 4, 6), np.float32)

    def identity(self) -> dict[str, str]:
        return {}

    def same(self, query: np.ndarray, taught: np.ndarray) -> np.ndarray:
        return np.ones((len(query), len(taught)), np.float32)


@pytest.fixture
def place(tmp_path: Path) -> Path:
    from engine.library import NewExample

    place = tmp_path / "library.db"
    with Library(place, author="anna") as library:
        for number in range(2):
            example = NewExample(
                f"{number:064x}",
                "a.png",
                (60, 80),
                Region((3, 4, 8, 11), np.ones((7, 5), bool)),
                np.zeros((4, 4, 3), np.uint8),
                features(),
            )
            library.teach("button", "accepted", example, IDENTITY)
    return place


def load(place: Path) -> Any:
    with Library(place, is_read_only=True) as library:
        scale = TokenScale.__new__(TokenScale)
        scale._center, scale._scale = np.float32(0), np.float32(1)
        return load_bank(library, scale, NORMAL, NoEmbedder(), {}, 0.5)


def test_what_was_taught_is_taken(place: Path) -> None:
    assert len(load(place)) == 2


@pytest.mark.parametrize("is_every", [True, False])
@pytest.mark.parametrize(
    "odd",
    [
        features(views=None),
        features(tokens=None),
        {},
        features(views=np.ones((4, 6), np.int32)),
        features(views=np.ones(6, np.float32)),
        features(views=np.ones((0, 6), np.float32)),
        features(views=np.full((4, 6), np.nan, np.float32)),
        features(views=np.full((4, 6), 1e30, np.float32)),
        features(tokens=np.ones((3, 2, 5), np.float16)),
        features(tokens=np.ones((2, 2, 4), np.float16)),
        features(tokens=np.ones((3, 4), np.float16)),
        features(tokens=np.full((3, 2, 4), np.inf, np.float16)),
    ],
)
def test_what_nobody_could_compare_is_refused(
    place: Path, odd: dict[str, np.ndarray], is_every: bool
) -> None:
    content = safetensors.numpy.save(odd)
    where = "" if is_every else "WHERE id = 2"
    with closing(sqlite3.connect(place)) as connection, connection:
        connection.execute(f"UPDATE partwise_example SET features = ? {where}", (content,))
    message = r"the features of example \d must be finite numbers of the shapes of the others"
    with pytest.raises(LibraryError, match=message):
        load(place)


def test_one_example_of_another_length_is_refused(place: Path) -> None:
    content = safetensors.numpy.save(features(views=np.ones((4, 7), np.float32)))
    with closing(sqlite3.connect(place)) as connection, connection:
        connection.execute("UPDATE partwise_example SET features = ? WHERE id = 2", (content,))
    with pytest.raises(LibraryError, match="the features of example 2 must be"):
        load(place)
