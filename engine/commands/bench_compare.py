"""``partwise bench-compare``: what changed from one benchmark to another?"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

from engine.benchmark.comparison import compare
from engine.benchmark.results import read_result
from engine.benchmark.text_report import comparison_text


def run(
    old: Path,
    new: Path | None,
    *,
    categories: tuple[str, ...],
    shots: tuple[int, int] | None,
    seeds: tuple[int, int] | None,
    is_json: bool,
) -> int:
    """Print differences and changed verdicts; returns the exit code."""
    sides = [
        [each for each in read_result(path).runs if not categories or each.category in categories]
        for path in (old, new or old)
    ]
    comparison = compare(*sides, shots=shots, seeds=seeds)
    if is_json:
        click.echo(json.dumps(comparison.as_dict(), ensure_ascii=False, allow_nan=False))
    else:
        click.echo(comparison_text(comparison, is_colored=sys.stdout.isatty()), nl=False)
    return 0
