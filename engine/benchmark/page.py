"""How does a benchmark look in a browser?

One HTML file that needs no network: the summary, and a panel for each run with its curves, its
confusion matrices and its worst mistakes.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from engine.atomic import atomic_write
from engine.benchmark.charts import f1_chart, precision_chart, roc_chart, span, totals_chart
from engine.benchmark.metrics import sweep
from engine.benchmark.panel import Line, Verdicts, lines_of, seed_index, verdicts_of, worst_of
from engine.benchmark.records import Judgement, Run, labels_of, totals_of
from engine.benchmark.results import BenchResult
from engine.benchmark.summary import MEAN, Row
from engine.benchmark.table import number, with_spread
from engine.benchmark.thumbnails import Thumbnail, Thumbnails
from engine.rendering.html_report import render

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
    perturbation = asdict(result.perturbation) if result.perturbation else None
    return {"config": dict(result.config), "perturbation": perturbation}


def _panel(run: Run, row: Row, seed: int, thumbnails: Thumbnails | None) -> Panel:
    verdicts = verdicts_of(run)
    overall = row.overall
    names = ("f1_max", "auroc", "aupr", "f1_at_threshold", "floor")
    return Panel(
        run=run,
        key=f"{run.category}-{run.shots}-{run.seed}",
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
