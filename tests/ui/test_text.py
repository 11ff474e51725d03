"""Words on a page: text stays text, numbers are counted, the queue is told in one line."""

import re
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.station import Job, Tally
from features.names import one_line
from ui.text import counted, percent, plain, status_of, with_code

JOINER = "\u2060"


def shown(markdown):
    """Undo what a reader of Markdown undoes: escapes; and what an eye does not see."""
    return re.sub(r"\\([!-/:-@\[-`{-~])", r"\1", markdown).replace(JOINER, "")


@given(st.text())
def test_plain_text_reads_as_it_was_but_for_white_space(text):
    assert shown(plain(text)) == one_line(" ".join(text.split()))


@given(st.text())
def test_no_mark_of_plain_text_is_left_alone(text):
    assert not re.search(r"(?<!\\)(?:\\\\)*[*_`$<>\[\]()#|~:]", re.sub(r"\\.", "", plain(text)))


@pytest.mark.parametrize(
    "text",
    [
        ":material/delete: :smile:",
        "https://evil.example www.evil.example a@evil.example",
        "a --> b",
    ],
)
def test_nothing_is_left_that_streamlit_reads_once_escapes_are_resolved(text):
    resolved = plain(text).replace("\\", "")
    assert shown(plain(text)) == text
    assert not any(mark in resolved for mark in (":material", ":smile", "://", "www.", "a@", "->"))


def test_counted():
    assert counted(1, "image") == "1 image"
    assert counted(0, "image") == "0 images"
    assert counted(1234, "class", "classes") == "1\u202f234 classes"


def job(kind, done=0, total=0):
    now = datetime.now(UTC)
    return Job(1, kind, {}, "running", "step", done, total, None, None, now)


def test_the_status_names_what_waits_and_whether_somebody_works():
    assert status_of(Tally(done=5), [], is_worked_on=False).text == "Nothing is waiting"
    busy = status_of(Tally(queued=2, running=1), [job("fit", 1, 4)], is_worked_on=True)
    assert busy.text == "3 images waiting · learning 25%"
    stuck = status_of(Tally(queued=2), [], is_worked_on=False)
    assert stuck.text == "2 images waiting · nobody works"
    assert stuck.icon != busy.icon


def test_the_share_of_a_job_is_said_only_when_known():
    assert percent(job("bench", 3, 4)) == "75%"
    assert percent(job("bench")) == ""


def test_code_looks_like_code_and_the_rest_is_letter_for_letter():
    assert with_code("needs *weights*: run `partwise weights get a-b` now") == (
        "needs \\*weights\\*\\: run `partwise weights get a-b` now"
    )
    assert with_code("`a`") == "`a`"
    assert with_code("no <b>code</b>") == plain("no <b>code</b>")
