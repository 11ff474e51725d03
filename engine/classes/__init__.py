"""Classes of parts as a person wants them: renamed, merged, split, ignored, ruled, painted.

Every edit is kept with the model; what counts is what follows from all edits that are not undone.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from engine.classes.changing import change
    from engine.classes.edits import (
        Add,
        ClassEditError,
        Count,
        Edit,
        Ignore,
        Merge,
        Remove,
        Rename,
        Split,
    )
    from engine.classes.effects import Effect, effect, leave_one_out_totals
    from engine.classes.growing import grow
    from engine.classes.history import ClassEdit
    from engine.classes.refit import edited, redone, undone
    from engine.classes.rows import ClassRow, class_rows, find_class, reference_picture

_MODULES = {
    "Add": "edits",
    "ClassEdit": "history",
    "ClassEditError": "edits",
    "ClassRow": "rows",
    "Count": "edits",
    "Edit": "edits",
    "Effect": "effects",
    "Ignore": "edits",
    "Merge": "edits",
    "Remove": "edits",
    "Rename": "edits",
    "Split": "edits",
    "change": "changing",
    "class_rows": "rows",
    "edited": "refit",
    "effect": "effects",
    "find_class": "rows",
    "grow": "growing",
    "leave_one_out_totals": "effects",
    "redone": "refit",
    "reference_picture": "rows",
    "undone": "refit",
}

__all__ = [
    "Add",
    "ClassEdit",
    "ClassEditError",
    "ClassRow",
    "Count",
    "Edit",
    "Effect",
    "Ignore",
    "Merge",
    "Remove",
    "Rename",
    "Split",
    "change",
    "class_rows",
    "edited",
    "effect",
    "find_class",
    "grow",
    "leave_one_out_totals",
    "redone",
    "reference_picture",
    "undone",
]

if not TYPE_CHECKING:

    def __getattr__(name: str) -> object:
        if name not in _MODULES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)

    def __dir__() -> list[str]:
        return sorted({*globals(), *__all__})
