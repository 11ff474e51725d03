"""What has an inspector learnt, in words and as JSON?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from engine.config import to_dict
from engine.editing import ClassRow, class_rows
from engine.inspector import Inspector
from engine.scores import SCORES

_NOTES = {
    "self-calibrated": (
        "one reference: scales and threshold come from changed copies of itself; "
        "more references tell better how normal images vary"
    ),
    "uncalibrated": (
        "one reference: scales are constants and the threshold is a guess; "
        "compare totals with each other, or set --threshold"
    ),
}


def facts(inspector: Inspector) -> dict[str, Any]:
    """Return what a fitted inspector has learnt, as JSON holds it."""
    edits = [each for each in inspector.fitted.class_history if not each.is_undone]
    scales = inspector.fitted.normaliser.scales
    return {
        "profile": inspector.config.profile,
        "working_size": list(inspector.fitted.working_size),
        "references": [reference.name for reference in inspector.fitted.references],
        "classes": [_class(row) for row in class_rows(inspector)],
        "class_edits": [
            {"text": each.text, "author": each.author, "at": each.at} for each in edits
        ],
        "scales": {each.name: scales[each.name] for each in SCORES if each.name in scales},
        "threshold": inspector.fitted.threshold,
        "threshold_source": inspector.fitted.threshold_source,
        "calibration": inspector.fitted.calibration,
        "notes": list(_notes(inspector)),
        "config": to_dict(inspector.config),
    }


def summary(inspector: Inspector) -> str:
    """Return the same as a few readable lines."""
    told = facts(inspector)
    height, width = told["working_size"]
    config = told["config"]
    counts = {each["name"]: " ".join(map(str, each["counts"])) for each in told["classes"]}
    scales = {name: f"{scale:.4g}" for name, scale in told["scales"].items()}
    lines = [
        f"profile {config['profile']}, preset {config['preset']}, seed {config['seed']}, "
        f"working size {width}×{height} px",
        f"references ({len(told['references'])}): {', '.join(told['references'])}",
        "how many parts of each class the references have:",
        *_indented(counts),
        *(["edits of classes since then:"] if told["class_edits"] else []),
        *(f"  {each['text']}" for each in told["class_edits"]),
        "scales, by which scores are divided:",
        *_indented(scales),
        f"threshold {told['threshold']:.4f}, {told['threshold_source']}; {told['calibration']}",
        *(f"note: {note}" for note in told["notes"]),
    ]
    return "\n".join(lines)


def _class(row: ClassRow) -> dict[str, Any]:
    return {
        "id": row.id,
        "name": row.name,
        "counts": list(row.counts),
        "is_background": row.is_background,
        "is_painted": row.is_painted,
        "tolerance": row.tolerance,
    }


def _notes(inspector: Inspector) -> Iterator[str]:
    """Say what a careful user should know before trusting the verdicts."""
    if inspector.fitted.calibration in _NOTES:
        yield _NOTES[inspector.fitted.calibration]
    first, *others = (reference.registered for reference in inspector.fitted.references)
    if others and all(np.array_equal(first, other) for other in others):
        yield "all references are identical; they do not tell how normal images vary"


def _indented(table: dict[str, str]) -> Iterator[str]:
    wide = max(map(len, table), default=0)
    return (f"  {name:<{wide}}  {value}" for name, value in table.items())
