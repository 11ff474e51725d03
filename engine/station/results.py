"""Results on disk: pictures and facts of judged images, and benchmarks.

A result has a folder of its own, written beside and renamed when it is whole. What an unfinished
benchmark has brought so far is read from its journal.
"""

from __future__ import annotations

import json
import secrets
import shutil
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from engine.station.records import Benchmark, Entry, Job, Result, StationError
from features.files import MAX_IMAGE_BYTES, MAX_JSON_BYTES, parse_json, read_bytes, read_json
from features.records import check_record

if TYPE_CHECKING:
    from engine.benchmark.records import Run

_FACTS = "facts.json"
_PHOTO, _REFERENCE = "photo.jpg", "reference.jpg"
_LAYER = "layer-{}.png"
# drawing a photograph of 50 megapixels takes a second or two on a slow computer
_TIMEOUT_S = 10.0
_POLL_S = 0.02


def write_result(
    entry: int,
    folder: Path,
    facts: Mapping[str, object],
    photo: bytes,
    reference: bytes,
    layers: Mapping[str, bytes],
) -> None:
    """Keep pictures and facts of an entry in place of what was there."""
    scratch = folder / f".{entry}-{secrets.token_hex(6)}"
    scratch.mkdir(parents=True)
    try:
        (scratch / _PHOTO).write_bytes(photo)
        (scratch / _REFERENCE).write_bytes(reference)
        for name, data in layers.items():
            (scratch / _LAYER.format(name)).write_bytes(data)
        text = json.dumps({**facts, "layers": list(layers)}, allow_nan=False)
        (scratch / _FACTS).write_text(text, encoding="utf-8")
        _replace_folder(scratch, folder / str(entry))
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def read_result(get_entry: Callable[[], Entry], folder: Path) -> Result:
    """Read what was kept of the entry that ``get_entry`` gives; waits while its pictures are drawn.

    Raises:
        StationError: It has not been judged, or its result is gone.
    """
    until = time.monotonic() + _TIMEOUT_S
    while True:
        entry = get_entry()
        if entry.judged_at is None:
            cure = "judge it again" if entry.state in ("failed", "cancelled") else "wait for it"
            raise StationError(f"{entry.name} has no result yet: it is {entry.state}; {cure}")
        try:
            if entry.is_drawn:
                return _read(entry, folder / str(entry.id))
            if entry.error is not None:
                raise StationError(f"{entry.name} has no pictures: {entry.error}; judge it again")
            problem: Exception = FileNotFoundError("its pictures are being drawn")
        except StationError:
            raise
        except (
            OSError,
            ValueError,
            TypeError,
            LookupError,
        ) as error:  # between two renames, or damaged
            problem = error
        if time.monotonic() > until:
            raise StationError(
                f"the result of {entry.name} cannot be read ({problem}); judge it again"
            ) from problem
        time.sleep(_POLL_S)


def remove_result(entry: int, folder: Path) -> None:
    """Delete what was kept of an entry, if anything."""
    shutil.rmtree(folder / str(entry), ignore_errors=True)


def sweep(folder: Path, all_ids: Callable[[], set[int]]) -> None:
    """Delete what a crash left half-written or half-removed; nobody may be writing.

    ``all_ids`` gives the entries that there are.
    """
    for each in folder.glob(".*"):
        shutil.rmtree(each, ignore_errors=True)
    kept = [each for each in folder.iterdir() if each.name.isdecimal()] if folder.exists() else []
    ids = all_ids()
    for each in kept:
        if int(each.name) not in ids:
            shutil.rmtree(each, ignore_errors=True)


def _replace_folder(scratch: Path, target: Path) -> None:
    """Rename a folder onto another, which may be there."""
    old = scratch.with_name(scratch.name + "-old")
    with suppress(FileNotFoundError):
        target.rename(old)
    scratch.rename(target)
    shutil.rmtree(old, ignore_errors=True)


def _read(entry: Entry, folder: Path) -> Result:
    facts = read_json(folder / _FACTS)
    result = Result(
        entry=entry,
        image_size=(facts["image_size"][0], facts["image_size"][1]),
        view_size=(facts["view_size"][0], facts["view_size"][1]),
        photo=_picture(folder / _PHOTO),
        layers={name: _picture(folder / _LAYER.format(name)) for name in facts["layers"]},
        reference=_picture(folder / _REFERENCE),
        reference_name=facts["reference_name"],
        report=facts["report"],
        regions=facts["regions"],
        classes=facts["classes"],
        scores=facts["scores"],
    )
    check_record(result)
    return result


def _picture(path: Path) -> bytes:
    return read_bytes(path, max_bytes=MAX_IMAGE_BYTES)


def bench_path(folder: Path, job: int, name: str) -> Path:
    """Return where a benchmark job writes its result; the same again when it goes on."""
    return folder / f"{job:05d} {name}.json"


def _partial_path(path: Path) -> Path:
    """Return where finished runs are noted until the result is written."""
    return path.with_name(path.name + ".partial")


def finished_benchmarks(folder: Path) -> list[Benchmark]:
    """Return all results, the newest first."""
    found = [
        Benchmark(path.stem, path, datetime.fromtimestamp(path.stat().st_mtime, UTC))
        for path in folder.glob("*.json")
    ]
    return sorted(found, key=lambda each: (each.created, each.name), reverse=True)


def finished_runs(job: Job) -> list[Run]:
    """Return the runs that a benchmark job has finished, also while it goes on.

    Nothing is written, unlike when the benchmark itself opens its journal.
    """
    from engine.benchmark.records import Run
    from engine.benchmark.results import read_result

    result = job.result or {}
    if "result" not in result:
        return []
    path = Path(result["result"])
    if path.is_file():
        return list(read_result(path).runs)
    runs: dict[str, Run] = {}
    try:
        content = read_bytes(_partial_path(path), max_bytes=MAX_JSON_BYTES)
    except OSError:
        return []
    for line in content.split(b"\n")[:-1]:  # the last is whole or torn
        try:
            noted = parse_json(line.decode(), str(path))
            runs[str(noted["fingerprint"])] = Run.from_dict(noted["run"])
        except (ValueError, KeyError, TypeError):  # of another version
            continue
    return list(runs.values())
