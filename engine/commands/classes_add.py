"""``partwise classes add``: which pixels of which reference are outlined?"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from engine.editing import Add, ClassEditError, grow
from engine.inspector import Inspector
from engine.regions.outlines import (
    from_box,
    from_mask_file,
    from_polygon,
    parse_box,
    parse_polygon,
)
from features.region import Region


def outlined(
    way: str, outline: str | Path, reference: str, name: str, is_exact: bool
) -> Callable[[Inspector], Add]:
    """Return what makes the edit, once the references are known."""

    def edit(inspector: Inspector) -> Add:
        index = find_reference(inspector, reference)
        return Add(name, index, _region(inspector, index, way, outline, is_exact))

    return edit


def find_reference(inspector: Inspector, text: str) -> int:
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
    listed = ", ".join(f"{index} {name}" for index, name in enumerate(names))
    raise ClassEditError(f"there is no reference {text!r}; expected one of {listed}")


def _region(
    inspector: Inspector, index: int, way: str, outline: str | Path, is_exact: bool
) -> Region:
    height, width = inspector.fitted.samples[index].is_valid.shape
    size = int(height), int(width)
    if way == "click_xy":
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
