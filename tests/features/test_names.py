import csv
import io
import json
import os
import subprocess
import sys
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.names import (
    as_text,
    csv_cell,
    csv_text,
    from_text,
    json_text,
    one_line,
    read_name,
    shell_command,
    show_name,
)

NAMES = st.binary(min_size=1, max_size=40).map(os.fsdecode)
TEXTS = st.text(st.characters(exclude_categories=())) | NAMES

ORDINARY = (
    "part 7.png",
    "Prüfling_ß.PNG",
    "电路板 三号.jpg",
    "プレート\u3000二.png",
    "לוח.png",
    "می\u200cخواهم.png",
    "क्\u200dष.png",
    "👩\u200d🔧.png",
    "❤\ufe0f\u200d🔥.png",
    "Screenshot at 10.12.33\u202fPM.png",
    "it's [bold] $(rm) `x` <b>.png",
)


@pytest.mark.parametrize("name", ORDINARY)
def test_what_can_be_seen_stays_as_it_is(name):
    assert show_name(name) == one_line(name) == as_text(name) == name


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("a\nb", r"a\nb"),
        ("a\r\tb", r"a\r\tb"),
        (r"a\nb", r"a\\nb"),
        ("\x1b[31mred", r"\x1b[31mred"),
        ("\x7f\x9b", r"\x7f\u009b"),
        ("txt.\u202egnp", r"txt.\u202egnp"),
        ("a\u200bb\u200db\ufeff", r"a\u200bb\u200db\ufeff"),
        ("a\u2028b\u2029", r"a\u2028b\u2029"),
        (os.fsdecode(b"b\xe9.png"), r"b\xe9.png"),
        ("\u3164\U000e0041\U000e0100", r"\u3164\U000e0041\U000e0100"),
        ("\ud800", r"\ud800"),
    ],
)
def test_what_cannot_be_seen_is_written_out(name, shown):
    assert show_name(name) == shown
    assert read_name(shown) == name


def test_paths_are_names():
    assert show_name(Path("a") / "b\n.png") == r"a/b\n.png"
    assert as_text(Path("a")) == "a"


@given(TEXTS)
def test_a_shown_name_is_one_line_of_visible_letters(name):
    for shown in (show_name(name), one_line(name)):
        assert shown.splitlines() in ([shown], [])
        assert all(
            each in "\u200c\u200d" or unicodedata.category(each)[0] in "LMNPS" or each.isspace()
            for each in shown
        )
        shown.encode()


@given(TEXTS)
def test_a_shown_name_can_be_read_back(name):
    assert read_name(show_name(name)) == name
    assert from_text(as_text(name)) == name


@given(TEXTS)
def test_a_line_that_is_made_safe_twice_is_the_same(text):
    assert one_line(one_line(text)) == one_line(text)


@given(TEXTS)
def test_a_name_as_text_is_unicode(name):
    as_text(name).encode()


def test_a_name_that_looks_like_a_written_out_one_is_told_apart():
    real, forged = os.fsdecode(b"b\xe9.png"), r"$'b\xe9.png'"
    assert as_text(real) == forged
    assert as_text(forged) != forged
    assert from_text(as_text(forged)) == forged


@pytest.mark.parametrize(
    "name", [b"b\xe9.png", b"a\nb", b"\x1b]0;x\x07", "a\u202eb".encode(), b"it's\n\\ $x `y`"]
)
def test_a_shell_takes_a_command_as_it_is_written(name):
    command = shell_command(["printf", "%s", os.fsdecode(name)])
    assert command == one_line(command)
    ended = subprocess.run(
        ["bash", "-c", command], capture_output=True, env=os.environ | {"LC_ALL": "C.UTF-8"}
    )
    assert ended.stdout == name


def test_ordinary_words_of_a_command_stay_as_they_are():
    assert shell_command(["partwise", "a b", "ü"]) == "partwise 'a b' 'ü'"


@given(st.dictionaries(TEXTS, TEXTS | st.lists(TEXTS) | st.floats() | st.none()))
def test_json_is_one_line_of_ascii_that_strict_readers_take(value):
    text = json_text(value)
    assert text.isascii()
    assert len(text.splitlines()) == 1
    read = json.loads(text, parse_constant=pytest.fail)
    json.dumps(read, ensure_ascii=False).encode()


def test_json_keeps_names_and_numbers():
    facts = {"path": Path("ü\n\\.png"), "total": 0.5, "n": 3, "none": None, "is": True}
    assert json.loads(json_text(facts, indent=1)) == facts | {"path": "ü\n\\.png"}
    assert json.loads(json_text([float("nan"), float("-inf")])) == [None, None]


FORMULAS = (
    *("=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", " =1", "\u00a0=1", "\u3000@x"),
    *("＝1+1", "＋1", "－1", "＠x", "'=1", "''+1", "\u200b=1", "\u202e=1"),
)


@pytest.mark.parametrize("text", FORMULAS)
def test_no_cell_is_a_formula(text):
    cell = csv_cell(text)
    assert cell[0] in "'\\"
    assert cell.lstrip("'") == show_name(text).lstrip("'")


@given(TEXTS | st.sampled_from(FORMULAS))
def test_a_cell_can_be_read_back(text):
    cell = csv_cell(text)
    is_guarded = cell[:1] == "'" and csv_cell(read_name(cell[1:])) == cell
    assert read_name(cell[1:] if is_guarded else cell) == text


def test_numbers_are_no_formulas():
    assert [csv_cell(each) for each in (-1, -0.5, None, True)] == [-1, -0.5, None, True]


@given(st.lists(st.tuples(TEXTS, TEXTS | st.floats(allow_nan=False) | st.none())))
def test_a_table_has_one_line_a_row(rows):
    text = csv_text(["a", "b"], [dict(zip(("a", "b"), row, strict=True)) for row in rows])
    assert len(text.splitlines()) == len(rows) + 1
    read = list(csv.reader(io.StringIO(text, newline="")))
    assert [len(row) for row in read] == [2] * (len(rows) + 1)
    text.encode()


def test_what_a_row_does_not_have_stays_empty():
    assert csv_text(["=a", "b"], [{"b": "x,y"}]) == '\'=a,b\r\n,"x,y"\r\n'


def test_names_are_shown_without_any_heavy_library():
    program = "import features.names, sys; print('numpy' in sys.modules)"
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert ended.stdout == "False\n", ended
