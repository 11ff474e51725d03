"""``partwise classes rename`` and the like: what does an edit change, and is it saved?"""

from __future__ import annotations

import getpass
import json
import platform
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal

import click

from engine.commands.classes_words import effect_lines
from engine.editing import Edit, Effect, effect, find_class
from engine.editing.locking import apply, change_by
from engine.inspector import Inspector

# what to do follows from the model: classes are named there
Choice = Callable[[Inspector], Edit | Literal["undo", "redo"]]


def run(choose: Choice, model: Path, *, author: str | None, is_json: bool, is_trial: bool) -> int:
    """Edit a model, or only show what that would change; returns the exit code."""
    author = author or _user()
    if is_trial:
        before = Inspector.load(model)
        after = apply(before, choose(before), author=author)
        changed = effect(before, after)
    else:
        after, changed = change_by(model, choose, author=author)
    done = _done(after)
    if is_json:
        click.echo(json.dumps(_facts(done, changed, is_saved=not is_trial), indent=2))
        return 0
    click.echo(f"{done}{'; a trial, nothing was saved' if is_trial else ''}")
    for line in effect_lines(changed):
        click.echo(line)
    return 0


def found(inspector: Inspector, text: str) -> int:
    """Return the number of the class that a person means.

    Raises:
        ClassEditError: There is none.
    """
    return find_class(inspector, text)


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
