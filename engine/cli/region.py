"""``partwise region``: commands that teach and recognise regions."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from engine.cli import options
from engine.cli.failures import one_line_errors
from engine.cli.options import LIBRARY_ENVIRONMENT, Place

if TYPE_CHECKING:
    from engine.library.records import Kind

_lesson = click.argument("lesson_id", type=int, required=False, metavar="[LESSON]")
_accepted = click.option("--accepted", "is_accepted", is_flag=True, help="It is no defect.")
_defect = click.option("--defect", "is_defect", is_flag=True, help="It is a defect.")


@click.group(epilog=LIBRARY_ENVIRONMENT)
def region() -> None:
    """Name regions once, and have them recognised.

    What is taught is kept in a library, a database beside the model unless --library names another.
    """


@region.command(epilog=LIBRARY_ENVIRONMENT)
@options.model
@click.argument("image", type=options.FILE, metavar="IMAGE")
@click.option("--mask", type=options.FILE, metavar="PNG", help="Outline by a mask of its size.")
@click.option("--box", metavar="X0,Y0,X1,Y1", help="Outline the thing in this box, in pixels.")
@click.option("--polygon", metavar='"X,Y X,Y X,Y"', help="Outline by corners, in pixels.")
@click.option("--class", "class_name", required=True, metavar="NAME", help="What to call it.")
@_accepted
@_defect
@options.place
@click.option("--note", default="", metavar="TEXT", help="Kept with the example.")
@options.author
@click.option("--exact", "is_exact", is_flag=True, help="All pixels of the box are meant.")
@click.option("--force", "is_forced", is_flag=True, help="Teach a look that another class has.")
@options.machine
@options.max_pixels
@one_line_errors()
def teach(
    place: Place,
    image: Path,
    *,
    mask: Path | None,
    box: str | None,
    polygon: str | None,
    class_name: str,
    is_accepted: bool,
    is_defect: bool,
    note: str,
    author: str | None,
    is_exact: bool,
    is_forced: bool,
    machine: dict[str, str],
    max_pixels: int,
) -> None:
    """Outline a thing in IMAGE and give it a name.

    A new class is accepted or a defect; a terminal asks for what is not said. Prints what was
    learnt, how to undo it, and what it changes for this image.
    """
    from engine.cli.region_teach import teach_region

    teach_region(
        place,
        image,
        outline=_only_outline(mask=mask, box=box, polygon=polygon),
        class_name=class_name,
        kind=_kind(is_accepted=is_accepted, is_defect=is_defect),
        note=note,
        author=author,
        is_exact=is_exact,
        is_forced=is_forced,
        machine=machine,
        max_pixels=max_pixels,
    )


@region.command("list", epilog=LIBRARY_ENVIRONMENT)
@options.model
@options.place
@click.option("--lessons", "is_history", is_flag=True, help="List what was taught and undone.")
@options.as_json
@options.writes("--html", "html_path", help="Write a page with a picture of every example.")
@one_line_errors()
def list_classes(place: Place, *, is_history: bool, is_json: bool, html_path: Path | None) -> None:
    """List what was taught: classes, their examples, who and when."""
    from engine.cli.region_list import show_library

    show_library(place, is_history=is_history, is_json=is_json, html_path=html_path)


@region.command(epilog=LIBRARY_ENVIRONMENT)
@options.model
@click.argument("class_name", required=False, metavar="[NAME]")
@click.option("--example", "example_id", type=int, metavar="ID", help="Only this example.")
@options.place
@options.author
@one_line_errors()
def forget(
    place: Place, class_name: str | None, *, example_id: int | None, author: str | None
) -> None:
    """Forget the class NAME, or one example; can be undone."""
    from engine.cli.region_library import give_lesson

    if class_name is not None and example_id is None:
        give_lesson(place, lambda library: library.forget(class_name), author=author)
    elif class_name is None and example_id is not None:
        give_lesson(place, lambda library: library.forget_example(example_id), author=author)
    else:
        raise click.UsageError("name either a class or, with --example, one example")


@region.command(epilog=LIBRARY_ENVIRONMENT)
@options.model
@click.argument("old")
@click.argument("new")
@options.place
@options.author
@one_line_errors()
def rename(place: Place, old: str, new: str, *, author: str | None) -> None:
    """Call the class OLD by the name NEW; can be undone."""
    from engine.cli.region_library import give_lesson

    give_lesson(place, lambda library: library.rename(old, new), author=author)


@region.command("kind", epilog=LIBRARY_ENVIRONMENT)
@options.model
@click.argument("class_name", metavar="NAME")
@_accepted
@_defect
@options.place
@options.author
@one_line_errors()
def change_kind(
    place: Place, class_name: str, *, is_accepted: bool, is_defect: bool, author: str | None
) -> None:
    """Call the class NAME accepted, or a defect; can be undone."""
    from engine.cli.region_library import give_lesson

    kind = _kind(is_accepted=is_accepted, is_defect=is_defect)
    if kind is None:
        raise click.UsageError("say --accepted or --defect")
    give_lesson(place, lambda library: library.change_kind(class_name, kind), author=author)


@region.command(epilog=LIBRARY_ENVIRONMENT)
@options.model
@_lesson
@options.place
@options.author
@one_line_errors()
def undo(place: Place, lesson_id: int | None, *, author: str | None) -> None:
    """Undo a lesson: LESSON, or the last one; can be redone."""
    from engine.cli.region_library import give_lesson

    give_lesson(place, lambda library: library.undo(lesson_id), author=author, did="undid")


@region.command(epilog=LIBRARY_ENVIRONMENT)
@options.model
@_lesson
@options.place
@options.author
@one_line_errors()
def redo(place: Place, lesson_id: int | None, *, author: str | None) -> None:
    """Redo an undone lesson: LESSON, or the one undone last."""
    from engine.cli.region_library import give_lesson

    give_lesson(place, lambda library: library.redo(lesson_id), author=author, did="redid")


@region.command(epilog=LIBRARY_ENVIRONMENT)
@options.model
@options.images
@options.place
@options.as_jsonl
@options.writes(
    "-o", "--output", metavar="DIR", help="Write a class mask, its legend and a picture of each."
)
@options.threshold
@options.machine
@options.max_pixels
@one_line_errors()
def classify(
    place: Place,
    images: Sequence[Path],
    *,
    is_jsonl: bool,
    output: Path | None,
    threshold: float | None,
    machine: dict[str, str],
    max_pixels: int,
) -> None:
    """Say what is new in images, and what of it is known.

    One line an image; one that cannot be judged has a line with its error.
    """
    from engine.cli.region_classify import classify_images

    classify_images(
        place,
        images,
        is_jsonl=is_jsonl,
        output=output,
        threshold=threshold,
        machine=machine,
        max_pixels=max_pixels,
    )


@region.command(epilog=LIBRARY_ENVIRONMENT)
@options.model
@click.argument("folder", type=options.FILE)
@options.place
@options.writes("-o", "--output", metavar="HTML", help="Write a page with pictures.")
@options.as_json
@options.machine
@options.max_pixels
@one_line_errors()
def propose(
    place: Place,
    folder: Path,
    *,
    output: Path | None,
    is_json: bool,
    machine: dict[str, str],
    max_pixels: int,
) -> None:
    """Group unknown regions in a folder of images by look.

    The biggest group comes first. Each comes with a command that would give it a name.
    """
    from engine.cli.region_propose import propose_groups

    propose_groups(
        place, folder, output=output, is_json=is_json, machine=machine, max_pixels=max_pixels
    )


def _kind(*, is_accepted: bool, is_defect: bool) -> Kind | None:
    """Say which kind of class was asked for, if any."""
    if is_accepted and is_defect:
        raise click.UsageError("say --accepted or --defect, not both")
    return "accepted" if is_accepted else "defect" if is_defect else None


def _only_outline(
    *, mask: Path | None, box: str | None, polygon: str | None
) -> tuple[str, str | Path]:
    """Give the one outline that was drawn, and in which way."""
    ways = {"mask": mask, "box": box, "polygon": polygon}
    found = [(way, outline) for way, outline in ways.items() if outline is not None]
    if len(found) != 1:
        names = ", ".join(f"--{way}" for way in ways)
        raise click.UsageError(f"outline the thing by one of {names}, got {len(found)} of them")
    return found[0]
