"""The tables beside an image: deviations, scores, classes, regions."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from engine.rendering.colors import OKABE_ITO
from engine.rendering.colors import ink_on as engine_ink_on
from engine.rendering.overlays import ABSENT_KINDS as ENGINE_ABSENT_KINDS
from engine.rendering.overlays import letter as engine_letter
from engine.station import Entry, Result
from ui.inspect_page import tables
from ui.inspect_page.tables import (
    class_lines,
    finding_lines,
    has_recognised,
    marked_findings,
    region_lines,
    score_lines,
)

ENTRY = Entry(
    1, "a.png", "upload", None, Path("m.pw"), "done", datetime(2024, 5, 1, tzinfo=UTC), total=1.5
)


def deviation(kind, severity, box=None, class_id=1):
    return {
        "class": class_id,
        "kind": kind,
        "expected": 4,
        "found": 3,
        "text": f"{kind} by {severity}",
        "severity": severity,
        "box_xyxy": box,
    }


def part(class_id, name, *, found=1, expected=1, is_background=False, is_off=False):
    return {
        "id": class_id,
        "name": name,
        "color": "#0072b2",
        "found": found,
        "expected": expected,
        "is_background": is_background,
        "is_off": is_off,
    }


def score(name, share, is_active=True):
    return {
        "name": name,
        "title": name.title(),
        "question": f"{name}?",
        "value": share,
        "added": share,
        "share": share,
        "is_active": is_active,
    }


def result(*, deviations=(), classes=(), scores=(), regions=()):
    return Result(
        entry=ENTRY,
        image_size=(100, 200),
        view_size=(100, 200),
        photo=b"",
        layers={},
        reference=b"",
        reference_name="good.png",
        report={"deviations": list(deviations)},
        regions={"regions": list(regions)},
        classes=list(classes),
        scores=list(scores),
    )


def test_lines_and_frames_share_their_letters():
    shown = result(
        deviations=[
            deviation("size", 1.2),
            deviation("missing_here", 3.4, [1, 2, 3, 4]),
            deviation("unseen_here", 2.0, [5, 6, 7, 8]),
        ]
    )
    lines, frames = finding_lines(shown), marked_findings(shown)
    assert [line.mark for line in lines] == ["A", "B", "C"]
    assert [line.cells for line in lines] == [("3.4 ×",), ("2 ×",), ("1.2 ×",)]
    assert [(each.letter, each.box_xyxy, each.is_absent) for each in frames] == [
        ("A", (1, 2, 3, 4), True),
        ("B", (5, 6, 7, 8), False),
    ]
    assert [each.title for each in frames] == [lines[0].title, lines[1].title]


def test_what_is_not_there_is_dashed_and_of_another_colour():
    absent, present = finding_lines(
        result(deviations=[deviation("missing", 3.0), deviation("extra", 2.0)])
    )
    assert (absent.is_dashed, present.is_dashed) == (True, False)
    assert absent.color != present.color
    assert absent.hint == "Fewer than the references show · not framed"


def test_letters_and_kinds_are_those_of_the_reports():
    assert [tables.letter(i) for i in range(60)] == [engine_letter(i) for i in range(60)]
    assert tables.ABSENT_KINDS == ENGINE_ABSENT_KINDS


def test_used_scores_come_first_and_the_largest_on_top():
    lines = score_lines([score("a", 0.2), score("b", 0.0, False), score("c", 0.8)])
    assert [line.title for line in lines] == ["c?", "a?", "b?"]
    assert [line.cells for line in lines] == [("80%",), ("20%",), ("not used",)]
    assert [line.hint for line in lines] == ["C", "A", "B"]
    assert lines[-1].tone == "idle"


def test_classes_say_found_and_expected_and_background_comes_last():
    lines = class_lines(
        result(
            classes=[
                part(0, "wall", is_background=True),
                part(1, "leg", found=3, expected=4, is_off=True),
                part(-1, "of no class", found=2, expected=0),
            ]
        )
    )
    assert [line.title for line in lines] == ["leg", "of no class", "wall"]
    assert lines[0].cells == ("3", "4")
    assert [line.tone for line in lines] == ["off", "plain", "idle"]
    assert [line.mark for line in lines] == ["1", "?", "0"]


def test_regions_are_marked_by_sign_and_said_in_words():
    regions = [
        {
            "class": name,
            "verdict": kind,
            "confidence": 0.93,
            "novelty": 2.0,
            "box_xyxy": [10, 20, 40, 60],
            "area_px": area,
        }
        for name, kind, area in (("dirt", "defect", 5), ("sticker", "accepted", 9))
    ]
    lines = region_lines(result(regions=regions))
    assert [(line.title, line.mark, line.cells) for line in lines] == [
        ("sticker", "✓", ("93%",)),
        ("dirt", "✕", ("93%",)),
    ]
    assert lines[1].hint == "defect, at 10, 20 (30 × 40 pixels)"
    assert region_lines(result()) == ()


@pytest.mark.parametrize("color", [tuple(color) for color in OKABE_ITO.tolist()])
def test_ink_is_the_one_of_the_pictures(color):
    white = engine_ink_on(color) == (255, 255, 255)
    css = "#{:02x}{:02x}{:02x}".format(*color)
    assert tables.ink_on(css) == ("#ffffff" if white else "#000000")


def test_what_the_band_names_comes_first():
    shown = result(
        deviations=[deviation("size", 9.0), deviation("missing_here", 2.0, [1, 2, 3, 4])]
    )
    named = replace(shown, entry=replace(shown.entry, reason=shown.report["deviations"][1]["text"]))
    assert [line.title for line in finding_lines(named)] == [
        each["text"] for each in reversed(shown.report["deviations"])
    ]
    assert marked_findings(named)[0].letter == "A"


def test_only_what_was_taught_counts_as_recognised():
    regions = [{"verdict": "unknown"}]
    assert not has_recognised(result(regions=regions))
    assert has_recognised(result(regions=[*regions, {"verdict": "accepted"}]))


def test_a_report_without_deviations_has_no_lines():
    assert finding_lines(result()) == ()
    assert marked_findings(replace(result())) == ()
