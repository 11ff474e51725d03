"""Which names, texts, examples and features a library takes."""

import numpy as np
import pytest

from engine.library import Library, clean_name
from features.region import Region


@pytest.mark.parametrize(
    ("name", "stored"),
    [
        ("  button\t", "button"),
        ("Knopf, groß (rund) #3", "Knopf, groß (rund) #3"),
        ("cafe\N{COMBINING ACUTE ACCENT}", "caf\N{LATIN SMALL LETTER E WITH ACUTE}"),
        ("纽扣", "纽扣"),
        ("می\u200cخواهم", "می\u200cخواهم"),
        ("x" * 100, "x" * 100),
        ("unknown thing", "unknown thing"),
    ],
)
def test_names_are_stored_in_one_form(library, example, identity, name, stored):
    assert clean_name(name) == stored
    library.teach(name, "accepted", example(), identity)
    assert [each.name for each in library.classes()] == [stored]
    assert len(library.examples(name)) == 1
    assert library.forget(f" {name}").class_name == stored


@pytest.mark.parametrize(
    ("name", "match"),
    [
        ("", "must not be empty"),
        (" \t\n", "must not be empty"),
        ("x" * 101, "at most 100 characters, got 101"),
        ("a/b", "free of slashes and control characters, got 'a/b' with '/'"),
        ("a\\b", "free of slashes"),
        ("a\nb", "free of slashes and control"),
        ("a\0b", "free of slashes and control"),
        ("a\x7fb", "control"),
        ("a\u202eb", "control"),
        ("a\u2028b", "control"),
        ("a\udc80b", "control"),
        ("unknown", "must not be 'unknown', as regions of no class are called that"),
        ("Unknown ", "must not be 'Unknown'"),
    ],
)
def test_other_names_are_refused_by_every_door(tmp_path, example, identity, name, match, refused):
    with Library(tmp_path / "library.db") as library:
        library.teach("button", "accepted", example(), identity)
        for use in (
            lambda: library.teach(name, "accepted", example(), identity),
            lambda: library.forget(name),
            lambda: library.rename("button", name),
            lambda: library.change_kind(name, "defect"),
            lambda: library.examples(name),
        ):
            with refused(match):
                use()
        assert library.revision() == 1
        with refused(match):
            Library(tmp_path / "library.db", name)


def test_free_text_is_stored_whatever_it_holds(library, example, identity):
    odd = example(image_name="a\udc80b\0.png", note="two\nlines", verdict="😀")
    library.teach("button", "accepted", odd, identity)
    (found,) = library.examples()
    assert found.image_name == r"a\x80b\x00.png", "names can be told from each other"
    assert (found.note, found.verdict) == ("two\nlines", "😀")


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"image_sha256": "abc"}, "64 hexadecimal digits"),
        ({"image_size": (10, 80)}, r"within its image of 80×10 px, got the box \(3, 4, 8, 11\)"),
        ({"region": Region((-1, 0, 1, 2), np.ones((2, 2), dtype=bool))}, "within its image"),
        ({"thumbnail": np.zeros((0, 4, 3), dtype=np.uint8)}, r"one pixel, got \(0, 4, 3\)"),
        ({"features": {"tokens": np.array([None, "x"])}}, "got object in 'tokens'"),
        ({"features": {"tokens": np.array([1j])}}, "got complex128 in 'tokens'"),
        ({"features": {"tokens": np.array([1.0, np.nan])}}, "NaN or infinity in 'tokens'"),
    ],
)
def test_impossible_examples_are_refused(example, changes, match, refused):
    with refused(match):
        example(**changes)


def test_features_made_otherwise_are_refused(library, example, identity, refused):
    assert library.identity() is None
    library.check_identity({"anything": "goes"})
    library.teach("button", "accepted", example(), identity)
    assert library.identity() == identity
    library.check_identity(identity)
    other = {"backbone": "vit", "layer": "9"}
    expected = "expected backbone 'embedded', got 'vit'; dim '4', got 'none'; layer 'none', got '9'"
    with refused(expected):
        library.check_identity(other)
    with refused(expected):
        library.teach("button", "accepted", example(), other)
    library.undo()  # may be redone, so that the identity stays
    with refused(expected):
        library.check_identity(other)


def test_somebody_is_named_even_where_nobody_is_known(tmp_path, monkeypatch, example, identity):
    monkeypatch.setenv("LOGNAME", "carla")
    with Library(tmp_path / "library.db") as library:
        assert library.teach("a", "defect", example(), identity).author.startswith("carla@")
