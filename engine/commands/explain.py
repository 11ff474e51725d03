"""``partwise explain``: why each image was judged as it was, on one page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click
import numpy as np

from engine.commands.failures import BROKEN_IMAGE
from engine.commands.files import check_writable, write_text
from engine.commands.judging import Judged, Unjudged, find_images, judge, sound
from engine.commands.progress import progress
from engine.commands.recognising import recogniser_at
from engine.inspector import Inspector
from engine.regions.report import RegionReport
from engine.rendering.html_report import explain_page
from features.images import resize

if TYPE_CHECKING:
    from engine.commands.region_library import Place

# sharper than the page shows anything, and a thousand images of it fit into memory
_KEPT_SIDE_PX = 1280


def run(
    model: Path,
    images: Sequence[Path],
    output: Path,
    *,
    threshold: float | None,
    machine: dict[str, str],
    max_pixels: int,
    place: Place | None = None,
) -> int:
    """Judge images and write the page about all that can be; returns the exit code.

    With the place of a library, what was taught counts, too.
    """
    inspector = Inspector.load(model, machine=machine)
    found = find_images(images)
    check_writable(output, inputs=[model, *sound(found)])
    judged: list[Judged] = []
    with progress() as tell, recogniser_at(place, inspector) as recogniser:
        each_judged = judge(
            inspector, found, max_pixels=max_pixels, threshold=threshold, recogniser=recogniser
        )
        for n_done, each in enumerate(each_judged, 1):
            tell("judging", n_done, len(found))
            if isinstance(each, Unjudged):
                click.echo(f"Error: {each.error}", err=True)
            else:
                judged.append(small(each))
    if judged:
        write_page(output, inspector, judged)
        click.echo(f"{output}: {len(judged)} of {len(found)} images explained")
    return BROKEN_IMAGE if len(judged) < len(found) else 0


def small(judged: Judged) -> Judged:
    """Shrink photograph and maps to what the page needs of them, so that many fit into memory."""
    regions = _slim(judged.regions) if judged.regions else None
    height, width = judged.image.shape[:2]
    factor = _KEPT_SIDE_PX / max(height, width)
    if factor >= 1:
        return replace(judged, regions=regions)
    size = max(1, round(height * factor)), max(1, round(width * factor))
    return replace(judged, image=resize(judged.image, size), regions=regions)


def _slim(regions: RegionReport) -> RegionReport:
    """Keep the maps in as few bytes as the page needs of them."""
    return replace(
        regions,
        class_map=regions.class_map.astype(np.int16),
        error_map=regions.error_map.astype(np.float16),
    )


def write_page(output: Path, inspector: Inspector, judged: Sequence[Judged]) -> None:
    """Write the page about these images.

    Raises:
        OutputError: The file cannot be written.
    """
    items = [(str(each.path), each.image, each.report) for each in judged]
    regions = [each.regions for each in judged]
    page = explain_page(items, inspector.fitted.references, inspector.fitted.class_names, regions)
    write_text(output, page)
