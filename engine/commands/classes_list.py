"""``partwise classes list`` and ``history``: which classes has a model, and who edited them?"""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import click
import cv2
import numpy as np

from engine.atomic import atomic_write
from engine.commands.classes_words import class_lines, history_lines
from engine.commands.failures import Failure
from engine.commands.files import check_writable
from engine.editing import class_rows
from engine.editing.summary import overview
from engine.inspector import Inspector

PICTURES = (".png", ".jpg", ".jpeg")


def run(model: Path, *, is_json: bool = False, output: Path | None = None) -> int:
    """Print the classes, and draw the references with them; returns the exit code."""
    if output is not None:
        if output.suffix.lower() not in PICTURES:
            raise Failure(
                f"the picture must end in {', '.join(PICTURES)}, got {output.name}; rename it"
            )
        check_writable(output, inputs=[model])
    inspector = Inspector.load(model, is_to_judge=False)
    rows = class_rows(inspector)
    if is_json:
        references = list(inspector.fitted.names)
        told = {"references": references, "classes": [asdict(row) for row in rows]}
        click.echo(json.dumps(told, indent=2))
    else:
        numbered = (f"{index} {name}" for index, name in enumerate(inspector.fitted.names))
        click.echo(f"references: {', '.join(numbered)}")
        for line in class_lines(rows):
            click.echo(line)
    if output is not None:
        _, data = cv2.imencode(
            output.suffix.lower(), np.ascontiguousarray(overview(inspector)[..., ::-1])
        )
        with atomic_write(output) as stream:
            stream.write(data.tobytes())
    return 0


def run_history(model: Path, *, is_json: bool = False) -> int:
    """Print all edits; returns the exit code."""
    history = Inspector.load(model, is_to_judge=False).fitted.class_history
    if is_json:
        keys = ("number", "text", "author", "at", "is_undone", "undone_by")
        told = [{key: getattr(each, key) for key in keys} for each in history]
        click.echo(json.dumps(told, indent=2))
        return 0
    for line in history_lines(history):
        click.echo(line)
    if not history:
        click.echo("no class has been edited since the model was fitted")
    return 0
