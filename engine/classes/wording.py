"""What was edited, in a line for people?"""

from __future__ import annotations

from collections.abc import Sequence

from engine.classes.edits import Add, Count, Edit, Ignore, Merge, Remove, Rename, Split


def told(edit: Edit, names: Sequence[str], references: Sequence[str]) -> str:
    """Put an edit into words, with the names that classes had before it."""
    match edit:
        case Rename():
            return f"renamed {names[edit.class_id]!r} to {edit.name!r}"
        case Merge():
            listed = " and ".join(repr(names[each]) for each in edit.class_ids)
            called = "" if edit.name is None else f" as {edit.name!r}"
            return f"merged {listed}{called}"
        case Split():
            return f"split {names[edit.class_id]!r} into {edit.n}"
        case Ignore():
            done = "took {} for background" if edit.is_ignored else "took {} for things"
            return done.format(repr(names[edit.class_id]))
        case Count():
            name = repr(names[edit.class_id])
            if edit.tolerance is None:
                return f"learn the count of {name} again"
            return f"allowed ±{edit.tolerance} on the count of {name}"
        case Add():
            return (
                f"painted {edit.name!r} on {references[edit.reference]}: {edit.region.area_px} px"
            )
        case Remove():
            return f"removed {names[edit.class_id]!r}"
