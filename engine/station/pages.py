"""How do judged images become the page that explains their verdicts?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from jaxtyping import UInt8

from engine.rendering.html_report import explain_page
from engine.report import Report
from engine.station.errors import StationError
from engine.station.judging import Judge
from engine.station.records import Entry
from features.images import resize

# sharper than the page shows anything
_SIDE_PX = 1280
_BY_HAND = "set by hand"


def report_page(entries: Sequence[Entry], photos: Sequence[UInt8[np.ndarray, "_ _ 3"]]) -> str:
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
            _small(photo),
            replace(_bounded(each.report, entry), seconds=each.seconds),
        )
        for entry, photo, each in zip(entries, photos, judged, strict=True)
    ]
    regions = [
        replace(
            each.regions,
            report=_bounded(each.regions.report, entry),
            plain=_bounded(each.regions.plain, entry),
        )
        for entry, each in zip(entries, judged, strict=True)
    ]
    return explain_page(items, inspector.references_, inspector.class_names_, regions)


def _bounded(report: Report, entry: Entry) -> Report:
    """Let the threshold in force decide."""
    if entry.threshold is None or entry.threshold == report.threshold:
        return report
    return replace(report, threshold=entry.threshold, threshold_source=_BY_HAND)


def _small(photo: UInt8[np.ndarray, "_ _ 3"]) -> UInt8[np.ndarray, "_ _ 3"]:
    height, width = photo.shape[:2]
    factor = min(1.0, _SIDE_PX / max(height, width))
    return resize(photo, (max(1, round(height * factor)), max(1, round(width * factor))))
