"""How is ``partwise bench-compare`` called?"""

from __future__ import annotations

import sys
from typing import Any

import click

from engine.commands import arguments
from engine.commands.failures import one_line_errors


def _two(ctx: click.Context, param: click.Parameter, value: str | None) -> tuple[int, ...] | None:
    if value is None:
        return None
    found = arguments.numbers(0)(ctx, param, value)
    if len(found) != 2:
        raise click.BadParameter(f"expected two numbers, OLD,NEW, got {value!r}")
    return found


@click.command("bench-compare")
@click.argument("old", type=arguments.FILE, metavar="OLD.json")
@click.argument("new", type=arguments.FILE, metavar="[NEW.json]", required=False)
@click.option(
    "--category", "categories", multiple=True, metavar="NAME", help="Only this one; repeatable."
)
@click.option(
    "--shots", callback=_two, metavar="OLD,NEW", help="Pair runs with other numbers of references."
)
@click.option("--seeds", callback=_two, metavar="OLD,NEW", help="Pair runs with other seeds.")
@click.option("--json", "is_json", is_flag=True, help="Print JSON.")
@one_line_errors()
def bench_compare(**given: Any) -> None:
    """Say what changed between two benchmarks.

    Both are files that `partwise bench --json` wrote. Runs of the same category, number of
    references and seed are paired; their figures are compared on the images that both judged, and
    images with another verdict are listed. Without NEW.json, runs within OLD.json are compared:
    add --shots 1,4, or --seeds.
    """
    from engine.commands.bench_compare import run

    sys.exit(run(**given))
