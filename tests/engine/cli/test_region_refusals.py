"""What cannot be taught is refused in one line, and leaves the library as it was."""

import os
import shutil
import sqlite3
import tempfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from engine.library import Library

NOBODY = 65534
BOX = ("--box", "31,31,50,50")
ACCEPTED = ("--class", "red", "--accepted")


@pytest.fixture
def red(plates):
    return plates / "new" / "red1.png"


@pytest.fixture
def database(untaught):
    return untaught.with_suffix(".regions.db")


def saved(path, mask):
    Image.fromarray(mask).save(path)
    return path


OUTLINES = {
    "no box": (("--box", "1,2,3"), "a box must be four numbers"),
    "words": (("--box", "left"), "a box must be four numbers"),
    "inverted": (("--box", "50,50,31,31"), "a box must be left < right"),
    "empty": (("--box", "31,31,31,50"), "a box must be left < right"),
    "off-image": (("--box", "90,90,100,95"), "must lie in the image of 96×96 px"),
    "infinite": (("--box", "0,0,inf,9"), "must be finite"),
    "full": (("--box", "0,0,96,96", "--exact"), "must leave some surroundings"),
    "crossing": (("--polygon", "20,20 50,50 50,20 20,50"), "must not cross itself"),
    "two corners": (("--polygon", "20,20 50,50"), "3 … 10000 different corners"),
    "no pairs": (("--polygon", "20,20 50"), "must be pairs"),
    "no mask": (("--mask", "none.png"), "must be an image file, got none there"),
}


@pytest.mark.parametrize("case", OUTLINES)
def test_what_outlines_nothing(refused, untaught, red, database, case):
    outline, message = OUTLINES[case]
    assert message in refused("region", "teach", untaught, red, *outline, *ACCEPTED)
    assert not database.exists()


@pytest.mark.parametrize(
    ("size", "value", "message"),
    [
        ((96, 96), 0, "must have pixels, got none"),
        ((96, 96), 255, "must leave some surroundings"),
        ((95, 96), 255, "must have the size of its image, 96×96"),
    ],
)
def test_masks_that_are_no_outline(
    refused, untaught, red, database, tmp_path, size, value, message
):
    mask = saved(tmp_path / "mask.png", np.full(size, value, np.uint8))
    assert message in refused("region", "teach", untaught, red, "--mask", mask, *ACCEPTED)
    assert not database.exists()


NAMES = {
    "": "must not be empty",
    "   ": "must not be empty",
    "x" * 101: "must have at most 100 characters, got 101",
    "a/b": "must be free of slashes and control characters",
    "a\\b": "must be free of slashes and control characters",
    "a\nb": "must be free of slashes and control characters",
    "a\x1b[31mb": "must be free of slashes and control characters",
    "Unknown": "as regions of no class are called that",
}


@pytest.mark.parametrize("name", NAMES)
def test_names_that_no_class_may_have(refused, untaught, red, database, name):
    teach = ("region", "teach", untaught, red, *BOX, "--accepted", "--class", name)
    assert NAMES[name] in refused(*teach)
    assert not database.exists()


def test_a_new_name_for_a_class_is_checked_alike(refused, taught):
    assert "free of slashes" in refused("region", "rename", taught, "red", "a/b")
    assert "has no class 'blue'" in refused("region", "rename", taught, "blue", "green")
    assert "is called that already" in refused("region", "rename", taught, "red", "red")


def test_a_kind_is_asked_not_guessed(refused, untaught, red, database):
    message = refused("region", "teach", untaught, red, *BOX, "--class", "red")
    assert message == "class 'red' is new; say --accepted or --defect"
    assert not database.exists()


def test_a_class_is_of_one_kind(refused, taught, plates):
    blue = plates / "new" / "blue1.png"
    message = refused("region", "teach", taught, blue, "--box", "51,51,70,70", "--class", "red",
                      "--defect")  # fmt: skip
    assert message == (
        "class 'red' is an accepted class, got an example of a defect; choose another name, "
        "or change the class with `partwise region kind`"
    )


def test_two_names_for_one_look_name_both_and_can_be_forced(refused, partwise, taught, red):
    teach = ("region", "teach", taught, red, *BOX, "--class", "rust", "--defect")
    message = refused(*teach)
    assert message.startswith(f"the region in {red} looks like example 1 of 'red' (accepted")
    with Library(taught.with_suffix(".regions.db"), is_read_only=True) as library:
        assert [each.name for each in library.classes()] == ["red"]
        assert len(library.lessons()) == 1
    assert partwise(*teach, "--force").code == 0


@pytest.mark.parametrize(
    ("size", "message"),
    [
        ((96, 160), "must have about the shape of the references"),
        ((160, 96), "must have about the shape of the references"),
        ((24, 24), "must have 32 px or more along each side to be learnt from, got 24×24"),
    ],
)
def test_images_of_another_kind_teach_nothing(
    refused, partwise, untaught, database, tmp_path, size, message
):
    image = saved(tmp_path / "other.png", np.zeros((*size, 3), np.uint8))
    teach = ("region", "teach", untaught, image, "--box", "3,3,9,9", *ACCEPTED)
    assert message in refused(*teach)
    assert not database.exists()
    assert partwise("region", "classify", untaught, image).code == 0


def test_images_and_models_that_cannot_be_read(refused, untaught, red, database, tmp_path):
    (tmp_path / "zero.png").touch()
    teach = ("region", "teach", untaught)
    assert "is empty (0 bytes)" in refused(*teach, tmp_path / "zero.png", *BOX, *ACCEPTED)
    assert "is a folder" in refused(*teach, red.parent, *BOX, *ACCEPTED)
    nothing = tmp_path / "none.pw"
    for words in (
        ("teach", nothing, red, *BOX, *ACCEPTED),
        ("list", nothing),
        ("forget", nothing, "red"),
        ("undo", nothing),
        ("classify", nothing, red),
        ("propose", nothing, red.parent),
    ):
        assert "no such model file" in refused("region", *words)
    assert not database.exists()


def test_only_teaching_makes_a_library(refused, untaught, red, database, tmp_path):
    missing = "teach it something first, or check its place and name"
    for words in (("forget", untaught, "red"), ("undo", untaught), ("redo", untaught),
                  ("rename", untaught, "a", "b")):  # fmt: skip
        assert missing in refused("region", *words)
    for words in (("list", untaught), ("classify", untaught, red)):
        place = ("--library", tmp_path / "typo.db")
        assert missing in refused("region", *words, *place)
        assert missing in refused("region", *words, "--name", "typo")
    assert not database.exists()
    assert not (tmp_path / "typo.db").exists()


def test_what_is_not_there_cannot_be_forgotten_or_undone(refused, partwise, taught):
    assert "has no class 'blue'" in refused("region", "forget", taught, "blue")
    assert "has no example 7" in refused("region", "forget", taught, "--example", "7")
    assert "has no lesson 9" in refused("region", "undo", taught, "9")
    assert "lesson 1 is not undone" in refused("region", "redo", taught, "1")
    assert partwise("region", "undo", taught).code == 0
    assert "has no lesson to undo" in refused("region", "undo", taught)


def test_a_corrupted_database(refused, untaught, red, database):
    database.write_bytes(b"no database at all" * 100)
    before = database.read_bytes()
    for words in (
        ("region", "teach", untaught, red, *BOX, *ACCEPTED),
        ("region", "list", untaught),
        ("region", "classify", untaught, red),
        ("score", untaught, red, "--regions"),
    ):
        assert "is not a library, or damaged" in refused(*words)
    assert database.read_bytes() == before


def test_a_database_of_another_program(refused, untaught, red, database):
    with sqlite3.connect(database) as connection:
        connection.execute("CREATE TABLE recipes (name TEXT)")
    connection.close()
    refused("region", "teach", untaught, red, *BOX, *ACCEPTED)
    connection = sqlite3.connect(database)
    assert connection.execute("SELECT name FROM sqlite_master").fetchall() == [("recipes",)]
    connection.close()


@pytest.fixture
def read_only(taught):
    """The taught model in a folder in which nothing may be written."""
    with tempfile.TemporaryDirectory() as name:  # tmp_path lies under a folder closed to nobody
        folder = Path(name)
        for each in taught.parent.iterdir():
            Path(shutil.copy(each, folder)).chmod(0o444)
        folder.chmod(0o555)
        is_root = os.geteuid() == 0  # whom permissions do not bind
        if is_root:
            os.seteuid(NOBODY)
        try:
            yield folder / taught.name
        finally:
            if is_root:
                os.seteuid(0)
            folder.chmod(0o755)


def test_a_read_only_database_can_be_read_but_not_taught(partwise, refused, read_only):
    before = sorted(read_only.parent.iterdir())
    assert "red" in partwise("region", "list", read_only).out
    assert "is read-only" in refused("region", "forget", read_only, "red")
    assert sorted(read_only.parent.iterdir()) == before


def test_a_locked_database_is_waited_for_and_then_given_up(refused, partwise, taught, monkeypatch):
    monkeypatch.setattr("engine.cli.region_library.PATIENCE_S", 0.2)
    other = sqlite3.connect(taught.with_suffix(".regions.db"), isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        assert "is locked by another process" in refused("region", "forget", taught, "red")
    finally:
        other.execute("ROLLBACK")
        other.close()
    assert partwise("region", "forget", taught, "red").code == 0


@pytest.mark.parametrize(
    ("library", "message"),
    [
        ("mysql://host/db", "lies in SQLite or PostgreSQL"),
        ("sqlite://", "needs a file to last"),
        ("", "needs a place"),
        ("postgresql://u:s3cret@127.0.0.1:1/x", "cannot be reached"),
    ],
)
def test_places_where_no_library_can_be(refused, untaught, library, message):
    said = refused("region", "list", untaught, "--library", library)
    assert message in said
    assert "s3cret" not in said


USAGE = {
    "no outline": (("teach", "m.pw", "a.png", "--class", "x"), "outline the thing by one of"),
    "two outlines": (
        ("teach", "m.pw", "a.png", "--class", "x", "--box", "1,2,3,4", "--mask", "m.png"),
        "got 2 of them",
    ),
    "both kinds": (
        ("teach", "m.pw", "a.png", "--class", "x", *BOX, "--accepted", "--defect"),
        "not both",
    ),
    "no class": (("teach", "m.pw", "a.png", *BOX), "Missing option '--class'"),
    "nothing to forget": (("forget", "m.pw"), "name either a class or"),
    "too much to forget": (("forget", "m.pw", "x", "--example", "1"), "name either a class or"),
    "no kind": (("kind", "m.pw", "x"), "say --accepted or --defect"),
    "no number": (("undo", "m.pw", "last"), "is not a valid integer"),
}


@pytest.mark.parametrize("case", USAGE)
def test_bad_usage(partwise, case):
    words, message = USAGE[case]
    ended = partwise("region", *words)
    assert (ended.code, ended.out) == (2, "")
    assert message in ended.err
