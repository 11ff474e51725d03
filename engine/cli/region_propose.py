"""``partwise region propose``: groups of unknown regions that ask for a name."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from engine.atomic import check_writable, write_text
from engine.cli.failures import BROKEN_IMAGE
from engine.cli.options import Place
from engine.cli.region_library import to_read
from engine.cli.terminal import complain, is_taken_by, progress, say, say_json
from engine.inspector import Inspector
from engine.regions.recogniser import Recogniser
from engine.regions.suggestion import Suggestion, suggest
from engine.rendering.html_report import render
from engine.rendering.overlays import jpeg_data_uri
from features.image_files import list_images, read_image
from features.images import Image, ImageError
from features.progress import ProgressReporter

# pictures of one group on the page; the JSON has all members
_N_PICTURES = 48


def propose_groups(
    place: Place,
    folder: Path,
    *,
    output: Path | None,
    is_json: bool,
    machine: dict[str, str],
    max_pixels: int,
) -> None:
    """Print groups of unknown regions, and write the page."""
    inspector = Inspector.load(place.model, machine=machine)
    paths = list_images(folder)
    if output:
        check_writable(output, inputs=[place.model, *paths])
    broken: list[str] = []
    with to_read(place) as library, progress() as tell:
        suggestions = suggest(
            Recogniser(inspector, library),
            _read(
                paths,
                broken,
                tell,
                max_pixels=max_pixels,
                bits=inspector.fitted.significant_bits,
            ),
        )
    for line in broken:
        complain(line)
    n_images = len(paths) - len(broken)
    if is_taken_by(output):
        pass  # the page is all that is printed
    elif is_json:
        say_json([_facts(each, place) for each in suggestions], indent=2)
    elif n_images:  # of images that could not be read, nothing can be said
        _print(suggestions, place, n_images=n_images)
    if output and n_images:
        write_text(output, _page(suggestions, place, n_images=n_images))
    if broken:
        sys.exit(BROKEN_IMAGE)


def _read(
    paths: Sequence[Path],
    broken: list[str],
    tell: ProgressReporter,
    *,
    max_pixels: int,
    bits: int | None,
) -> Iterator[tuple[str, Image]]:
    """Read one image after the other; what is wrong with others is noted."""
    for n_done, path in enumerate(paths, 1):
        try:
            image = read_image(path, max_pixels=max_pixels, bits=bits)
        except ImageError as error:
            broken.append(str(error))
        else:
            yield str(path), image
        tell("looking for what is new", n_done, len(paths))


def _naming_command(suggestion: Suggestion, place: Place) -> str:
    """Write the command that would give a group a name; the name is left to people."""
    central = suggestion.central
    box = ",".join(map(str, central.box_xyxy))
    return place.call("teach", central.image_name, "--box", box, "--class", "NAME")


def _print(suggestions: Sequence[Suggestion], place: Place, *, n_images: int) -> None:
    if not suggestions:
        say(f"{n_images} images have no unknown regions that resemble each other")
    for number, each in enumerate(suggestions, 1):
        say(f"group {number}: {_counted(each)}; name it with:")
        say(f"  {_naming_command(each, place)}")


def _counted(suggestion: Suggestion) -> str:
    return f"{len(suggestion.members)} regions in {suggestion.n_images} images"


def _facts(suggestion: Suggestion, place: Place) -> dict[str, Any]:
    return {
        "members": [each.as_dict() for each in suggestion.members],
        "command": _naming_command(suggestion, place),
    }


def _page(suggestions: Sequence[Suggestion], place: Place, *, n_images: int) -> str:
    return render(
        "region_proposals.html.j2",
        {"uri": jpeg_data_uri},
        n_images=n_images,
        groups=[
            {
                "counted": _counted(each),
                "command": _naming_command(each, place),
                "shown": each.members[:_N_PICTURES],
                "n_more": max(0, len(each.members) - _N_PICTURES),
            }
            for each in suggestions
        ],
    )
