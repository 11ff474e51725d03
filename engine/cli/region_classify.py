"""``partwise region classify``: what is new in images, and what of it was taught.

Which files may be written about an image: for ``part.png`` there are

- ``part.classes.png``, an image of numbers with colours for people: 0 where nothing is new, 1 for
  unknown regions, from 2 on the classes;
- ``part.classes.json``, what the numbers mean;
- ``part.regions.png``, three panels to look at.

Inputs of several folders come into folders of the same names, below the one they have in common.
"""

from __future__ import annotations

import os
import sys
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import UInt8, UInt16
from PIL import Image as Pillow

from engine.atomic import OutputError, atomic_write, check_writable, write_text
from engine.cli.failures import BROKEN_IMAGE
from engine.cli.options import Place
from engine.cli.region_library import to_read
from engine.cli.score import Judged, Unjudged, find_images, judge, sound
from engine.cli.terminal import (
    is_terminal,
    line_text,
    reason,
    regions_text,
    say_json,
    say_judged,
    watched,
)
from engine.inspector import Inspector
from engine.regions.recogniser import Recogniser
from engine.regions.report import RegionReport
from engine.rendering.colors import EXTRA_COLOR, class_colors
from engine.rendering.region_panels import three_panels
from features.images import Image
from features.names import json_text, show_name

_NOTHING, _UNKNOWN, _FIRST_CLASS = 0, 1, 2
_NOTHING_COLOR = (255, 255, 255)


def classify_images(
    place: Place,
    images: Sequence[Path],
    *,
    is_jsonl: bool,
    output: Path | None,
    threshold: float | None,
    machine: dict[str, str],
    max_pixels: int,
) -> None:
    """Print one line an image, and write what is asked for."""
    inspector = Inspector.load(place.model, machine=machine)
    found = find_images(images)
    outputs = _plan(sound(found), output, model=place.model) if output else {}
    n_broken = 0
    with to_read(place) as library:
        recogniser = Recogniser(inspector, library)
        judged = judge(
            inspector, found, max_pixels=max_pixels, threshold=threshold, recogniser=recogniser
        )
        for each in judged if is_terminal() else watched(judged, len(found)):
            say_json(_facts(each)) if is_jsonl else say_judged(_line(each))
            n_broken += isinstance(each, Unjudged)
            if isinstance(each, Judged) and each.regions is not None and outputs:
                _write(outputs[each.path], each.image, each.regions)
    if n_broken:
        sys.exit(BROKEN_IMAGE)


def _facts(each: Judged | Unjudged) -> dict[str, Any]:
    """Return what JSON says of one image."""
    if isinstance(each, Unjudged):
        return {"path": each.path, "error": each.error}
    assert each.regions is not None
    return {"path": each.path, **each.regions.as_dict()}


def _line(each: Judged | Unjudged) -> str:
    """Write one line for people."""
    if isinstance(each, Unjudged):
        return line_text("error", "–", each.error)
    assert each.regions is not None
    words = regions_text(each.regions.regions) or reason(each.regions)
    total = f"{each.report.total:.3f}"
    return line_text(each.regions.verdict, total, show_name(each.path), words)


@dataclass(frozen=True)
class _Output:
    """Where the files about one image go."""

    classes: Path
    legend: Path
    panels: Path

    @classmethod
    def at(cls, stem: Path) -> _Output:
        """Append endings to a path without one."""
        endings = (".classes.png", ".classes.json", ".regions.png")
        return cls(*(stem.with_name(stem.name + ending) for ending in endings))

    @property
    def paths(self) -> tuple[Path, Path, Path]:
        """All of them."""
        return self.classes, self.legend, self.panels


def _plan(images: Iterable[Path], folder: Path, *, model: Path) -> dict[Path, _Output]:
    """Give the files to be written about each image, no two of which are the same.

    Raises:
        OutputError: A file would replace an input, or the folder cannot be written.
    """
    places = {image: Path(os.path.abspath(image)) for image in images}
    inputs = {*places.values(), Path(os.path.abspath(model))}
    outputs = {
        image: _Output.at(folder / stem)
        for image, stem in zip(places, _stems(list(places.values())), strict=True)
    }
    for path in (path for each in outputs.values() for path in each.paths):
        if Path(os.path.abspath(path)) in inputs:
            raise OutputError(f"cannot write {path}: it is one of the inputs; name another folder")
    if outputs:
        _make_folder(folder)
        check_writable(folder / "x.classes.json")
    return outputs


def _write(output: _Output, image: Image, report: RegionReport) -> None:
    """Write all files about one image, each whole or not at all.

    Raises:
        OutputError: One cannot be written.
    """
    _make_folder(output.classes.parent)
    with atomic_write(output.classes) as stream:
        _indexed(_class_mask(report), report).save(stream, format="PNG")
    write_text(output.legend, _one_entry_a_line(_legend(report)))
    with atomic_write(output.panels) as stream:
        Pillow.fromarray(three_panels(image, report)).save(stream, format="PNG")


def _one_entry_a_line(entries: list[dict[str, object]]) -> str:
    return "[\n  " + ",\n  ".join(map(json_text, entries)) + "\n]\n"


def _class_mask(report: RegionReport) -> UInt16[np.ndarray, "height width"]:
    """Number the pixels of the image file as the head of this module says, surest regions last."""
    mask = np.full(report.report.image_size, _NOTHING, dtype=np.uint16)
    for each in sorted(
        report.regions, key=lambda found: (found.class_index >= 0, found.confidence)
    ):
        left, top, right, bottom = each.region.box_xyxy
        number = _FIRST_CLASS + each.class_index if each.class_index >= 0 else _UNKNOWN
        mask[top:bottom, left:right][each.region.mask] = number
    return mask


def _legend(report: RegionReport) -> list[dict[str, object]]:
    """Say what each number of the mask means, and in which colour it is shown."""
    names = ("nothing new", "unknown", *report.class_names)
    kinds = ("normal", "unknown", *report.class_kinds)
    colors = _colors(report).tolist()
    return [
        {"value": value, "name": name, "verdict": kind, "color": color}
        for value, (name, kind, color) in enumerate(zip(names, kinds, colors, strict=True))
    ]


def _colors(report: RegionReport) -> UInt8[np.ndarray, "values 3"]:
    palette = class_colors(max(report.class_colors, default=-1) + 1)
    own = palette[list(report.class_colors)].reshape(-1, 3)
    first = np.array([_NOTHING_COLOR, EXTRA_COLOR], dtype=np.uint8)
    return np.concatenate([first, own])


def _indexed(mask: UInt16[np.ndarray, "height width"], report: RegionReport) -> Pillow.Image:
    """Make it an image with a palette; a palette has 256 entries, so that more stay numbers."""
    colors = _colors(report)
    if len(colors) > 256:
        return Pillow.fromarray(mask)
    picture = Pillow.fromarray(mask.astype(np.uint8))
    picture.putpalette(colors.tobytes())
    return picture


def _stems(places: list[Path]) -> list[Path]:
    """Name images by their place below their common folder, without suffix where that is clear."""
    if not places:
        return []
    common = Path(os.path.commonpath([place.parent for place in places]))
    stems = defaultdict(set)
    for place in places:
        stems[place.parent, place.stem.casefold()].add(place)
    unclear = {parent for (parent, _), sharing in stems.items() if len(sharing) > 1}
    return [
        place.parent.relative_to(common) / (place.name if place.parent in unclear else place.stem)
        for place in places
    ]


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except FileExistsError as error:
        raise OutputError(f"cannot write into {folder}: it is a file; name a folder") from error
    except OSError as error:
        raise OutputError(
            f"cannot write into {folder}: {error.strerror}; choose another folder"
        ) from error
