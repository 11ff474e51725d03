"""``partwise fit``, ``info`` and ``explain``: making and describing models."""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from engine.cli import options
from engine.cli.failures import BROKEN_IMAGE, EXIT_CODES, one_line_errors
from engine.cli.terminal import complain, is_taken_by, progress, say, say_json

if TYPE_CHECKING:
    from engine.cli.score import Judged
    from engine.editing import ClassRow
    from engine.inspector import Inspector
    from engine.regions.report import RegionReport

# sharper than the page shows anything, and a thousand images of it fit into memory
_KEPT_SIDE_PX = 1280

_LAYOUTS = {
    "fixed": "layout fixed: the product lies as in the references, but for a few degrees",
    "turned": "layout turned: the product lies at any turn, and images are turned back",
    "free": "layout free: the product is not aligned, and images stay as they are",
}

_NOTES = {
    "self-calibrated": (
        "one reference: scales and threshold come from changed copies of itself; "
        "more references tell better how normal images vary"
    ),
    "uncalibrated": (
        "one reference: scales are constants and the threshold is a guess; "
        "compare totals with each other, or set --threshold"
    ),
}


@click.command()
@click.argument("references", type=options.FILE, nargs=-1, required=True, metavar="REFERENCE...")
@options.writes("-o", "--output", metavar="MODEL.pw", required=True, help="The model to write.")
@options.config
@options.profile
@click.option(
    "--validation",
    type=options.FILE,
    metavar="DIR",
    help="More normal images, to set the threshold.",
)
@click.option(
    "--bits",
    type=click.IntRange(8, 16),
    metavar="N",
    help="How many bits of 16-bit photographs the camera fills.  [default: as the values tell]",
)
@options.machine
@options.max_pixels
@one_line_errors()
def fit(
    references: Sequence[Path],
    output: Path,
    *,
    config: str | None,
    profile: str | None,
    validation: Path | None,
    bits: int | None,
    machine: dict[str, str],
    max_pixels: int,
) -> None:
    """Learn from normal images.

    REFERENCE is an image or a folder of images.
    """
    from engine.atomic import check_no_stream, check_writable
    from engine.config import read_config
    from engine.inspector import Inspector
    from engine.profiles import preferred_profile
    from features.image_files import list_images, read_image, significant_bits
    from features.names import show_name

    check_no_stream(output, "a model")
    profile = profile or (preferred_profile() if config is None else None)
    settings = read_config(config, profile, machine)
    files = [file for path in references for file in list_images(path)]
    extra = list_images(validation) if validation else []
    check_writable(output, inputs=files + extra)
    with progress() as tell:
        bits = significant_bits(files, max_pixels=max_pixels, stated=bits)
        images = []
        for done, file in enumerate(files + extra, 1):
            tell("reading", done, len(files) + len(extra))
            images.append(read_image(file, max_pixels=max_pixels, bits=bits))
        inspector = Inspector(settings).fit(
            images[: len(files)],
            names=_names(files),
            validation=images[len(files) :],
            significant_bits=bits,
            progress=tell,
        )
    inspector.save(output)
    say(f"{show_name(output)} written")
    _say_summary(inspector)


def _names(files: Sequence[Path]) -> list[str]:
    """Call references as their files, and those that share this name by their folder, too."""
    counts = Counter(file.name for file in files)
    folders = [Path(os.path.abspath(file)).parent.name for file in files]
    return [
        file.name if counts[file.name] == 1 else f"{folder}/{file.name}"
        for folder, file in zip(folders, files, strict=True)
    ]


@click.command()
@options.model
@options.as_json
@one_line_errors()
def info(model: Path, *, is_json: bool) -> None:
    """Say what a model has learnt."""
    from engine.inspector import Inspector

    inspector = Inspector.load(model, is_to_judge=False)
    if is_json:
        say_json(_facts(inspector), indent=2)
    else:
        _say_summary(inspector)


def _facts(inspector: Inspector) -> dict[str, Any]:
    """Return what a fitted inspector has learnt, as JSON holds it."""
    from engine.config import to_dict
    from engine.editing import class_rows
    from engine.scores import SCORES

    edits = [each for each in inspector.fitted.class_history if not each.is_undone]
    scales = inspector.fitted.normaliser.scales
    return {
        "profile": inspector.config.profile,
        "working_size": list(inspector.fitted.working_size),
        "references": [reference.name for reference in inspector.fitted.references],
        "layout": inspector.pose.layout_,
        "classes": [_class_facts(row) for row in class_rows(inspector)],
        "class_edits": [
            {"text": each.text, "author": each.author, "at": each.at} for each in edits
        ],
        "scales": {each.name: scales[each.name] for each in SCORES if each.name in scales},
        "threshold": inspector.fitted.threshold,
        "threshold_source": inspector.fitted.threshold_source,
        "calibration": inspector.fitted.calibration,
        "notes": list(_notes(inspector)),
        "config": to_dict(inspector.config),
    }


def _say_summary(inspector: Inspector) -> None:
    """Print the same as a few readable lines."""
    from features.names import show_name

    told = _facts(inspector)
    height, width = told["working_size"]
    config = told["config"]
    counts = {each["name"]: " ".join(map(str, each["counts"])) for each in told["classes"]}
    scales = {name: f"{scale:.4g}" for name, scale in told["scales"].items()}
    lines = [
        f"profile {config['profile']}, preset {config['preset']}, seed {config['seed']}, "
        f"working size {width}×{height} px",
        f"references ({len(told['references'])}): {', '.join(map(show_name, told['references']))}",
        _LAYOUTS[told["layout"]],
        "how many parts of each class the references have:",
        *_indented(counts),
        *(["edits of classes since then:"] if told["class_edits"] else []),
        *(f"  {each['text']}" for each in told["class_edits"]),
        "scales, by which scores are divided:",
        *_indented(scales),
        f"threshold {told['threshold']:.4f}, {told['threshold_source']}; {told['calibration']}",
        *(f"note: {note}" for note in told["notes"]),
    ]
    for line in lines:
        say(line)


def _class_facts(row: ClassRow) -> dict[str, Any]:
    return {
        "id": row.id,
        "name": row.name,
        "counts": list(row.counts),
        "is_background": row.is_background,
        "is_painted": row.is_painted,
        "tolerance": row.tolerance,
    }


def _notes(inspector: Inspector) -> Iterator[str]:
    """Say what a careful user should know before trusting the verdicts."""
    import numpy as np

    for warning in inspector.fitted.warnings:
        yield warning.text
    if inspector.fitted.calibration in _NOTES:
        yield _NOTES[inspector.fitted.calibration]
    # models of the first release counted copies as others
    first, *others = (reference.registered for reference in inspector.fitted.references)
    if others and all(np.array_equal(first, other) for other in others):
        yield "all references are identical; they do not tell how normal images vary"


def _indented(table: dict[str, str]) -> Iterator[str]:
    wide = max(map(len, table), default=0)
    return (f"  {name:<{wide}}  {value}" for name, value in table.items())


@click.command(epilog=EXIT_CODES)
@options.model
@click.argument("images", type=options.FILE, nargs=-1, required=True, metavar="IMAGE...")
@options.writes("-o", "--output", metavar="REPORT.html", required=True, help="The page to write.")
@options.regions
@options.threshold
@options.machine
@options.max_pixels
@one_line_errors()
def explain(
    model: Path,
    images: Sequence[Path],
    *,
    output: Path,
    place: options.Place | None,
    threshold: float | None,
    machine: dict[str, str],
    max_pixels: int,
) -> None:
    """Show on one HTML page why images are judged as they are.

    IMAGE is an image or a folder of images. The page needs no network.
    """
    from engine.atomic import check_writable
    from engine.cli.score import Unjudged, find_images, judge, recogniser_at, sound
    from engine.inspector import Inspector
    from features.names import show_name

    inspector = Inspector.load(model, machine=machine)
    found = find_images(images)
    check_writable(output, inputs=[model, *sound(found)])
    judged: list[Judged] = []
    with progress() as tell, recogniser_at(place, inspector) as recogniser:
        each_judged = judge(
            inspector, found, max_pixels=max_pixels, threshold=threshold, recogniser=recogniser
        )
        for n_done, each in enumerate(each_judged, 1):
            tell("judging", n_done, len(found))
            if isinstance(each, Unjudged):
                complain(each.error)
            else:
                judged.append(_shrunk(each))
    if judged:
        write_explanation(output, inspector, judged)
        if not is_taken_by(output):
            say(f"{show_name(output)}: {len(judged)} of {len(found)} images explained")
    if len(judged) < len(found):
        sys.exit(BROKEN_IMAGE)


def _shrunk(judged: Judged) -> Judged:
    """Shrink photograph and maps to what the page needs of them, so that many fit into memory."""
    from features.images import resize

    regions = _slim(judged.regions) if judged.regions else None
    height, width = judged.image.shape[:2]
    factor = _KEPT_SIDE_PX / max(height, width)
    if factor >= 1:
        return replace(judged, regions=regions)
    size = max(1, round(height * factor)), max(1, round(width * factor))
    return replace(judged, image=resize(judged.image, size), regions=regions)


def _slim(regions: RegionReport) -> RegionReport:
    """Keep the maps in as few bytes as the page needs of them."""
    import numpy as np

    return replace(
        regions,
        class_map=regions.class_map.astype(np.int16),
        error_map=regions.error_map.astype(np.float16),
    )


def write_explanation(output: Path, inspector: Inspector, judged: Sequence[Judged]) -> None:
    """Write the page about these images.

    Raises:
        OutputError: The file cannot be written.
    """
    from engine.atomic import write_text
    from engine.rendering.html_report import explain_page

    items = [(str(each.path), each.image, each.report) for each in judged]
    regions = [each.regions for each in judged]
    page = explain_page(items, inspector.fitted.references, inspector.fitted.class_names, regions)
    write_text(output, page)
