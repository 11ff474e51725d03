"""Editing of classes of parts: rename, merge, split, ignore, set counts, paint.

Every edit is kept with the model; what counts is what follows from all edits that are not undone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.lazy import lazy_names

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

if TYPE_CHECKING:
    from engine.class_edits import (
        Add,
        ClassEdit,
        ClassEditError,
        Count,
        Edit,
        Ignore,
        Merge,
        Remove,
        Rename,
        Split,
    )
    from engine.editing.locking import change
    from engine.editing.painting import grow
    from engine.editing.refit import Effect, edited, effect, leave_one_out_totals, redone, undone
    from engine.editing.summary import ClassRow, class_rows, find_class, reference_picture
else:
    __getattr__, __dir__ = lazy_names(
        __name__,
        {
            "engine.class_edits": (
                "Add",
                "ClassEdit",
                "ClassEditError",
                "Count",
                "Edit",
                "Ignore",
                "Merge",
                "Remove",
                "Rename",
                "Split",
            ),
            "engine.editing.locking": ("change",),
            "engine.editing.painting": ("grow",),
            "engine.editing.refit": (
                "Effect",
                "edited",
                "effect",
                "leave_one_out_totals",
                "redone",
                "undone",
            ),
            "engine.editing.summary": ("ClassRow", "class_rows", "find_class", "reference_picture"),
        },
    )
