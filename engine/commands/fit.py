"""``partwise fit``: learn from references and say what has been learnt."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from engine.commands.files import check_writable, expand
from engine.commands.progress import progress
from engine.commands.summary import summary
from engine.config import Config, from_dict, load, to_dict
from engine.inspector import Inspector
from features.files import read_image


def run(
    references: Sequence[Path],
    output: Path,
    *,
    config: str | None,
    profile: str | None,
    validation: Path | None,
    max_pixels: int,
) -> int:
    """Fit an inspector, write the model and say what it has learnt; returns the exit code."""
    settings = read_config(config, profile)
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


def read_config(name_or_path: str | None, profile: str | None = None) -> Config:
    """Read a preset or file, the defaults without one; ``profile`` overrides what it says.

    Raises:
        ConfigError: The file cannot be read or has problems, or there is no such profile.
    """
    config = load(name_or_path) if name_or_path else Config()
    if profile is None:
        return config
    return from_dict(to_dict(config) | {"profile": profile}, source="--profile")
