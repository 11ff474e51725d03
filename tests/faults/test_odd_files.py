"""Pipes, devices, folders and endless files, wherever a file can be named: one line, and soon."""

from __future__ import annotations

import multiprocessing
import os
import socket
import tempfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from engine.benchmark.journal import Journal
from engine.benchmark.records import Run
from engine.benchmark.regions.labels import find_boxes
from engine.benchmark.results import read_result
from engine.cli.station_queue import queue_images
from engine.config import load
from engine.editing.locking import locked
from engine.errors import user_message
from engine.inspector import Inspector
from engine.library import Library
from engine.model_file import write_model
from engine.regions.outlines import from_mask_file
from engine.regions.siamese import Siamese
from engine.station import Station
from engine.station.file_lock import is_locked
from features import files, read_image
from features.sam.checkpoint import read_tensors
from features.weights.checksums import check_file, hash_file
from features.weights.importing import _read_tensors
from features.weights.locations import lock_folder
from features.weights.registry import WeightsFile
from features.weights.sidecar import read_json, read_sidecar
from ui.settings import read_settings

ODD = ("pipe", "zero", "full", "terminal", "socket", "folder", "huge", "missing", "endless")


def make(kind: str, path: Path) -> None:
    """Put something at a path that is no file one can read."""
    if kind == "pipe":
        os.mkfifo(path)
    elif kind in ("zero", "full"):
        path.symlink_to(f"/dev/{kind}")
    elif kind == "terminal":
        path.symlink_to("/dev/tty")
    elif kind == "socket":
        with tempfile.TemporaryDirectory() as short, closing(socket.socket(socket.AF_UNIX)) as one:
            one.bind(f"{short}/s")  # the names of sockets are short
            os.rename(f"{short}/s", path)
    elif kind == "folder":
        path.mkdir()
    elif kind == "huge":
        path.touch()
        os.truncate(path, 2**42)
    elif kind == "endless":
        path.symlink_to("/proc/self/pagemap")  # a file of no size with very much in it


def password(path: Path) -> object:
    return read_settings(["--password-file", str(path)], {})


def copied(path: Path) -> None:
    model = path.parent / "model.pw"
    write_model(model, {}, {})
    queue_images(
        path.parent / "station",
        [path],
        model=model,
        library=None,
        is_copied=True,
        max_pixels=10_000,
    )


def station_of(path: Path) -> None:
    Station(path.parent).close()


def library_of(path: Path) -> None:
    Library(path, patience_s=0.1).close()


def read_library(path: Path) -> None:
    Library(path, is_read_only=True, patience_s=0.1).close()


def journal_of(path: Path) -> None:
    Journal(path, Run.from_dict).close()


def lock_of(path: Path) -> None:
    with locked(path.parent / path.name.removeprefix(".").removesuffix(".lock"), 0.1):
        pass


def weights_lock(path: Path) -> None:
    with lock_folder(path.parent, lambda *told: None):
        pass


def boxes_of(path: Path) -> None:
    (path.parents[1] / "images").mkdir()
    (path.parents[1] / "images" / "a.png").write_bytes(b"x")
    (path.parents[1] / "classes.txt").write_text("a")
    find_boxes(path.parents[1])


# what reads a file, and the name that the file must have
READERS: dict[str, tuple[str, Callable[[Path], object]]] = {
    "model": ("a.pw", Inspector.load),
    "config": ("a.toml", load),
    "library": ("a.db", library_of),
    "library, read": ("a.db", read_library),
    "station": ("station.db", station_of),
    "station's lock": ("lock", is_locked),
    "result": ("a.json", read_result),
    "journal": ("a.partial", journal_of),
    "lock of edits": (".a.pw.lock", lock_of),
    "image": ("a.png", read_image),
    "copy": ("a.png", copied),
    "mask": ("a.png", lambda path: from_mask_file(path, (64, 64))),
    "labels": ("labels/a.txt", boxes_of),
    "classes": ("classes.txt", lambda path: find_boxes(path.parent)),
    "password": ("secret", password),
    "sidecar": ("partwise.json", lambda path: read_sidecar(path.parent)),
    "config.json": ("config.json", read_json),
    "sum": ("model.safetensors", hash_file),
    "structure": (
        "model.safetensors",
        lambda path: check_file(path, WeightsFile(path.name), hash_file),
    ),
    "safetensors": ("model.safetensors", read_tensors),
    "checkpoint": ("model.pth", read_tensors),
    "conversion": ("model.pth", _read_tensors),
    "siamese": ("siamese.safetensors", Siamese),
    "weights' lock": (".lock", weights_lock),
    "bytes": ("a", lambda path: files.read_bytes(path, max_bytes=1000)),
    "text": ("a", files.read_text),
    "json": ("a", files.read_json),
    "toml": ("a", files.read_toml),
    "append": ("a", lambda path: files.open_to_append(path).close()),
}
LIMIT_S = 5.0


@pytest.mark.parametrize("kind", ODD)
def test_what_is_no_file_is_refused_soon(kind: str, tmp_path: Path) -> None:
    """All readers in a process of their own, which is ended if one of them waits."""
    said = tmp_path / "said"
    process = multiprocessing.get_context("fork").Process(
        target=_try_all, args=(kind, tmp_path, said)
    )
    process.start()
    process.join(LIMIT_S * len(READERS))
    is_stuck = process.is_alive()
    process.kill()
    process.join()
    lines = said.read_text(errors="replace").splitlines()
    assert not is_stuck, f"waits for ever: {lines[-1:]}"
    assert len(lines) == 2 * len(READERS)
    assert not [line for line in lines if line.startswith("!")]


def _try_all(kind: str, folder: Path, said: Path) -> None:
    with said.open("w", errors="backslashreplace") as stream:
        for number, (reader, (name, read)) in enumerate(READERS.items()):
            path = folder / str(number) / name
            path.parent.mkdir(parents=True)
            make(kind, path)
            print(reader, file=stream, flush=True)
            print(_outcome(read, path), file=stream, flush=True)


def _outcome(read: Callable[[Path], object], path: Path) -> str:
    try:
        read(path)
    except SystemExit as error:
        return f"exit code {error.code}"
    except Exception as error:
        message = user_message(error) or (str(error) if type(error) is ValueError else "")
        is_line = message and "\n" not in message
        return f"{'' if is_line else '! '}{type(error).__name__}: {message or error}"
    return "taken"
