"""How do entries leave the station: as a table, as JSON lines, as a page?"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from engine.atomic import atomic_write
from engine.station.records import Entry


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
    names = list(facts(entries[0])) if entries else ["id", "name"]
    text = io.StringIO()
    writer = csv.DictWriter(text, names)
    writer.writeheader()
    for each in entries:
        row = facts(each)
        writer.writerow(row | {"classes": "; ".join(row["classes"])})
    return text.getvalue()


def jsonl_text(entries: Sequence[Entry]) -> str:
    """Write one JSON object an entry."""
    return "".join(json.dumps(facts(each), ensure_ascii=False) + "\n" for each in entries)


def write(path: Path, text: str) -> None:
    """Write a text whole or not at all.

    Raises:
        OutputError: The file cannot be written.
    """
    with atomic_write(path) as stream:
        stream.write(text.encode(errors="replace"))
