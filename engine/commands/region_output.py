"""Which files does ``partwise region classify`` write about an image?

For ``part.png`` there are

- ``part.classes.png``, an image of numbers with colours for people: 0 where nothing is new, 1 for
  unknown regions, from 2 on the classes;
- ``part.classes.json``, what the numbers mean;
- ``part.regions.png``, three panels to look at.

Inputs of several folders come into folders of the same names, below the one they have in common.
"""

from __future__ import annotations

import json
import os
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import UInt8, UInt16
from PIL import Image

from engine.atomic import OutputError, atomic_write
from engine.commands.files import check_writable, write_text
from engine.regions.report import RegionReport
from engine.rendering.colors import EXTRA_COLOR, class_colors

NOTHING, UNKNOWN, FIRST_CLASS = 0, 1, 2
_NOTHING_COLOR = (255, 255, 255)


@dataclass(frozen=True)
class Output:
    """Where the files about one image go."""

    classes: Path
    legend: Path
    panels: Path

    @classmethod
    def at(cls, stem: Path) -> Output:
        """Append endings to a path without one."""
        endings = (".classes.png", ".classes.json", ".regions.png")
        return cls(*(stem.with_name(stem.name + ending) for ending in endings))

    @property
    def paths(self) -> tuple[Path, Path, Path]:
        """All of them."""
        return self.classes, self.legend, self.panels


def plan(images: Iterable[Path], folder: Path, *, model: Path) -> dict[Path, Output]:
    """Give the files to be written about each image, no two of which are the same.

    Raises:
        OutputError: A file would replace an input, or the folder cannot be written.
    """
    places = {image: Path(os.path.abspath(image)) for image in images}
    inputs = {*places.values(), Path(os.path.abspath(model))}
    outputs = {
        image: Output.at(folder / stem)
        for image, stem in zip(places, _stems(list(places.values())), strict=True)
    }
    for path in (path for each in outputs.values() for path in each.paths):
        if Path(os.path.abspath(path)) in inputs:
            raise OutputError(f"cannot write {path}: it is one of the inputs; name another folder")
    if outputs:
        _make_folder(folder)
        check_writable(folder / "x.classes.json")
    return outputs


def write(output: Output, image: UInt8[np.ndarray, "height width 3"], report: RegionReport) -> None:
    """Write all files about one image, each whole or not at all.

    Raises:
        OutputError: One cannot be written.
    """
    from engine.rendering.region_panels import three_panels

    _make_folder(output.classes.parent)
    with atomic_write(output.classes) as stream:
        _indexed(class_mask(report), report).save(stream, format="PNG")
    write_text(output.legend, _one_entry_a_line(legend(report)))
    with atomic_write(output.panels) as stream:
        Image.fromarray(three_panels(image, report)).save(stream, format="PNG")


def _one_entry_a_line(entries: list[dict[str, object]]) -> str:
    return "[\n  " + ",\n  ".join(map(json.dumps, entries)) + "\n]\n"


def class_mask(report: RegionReport) -> UInt16[np.ndarray, "height width"]:
    """Number the pixels of the image file as the head of this module says, surest regions last."""
    mask = np.full(report.report.image_size, NOTHING, dtype=np.uint16)
    for each in sorted(
        report.regions, key=lambda found: (found.class_index >= 0, found.confidence)
    ):
        left, top, right, bottom = each.region.box_xyxy
        number = FIRST_CLASS + each.class_index if each.class_index >= 0 else UNKNOWN
        mask[top:bottom, left:right][each.region.mask] = number
    return mask


def legend(report: RegionReport) -> list[dict[str, object]]:
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


def _indexed(mask: UInt16[np.ndarray, "height width"], report: RegionReport) -> Image.Image:
    """Make it an image with a palette; a palette has 256 entries, so that more stay numbers."""
    colors = _colors(report)
    if len(colors) > 256:
        return Image.fromarray(mask)
    picture = Image.fromarray(mask.astype(np.uint8))
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
