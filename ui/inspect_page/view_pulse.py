"""How far is the queue, in words?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ui.view import counted

if TYPE_CHECKING:
    from engine.station import Tally


def progress_words(tally: Tally) -> str:
    """Say how much of a batch is judged, and what was found so far."""
    ended = tally.total - tally.pending
    said = f"{ended} of {counted(tally.total, 'image')} judged"
    return f"{said}, {_found(tally)}" if ended else said


def settled_words(tally: Tally) -> str:
    """Say what there is when nothing waits."""
    if not tally.total:
        return "No images yet: drop some above"
    return f"{counted(tally.total, 'image')}: {_found(tally)}"


def _found(tally: Tally) -> str:
    said = [counted(tally.anomaly, "anomaly", "anomalies"), f"{tally.normal} normal"]
    said += [f"{tally.failed} not judged"] if tally.failed else []
    said += [f"{tally.cancelled} cancelled"] if tally.cancelled else []
    return ", ".join(said)
