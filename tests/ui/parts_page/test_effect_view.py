"""How the page Parts shows what an edit changes: bars, counts, verdicts."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from engine.editing import Effect
from engine.editing.refit import Change, CountChange
from engine.station import Entry
from ui.charts import DARK, LIGHT
from ui.parts_page.effect_view import (
    Verdict,
    count_lines,
    effect_text,
    is_open,
    totals_chart,
    verdict_lines,
    verdict_of,
    verdict_text,
)

ADDED = CountChange(5, "label", None, (1, 0))
KEPT = CountChange(1, "leg", (2, 2), (2, 2))
GONE = CountChange(2, "arm", (1, 1), None)


def effect(*, before=(0.8, 1.2), after=(0.7, 0.9), limits=(1.0, 1.0), counts=(KEPT, GONE, ADDED)):
    totals = tuple(
        Change(f"{number}.png", *both)
        for number, both in enumerate(zip(before, after, strict=True))
    )
    return Effect(totals, Change("threshold", *limits), counts)


def drawn(chart):
    made = chart.to_dict()
    return [value for layer in made["layer"] for value in made["datasets"][layer["data"]["name"]]]


def test_an_effect_says_how_the_threshold_moves_and_who_lies_above_it():
    assert effect_text(effect()) == (
        "The threshold stays at 1. 0 of 2 references lie above it, where 1 did before."
    )
    words = effect_text(effect(after=(0.8, 1.2), limits=(1.0, 1.1)))
    assert words == "The threshold goes from 1 to 1.1. 1 of 2 references lie above it, as before."
    assert effect_text(effect(counts=(KEPT,))).endswith("before. No count changes.")


def test_an_edit_that_moves_no_reference_says_no_more_than_that():
    same = effect(after=(0.8, 1.2), counts=(KEPT,))
    assert effect_text(same) == (
        "Counts and totals of the references stay as they are, and so does the threshold, 1."
    )


@pytest.mark.parametrize("tones", [LIGHT, DARK])
def test_every_reference_has_a_bar_before_and_after_and_both_thresholds_are_drawn(tones):
    values = drawn(totals_chart(effect(limits=(1.0, 1.1)), tones))
    bars = [(each["reference"], each["when"], each["total"]) for each in values if "total" in each]
    assert bars == [
        ("0.png", "before", 0.8),
        ("0.png", "after", 0.7),
        ("1.png", "before", 1.2),
        ("1.png", "after", 0.9),
    ]
    rules = {each["when"]: each["at"] for each in values if "at" in each}
    assert rules == {"threshold before": 1.0, "threshold after": 1.1}


def test_figures_stand_to_the_right_of_all_bars():
    chart = totals_chart(effect(), LIGHT).to_dict()
    low, high = chart["layer"][0]["encoding"]["x"]["scale"]["domain"]
    assert low == 0
    assert high > 1.4 * 1.2
    words = {each["words"] for each in drawn(totals_chart(effect(), LIGHT)) if "when" not in each}
    assert words == {"0.8 → 0.7", "1.2 → 0.9"}


def test_references_without_any_difference_can_be_drawn():
    chart = totals_chart(effect(before=(0.0, 0.0), after=(0.0, 0.0), limits=(0.0, 0.0)), LIGHT)
    assert chart.to_dict()["layer"][0]["encoding"]["x"]["scale"]["domain"][1] > 0


def test_only_counts_that_change_are_listed():
    gone, added = count_lines(effect())
    assert (gone.title, gone.hint, gone.cells) == ("arm", "no more", ("1 · 1", "–"))
    assert (added.title, added.hint, added.cells) == ("label", "new", ("–", "1 · 0"))
    assert (gone.mark, gone.color) == ("2", "#009e73")


def test_a_verdict_that_turns_is_set_apart():
    same = Verdict(1, "a.png", "normal", 0.5, "normal", 0.6)
    turned, waiting = (
        replace(same, after="anomaly", total_after=1.5),
        Verdict(2, "b", "normal", 0.5),
    )
    lines = verdict_lines([same, turned, waiting])
    assert [each.tone for each in lines] == ["plain", "off", "plain"]
    assert lines[1].cells == ("✓ normal 0.5", "✕ anomaly 1.5")
    assert lines[2].cells[1] == "…"


def test_what_cannot_be_judged_says_why_and_is_waited_for_no_longer():
    gone = Verdict(1, "a.png", "normal", 0.5, error="it is gone")
    assert not is_open(gone)
    assert (verdict_lines([gone])[0].hint, verdict_lines([gone])[0].cells[1]) == ("it is gone", "–")


def test_a_summary_counts_only_what_is_known():
    known = Verdict(1, "a", "normal", 0.5, "anomaly", 1.5)
    other = Verdict(2, "b", "anomaly", 1.5, "normal", 0.5)
    assert verdict_text([Verdict(3, "c", "normal", 0.5)]) == "0 of 0 verdicts would turn"
    assert verdict_text([known, other], "turned") == (
        "2 of 2 verdicts turned: 1 to anomaly, 1 to normal"
    )
    assert verdict_text([replace(known, after="normal")]) == "0 of 1 verdict would turn"


def test_the_history_gives_name_verdict_and_total():
    at = datetime(2024, 5, 1, tzinfo=UTC)
    entry = Entry(
        7, "a.png", "upload", None, Path("m.pw"), "done", at, total=1.5, verdict="anomaly"
    )
    assert verdict_of(entry) == Verdict(7, "a.png", "anomaly", 1.5)
