"""Filters become a query and words; entries become rows and pages."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from engine.station import Entry
from ui.inspect_page.history_view import Filters, n_pages, page_text, review_text, table_rows

NOW = datetime(2024, 5, 1, 12, tzinfo=UTC)
ENTRY = Entry(
    7,
    "<b>a</b>.png",
    "upload",
    3,
    Path("m.pw"),
    "done",
    NOW,
    judged_at=NOW,
    total=1.5,
    threshold=1.0,
    verdict="anomaly",
    reason="**leg** is missing",
)


def test_the_last_day_is_included():
    query = Filters(since=date(2024, 5, 1), until=date(2024, 5, 1)).as_query()
    assert query["until"] - query["since"] == timedelta(days=1)
    assert query["since"].tzinfo is not None


def test_nothing_chosen_means_everything():
    assert Filters().is_empty
    assert Filters(order="worst").is_empty
    assert Filters().summary == ""
    assert not any(Filters().as_query().values())


def test_filters_are_said_in_words():
    filters = Filters(
        verdicts=("anomaly",), classes=("leg",), reviews=("none",), since=date(2024, 5, 1), batch=3
    )
    assert filters.summary == "anomaly, leg, not reviewed, since 2024-05-01, of one batch"
    assert not filters.is_empty


def test_a_row_shows_words_as_they_are_and_a_picture_that_holds_itself():
    (row,) = table_rows([ENTRY], lambda entry: b"\xff\xd8")
    assert row["Name"] == "<b>a</b>.png"
    assert row["Why"] == "**leg** is missing"
    assert row["Verdict"] == "✕ Anomaly"
    assert row["Total"] == 1.5
    assert row["Image"] == "data:image/jpeg;base64,/9g="


@pytest.mark.parametrize(
    ("state", "said"),
    [("queued", "… Waiting"), ("failed", "! Not judged"), ("cancelled", "– Cancelled")],
)
def test_a_row_without_a_verdict_says_its_state_and_error(state, said):
    entry = replace(ENTRY, state=state, verdict=None, reason="", total=None, error="too large")
    (row,) = table_rows([entry], lambda entry: None)
    assert (row["Verdict"], row["Why"], row["Image"]) == (said, "too large", None)


def test_a_review_names_who_gave_it():
    assert review_text(ENTRY) == ""
    said = replace(ENTRY, review="rejected", reviewed_by="first shift")
    assert review_text(said) == "✕ rejected by first shift"
    assert review_text(replace(ENTRY, review="accepted")) == "✓ accepted"


@pytest.mark.parametrize(
    ("n", "pages", "last"),
    [
        (0, 1, "No images"),
        (1, 1, "1 to 1 of 1 image"),
        (20, 1, "1 to 20 of 20 images"),
        (41, 3, "41 to 41 of 41 images"),
    ],
)
def test_pages_hold_all_images(n, pages, last):
    assert n_pages(n, 20) == pages
    assert page_text(pages - 1, n, 20) == last
