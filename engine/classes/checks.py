"""Is there such a class, is the name free, and what is a class called in a message?"""

from __future__ import annotations

import numpy as np

from engine.classes.edits import ClassEditError
from engine.classes.table import Classes


def check_class(classes: Classes, class_id: int) -> None:
    """Refuse a number that no class has.

    Raises:
        ClassEditError: There is no such class, or no longer.
    """
    live = np.flatnonzero(~classes.is_retired).tolist()
    if class_id not in live:
        raise ClassEditError(
            f"there is no class {class_id}; expected one of {', '.join(map(str, live))}: "
            "`partwise classes list` shows them"
        )


def check_free(classes: Classes, name: str, own: set[int]) -> None:
    """Refuse a name that another class has; ``own`` are the classes that may have it.

    Raises:
        ClassEditError: Another class has that name.
    """
    for class_id, other in enumerate(classes.names):
        if other == name and class_id not in own and not classes.is_retired[class_id]:
            raise ClassEditError(
                f"class {class_id} is called {name!r} already; choose another name, "
                "or merge the two"
            )


def called(classes: Classes, class_id: int) -> str:
    """Return what to call a class in a message."""
    name = classes.names[class_id]
    return f"class {class_id}" if name is None or name.startswith("class ") else f"{name!r}"


def with_name(
    names: tuple[str | None, ...], class_id: int, name: str | None
) -> tuple[str | None, ...]:
    """Give one class another name; None lets its looks decide."""
    return (*names[:class_id], name, *names[class_id + 1 :])


def with_value(values: np.ndarray, index: int, value: int | bool) -> np.ndarray:
    """Copy values with another one at an index."""
    changed = values.copy()
    changed[index] = value
    return changed
