"""``partwise info``: what is in a model file?"""

from __future__ import annotations

import json
from pathlib import Path

import click

from engine.commands.summary import facts, summary
from engine.inspector import Inspector


def run(model: Path, *, is_json: bool = False) -> int:
    """Print what the model has learnt; returns the exit code."""
    inspector = Inspector.load(model, is_to_judge=False)
    click.echo(json.dumps(facts(inspector), indent=2) if is_json else summary(inspector))
    return 0
