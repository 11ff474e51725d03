"""Reports of the benchmark of regions: tables for a terminal, and an HTML page.

The page needs no network: every figure, the ROC curves of all rolls, and who is mistaken for whom.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from engine.atomic import atomic_write
from engine.benchmark.charts import Chart
from engine.benchmark.metrics import Confusion, sweep
from engine.benchmark.regions.ablation import FIGURES
from engine.benchmark.regions.figures import (
    BOXED_TARGETS,
    Line,
    RegionsBench,
    RollRun,
    Speed,
    Target,
    best_accuracy,
    boxed_lines,
    confusion_at_best,
    confusions,
    lines,
    scores_of,
)
from engine.benchmark.regions.photographs import BoxedResult
from engine.benchmark.regions.walkthrough import RollResult
from engine.benchmark.text_report import add_row, number, plain_table, printed
from engine.rendering.html_report import render

_NOTE = """\
floor: what chance, or calling everything an unknown anomaly, would reach. ✗: the mean misses the
aim. IoU, F1 and AUROC lie in 0 … 1; all others are shares of images, or of things.
"""

TEACHING = Target(0.3, "most")
FEW, MANY = Target(1.3, "most"), Target(2.0, "most")

# right end of the second ROC chart: a station with more false alarms than that is switched off
_FEW_FALSE_ALARMS = 0.1


def tables_text(result: RegionsBench, *, is_colored: bool = False) -> str:
    """Return every table as text, as wide as it has to be; colours are ANSI sequences."""
    return printed(_tables(result), is_colored=is_colored)


def _tables(result: RegionsBench) -> RenderableType:
    rolls = [run.walked for run in result.runs]
    tables: list[RenderableType] = [_main(lines(result.runs)), Text(_NOTE, style="dim")]
    tables.append(_verdicts(*confusion_at_best(rolls)))
    tables += [_confusion(chapter, rows) for chapter, rows in confusions(rolls).items()]
    if result.runs[0].steps:
        tables.append(_steps(result.runs))
    if result.speed:
        tables.append(_speed(result.speed))
    tables += [_boxed(name, results) for name, results in result.boxed.items()]
    return Group(*tables)


def _main(found: Sequence[Line]) -> Table:
    n_rolls = len(found[0].values)
    rolls = "1 roll" if n_rolls == 1 else f"{n_rolls} rolls"
    table = plain_table(
        f"Walkthrough, {rolls} of cloth", ("",), ("floor", "mean", "worst", "aim", "")
    )
    for each in found:
        add_row(
            table,
            each.name,
            f"{each.floor:.3f}",
            f"{each.mean:.3f}",
            f"{each.worst:.3f}",
            str(each.target or ""),
            "" if each.is_met else "✗",
        )
    return table


def _verdicts(threshold: float, counts: Confusion) -> Table:
    title = f"Normal cloth and defects, all rolls, at the best threshold ({threshold:.3f})"
    table = plain_table(title, ("",), ("said normal", "said anomaly"))
    add_row(table, "normal", str(counts.true_negative), str(counts.false_positive))
    add_row(table, "defect", str(counts.false_negative), str(counts.true_positive))
    return table


def _confusion(chapter: str, rows: Mapping[str, Mapping[str, int]]) -> Table:
    names = list(next(iter(rows.values())))
    table = plain_table(f"What is said of each defect, {chapter}", ("",), tuple(names))
    for name, row in rows.items():
        add_row(table, name, *(str(row[said]) for said in names))
    return table


def _steps(runs: Sequence[RollRun]) -> Table:
    table = plain_table("What each step adds, mean of rolls", ("step", "examples"), FIGURES)
    for index, each in enumerate(runs[0].steps):
        per_roll = [run.steps[index].figures for run in runs]
        cells = [f"{math.fsum(one[name] for one in per_roll) / len(runs):.3f}" for name in FIGURES]
        add_row(table, each.step, str(each.n_examples), *cells)
    return table


def _speed(speed: Speed) -> Table:
    headings = ("scoring, ms", "classifying, ms", "ratio", "aim", "")
    table = plain_table("Seconds and milliseconds on this machine", ("",), headings)
    seconds = speed.teaching_seconds
    is_met = TEACHING.is_met(seconds)
    cells = f"{seconds:.3f} s", "", str(TEACHING), "" if is_met else "✗"
    add_row(table, "teaching one example", "", *cells)
    few = min(each.n_examples for each in speed.paces)
    for each in speed.paces:
        target = FEW if each.n_examples == few else MANY
        add_row(
            table,
            f"{each.n_examples} examples, {each.n_things} on the cloth",
            f"{1000 * each.scoring_seconds:.0f}",
            f"{1000 * each.classifying_seconds:.0f}",
            f"{each.ratio:.2f}",
            str(target),
            "" if target.is_met(each.ratio) else "✗",
        )
    return table


def _boxed(name: str, results: Sequence[BoxedResult]) -> Table:
    shots = sorted({each.n_shots for each in results})
    n_draws = len({each.seed for each in results})
    headings = tuple(f"k = {k}" for k in shots)
    table = plain_table(f"Boxes of {name}, mean of {n_draws} draws", ("", ""), headings)
    for mode, figures in boxed_lines(results).items():
        for row, (figure, of_shots) in enumerate(figures.items()):
            add_row(table, "" if row else mode, figure, *(f"{of_shots[k]:.3f}" for k in shots))
        if "accuracy" in figures:
            add_row(table, "", "aim for accuracy", *(str(BOXED_TARGETS.get(k, "")) for k in shots))
    return table


def roc_chart(rolls: Sequence[RollResult], *, most_false: float = 1.0) -> str:
    """Draw the curve of each roll faintly and that of all of them together over these.

    ``most_false`` is the right end of the axis of false alarms, 0 … 1; the left end is always 0.
    The dot is the threshold with the fewest wrong verdicts on all rolls together.
    """
    labels, scores = scores_of(rolls)
    chart = Chart(
        "ROC curves",
        x=(0, most_false),
        y=(0, 1),
        labels=("false alarms among normal", "found among defects"),
    )
    chart.line(np.array([0.0, most_false]), np.array([0.0, most_false]), "faint")
    for roll in rolls if len(rolls) > 1 else ():
        points = sweep(*scores_of([roll]))
        _curve(chart, points.false_alarm_rate, points.recall, most_false, "roll")
    points = sweep(labels, scores)
    _curve(chart, points.false_alarm_rate, points.recall, most_false, "total")
    i = points.point_of(best_accuracy(labels, scores)[1])
    x, y = float(points.false_alarm_rate[i]), float(points.recall[i])
    chart.dot(x, y, "best", f"best threshold: {x:.1%} false alarms, {y:.1%} found")
    return chart.svg()


def _curve(chart: Chart, xs: np.ndarray, ys: np.ndarray, right: float, style: str) -> None:
    """Draw the part of a rising curve that lies left of the end of the axis."""
    n_inside = int((xs <= right).sum())
    end = float(np.interp(right, xs, ys))
    chart.line(np.append(xs[:n_inside], right), np.append(ys[:n_inside], end), style)


def write_page(result: RegionsBench, path: Path) -> None:
    """Write :func:`regions_page` whole or not at all.

    Raises:
        OutputError: If the file cannot be written.
    """
    with atomic_write(path) as stream:
        stream.write(regions_page(result).encode())


def regions_page(result: RegionsBench) -> str:
    """Return the page."""
    rolls = [run.walked for run in result.runs]
    found = lines(result.runs)
    threshold, counts = confusion_at_best(rolls)
    return render(
        "bench_regions.html.j2",
        {"number": number},
        lines=found,
        rolls=rolls,
        roc=roc_chart(rolls),
        roc_left=roc_chart(rolls, most_false=_FEW_FALSE_ALARMS),
        few_false_alarms=_FEW_FALSE_ALARMS,
        threshold=threshold,
        counts=counts,
        confusions=confusions(rolls),
        step_figures=FIGURES,
        steps=_steps_html(result),
        speed=result.speed,
        boxed={name: boxed_lines(results) for name, results in result.boxed.items()},
        config=json.dumps(dict(result.config), indent=2, ensure_ascii=False),
    )


def _steps_html(result: RegionsBench) -> list[tuple[str, int, list[float]]]:
    """Return each step with its number of examples and the means of its figures over rolls."""
    return [
        (
            each.step,
            each.n_examples,
            [
                float(np.mean([run.steps[index].figures[name] for run in result.runs]))
                for name in FIGURES
            ],
        )
        for index, each in enumerate(result.runs[0].steps)
    ]
