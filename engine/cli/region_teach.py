"""``partwise region teach``: one more example, and what it changes."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import cast

from engine.cli.failures import Failure
from engine.cli.options import Place
from engine.cli.region_library import is_there, to_read, to_teach
from engine.cli.terminal import (
    box_text,
    choose,
    is_confirmed,
    is_somebody_there,
    report_text,
    say,
)
from engine.inspector import Inspector
from engine.library import clean_name
from engine.library.records import Kind, Lesson, RegionClass
from engine.regions.outlines import (
    from_box,
    from_mask_file,
    from_polygon,
    parse_box,
    parse_polygon,
)
from engine.regions.proposals import check_product
from engine.regions.recogniser import Recogniser
from engine.regions.teaching import Outlined, apply_lesson, teach
from features.image_files import read_image
from features.images import Image
from features.names import show_name
from features.region import Region


def teach_region(
    place: Place,
    image: Path,
    *,
    outline: tuple[str, str | Path],
    class_name: str,
    kind: Kind | None,
    note: str,
    author: str | None,
    is_exact: bool,
    is_forced: bool,
    machine: dict[str, str],
    max_pixels: int,
) -> None:
    """Teach one example and print what that changes."""
    class_name = clean_name(class_name)
    inspector = Inspector.load(place.model, machine=machine)
    photo = read_image(image, max_pixels=max_pixels)
    check_product(str(image), (photo.shape[0], photo.shape[1]), inspector.fitted.photo_size)
    outlined = Outlined(
        _outlined_region(*outline, photo),
        image_name=str(image),
        image_sha256=hashlib.sha256(image.read_bytes()).hexdigest(),
        note=note,
        is_rough=outline[0] == "box" and not is_exact,
    )
    agreed = _agree_on_kind(_known_classes(place), class_name, kind)
    examination = inspector.examine(photo)
    # only now is a library made where there is none
    with to_teach(place, author) as library:
        recogniser = Recogniser(inspector, library)
        lesson, effects = apply_lesson(
            recogniser,
            {str(image): examination},
            lambda: teach(
                recogniser, examination, outlined, class_name, agreed, is_forced=is_forced
            ),
        )
        say(_learnt(place, lesson, library.classes(), outlined, image))
    for name, each in effects.items():
        say(f"{show_name(name)}: {report_text(each.before)} → {report_text(each.after)}")


def _outlined_region(way: str, outline: str | Path, photo: Image) -> Region:
    """Read an outline given as ``mask``, ``box`` or ``polygon``.

    Raises:
        RegionError: It is none, or no example.
    """
    size = photo.shape[0], photo.shape[1]
    if way == "mask":
        return from_mask_file(outline, size)
    if way == "box":
        return from_box(parse_box(str(outline)), size)
    return from_polygon(parse_polygon(str(outline)), size)


def _known_classes(place: Place) -> list[RegionClass]:
    """Give the classes of a library, none if it is not there yet."""
    if not is_there(place):
        return []
    with to_read(place) as library:
        return library.classes()


def _agree_on_kind(known: list[RegionClass], name: str, kind: Kind | None) -> Kind:
    """Find out whether a class is accepted or a defect; ask a person rather than guess.

    Raises:
        Failure: It is not clear, and nobody is there to be asked.
    """
    there = next((each.kind for each in known if each.name == name), None)
    if there is None:
        return kind or _asked_kind(name)
    if kind in (None, there):
        return there
    if not is_somebody_there():
        raise Failure(
            f"class '{name}' is {_a(there)}, got an example of {_a(str(kind))}; "
            "choose another name, or change the class with `partwise region kind`"
        )
    if not is_confirmed(f"'{name}' is {_a(there)}; teach this as {_a(there)}?"):
        raise Failure("nothing was taught; choose another name")
    return there


def _asked_kind(name: str) -> Kind:
    if not is_somebody_there():
        raise Failure(f"class '{name}' is new; say --accepted or --defect")
    return cast(Kind, choose(f"'{name}' is new; which is it?", ["accepted", "defect"]))


def _a(kind: str) -> str:
    return "an accepted class" if kind == "accepted" else "a defect"


def _learnt(
    place: Place, lesson: Lesson, classes: list[RegionClass], outlined: Outlined, image: Path
) -> str:
    own = next((each for each in classes if each.name == lesson.class_name), None)
    n_examples = own.n_examples if own else 0  # somebody else may have forgotten it by now
    kind = own.kind if own else "forgotten"
    return (
        f"learnt '{lesson.class_name}' ({kind}) from {show_name(image)} "
        f"at {box_text(outlined.region)}: "
        f"example {lesson.example_id}, {n_examples} in all; lesson {lesson.id}, "
        f"undo it with: {place.call('undo', str(lesson.id))}"
    )
