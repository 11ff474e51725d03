"""Exports of entries: CSV table, JSON lines, and the HTML page of verdicts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from engine.rendering.html_report import explain_page
from engine.report import Report
from engine.station.judge import Judge
from engine.station.records import Entry, StationError
from features import names
from features.images import AnyImage, resize

# sharper than the page shows anything
_SIDE_PX = 1280
_BY_HAND = "set by hand"


def facts(entry: Entry) -> dict[str, Any]:
    """Return what a table says of an entry."""
    return {
        "id": entry.id,
        "name": entry.name,
        "path": str(entry.path) if entry.path else "",
        "source": entry.source,
        "batch": entry.batch,
        "model": str(entry.model),
        "state": entry.state,
        "verdict": entry.verdict,
        "score": entry.total,
        "threshold": entry.threshold,
        "is_by_region": entry.is_by_region,
        "reason": entry.reason,
        "classes": list(entry.classes),
        "review": entry.review,
        "reviewed_by": entry.reviewed_by,
        "added_at": entry.added_at.isoformat(timespec="seconds"),
        "judged_at": entry.judged_at.isoformat(timespec="seconds") if entry.judged_at else None,
        "seconds": entry.seconds,
        "sha256": entry.image_sha256,
        "error": entry.error,
    }


def csv_text(entries: Sequence[Entry]) -> str:
    """Write a table, one row an entry; what is unknown is empty."""
    rows = [facts(each) | {"classes": "; ".join(each.classes)} for each in entries]
    return names.csv_text(list(rows[0]) if rows else ["id", "name"], rows)


def jsonl_text(entries: Sequence[Entry]) -> str:
    """Write one JSON object an entry."""
    return "".join(names.json_text(facts(each)) + "\n" for each in entries)


def report_page(entries: Sequence[Entry], photos: Sequence[AnyImage]) -> str:
    """Judge images of one model once more and explain why each is judged as it is.

    Raises:
        StationError: There is none, one was never judged, or they are of several models.
        ModelFileError: The model is gone or cannot be used.
        LibraryError: The library cannot be read, or does not fit the model.
    """
    models = {each.model for each in entries}
    if len(models) != 1:
        raise StationError(
            f"a report shows images of one model, got {len(models)}; filter by model first"
        )
    missing = [each.name for each in entries if each.judged_at is None]
    if missing:
        raise StationError(
            f"a report shows judged images, got {missing[0]} without a verdict; wait for it"
        )
    judge = Judge(n_kept=1)
    try:
        judged = [
            judge.judge(photo, each.model, each.library)
            for each, photo in zip(entries, photos, strict=True)
        ]
    finally:
        judge.close()
    inspector = judged[0].inspector
    items = [
        (
            entry.name,
            _downsized(photo),
            replace(_with_threshold_of(each.report, entry), seconds=each.seconds),
        )
        for entry, photo, each in zip(entries, photos, judged, strict=True)
    ]
    regions = [
        replace(
            each.regions,
            report=_with_threshold_of(each.regions.report, entry),
            plain=_with_threshold_of(each.regions.plain, entry),
        )
        for entry, each in zip(entries, judged, strict=True)
    ]
    return explain_page(items, inspector.fitted.references, inspector.fitted.class_names, regions)


def _with_threshold_of(report: Report, entry: Entry) -> Report:
    """Let the threshold in force decide."""
    if entry.threshold is None or entry.threshold == report.threshold:
        return report
    return replace(report, threshold=entry.threshold, threshold_source=_BY_HAND)


def _downsized(photo: AnyImage) -> AnyImage:
    height, width = photo.shape[:2]
    factor = min(1.0, _SIDE_PX / max(height, width))
    return resize(photo, (max(1, round(height * factor)), max(1, round(width * factor))))
