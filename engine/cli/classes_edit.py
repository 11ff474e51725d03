"""Edits of the classes of a model, and what the terminal shows of them."""

from __future__ import annotations

import getpass
import platform
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal

import cv2
import numpy as np

from engine.atomic import atomic_write, check_writable
from engine.cli.failures import Failure
from engine.cli.terminal import say, say_json
from engine.editing import (
    Add,
    ClassEdit,
    ClassEditError,
    ClassRow,
    Edit,
    Effect,
    class_rows,
    effect,
    grow,
)
from engine.editing.locking import apply, change_by
from engine.editing.summary import overview
from engine.inspector import Inspector
from engine.regions.outlines import (
    from_box,
    from_mask_file,
    from_polygon,
    parse_box,
    parse_polygon,
)
from features.names import show_name
from features.region import Region

# what to do follows from the model: classes are named there
Choice = Callable[[Inspector], Edit | Literal["undo", "redo"]]

_PICTURES = (".png", ".jpg", ".jpeg")


def edit_model(
    model: Path, choose: Choice, *, author: str | None, is_json: bool, is_trial: bool
) -> None:
    """Edit a model, or only show what that would change, and tell it."""
    author = author or _user()
    if is_trial:
        before = Inspector.load(model)
        after = apply(before, choose(before), author=author)
        changed = effect(before, after)
    else:
        after, changed = change_by(model, choose, author=author)
    done = _done(after)
    if is_json:
        say_json(_facts(done, changed, is_saved=not is_trial), indent=2)
        return
    say(f"{done}{'; a trial, nothing was saved' if is_trial else ''}")
    for line in _effect_lines(changed):
        say(line)


def _done(after: Inspector) -> str:
    """Say what was done last: the latest edit or undoing."""
    history = after.fitted.class_history
    counting = [each for each in history if not each.is_undone]
    undone = max(history, key=lambda each: each.undone_as)
    if undone.is_undone and undone.number > max((each.number for each in counting), default=0):
        return f"undone: {undone.text}"
    return counting[-1].text


def _facts(done: str, changed: Effect, *, is_saved: bool) -> dict[str, Any]:
    return {
        "edit": done,
        "is_saved": is_saved,
        "threshold": {"before": changed.threshold.before, "after": changed.threshold.after},
        "totals": [asdict(each) for each in changed.totals],
        "counts": [asdict(each) for each in changed.counts],
    }


def _user() -> str:
    try:
        name = getpass.getuser()
    except (KeyError, OSError):  # a container may run as a user without a name
        name = "unknown"
    return f"{name}@{platform.node()}"


def outlined_class(
    way: str, outline: str | Path, reference: str, name: str, *, is_exact: bool
) -> Callable[[Inspector], Add]:
    """Return what adds a class outlined on a reference, once the references are known.

    ``way`` is ``click``, ``box``, ``polygon`` or ``mask``, and says what ``outline`` is.
    """

    def edit(inspector: Inspector) -> Add:
        index = _find_reference(inspector, reference)
        return Add(name, index, _outlined_region(inspector, index, way, outline, is_exact=is_exact))

    return edit


def _find_reference(inspector: Inspector, text: str) -> int:
    """Return the number of a reference given by its number or name.

    Raises:
        ClassEditError: There is none.
    """
    names = inspector.fitted.names
    if text in names:
        return names.index(text)
    own = [index for index, name in enumerate(names) if Path(name).name == text]
    if len(own) == 1:
        return own[0]
    if text.isdecimal() and int(text) < len(names):
        return int(text)
    listed = ", ".join(f"{index} {show_name(name)}" for index, name in enumerate(names))
    raise ClassEditError(f"there is no reference {text!r}; expected one of {listed}")


def _outlined_region(
    inspector: Inspector, index: int, way: str, outline: str | Path, *, is_exact: bool
) -> Region:
    height, width = inspector.fitted.samples[index].is_valid.shape
    size = int(height), int(width)
    if way == "click":
        return grow(inspector, index, _place(str(outline)))
    if way == "mask":
        return from_mask_file(outline, size)
    if way == "polygon":
        return from_polygon(parse_polygon(str(outline)), size)
    box = from_box(parse_box(str(outline)), size)
    return box if is_exact else grow(inspector, index, box)


def _place(text: str) -> tuple[float, float]:
    points = parse_polygon(text)
    if len(points) != 1:
        raise ClassEditError(f"a click must be one place X,Y, got {text[:80]!r}; for example 60,90")
    return float(points[0, 0]), float(points[0, 1])


def show_classes(model: Path, *, is_json: bool, output: Path | None) -> None:
    """Print the classes, and draw the references with them."""
    if output is not None:
        if output.suffix.lower() not in _PICTURES:
            raise Failure(
                f"the picture must end in {', '.join(_PICTURES)}, got {show_name(output.name)}; "
                "rename it"
            )
        check_writable(output, inputs=[model])
    inspector = Inspector.load(model, is_to_judge=False)
    rows = class_rows(inspector)
    if is_json:
        references = list(inspector.fitted.names)
        told = {"references": references, "classes": [asdict(row) for row in rows]}
        say_json(told, indent=2)
    else:
        names = map(show_name, inspector.fitted.names)
        numbered = (f"{index} {name}" for index, name in enumerate(names))
        say(f"references: {', '.join(numbered)}")
        for line in _class_lines(rows):
            say(line)
    if output is not None:
        _, data = cv2.imencode(
            output.suffix.lower(), np.ascontiguousarray(overview(inspector)[..., ::-1])
        )
        with atomic_write(output) as stream:
            stream.write(data.tobytes())


def show_history(model: Path, *, is_json: bool) -> None:
    """Print all edits."""
    history = Inspector.load(model, is_to_judge=False).fitted.class_history
    if is_json:
        keys = ("number", "text", "author", "at", "is_undone", "undone_by")
        told = [{key: getattr(each, key) for key in keys} for each in history]
        say_json(told, indent=2)
        return
    for line in _history_lines(history):
        say(line)
    if not history:
        say("no class has been edited since the model was fitted")


def _effect_lines(changed: Effect) -> Iterator[str]:
    """Tell totals, threshold and counts before and after."""
    rows = [
        (each.name, f"{each.before:.4f}", f"{each.after:.4f}", f"{each.after - each.before:+.4f}")
        for each in (*changed.totals, changed.threshold)
    ]
    yield from _table(("leave-one-out total", "before", "after", "change"), rows)
    if changed.changed_counts:
        yield ""
        counts = [
            (_called(each.class_id, each.name), _counts(each.before), _counts(each.after))
            for each in changed.changed_counts
        ]
        yield from _table(("count on each reference", "before", "after"), counts)


def _class_lines(rows: Sequence[ClassRow]) -> Iterator[str]:
    """Tell what there is of each class, and what is accepted."""
    cells = [
        (_called(row.id, row.name), _kind(row), _counts(row.counts), _accepted(row), _share(row))
        for row in rows
    ]
    return _table(("class", "kind", "counts", "accepted", "area"), cells)


def _history_lines(history: Sequence[ClassEdit]) -> Iterator[str]:
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


def _table(titles: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Align columns: the first to the left, the others to the right."""
    widths = [max(len(row[i]) for row in [titles, *rows]) for i in range(len(titles))]
    for row in [titles, *rows]:
        cells = [
            each.ljust(wide) if i == 0 else each.rjust(wide)
            for i, (each, wide) in enumerate(zip(row, widths, strict=True))
        ]
        yield "  ".join(cells).rstrip()
