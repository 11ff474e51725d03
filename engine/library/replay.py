"""Replay of lessons: what a class consists of, after all that was said about it.

A lesson counts unless it is undone. The lessons that count are gone through in the order in which
they were given, whenever they may have been undone and redone in between:

- *teach* adds an example;
- *forget example* removes one, *forget class* all that were taught so far;
- *rename* and *change kind* set the name and the kind, which hold for all examples of the class.

A class without examples is dormant: it is in no list, and its name is free. Each rule is defined
whatever is missing, so that any lesson can be undone and redone at any time, with one exception:
two active classes never share a name, and what would give one the name of another is refused until
that other is renamed or forgotten.

Lessons belong to classes, not to names. Undoing the lesson that a class began with leaves the
examples of later ones in it; undoing a *rename* or *change kind* keeps the examples taught since;
undoing a *forget class* brings back what was forgotten beside what was taught since. Teaching a
name that no active class has wakes the dormant class last called so, if it is of that kind, and
else begins a new one.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from engine.library.records import Action, Kind


@dataclass(frozen=True)
class Step:
    """A lesson about one class that counts; ``value`` is the new name or kind, else empty."""

    action: Action
    example_id: int | None
    value: str


@dataclass(frozen=True)
class Outcome:
    """What a class is called, of which kind it is, and which examples count."""

    name: str
    kind: Kind
    example_ids: frozenset[int]


def replay(name: str, kind: Kind, steps: Iterable[Step]) -> Outcome:
    """Go through lessons about one class, oldest first; it began with this name and kind."""
    examples: set[int] = set()
    for step in steps:
        if step.action == "teach" and step.example_id is not None:
            examples.add(step.example_id)
        elif step.action == "forget example" and step.example_id is not None:
            examples.discard(step.example_id)
        elif step.action == "forget class":
            examples.clear()
        elif step.action == "rename":
            name = step.value
        elif step.action == "change kind":
            kind = "defect" if step.value == "defect" else "accepted"
    return Outcome(name, kind, frozenset(examples))
