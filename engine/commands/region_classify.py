"""``partwise region classify``: what is new in images, and what of it was taught?"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import click

from engine.commands.failures import BROKEN_IMAGE
from engine.commands.judging import Judged, Unjudged, find_images, judge, sound
from engine.commands.progress import progress
from engine.commands.region_library import Place, to_read
from engine.commands.region_output import Output, plan, write
from engine.commands.region_words import each_in_words
from engine.commands.score import line_text, reason
from engine.inspector import Inspector
from engine.regions.recogniser import Recogniser


def run(
    place: Place,
    images: Sequence[Path],
    *,
    is_jsonl: bool = False,
    output: Path | None = None,
    threshold: float | None = None,
    machine: dict[str, str] | None = None,
    max_pixels: int,
) -> int:
    """Print one line an image, and write what is asked for; returns the exit code."""
    inspector = Inspector.load(place.model, machine=machine)
    found = find_images(images)
    outputs = plan(sound(found), output, model=place.model) if output else {}
    n_broken = 0
    with to_read(place) as library:
        recogniser = Recogniser(inspector, library)
        judged = judge(
            inspector, found, max_pixels=max_pixels, threshold=threshold, recogniser=recogniser
        )
        for each in judged if sys.stdout.isatty() else _watched(judged, len(found)):
            click.echo(_line(each, is_jsonl=is_jsonl))
            n_broken += isinstance(each, Unjudged)
            _write(each, outputs)
    return BROKEN_IMAGE if n_broken else 0


def _watched(judged: Iterator[Judged | Unjudged], n_images: int) -> Iterator[Judged | Unjudged]:
    """Tell how far it is where the lines do not show it."""
    with progress() as tell:
        for n_done, each in enumerate(judged, 1):
            tell("judging", n_done, n_images)
            yield each


def _line(each: Judged | Unjudged, *, is_jsonl: bool) -> str:
    path = str(each.path)
    if isinstance(each, Unjudged):
        facts = {"path": path, "error": each.error}
        return json.dumps(facts) if is_jsonl else line_text("error", "–", each.error)
    assert each.regions is not None
    if is_jsonl:
        return json.dumps({"path": path, **each.regions.as_dict()}, allow_nan=False)
    words = each_in_words(each.regions.regions) or reason(each.regions)
    return line_text(each.regions.verdict, f"{each.report.total:.3f}", path, words)


def _write(each: Judged | Unjudged, outputs: dict[Path, Output]) -> None:
    if isinstance(each, Judged) and each.regions is not None and outputs:
        write(outputs[each.path], each.image, each.regions)
