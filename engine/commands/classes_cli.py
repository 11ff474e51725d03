"""How is ``partwise classes`` called?"""

from __future__ import annotations

import sys
from typing import Any

import click

from engine.commands import arguments
from engine.commands.arguments import Command
from engine.commands.failures import one_line_errors

LEARN = "learn"

one = click.argument("which", metavar="CLASS")
as_json = click.option("--json", "is_json", is_flag=True, help="Print JSON.")


def edits(command: Command) -> Command:
    """Declare what all commands that edit share."""
    for option in (
        click.option("--author", metavar="NAME", help="Who says so.  [default: user@computer]"),
        as_json,
        click.option("--dry-run", "is_trial", is_flag=True, help="Show the effect, save nothing."),
    ):
        command = option(command)
    return command


@click.group()
def classes() -> None:
    """Edit the classes of parts that a model has found.

    CLASS is a number or a name, as `partwise classes list` shows them. Each edit prints what it
    does to the totals of the references, judged by each other, and to the threshold. Any edit can
    be undone, and redone.
    """


@classes.command("list")
@arguments.model
@as_json
@arguments.writes(
    "-o", "--output", metavar="PICTURE", help="Draw the references with their classes (PNG, JPEG)."
)
@one_line_errors()
def list_classes(**given: Any) -> None:
    """List classes: counts on each reference, what is accepted, their share of the area."""
    from engine.commands.classes_list import run

    sys.exit(run(**given))


@classes.command()
@arguments.model
@one
@click.argument("name")
@edits
@one_line_errors()
def rename(which: str, name: str, **given: Any) -> None:
    """Call CLASS by the name NAME."""
    from engine.commands.classes_edit import found, run
    from engine.editing import Rename

    sys.exit(run(lambda inspector: Rename(found(inspector, which), name), **given))


@classes.command()
@arguments.model
@click.argument("which", nargs=-1, required=True, metavar="CLASS CLASS...")
@click.option("--name", metavar="NAME", help="What to call them; the first one's name by default.")
@edits
@one_line_errors()
def merge(which: tuple[str, ...], name: str | None, **given: Any) -> None:
    """Make several classes one; the first keeps its number."""
    from engine.commands.classes_edit import found, run
    from engine.editing import Merge

    def edit(inspector: Any) -> Merge:
        return Merge(tuple(found(inspector, each) for each in which), name)

    sys.exit(run(edit, **given))


@classes.command()
@arguments.model
@one
@click.option("-n", type=click.IntRange(2), default=2, show_default=True, help="Into how many.")
@edits
@one_line_errors()
def split(which: str, n: int, **given: Any) -> None:
    """Divide CLASS by the looks of its parts: colour, size, elongation."""
    from engine.commands.classes_edit import found, run
    from engine.editing import Split

    sys.exit(run(lambda inspector: Split(found(inspector, which), n), **given))


@classes.command()
@arguments.model
@one
@click.option("--off", "is_off", is_flag=True, help="Take it for things again.")
@edits
@one_line_errors()
def ignore(which: str, is_off: bool, **given: Any) -> None:
    """Take CLASS for background, which is not counted."""
    from engine.commands.classes_edit import found, run
    from engine.editing import Ignore

    sys.exit(run(lambda inspector: Ignore(found(inspector, which), not is_off), **given))


@classes.command()
@arguments.model
@one
@click.argument("tolerance", metavar="N|learn")
@edits
@one_line_errors()
def count(which: str, tolerance: str, **given: Any) -> None:
    """Accept counts of CLASS up to N beyond those of the references, and no others.

    With 0 the count must be one that the references show. `learn` takes the rule away again.
    """
    from engine.commands.classes_edit import found, run
    from engine.editing import Count

    if tolerance != LEARN and not tolerance.isdecimal():
        raise click.UsageError(f"expected a whole number from 0 on or {LEARN!r}, got {tolerance!r}")
    allowed = None if tolerance == LEARN else int(tolerance)
    sys.exit(run(lambda inspector: Count(found(inspector, which), allowed), **given))


@classes.command()
@arguments.model
@click.option(
    "--reference", required=True, metavar="N|NAME", help="Which reference; `list` numbers them."
)
@click.option("--name", required=True, metavar="NAME", help="What to call it.")
@click.option("--click", "click_xy", metavar="X,Y", help="A place on the thing.")
@click.option("--box", metavar="X0,Y0,X1,Y1", help="Outline the thing in this box, in pixels.")
@click.option("--polygon", metavar='"X,Y X,Y X,Y"', help="Outline by corners, in pixels.")
@click.option("--mask", type=arguments.FILE, metavar="PNG", help="Outline by a mask of its size.")
@click.option("--exact", "is_exact", is_flag=True, help="All pixels of the box are meant.")
@edits
@one_line_errors()
def add(**given: Any) -> None:
    """Add a class of parts by outlining one of them on a reference.

    It is then looked for on all references and images. Use the name of a class that was added
    before to outline more of it. Coordinates are pixels of the reference as the model keeps it:
    upright and in working size, as `partwise classes list -o PICTURE` shows it with its axes.
    """
    from engine.commands.classes_add import outlined
    from engine.commands.classes_edit import run

    ways = ("click_xy", "box", "polygon", "mask")
    outlines = {way: value for way in ways if (value := given.pop(way)) is not None}
    if len(outlines) != 1:
        raise click.UsageError("outline the thing by one of --click, --box, --polygon and --mask")
    edit = outlined(
        *outlines.popitem(), given.pop("reference"), given.pop("name"), given.pop("is_exact")
    )
    sys.exit(run(edit, **given))


@classes.command()
@arguments.model
@one
@edits
@one_line_errors()
def remove(which: str, **given: Any) -> None:
    """Let CLASS be no more; its parts go to the classes that they resemble next."""
    from engine.commands.classes_edit import found, run
    from engine.editing import Remove

    sys.exit(run(lambda inspector: Remove(found(inspector, which)), **given))


@classes.command()
@arguments.model
@edits
@one_line_errors()
def undo(**given: Any) -> None:
    """Undo the last edit that counts."""
    from engine.commands.classes_edit import run

    sys.exit(run(lambda inspector: "undo", **given))


@classes.command()
@arguments.model
@edits
@one_line_errors()
def redo(**given: Any) -> None:
    """Redo the edit undone last."""
    from engine.commands.classes_edit import run

    sys.exit(run(lambda inspector: "redo", **given))


@classes.command()
@arguments.model
@as_json
@one_line_errors()
def history(**given: Any) -> None:
    """List all edits, the undone ones too: what, who and when."""
    from engine.commands.classes_list import run_history

    sys.exit(run_history(**given))
