"""The band says the same by colour, sign and word, and puts total and threshold on one scale."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from engine.station import Entry
from ui.inspect_page.verdict import NO_REASON, NOTHING_DEVIATES, verdict_banner
from ui.text import figure

NOW = datetime(2024, 5, 1, tzinfo=UTC)
QUEUED = Entry(1, "a.png", "upload", None, Path("m.pw"), "queued", NOW)
NORMAL = replace(QUEUED, state="done", total=0.9, threshold=1.2, verdict="normal")
ANOMALY = replace(NORMAL, total=2.4, verdict="anomaly", reason="leg: 3 found, 4 expected")


def test_verdicts_differ_by_colour_sign_and_word():
    seen = [verdict_banner(NORMAL), verdict_banner(ANOMALY)]
    assert [(each.tone, each.sign, each.word) for each in seen] == [
        ("good", "✓", "Normal"),
        ("bad", "✕", "Anomaly"),
    ]


def test_a_verdict_comes_with_its_reason():
    assert verdict_banner(ANOMALY).reason == "leg: 3 found, 4 expected"
    assert verdict_banner(replace(ANOMALY, reason="")).reason == NO_REASON
    assert verdict_banner(NORMAL).reason == NOTHING_DEVIATES
    assert verdict_banner(
        replace(NORMAL, reason="only accepted novelties (sticker)")
    ).reason.startswith("only accepted")


def test_the_band_names_its_image_and_who_reviewed_it():
    assert verdict_banner(QUEUED).label == "a.png"
    said = replace(ANOMALY, review="accepted", reviewed_by="first shift")
    assert verdict_banner(said).label == "a.png, verdict accepted by first shift"


@pytest.mark.parametrize(("state", "word"), [("queued", "Waiting"), ("running", "Judging")])
def test_what_is_not_judged_yet_is_busy_and_has_no_gauge(state, word):
    seen = verdict_banner(replace(QUEUED, state=state))
    assert (seen.word, seen.is_busy, seen.gauge, seen.tone) == (word, True, None, "idle")


def test_what_could_not_be_judged_says_why():
    seen = verdict_banner(replace(QUEUED, state="failed", error="a.png must be an image, got text"))
    assert (seen.tone, seen.word) == ("broken", "Not judged")
    assert seen.reason == "a.png must be an image, got text"
    assert verdict_banner(replace(QUEUED, state="cancelled")).word == "Cancelled"


def test_another_threshold_may_turn_the_verdict_and_moves_the_bound():
    turned = verdict_banner(ANOMALY, threshold=3.0)
    assert (turned.word, turned.gauge.limit) == ("Normal", "threshold 3")
    assert verdict_banner(replace(ANOMALY, is_by_region=True), threshold=3.0).word == "Anomaly"


@pytest.mark.parametrize(("total", "threshold"), [(0.9, 1.2), (2.4, 1.2), (0.0, 1e-6), (50, 1)])
def test_the_amount_passes_the_bound_exactly_if_the_total_passes_the_threshold(total, threshold):
    gauge = verdict_banner(replace(NORMAL, total=total, threshold=threshold)).gauge
    assert (gauge.at > gauge.limit_at) == (total > threshold)
    assert 0 <= min(gauge.at, gauge.limit_at) <= max(gauge.at, gauge.limit_at) <= 1


@pytest.mark.parametrize(
    ("value", "text"), [(1.2345, "1.23"), (0.01234, "0.0123"), (12345, "12345"), (0, "0")]
)
def test_figures_have_three_digits(value, text):
    assert figure(value) == text
