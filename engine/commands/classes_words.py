"""How are classes, and what edits change, told in a terminal?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from engine.editing import ClassEdit, ClassRow, Effect


def table(titles: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Align columns: the first to the left, the others to the right."""
    widths = [max(len(row[i]) for row in [titles, *rows]) for i in range(len(titles))]
    for row in [titles, *rows]:
        cells = [
            each.ljust(wide) if i == 0 else each.rjust(wide)
            for i, (each, wide) in enumerate(zip(row, widths, strict=True))
        ]
        yield "  ".join(cells).rstrip()


def effect_lines(changed: Effect) -> Iterator[str]:
    """Tell totals, threshold and counts before and after."""
    rows = [
        (each.name, f"{each.before:.4f}", f"{each.after:.4f}", f"{each.after - each.before:+.4f}")
        for each in (*changed.totals, changed.threshold)
    ]
    yield from table(("leave-one-out total", "before", "after", "change"), rows)
    if changed.changed_counts:
        yield ""
        counts = [
            (_called(each.class_id, each.name), _counts(each.before), _counts(each.after))
            for each in changed.changed_counts
        ]
        yield from table(("count on each reference", "before", "after"), counts)


def class_lines(rows: Sequence[ClassRow]) -> Iterator[str]:
    """Tell what there is of each class, and what is accepted."""
    cells = [
        (_called(row.id, row.name), _kind(row), _counts(row.counts), _accepted(row), _share(row))
        for row in rows
    ]
    return table(("class", "kind", "counts", "accepted", "area"), cells)


def history_lines(history: Sequence[ClassEdit]) -> Iterator[str]:
    """Tell all edits, the oldest first."""
    for each in history:
        state = f"  (undone by {each.undone_by or 'somebody'})" if each.is_undone else ""
        yield f"{each.number}  {each.at}  {each.author or 'somebody'}  {each.text}{state}"


def _called(class_id: int, name: str) -> str:
    """Put the number first, unless the name does so by itself."""
    return name if name.startswith(f"class {class_id} ") else f"{class_id} {name}"


def _share(row: ClassRow) -> str:
    return f"{row.share:.1%}"


def _kind(row: ClassRow) -> str:
    if row.is_background:
        return "ignored" if row.is_ignored else "background"
    return "painted" if row.is_painted else "parts"


def _accepted(row: ClassRow) -> str:
    if row.is_background:
        return "any"
    if row.tolerance is None:
        return "learnt"
    return f"{row.low}" if row.low == row.high else f"{row.low} to {row.high}"


def _counts(counts: tuple[int, ...] | None) -> str:
    return "none" if counts is None else " ".join(map(str, counts))
