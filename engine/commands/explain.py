"""``partwise explain``: why each image was judged as it was, on one page."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from engine.commands.failures import BROKEN_IMAGE
from engine.commands.files import check_writable, write_text
from engine.commands.judging import Judged, Unjudged, find_images, judge, sound
from engine.commands.progress import progress
from engine.explain import explain_page
from engine.inspector import Inspector
from features.pixels import resize

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
) -> int:
    """Judge images and write the page about all that can be; returns the exit code."""
    inspector = Inspector.load(model, machine=machine)
    found = find_images(images)
    check_writable(output, inputs=[model, *sound(found)])
    judged: list[Judged] = []
    with progress() as tell:
        for n_done, each in enumerate(
            judge(inspector, found, max_pixels=max_pixels, threshold=threshold), 1
        ):
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
    """Shrink the photograph to what the page needs of it, so that many fit into memory."""
    height, width = judged.image.shape[:2]
    factor = _KEPT_SIDE_PX / max(height, width)
    if factor >= 1:
        return judged
    size = max(1, round(height * factor)), max(1, round(width * factor))
    return Judged(judged.path, resize(judged.image, size), judged.report)


def write_page(output: Path, inspector: Inspector, judged: Sequence[Judged]) -> None:
    """Write the page about these images.

    Raises:
        OutputError: The file cannot be written.
    """
    items = [(str(each.path), each.image, each.report) for each in judged]
    write_text(output, explain_page(items, inspector.references_, inspector.class_names_))
