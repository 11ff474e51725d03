"""How does the benchmark of regions look in a browser?

One HTML file that needs no network: every figure, the ROC curves, and who is mistaken for whom.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from engine.atomic import atomic_write
from engine.benchmark.regions.charts import roc_chart
from engine.benchmark.regions.figures import boxed_lines, confusion_at_best, confusions, lines
from engine.benchmark.regions.records import RegionsBench
from engine.benchmark.regions.steps import FIGURES
from engine.benchmark.table import number
from engine.rendering.html_report import render

# right end of the second ROC chart: a station with more false alarms than that is switched off
_FEW_FALSE_ALARMS = 0.1


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
        steps=_steps(result),
        speed=result.speed,
        boxed={name: boxed_lines(results) for name, results in result.boxed.items()},
        config=json.dumps(dict(result.config), indent=2, ensure_ascii=False),
    )


def _steps(result: RegionsBench) -> list[tuple[str, int, list[float]]]:
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
