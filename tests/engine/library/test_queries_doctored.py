"""Libraries in which another program wrote what does not belong there."""

import sqlite3
from contextlib import closing

import numpy as np
import pytest
import safetensors.numpy

from engine.library import Library, LibraryError

ODD = {
    "null": None,
    "text": "x",
    "nothing": "",
    "bytes": b"\xff\xfe\x00",
    "number": 7,
    "negative": -(2**63),
    "share": 0.5,
    "endless": float("inf"),
    "deep": "[" * 5000,
    "list": "[1]",
    "features": safetensors.numpy.save({"tokens": np.zeros((2, 4), np.float32)}),
}
TABLES = {
    "partwise_library": ("id", "name", "revision", "identity"),
    "partwise_class": ("id", "library_id", "name", "kind", "color", "is_active", "created_at",
                       "created_by"),
    "partwise_example": ("id", "class_id", "is_active", "image_sha256", "image_name",
                         "image_height", "image_width", "left", "top", "right", "bottom", "note",
                         "verdict", "author", "taught_at", "mask_png", "thumbnail_png", "features"),
    "partwise_lesson": ("id", "library_id", "class_id", "example_id", "action", "class_name",
                        "before", "after", "author", "at", "is_undone"),
    "partwise_reversal": ("id", "lesson_id", "action", "author", "at"),
}  # fmt: skip


@pytest.fixture
def place(tmp_path, example, identity):
    place = tmp_path / "library.db"
    with Library(place, author="anna") as library:
        library.teach("button", "accepted", example(1), identity)
        library.teach("dent", "defect", example(2), identity)
        library.rename("button", "knob")
        library.undo()
    return place


def doctor(place, table, column, value):
    """Write a value as it is, whatever the table says of the column."""
    with closing(sqlite3.connect(place)) as connection, connection:
        connection.execute("PRAGMA foreign_keys = OFF")
        listed = ", ".join(
            f'"{each[1]}"' for each in connection.execute(f"PRAGMA table_info({table})")
        )
        connection.execute(f"CREATE TABLE bare AS SELECT {listed} FROM {table}")
        connection.execute(f"DROP TABLE {table}")
        connection.execute(f"ALTER TABLE bare RENAME TO {table}")
        connection.execute(f'UPDATE {table} SET "{column}" = ?', (value,))


def read(place, is_read_only):
    with Library(place, is_read_only=is_read_only) as library:
        library.classes()
        library.lessons()
        library.examples()
        library.examples("knob", with_features=False)
        library.features()
        library.example_classes()
        library.revision()
        library.identity()


def outcome(place, is_read_only):
    """What is said when a library is read; nothing if it can be."""
    try:
        read(place, is_read_only)
    except LibraryError as error:
        return str(error)
    return ""


@pytest.mark.parametrize(
    ("table", "column"),
    [(table, column) for table, columns in TABLES.items() for column in columns],
)
def test_whatever_a_column_holds_is_one_line(place, tmp_path, table, column):
    copy = tmp_path / "odd.db"
    for value in ODD.values():
        copy.write_bytes(place.read_bytes())
        doctor(copy, table, column, value)
        for is_read_only in (True, False):
            said = outcome(copy, is_read_only)
            assert "\n" not in said
            assert said == "" or "; " in said


@pytest.mark.parametrize("column", ["name", "kind", "color", "created_at"])
def test_what_another_program_wrote_is_named(place, column, refused):
    doctor(place, "partwise_class", column, b"\xff")
    with (
        refused("holds what partwise did not write .*; bring back a copy"),
        Library(place) as library,
    ):
        library.classes()


@pytest.mark.parametrize("table", TABLES)
def test_a_table_that_is_gone_is_one_line(place, table, refused):
    with closing(sqlite3.connect(place)) as connection, connection:
        connection.execute(f"DROP TABLE {table}")
    with refused("no such table"):
        read(place, is_read_only=True)
