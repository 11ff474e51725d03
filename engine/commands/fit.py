"""``partwise fit``: learn from references and say what has been learnt."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from engine.commands.files import check_writable, expand
from engine.commands.progress import progress
from engine.commands.summary import summary
from engine.config import read_config
from engine.inspector import Inspector
from features.image_files import read_image


def run(
    references: Sequence[Path],
    output: Path,
    *,
    config: str | None,
    profile: str | None,
    machine: dict[str, str],
    validation: Path | None,
    max_pixels: int,
) -> int:
    """Fit an inspector, write the model and say what it has learnt; returns the exit code."""
    settings = read_config(config, profile, machine)
    files = expand(references)
    extra = expand([validation]) if validation else []
    check_writable(output, inputs=files + extra)
    with progress() as tell:
        images = []
        for done, file in enumerate(files + extra, 1):
            tell("reading", done, len(files) + len(extra))
            images.append(read_image(file, max_pixels=max_pixels))
        inspector = Inspector(settings).fit(
            images[: len(files)],
            names=[file.name for file in files],
            validation=images[len(files) :],
            progress=tell,
        )
    inspector.save(output)
    click.echo(f"{output} written")
    click.echo(summary(inspector))
    return 0
