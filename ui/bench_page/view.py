"""Texts of the page Benchmark: hints, figures, plans and dates; pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from engine.benchmark.datasets import Category
from engine.benchmark.html_report import Line, Mistake
from engine.benchmark.protocol import SEEDS, SHOTS
from engine.benchmark.records import Run
from engine.benchmark.results import remarks
from engine.benchmark.summary import Figures, Row, Summary
from engine.benchmark.text_report import number, with_spread
from features.names import one_line
from ui.text import counted

if TYPE_CHECKING:
    from engine.station import Job

HINTS = {
    "f1_max": "The best balance of found anomalies and right alarms, over all thresholds: 1 is "
    "perfect. It is known only in hindsight. Compare it with the floor, which costs nothing.",
    "auroc": "The chance that an anomalous image has a higher total than a normal one: 1 is "
    "perfect, 0.5 is a coin. It needs no threshold.",
    "aupr": "The area under precision over recall: how right alarms are on average, from the "
    "strictest threshold to the loosest. 1 is perfect.",
    "f1_at_threshold": "F1 at the threshold that was set from the references alone, without ever "
    "seeing an anomaly: what a line would really get.",
    "floor": "F1 of calling every image an anomaly. Any method gets that for nothing, so only "
    "what lies above it counts.",
    "shots": "How many normal images the method learns from: the references.",
    "seeds": "Each seed draws other references. Several seeds show how much the choice of "
    "references matters.",
    "profile": "embedded needs no network weights and is quick on any machine; cnn adds a small "
    "network that comes along; the foundation profiles need their weights and PyTorch.",
    "set": "What was said at the threshold that was set from the references alone.",
    "best": "What would have been said at the threshold of F1-max, which is known in hindsight.",
    "threshold": "A total above it is called an anomaly. It is set from the references alone.",
    "total": "How much an image differs from the references; the scores together.",
    "spread": "±: standard deviation over seeds.",
    "milliseconds": "Time to judge one image, without reading the file.",
    "left_out": "Files in the folders of the category that are not read: of another format, or in "
    "a folder below.",
    "type": "Each type of anomaly is measured against all normal images.",
    "score": "Each of the scores on its own, as if it were the total.",
}

# learning and the first images take longer than those that follow
_ENOUGH = 12

COIN = 0.5
"""The AUROC of throwing a coin, as the floor is the F1 of calling every image an anomaly."""

TITLES = {
    "f1_max": "F1-max",
    "floor": "Floor",
    "auroc": "AUROC",
    "f1_at_threshold": "F1 at threshold",
    "aupr": "AUPR",
}


@dataclass(frozen=True)
class Tile:
    """One figure in large: its title, number, what it is beside, and a hint."""

    title: str
    value: str
    note: str
    hint: str


def tiles(figures: Figures, seed: int) -> list[Tile]:
    """Return the figures of one run, each with how far it is above what costs nothing."""
    floor = figures.floor.values[seed]
    nothing = {"f1_max": floor, "f1_at_threshold": floor, "auroc": COIN}
    return [
        Tile(title, number(value), _above(value, nothing.get(name), name), HINTS[name])
        for name, title in TITLES.items()
        for value in [getattr(figures, name).values[seed]]
    ]


def summary_rows(summary: Summary) -> list[dict[str, Any]]:
    """Return one row for each category and number of shots, and the means; – is undefined."""
    return [_summary_row(row) for row in summary.rows + summary.means]


def plan_text(categories: Sequence[Category], shots: Sequence[int], seeds: Sequence[int]) -> str:
    """Say what is going to be done."""
    n_runs = len(categories) * len(set(shots)) * len(set(seeds))
    n_images = (
        sum(len(category.test) for category in categories) * len(set(shots)) * len(set(seeds))
    )
    return f"{counted(n_runs, 'run')}, in which {counted(n_images, 'image')} will be judged"


def category_text(category: Category) -> str:
    """Say what a category holds."""
    n_bad = sum(sample.is_anomalous for sample in category.test)
    return (
        f"{counted(len(category.train), 'image')} to draw references from; "
        f"{len(category.test) - n_bad} normal and {n_bad} anomalous ones to judge"
    )


def category_remarks(category: Category) -> list[str]:
    """Say what of a category is not read, and what else is to be known; a line each."""
    return list(remarks({category.name: category.left_out}, {category.name: category.notes}))


def duration_text(seconds: float) -> str:
    """Write a duration as people say it."""
    if seconds < 90:
        return f"about {max(1, round(seconds))} s"
    return f"about {round(seconds / 60)} min"


def remaining_text(elapsed: float, done: int, total: int) -> str:
    """Estimate what is left from what was done; empty before there is enough to go by."""
    if not _ENOUGH <= done < total or elapsed <= 0:
        return ""
    return f"{duration_text(elapsed / done * (total - done))} left"


def job_title(job: Job) -> str:
    """Name a job by its data set, and what of it is measured."""
    spec = job.spec
    names = spec["categories"] or [PurePath(spec["root"]).name]
    listed = ", ".join(names) if len(names) < 4 else counted(len(names), "category", "categories")
    shots = ", ".join(map(str, spec["shots"] or SHOTS))
    return f"{listed} · {shots} shots · {counted(len(spec['seeds'] or SEEDS), 'seed')}"


def read_numbers(text: str) -> tuple[int, ...]:
    """Read whole numbers from 0 on, separated by commas or blanks, each once and in order.

    Raises:
        ValueError: There is none, or something else is there, too.
    """
    words = text.replace(",", " ").split()
    if not words or not all(word.isdecimal() and word.isascii() for word in words):
        raise ValueError(
            f"seeds must be whole numbers from 0 on, separated by commas, got {text!r}; "
            f"type for example {', '.join(map(str, SEEDS))}"
        )
    return tuple(dict.fromkeys(map(int, words)))


def scope_text(runs: Sequence[Run]) -> str:
    """Say which shots and how many seeds runs have."""
    shots = sorted({run.shots for run in runs})
    seeds = {run.seed for run in runs}
    word = "shot" if shots == [1] else "shots"
    return f"{', '.join(map(str, shots))} {word} · {counted(len(seeds), 'seed')}"


def run_key(run: Run) -> str:
    """Return what tells a run from the others of its benchmark."""
    return f"{run.category}/{run.shots}/{run.seed}"


def line_rows(lines: Sequence[Line], *, is_counted: bool) -> list[dict[str, Any]]:
    """Return one row for each line; the floor and the number of images only where they differ."""
    rows = []
    for line in lines:
        row: dict[str, Any] = {"name": line.name}
        if is_counted:
            row |= {"images": line.n_anomalous, "floor": _or_none(line.floor)}
        rows.append(row | {"f1_max": _or_none(line.f1_max), "auroc": _or_none(line.auroc)})
    return rows


def mistake_text(mistake: Mistake) -> str:
    """Say in Markdown what the total is and whether that was right: by colour, sign and word."""
    total = f"{mistake.image.total or 0.0:.3f}"
    is_anomalous = mistake.image.is_anomalous
    if mistake.is_wrong:
        word = "missed" if is_anomalous else "false alarm"
        return f":orange[:material/close: **{total}** {word}]"
    return f":blue[:material/check: **{total}** {'found' if is_anomalous else 'passed'}]"


def run_title(run: Run) -> str:
    """Name a run."""
    return f"{one_line(run.category)} · {counted(run.shots, 'shot')} · seed {run.seed}"


def date_text(at: datetime) -> str:
    """Write a time of day of a date, in the zone of the server."""
    return at.astimezone().strftime("%d %b %Y, %H:%M")


def _summary_row(row: Row) -> dict[str, Any]:
    figures = row.overall
    return {
        "category": row.category,
        "shots": row.shots,
        "seeds": len(figures.floor.values),
        "normal": figures.n_good,
        "anomalous": figures.n_anomalous,
        "floor": number(figures.floor.mean),
        **{name: with_spread(getattr(figures, name)) for name in TITLES if name != "floor"},
        "milliseconds": _or_none(1000 * row.seconds_per_image),
        **({"errors": row.n_errors} if row.n_errors else {}),
        **({"left_out": row.n_left_out} if row.n_left_out else {}),
    }


def _above(value: float, nothing: float | None, name: str) -> str:
    if nothing is None or math.isnan(value) or math.isnan(nothing):
        return ""
    side = "above" if value >= nothing else "below"
    return f"{abs(value - nothing):.3f} {side} {'a coin' if name == 'auroc' else 'the floor'}"


def _or_none(value: float) -> float | None:
    return value if math.isfinite(value) else None
