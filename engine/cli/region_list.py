"""``partwise region list``: classes, examples, lessons, as text or page."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from engine.atomic import check_writable, write_text
from engine.cli.options import Place
from engine.cli.region_library import to_read
from engine.cli.terminal import box_text, is_taken_by, moment, say, say_json, say_table
from engine.library import Example, Lesson, Library, RegionClass
from engine.rendering.colors import class_colors
from engine.rendering.html_report import render
from engine.rendering.overlays import jpeg_data_uri

# ids of examples on a line; `--json` has all
_N_SHOWN = 8


def show_library(place: Place, *, is_history: bool, is_json: bool, html_path: Path | None) -> None:
    """Print classes or lessons, and write the page."""
    if html_path:
        check_writable(html_path, inputs=[place.model])
    with to_read(place) as library:
        if html_path:
            write_text(html_path, _page(library, place))
        if is_taken_by(html_path):
            return
        if is_history:
            _print_history(library.lessons(), is_json=is_json)
        elif is_json:
            say_json(list(_facts(library)), indent=2)
        else:
            _print_classes(library, place)


def _print_classes(library: Library, place: Place) -> None:
    classes = library.classes()
    if not classes:
        say(f"nothing has been taught yet; name a region with: {_first_lesson(place)}")
        return
    ids = defaultdict(list)
    for example_id, class_id in library.example_classes().items():
        ids[class_id].append(example_id)
    titles = ("class", "kind", "examples", "their ids", "since", "by")
    rows = [
        (
            each.name,
            each.kind,
            str(each.n_examples),
            _shortened(sorted(ids[each.id])),
            moment(each.created_at),
            each.created_by,
        )
        for each in classes
    ]
    say_table(titles, rows)


def _first_lesson(place: Place) -> str:
    return place.call("teach", "IMAGE", "--box", "X0,Y0,X1,Y1", "--class", "NAME")


def _print_history(lessons: Sequence[Lesson], *, is_json: bool) -> None:
    if is_json:
        say_json([asdict(each) for each in lessons], indent=2)
        return
    if not lessons:
        say("no lesson has been given yet")
        return
    titles = ("lesson", "what", "when", "by", "undone")
    rows = [
        (str(each.id), each.text, moment(each.at), each.author, _undoing(each)) for each in lessons
    ]
    say_table(titles, rows)


def _undoing(lesson: Lesson) -> str:
    if not lesson.is_undone:
        return ""
    last = lesson.reversals[-1]
    return f"{moment(last.at)} by {last.author}"


def _shortened(ids: Sequence[int]) -> str:
    shown = " ".join(map(str, ids[-_N_SHOWN:]))
    return shown if len(ids) <= _N_SHOWN else f"… {shown}"


def _facts(library: Library) -> Iterator[dict[str, Any]]:
    """Give what JSON says of each class."""
    for each in library.classes():
        examples = library.examples(each.name, with_features=False)
        yield asdict(each) | {
            "created_at": each.created_at.isoformat(),
            "examples": [_example_facts(example) for example in examples],
        }


def _example_facts(example: Example) -> dict[str, Any]:
    return {
        "id": example.id,
        "image_name": example.image_name,
        "image_sha256": example.image_sha256,
        "box_xyxy": list(example.region.box_xyxy),
        "area_px": example.region.area_px,
        "verdict": example.verdict,
        "note": example.note,
        "author": example.author,
        "taught_at": example.taught_at.isoformat(),
    }


def _page(library: Library, place: Place) -> str:
    return render(
        "region_classes.html.j2",
        {"moment": moment, "at": box_text},
        place=place.shown,
        classes=[_shown(library, each) for each in library.classes()],
    )


def _shown(library: Library, known: RegionClass) -> dict[str, Any]:
    """Gather what the page shows of one class; pictures of others are not in memory then."""
    color = class_colors(known.color + 1)[-1].tolist()
    return {
        "record": known,
        "color": f"rgb({', '.join(map(str, color))})",
        "examples": [
            {"record": each, "uri": jpeg_data_uri(each.thumbnail)}
            for each in library.examples(known.name, with_features=False)
        ],
    }
