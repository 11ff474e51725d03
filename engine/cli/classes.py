"""``partwise classes``: commands that list and edit the classes of a model."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from engine.cli import options
from engine.cli.failures import one_line_errors
from engine.cli.options import Command

if TYPE_CHECKING:
    from engine.cli.classes_edit import Choice
    from engine.editing import Edit
    from engine.inspector import Inspector

_LEARN = "learn"

_class = click.argument("which", metavar="CLASS")


@dataclass(frozen=True)
class _Editing:
    """Which model is edited by whom, and what becomes of the edit."""

    model: Path
    author: str | None
    is_json: bool
    is_trial: bool

    def choose(self, choice: Choice) -> None:
        """Do what is chosen once the model is known."""
        from engine.cli.classes_edit import edit_model

        edit_model(
            self.model, choice, author=self.author, is_json=self.is_json, is_trial=self.is_trial
        )

    def edit(self, which: str, make: Callable[[int], Edit]) -> None:
        """Make an edit of the class that a person means by its number or name."""
        from engine.editing import find_class

        self.choose(lambda inspector: make(find_class(inspector, which)))


def _edits(command: Command) -> Command:
    """Declare what all commands that edit share; they get it as ``editing``."""

    @click.option("--dry-run", "is_trial", is_flag=True, help="Show the effect, save nothing.")
    @options.as_json
    @options.author
    @wraps(command)
    def packed(
        *, model: Path, author: str | None, is_json: bool, is_trial: bool, **others: Any
    ) -> None:
        command(editing=_Editing(model, author, is_json, is_trial), **others)

    return packed


@click.group()
def classes() -> None:
    """Edit the classes of parts that a model has found.

    CLASS is a number or a name, as `partwise classes list` shows them. Each edit prints what it
    does to the totals of the references, judged by each other, and to the threshold. Any edit can
    be undone, and redone.
    """


@classes.command("list")
@options.model
@options.as_json
@options.writes(
    "-o", "--output", metavar="PICTURE", help="Draw the references with their classes (PNG, JPEG)."
)
@one_line_errors()
def list_classes(model: Path, *, is_json: bool, output: Path | None) -> None:
    """List classes: counts on each reference, what is accepted, their share of the area."""
    from engine.cli.classes_edit import show_classes

    show_classes(model, is_json=is_json, output=output)


@classes.command()
@options.model
@_class
@click.argument("name")
@_edits
@one_line_errors()
def rename(which: str, name: str, *, editing: _Editing) -> None:
    """Call CLASS by the name NAME."""
    from engine.editing import Rename

    editing.edit(which, lambda index: Rename(index, name))


@classes.command()
@options.model
@click.argument("which", nargs=-1, required=True, metavar="CLASS CLASS...")
@click.option("--name", metavar="NAME", help="What to call them; the first one's name by default.")
@_edits
@one_line_errors()
def merge(which: tuple[str, ...], name: str | None, *, editing: _Editing) -> None:
    """Make several classes one; the first keeps its number."""
    from engine.editing import Merge, find_class

    def choose(inspector: Inspector) -> Merge:
        return Merge(tuple(find_class(inspector, each) for each in which), name)

    editing.choose(choose)


@classes.command()
@options.model
@_class
@click.option("-n", type=click.IntRange(2), default=2, show_default=True, help="Into how many.")
@_edits
@one_line_errors()
def split(which: str, n: int, *, editing: _Editing) -> None:
    """Divide CLASS by the looks of its parts: colour, size, elongation."""
    from engine.editing import Split

    editing.edit(which, lambda index: Split(index, n))


@classes.command()
@options.model
@_class
@click.option("--off", "is_off", is_flag=True, help="Take it for things again.")
@_edits
@one_line_errors()
def ignore(which: str, is_off: bool, *, editing: _Editing) -> None:
    """Take CLASS for background, which is not counted."""
    from engine.editing import Ignore

    editing.edit(which, lambda index: Ignore(index, not is_off))


@classes.command()
@options.model
@_class
@click.argument("tolerance", metavar="N|learn")
@_edits
@one_line_errors()
def count(which: str, tolerance: str, *, editing: _Editing) -> None:
    """Accept counts of CLASS up to N beyond those of the references, and no others.

    With 0 the count must be one that the references show. `learn` takes the rule away again.
    """
    from engine.editing import Count

    if tolerance != _LEARN and not tolerance.isdecimal():
        expected = f"expected a whole number from 0 on or {_LEARN!r}"
        raise click.UsageError(f"{expected}, got {tolerance!r}")
    allowed = None if tolerance == _LEARN else int(tolerance)
    editing.edit(which, lambda index: Count(index, allowed))


@classes.command()
@options.model
@click.option(
    "--reference", required=True, metavar="N|NAME", help="Which reference; `list` numbers them."
)
@click.option("--name", required=True, metavar="NAME", help="What to call it.")
@click.option("--click", "click_xy", metavar="X,Y", help="A place on the thing.")
@click.option("--box", metavar="X0,Y0,X1,Y1", help="Outline the thing in this box, in pixels.")
@click.option("--polygon", metavar='"X,Y X,Y X,Y"', help="Outline by corners, in pixels.")
@click.option("--mask", type=options.FILE, metavar="PNG", help="Outline by a mask of its size.")
@click.option("--exact", "is_exact", is_flag=True, help="All pixels of the box are meant.")
@_edits
@one_line_errors()
def add(
    *,
    reference: str,
    name: str,
    click_xy: str | None,
    box: str | None,
    polygon: str | None,
    mask: Path | None,
    is_exact: bool,
    editing: _Editing,
) -> None:
    """Add a class of parts by outlining one of them on a reference.

    It is then looked for on all references and images. Use the name of a class that was added
    before to outline more of it. Coordinates are pixels of the reference as the model keeps it:
    upright and in working size, as `partwise classes list -o PICTURE` shows it with its axes.
    """
    from engine.cli.classes_edit import outlined_class

    ways = {"click": click_xy, "box": box, "polygon": polygon, "mask": mask}
    outlines = [(way, outline) for way, outline in ways.items() if outline is not None]
    if len(outlines) != 1:
        raise click.UsageError("outline the thing by one of --click, --box, --polygon and --mask")
    editing.choose(outlined_class(*outlines[0], reference, name, is_exact=is_exact))


@classes.command()
@options.model
@_class
@_edits
@one_line_errors()
def remove(which: str, *, editing: _Editing) -> None:
    """Let CLASS be no more; its parts go to the classes that they resemble next."""
    from engine.editing import Remove

    editing.edit(which, Remove)


@classes.command()
@options.model
@_edits
@one_line_errors()
def undo(*, editing: _Editing) -> None:
    """Undo the last edit that counts."""
    editing.choose(lambda inspector: "undo")


@classes.command()
@options.model
@_edits
@one_line_errors()
def redo(*, editing: _Editing) -> None:
    """Redo the edit undone last."""
    editing.choose(lambda inspector: "redo")


@classes.command()
@options.model
@options.as_json
@one_line_errors()
def history(model: Path, *, is_json: bool) -> None:
    """List all edits, the undone ones too: what, who and when."""
    from engine.cli.classes_edit import show_history

    show_history(model, is_json=is_json)
