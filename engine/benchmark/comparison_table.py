"""How does what changed between two benchmarks read in a terminal?"""

from __future__ import annotations

import math

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from engine.benchmark.comparing import BenchComparison, ComparedRow
from engine.benchmark.pairing import ImagePair, RunPair
from engine.benchmark.summary import MEAN, Spread
from engine.benchmark.table import number, plain_table, printed

_TITLES = {"f1_max": "F1-max", "auroc": "AUROC", "aupr": "AUPR", "f1_at_threshold": "F1 at thr."}
_NOTE = """\
Old, new, and new minus old, over the images that both judged; ±: standard deviation of the paired
differences over seeds. better, worse: images whose verdict became right, or wrong, in all seeds.
"""


def comparison_text(comparison: BenchComparison, *, is_colored: bool = False) -> str:
    """Return every table as text; colours are ANSI sequences."""
    tables: list[RenderableType] = [_figures_table(comparison), Text(_NOTE, style="dim")]
    pairs = [pair for row in comparison.rows for pair in row.pairs]
    tables.extend(_changes_table(pair) for pair in pairs if pair.changed)
    return printed(Group(*tables), is_colored=is_colored)


def signed(spread: Spread) -> str:
    """Return a mean difference with its sign and, over several seeds, its standard deviation."""
    if math.isnan(spread.mean):
        return "–"
    mean = f"{spread.mean:+.3f}".replace("-", "−")
    return mean if len(spread.values) < 2 else f"{mean} ±{spread.std:.3f}"


def _figures_table(comparison: BenchComparison) -> Table:
    table = plain_table("Comparison", ("category", "k"), ("seeds", *_TITLES.values()))
    for heading in ("better", "worse"):
        table.add_column(heading, justify="right")
    for row in comparison.rows + comparison.means:
        style = "bold" if row.category == MEAN else None
        table.add_row(row.category, _shots(row), str(len(row.seeds)), *_cells(row), style=style)
    return table


def _cells(row: ComparedRow) -> list[str]:
    cells = [
        f"{number(figure.old.mean)} → {number(figure.new.mean)}  {signed(figure.change)}"
        for figure in (row.figures[name] for name in _TITLES)
    ]
    images = [image for pair in row.pairs for image in pair.images]
    if not images:
        return [*cells, "", ""]
    better, worse = (sum(each) for each in zip(*map(_flags, images), strict=True))
    return [*cells, str(better), str(worse)]


def _flags(image: ImagePair) -> tuple[bool, bool]:
    return image.is_better, image.is_worse


def _shots(row: ComparedRow) -> str:
    old, new = row.shots
    return str(old) if old == new else f"{old} → {new}"


def _changes_table(pair: RunPair) -> Table:
    old, new = pair.old, pair.new
    title = f"Other verdicts: {old.category}, k = {old.shots}, seed {old.seed}"
    if (old.shots, old.seed) != (new.shots, new.seed):
        title += f" → k = {new.shots}, seed {new.seed}"
    table = plain_table(title, ("image", "is", "verdict"), ("old total", "new total", "limits"))
    limits = f"{number(old.threshold or 0.0)} → {number(new.threshold or 0.0)}"
    for image in pair.changed:
        table.add_row(
            image.path,
            "anomalous" if image.is_anomalous else "normal",
            f"{'better' if image.is_better else 'worse'}: "
            f"{'anomaly' if image.is_alarm else 'normal'} now",
            number(image.old_total),
            number(image.new_total),
            limits,
        )
    return table
