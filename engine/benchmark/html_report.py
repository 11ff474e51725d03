"""HTML report of a benchmark: the summary, and a panel for each run.

One file that needs no network. The panel of a run has its curves, its confusion matrices and the
images it got most wrong, as thumbnails; each picture is stored once, however often it is shown.
"""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

from PIL import Image as Pillow

from engine.atomic import atomic_write
from engine.benchmark.charts import f1_chart, precision_chart, roc_chart, span, totals_chart
from engine.benchmark.metrics import Confusion, confusion, f1_max, sweep
from engine.benchmark.records import Judgement, Run, labels_of, totals_of
from engine.benchmark.results import BenchResult
from engine.benchmark.summary import MEAN, Figures, Row
from engine.benchmark.text_report import number, with_spread
from engine.rendering.html_report import render
from features.image_files import read_image, significant_bits
from features.images import Image, ImageError
from features.names import one_line

_SIDE_PX = 168  # twice the size on the page, for dense screens
_QUALITY = 78

_N_WORST = 6


@dataclass(frozen=True)
class Case:
    """One image worth looking at; ``is_wrong`` at the threshold set from the references."""

    image: Judgement
    thumbnail: Thumbnail | None
    is_wrong: bool


@dataclass(frozen=True)
class Panel:
    """Everything the page says about one run; without charts where nothing can be told apart."""

    run: Run
    key: str
    figures: dict[str, float]
    charts: dict[str, str]
    verdicts: tuple[Verdicts, ...]
    groups: tuple[Line, ...]
    types: tuple[Line, ...]
    scores: tuple[Line, ...]
    false_alarms: tuple[Case, ...]
    misses: tuple[Case, ...]


def write_page(result: BenchResult, path: Path, *, has_images: bool = True) -> None:
    """Write :func:`bench_page` whole or not at all.

    Raises:
        OutputError: If the file cannot be written.
    """
    with atomic_write(path) as stream:
        stream.write(bench_page(result, has_images=has_images).encode())


def bench_page(result: BenchResult, *, has_images: bool = True) -> str:
    """Return the page; ``has_images`` puts small pictures beside the worst mistakes."""
    thumbnails = Thumbnails(result) if has_images else None
    rows = {(row.category, row.shots): row for row in result.summary.rows}
    panels = [
        _panel(run, rows[run.category, run.shots], seed_index(result.runs, run), thumbnails)
        for run in result.runs
    ]
    return render(
        "bench.html.j2",
        {"number": number, "spread": with_spread},
        summary=result.summary,
        mean=MEAN,
        panels=panels,
        keys={(panel.run.category, panel.run.shots): panel.key for panel in reversed(panels)},
        choices=_choices(result),
        thumbnails=thumbnails.all() if thumbnails else [],
        has_left_out=any(row.n_left_out for row in result.summary.rows),
        remarks=result.remarks,
        config=json.dumps(_method(result), indent=2, ensure_ascii=False),
    )


def _choices(result: BenchResult) -> dict[str, list[str]]:
    """Return what can be chosen between, in order."""
    return {
        "category": list(dict.fromkeys(run.category for run in result.runs)),
        "shots": list(dict.fromkeys(str(run.shots) for run in result.runs)),
        "seed": list(dict.fromkeys(str(run.seed) for run in result.runs)),
    }


def _method(result: BenchResult) -> dict[str, Any]:
    perturbation = result.perturbation.as_dict() if result.perturbation else None
    return {"config": dict(result.config), "perturbation": perturbation}


def _panel(run: Run, row: Row, seed: int, thumbnails: Thumbnails | None) -> Panel:
    verdicts = verdicts_of(run)
    overall = row.overall
    names = ("f1_max", "auroc", "aupr", "f1_at_threshold", "floor")
    return Panel(
        run=run,
        key=one_line(f"{run.category}-{run.shots}-{run.seed}"),
        figures={name: getattr(overall, name).values[seed] for name in names},
        charts=_charts(run, [(each.style, each.threshold) for each in verdicts]),
        verdicts=verdicts,
        groups=lines_of(row.groups, seed) if list(row.groups) != list(row.types) else (),
        types=lines_of(row.types, seed),
        scores=lines_of({"total": overall} | row.scores, seed),
        false_alarms=_cases(run, thumbnails, is_anomalous=False),
        misses=_cases(run, thumbnails, is_anomalous=True),
    )


def _charts(run: Run, marks: list[tuple[str, float]]) -> dict[str, str]:
    if not marks:
        return {}
    labels, totals = labels_of(run.judged), totals_of(run.judged)
    points = sweep(labels, totals)
    axis = span(totals, [threshold for _, threshold in marks])
    return {
        "totals": totals_chart(labels, totals, axis, marks),
        "f1": f1_chart(points, axis, marks),
        "roc": roc_chart(points, marks),
        "precision": precision_chart(points, marks),
    }


def _cases(run: Run, thumbnails: Thumbnails | None, *, is_anomalous: bool) -> tuple[Case, ...]:
    return tuple(
        Case(
            image=each.image,
            thumbnail=thumbnails.of(run.category, each.image.path, each.index)
            if thumbnails
            else None,
            is_wrong=each.is_wrong,
        )
        for each in worst_of(run, is_anomalous=is_anomalous, n=_N_WORST)
    )


# Verdicts and mistakes of a run


@dataclass(frozen=True)
class Verdicts:
    """What one threshold makes of all images; ``style`` is "set" or "best"."""

    name: str
    style: str
    threshold: float
    counts: Confusion


@dataclass(frozen=True)
class Line:
    """One line of a table: a choice of images, or one single score, in one run."""

    name: str
    n_anomalous: int
    floor: float
    f1_max: float
    auroc: float


@dataclass(frozen=True)
class Mistake:
    """One image worth looking at; ``is_wrong`` at the threshold set from the references.

    ``index`` is its place in the test set.
    """

    image: Judgement
    index: int
    is_wrong: bool


def can_be_measured(run: Run) -> bool:
    """Tell whether images of both kinds were judged, without which nothing can be told apart."""
    return len({image.is_anomalous for image in run.judged}) == 2


def seed_index(runs: Sequence[Run], run: Run) -> int:
    """Return the place of a run's seed in the figures of its row, where ``runs`` are all runs."""
    same = [each.seed for each in runs if (each.category, each.shots) == (run.category, run.shots)]
    return same.index(run.seed)


def verdicts_of(run: Run) -> tuple[Verdicts, ...]:
    """Count the outcomes at the threshold from the references and at the best in hindsight.

    Empty where the run cannot be measured.
    """
    if run.threshold is None or not can_be_measured(run):
        return ()
    labels, totals = labels_of(run.judged), totals_of(run.judged)
    thresholds = {
        ("Set from the references", "set"): run.threshold,
        ("Best in hindsight", "best"): f1_max(labels, totals)[1],
    }
    return tuple(
        Verdicts(name, style, threshold, confusion(labels, totals, threshold))
        for (name, style), threshold in thresholds.items()
    )


def lines_of(parts: Mapping[str, Figures], seed: int) -> tuple[Line, ...]:
    """Return one line for each part, as the seed with this index has it."""
    return tuple(
        Line(
            name=name,
            n_anomalous=figures.n_anomalous,
            floor=figures.floor.values[seed],
            f1_max=figures.f1_max.values[seed],
            auroc=figures.auroc.values[seed],
        )
        for name, figures in parts.items()
    )


def worst_of(run: Run, *, is_anomalous: bool, n: int) -> tuple[Mistake, ...]:
    """Return the ``n`` anomalous images with the lowest totals, or normal ones with the highest."""
    order = 1 if is_anomalous else -1
    threshold = run.threshold or 0.0
    ranked = sorted(
        (order * image.total, index, image)
        for index, image in enumerate(run.images)
        if image.total is not None and image.is_anomalous == is_anomalous
    )
    return tuple(
        Mistake(image, index, is_wrong=(order * key > threshold) != is_anomalous)
        for key, index, image in ranked[:n]
    )


# Thumbnails


@dataclass(frozen=True)
class Thumbnail:
    """One small picture; ``uri`` holds the whole of it."""

    key: str
    uri: str
    width: int
    height: int


class Thumbnails:
    """The pictures that a page has asked for so far, as the inspector saw them."""

    def __init__(self, result: BenchResult) -> None:
        self._result = result
        self._made: dict[tuple[str, str], Thumbnail | None] = {}

    def of(self, category: str, path: str, index: int) -> Thumbnail | None:
        """Return the test image with this index, or None if its file is no longer there."""
        if (category, path) not in self._made:
            self._made[category, path] = self._make(category, path, index)
        return self._made[category, path]

    def all(self) -> list[Thumbnail]:
        """Return every picture once."""
        return [thumbnail for thumbnail in self._made.values() if thumbnail]

    def _make(self, category: str, path: str, index: int) -> Thumbnail | None:
        try:
            file = self._result.roots[category] / path
            image = read_image(file, bits=significant_bits([file]))  # to be seen, not judged
        except ImageError:
            return None
        if self._result.perturbation:
            image = self._result.perturbation.apply(image, index)
        return _shrink(image, key=f"t{len(self._made)}")


def _shrink(image: Image, key: str) -> Thumbnail:
    small, (width, height) = small_jpeg(image, _SIDE_PX)
    return Thumbnail(key, "data:image/jpeg;base64," + b64encode(small).decode(), width, height)


def small_jpeg(image: Image, side_px: int) -> tuple[bytes, tuple[int, int]]:
    """Shrink an image to ``side_px`` on its longer side; returns JPEG, and (width, height)."""
    small = Pillow.fromarray(image)
    small.thumbnail((side_px, side_px))
    stream = BytesIO()
    small.save(stream, "JPEG", quality=_QUALITY, optimize=True)
    return stream.getvalue(), small.size
