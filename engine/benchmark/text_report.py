"""Text report for a terminal: tables of one benchmark, or of two compared.

The first table has one line for each category and number of shots. The others set one choice of
images, or one single score, against the number of shots, as F1-max and AUROC.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from io import StringIO

from rich import box
from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from engine.benchmark.comparison import BenchComparison, ComparedRow, ImagePair, RunPair
from engine.benchmark.summary import MEAN, Figures, Row, Spread, Summary
from features.names import one_line

_GetParts = Callable[[Row], dict[str, Figures]]

_HEADINGS = ("floor", "F1-max", "AUROC", "AUPR", "F1 at threshold")
_NOTE = """\
floor: F1 of calling every image anomalous. F1 at threshold: at the one set from the references.
±: standard deviation over seeds. –: not defined.
"""

_WIDEST = 1000  # tables take what they need, so that no figure is ever cut

_TITLES = {"f1_max": "F1-max", "auroc": "AUROC", "aupr": "AUPR", "f1_at_threshold": "F1 at thr."}
_COMPARISON_NOTE = """\
Old, new, and new minus old, over the images that both judged; ±: standard deviation of the paired
differences over seeds. better, worse: images whose verdict became right, or wrong, in all seeds.
"""


def tables_text(summary: Summary, *, is_colored: bool = False) -> str:
    """Return every table as text, as wide as it has to be; colours are ANSI sequences."""
    return printed(_bench_tables(summary), is_colored=is_colored)


def printed(tables: RenderableType, *, is_colored: bool) -> str:
    """Return tables as text without trailing blanks; colours are ANSI sequences."""
    output = StringIO()
    console = Console(
        file=output,
        width=_WIDEST,
        force_terminal=is_colored,
        color_system="standard" if is_colored else None,
        highlight=False,
    )
    console.print(tables)
    return "\n".join(line.rstrip() for line in output.getvalue().splitlines()) + "\n"


def _bench_tables(summary: Summary) -> RenderableType:
    """Return every table that has something to say, for a rich console."""
    tables: list[RenderableType] = [_main_table(summary), Text(_NOTE, style="dim")]
    rows = summary.rows + summary.means
    if any(list(row.groups) != list(row.types) for row in rows if row.category != MEAN):
        tables.append(_shots_table("By group of anomalies", rows, lambda row: row.groups))
    tables.append(_shots_table("By type of anomaly", summary.rows, lambda row: row.types))
    tables.append(_shots_table("Each score alone", rows, lambda row: row.scores, is_counted=False))
    return Group(*tables)


def _main_table(summary: Summary) -> Table:
    n_errors = sum(row.n_errors for row in summary.rows)
    table = plain_table("Benchmark", ("category", "k"), ("good", "anom.", *_HEADINGS, "ms/image"))
    if n_errors:
        table.add_column("errors", justify="right", style="red")
    before = ""
    for row in summary.rows + summary.means:
        figures = row.overall
        spreads = (figures.f1_max, figures.auroc, figures.aupr, figures.f1_at_threshold)
        cells = [
            row.category if row.category != before else "",
            str(row.shots),
            str(figures.n_good),
            str(figures.n_anomalous),
            number(figures.floor.mean),
            *(with_spread(spread) for spread in spreads),
            number(1000 * row.seconds_per_image, digits=0),
        ]
        if n_errors:
            cells.append(str(row.n_errors))
        before = row.category
        add_row(table, *cells, style="bold" if row.category == MEAN else "")
    areas = summary.area_under_f1
    if len({row.shots for row in summary.rows}) > 1:
        wide = max(len(category) for category in areas)
        listed = (f"  {name:<{wide}}  {number(area)}" for name, area in areas.items())
        table.caption = Text("\n").join(map(safe, ("area under F1-max over k:", *listed)))
    return table


def _shots_table(
    title: str, rows: tuple[Row, ...], parts_of: _GetParts, *, is_counted: bool = True
) -> Table:
    """Set parts against shots; cells are F1-max and AUROC."""
    shots = sorted({row.shots for row in rows})
    counts = ("anom.", "floor") if is_counted else ()
    columns = tuple(f"k = {k}" for k in shots)
    table = plain_table(f"{title} (F1-max / AUROC)", ("category", ""), (*counts, *columns))
    for category in dict.fromkeys(row.category for row in rows):
        of_shots = {row.shots: parts_of(row) for row in rows if row.category == category}
        names = dict.fromkeys(name for parts in of_shots.values() for name in parts)
        for i, name in enumerate(names):
            cells = [_pair(of_shots.get(k, {}).get(name)) for k in shots]
            first = next(parts[name] for parts in of_shots.values() if name in parts)
            counted = [str(first.n_anomalous), number(first.floor.mean)] if is_counted else []
            style = "bold" if category == MEAN else ""
            add_row(table, "" if i else category, name, *counted, *cells, style=style)
    return table


def plain_table(title: str, left: tuple[str, ...], right: tuple[str, ...]) -> Table:
    """Return an empty table with columns of words on the left and of numbers on the right."""
    table = Table(
        title=safe(title),
        box=box.SIMPLE_HEAD,
        title_justify="left",
        caption_justify="left",
        pad_edge=False,
    )
    for heading in left:
        table.add_column(safe(heading))
    for heading in right:
        table.add_column(safe(heading), justify="right")
    return table


def add_row(table: Table, *cells: str, style: str = "") -> None:
    """Add a row; names of folders in it are on one line, and no markup."""
    table.add_row(*map(safe, cells), style=style)


def safe(text: str) -> Text:
    """Write a name, or words with names, so that a console neither obeys nor breaks it."""
    return Text(one_line(text))


def _pair(figures: Figures | None) -> str:
    if figures is None:
        return "–"
    return f"{number(figures.f1_max.mean)} / {number(figures.auroc.mean)}"


def with_spread(spread: Spread) -> str:
    """Return mean and, over several seeds, standard deviation."""
    if len(spread.values) < 2 or math.isnan(spread.mean):
        return number(spread.mean)
    return f"{number(spread.mean)} ±{spread.std:.3f}".replace("±0.", "±.")


def number(value: float, *, digits: int = 3) -> str:
    """Return a figure with a fixed number of decimals, and a dash for one that is not defined."""
    return "–" if math.isnan(value) else f"{value:.{digits}f}"


def comparison_text(comparison: BenchComparison, *, is_colored: bool = False) -> str:
    """Return every table as text; colours are ANSI sequences."""
    tables: list[RenderableType] = [_figures_table(comparison), Text(_COMPARISON_NOTE, style="dim")]
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
        style = "bold" if row.category == MEAN else ""
        cells = row.category, row.shots_text, str(len(row.seeds)), *_cells(row)
        add_row(table, *cells, style=style)
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


def _changes_table(pair: RunPair) -> Table:
    old, new = pair.old, pair.new
    title = f"Other verdicts: {old.category}, k = {old.shots}, seed {old.seed}"
    if (old.shots, old.seed) != (new.shots, new.seed):
        title += f" → k = {new.shots}, seed {new.seed}"
    table = plain_table(title, ("image", "is", "verdict"), ("old total", "new total", "limits"))
    limits = f"{number(old.threshold or 0.0)} → {number(new.threshold or 0.0)}"
    for image in pair.changed:
        add_row(
            table,
            image.path,
            "anomalous" if image.is_anomalous else "normal",
            f"{'better' if image.is_better else 'worse'}: "
            f"{'anomaly' if image.is_alarm else 'normal'} now",
            number(image.old_total),
            number(image.new_total),
            limits,
        )
    return table
