"""How is ``partwise region`` called?"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Literal

import click

from engine.commands import arguments
from engine.commands.failures import one_line_errors

if TYPE_CHECKING:
    from engine.commands.region_library import Place

ENVIRONMENT = """\b
Environment:
  PARTWISE_LIBRARY  the library where --library is not given
"""

image = click.argument("image", type=arguments.FILE, metavar="IMAGE")
images = click.argument(
    "images", type=arguments.FILE, nargs=-1, required=True, metavar="IMAGE_OR_FOLDER..."
)
lesson = click.argument("lesson_id", type=int, required=False, metavar="[LESSON]")
author = click.option("--author", metavar="NAME", help="Who says so.  [default: user@computer]")
as_json = click.option("--json", "is_json", is_flag=True, help="Print JSON.")


@click.group(epilog=ENVIRONMENT)
def region() -> None:
    """Name regions once, and have them recognised.

    What is taught is kept in a library, a database beside the model unless --library names another.
    """


@region.command(epilog=ENVIRONMENT)
@arguments.model
@image
@click.option("--mask", type=arguments.FILE, metavar="PNG", help="Outline by a mask of its size.")
@click.option("--box", metavar="X0,Y0,X1,Y1", help="Outline the thing in this box, in pixels.")
@click.option("--polygon", metavar='"X,Y X,Y X,Y"', help="Outline by corners, in pixels.")
@click.option("--class", "class_name", required=True, metavar="NAME", help="What to call it.")
@click.option("--accepted", "is_accepted", is_flag=True, help="It is no defect.")
@click.option("--defect", "is_defect", is_flag=True, help="It is a defect.")
@arguments.library
@click.option("--note", default="", metavar="TEXT", help="Kept with the example.")
@author
@click.option("--exact", "is_exact", is_flag=True, help="All pixels of the box are meant.")
@click.option("--force", "is_forced", is_flag=True, help="Teach a look that another class has.")
@arguments.machine
@arguments.max_pixels
@one_line_errors()
def teach(**given: Any) -> None:
    """Outline a thing in IMAGE and give it a name.

    A new class is accepted or a defect; a terminal asks for what is not said. Prints what was
    learnt, how to undo it, and what it changes for this image.
    """
    from engine.commands.region_teach import run
    from engine.commands.settings import take_machine

    outline = _only_one(given, "mask", "box", "polygon")
    machine = take_machine(given)
    sys.exit(run(_placed(given), outline=outline, kind=_kind(given), machine=machine, **given))


@region.command("list", epilog=ENVIRONMENT)
@arguments.model
@arguments.library
@click.option("--lessons", "is_history", is_flag=True, help="List what was taught and undone.")
@as_json
@arguments.writes("--html", "html_path", help="Write a page with a picture of every example.")
@one_line_errors()
def list_classes(**given: Any) -> None:
    """List what was taught: classes, their examples, who and when."""
    from engine.commands.region_list import run

    sys.exit(run(_placed(given), **given))


@region.command(epilog=ENVIRONMENT)
@arguments.model
@click.argument("class_name", required=False, metavar="[NAME]")
@click.option("--example", "example_id", type=int, metavar="ID", help="Only this example.")
@arguments.library
@author
@one_line_errors()
def forget(**given: Any) -> None:
    """Forget the class NAME, or one example; can be undone."""
    from engine.commands.region_lessons import run

    class_name, example_id = given.pop("class_name"), given.pop("example_id")
    if (class_name is None) == (example_id is None):
        raise click.UsageError("name either a class or, with --example, one example")
    if example_id is None:
        sys.exit(run(_placed(given), lambda library: library.forget(class_name), **given))
    sys.exit(run(_placed(given), lambda library: library.forget_example(example_id), **given))


@region.command(epilog=ENVIRONMENT)
@arguments.model
@click.argument("old")
@click.argument("new")
@arguments.library
@author
@one_line_errors()
def rename(old: str, new: str, **given: Any) -> None:
    """Call the class OLD by the name NEW; can be undone."""
    from engine.commands.region_lessons import run

    sys.exit(run(_placed(given), lambda library: library.rename(old, new), **given))


@region.command("kind", epilog=ENVIRONMENT)
@arguments.model
@click.argument("class_name", metavar="NAME")
@click.option("--accepted", "is_accepted", is_flag=True, help="It is no defect.")
@click.option("--defect", "is_defect", is_flag=True, help="It is a defect.")
@arguments.library
@author
@one_line_errors()
def change_kind(class_name: str, **given: Any) -> None:
    """Call the class NAME accepted, or a defect; can be undone."""
    from engine.commands.region_lessons import run

    kind = _kind(given)
    if kind is None:
        raise click.UsageError("say --accepted or --defect")
    sys.exit(run(_placed(given), lambda library: library.change_kind(class_name, kind), **given))


@region.command(epilog=ENVIRONMENT)
@arguments.model
@lesson
@arguments.library
@author
@one_line_errors()
def undo(lesson_id: int | None, **given: Any) -> None:
    """Undo a lesson: LESSON, or the last one; can be redone."""
    from engine.commands.region_lessons import run

    sys.exit(run(_placed(given), lambda library: library.undo(lesson_id), "undid", **given))


@region.command(epilog=ENVIRONMENT)
@arguments.model
@lesson
@arguments.library
@author
@one_line_errors()
def redo(lesson_id: int | None, **given: Any) -> None:
    """Redo an undone lesson: LESSON, or the one undone last."""
    from engine.commands.region_lessons import run

    sys.exit(run(_placed(given), lambda library: library.redo(lesson_id), "redid", **given))


@region.command(epilog=ENVIRONMENT)
@arguments.model
@images
@arguments.library
@click.option("--jsonl", "is_jsonl", is_flag=True, help="Print one JSON object an image.")
@arguments.writes(
    "-o", "--output", metavar="DIR", help="Write a class mask, its legend and a picture of each."
)
@arguments.threshold
@arguments.machine
@arguments.max_pixels
@one_line_errors()
def classify(**given: Any) -> None:
    """Say what is new in images, and what of it is known.

    One line an image; one that cannot be judged has a line with its error.
    """
    from engine.commands.region_classify import run
    from engine.commands.settings import take_machine

    sys.exit(run(_placed(given), machine=take_machine(given), **given))


@region.command(epilog=ENVIRONMENT)
@arguments.model
@click.argument("folder", type=arguments.FILE)
@arguments.library
@arguments.writes("-o", "--output", metavar="HTML", help="Write a page with pictures.")
@as_json
@arguments.machine
@arguments.max_pixels
@one_line_errors()
def propose(**given: Any) -> None:
    """Group unknown regions in a folder of images by look.

    The biggest group comes first. Each comes with a command that would give it a name.
    """
    from engine.commands.region_propose import run
    from engine.commands.settings import take_machine

    sys.exit(run(_placed(given), machine=take_machine(given), **given))


def _placed(given: dict[str, Any]) -> Place:
    """Take model and library out of the arguments."""
    from engine.commands.region_library import Place

    return Place(given.pop("model"), given.pop("library"), given.pop("library_name"))


def _kind(given: dict[str, Any]) -> Literal["accepted", "defect"] | None:
    """Take the kind out of the arguments."""
    is_accepted, is_defect = given.pop("is_accepted"), given.pop("is_defect")
    if is_accepted and is_defect:
        raise click.UsageError("say --accepted or --defect, not both")
    return "accepted" if is_accepted else "defect" if is_defect else None


def _only_one(given: dict[str, Any], *names: str) -> tuple[str, Any]:
    """Take the one of several arguments that was given out of them."""
    found = {name: value for name in names if (value := given.pop(name)) is not None}
    if len(found) != 1:
        options = ", ".join(f"--{name}" for name in names)
        raise click.UsageError(f"outline the thing by one of {options}, got {len(found)} of them")
    return found.popitem()
