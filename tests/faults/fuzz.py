"""Fuzzing of what reads files: whatever a file holds, the answer is one line, and soon.

    python tests/faults/fuzz.py --cases 20000

Each case is a number: it settles which reader is asked, and what is done to a valid file of its
kind, be it to its bytes or to its content while container and checksum stay right. A reader may do
what it is for, or refuse in one line that a user can act on; it may not raise anything else, nor
take longer than ``LIMIT_S``.
"""

from __future__ import annotations

import argparse
import collections
import json
import logging
import random
import shutil
import signal
import sqlite3
import sys
import tempfile
import time
import traceback
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from types import FrameType
from typing import Any

import cv2
import numpy as np
import safetensors.numpy

from engine import model_file
from engine.benchmark.comparison import compare
from engine.benchmark.datasets import DatasetError
from engine.benchmark.journal import Journal
from engine.benchmark.records import Judgement, Run
from engine.benchmark.regions.labels import find_boxes
from engine.benchmark.results import BenchResult, read_result, write_result
from engine.class_edits import Add, Rename
from engine.config import Config, load
from engine.editing import edited
from engine.errors import user_message
from engine.inspector import Inspector
from engine.library import Library
from engine.regions import Recogniser
from engine.regions.teaching import Outlined, teach
from engine.station import Station
from engine.station.judge import Judge
from engine.station.worker import work_once
from engine.synthetic.scenes import render
from features.images import resize
from features.region import Region
from features.weights.registry import WeightsFile
from features.weights.sidecar import Sidecar, read_sidecar

LIMIT_S = 5.0

# cases that once went wrong, by the numbers that they had then; they are tried first
KEPT = (9730, 10446)


class TooSlowError(Exception):
    """A reader took longer than it may."""


@dataclass(frozen=True)
class Failed:
    """A case that went wrong, and how."""

    case: int
    reader: str
    how: str


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """Interrupt what computes for longer, or waits ten times as long; for the main thread.

    What is computed is measured by the processor's time: others may use the machine, too.
    """

    def ring(number: int, frame: FrameType | None) -> None:
        raise TooSlowError(f"took longer than {seconds:g} s")

    timers = (
        (signal.ITIMER_PROF, signal.SIGPROF, seconds),
        (signal.ITIMER_REAL, signal.SIGALRM, 10 * seconds),
    )
    before = [signal.signal(number, ring) for _, number, _ in timers]
    for timer, _, limit in timers:
        signal.setitimer(timer, limit)
    try:
        yield
    finally:
        for (timer, number, _), handler in zip(timers, before, strict=True):
            signal.setitimer(timer, 0)
            signal.signal(number, handler)


# Odd values


def odd_number(rng: random.Random) -> Any:
    return rng.choice(
        [
            0,
            -1,
            1,
            2,
            3,
            7,
            255,
            2**31,
            -(2**63),
            2**64,
            10**40,
            0.5,
            -0.0,
            1e-320,
            1e308,
            -1e300,
            1e9,
            rng.randint(-100, 100),
            rng.random(),
            rng.uniform(-1e6, 1e6),
        ]
    )


def odd_value(rng: random.Random, depth: int = 2) -> Any:
    """Return some value as JSON holds it."""
    kind = rng.randrange(9)
    if kind < 3:
        return odd_number(rng)
    if kind == 3:
        return rng.choice([None, True, False])
    if kind == 4:
        return rng.choice(
            ["", "a", "\0", "\n", "é", "../..", "x" * 5000, "false", "1", "\u202e", "{}"]
        )
    if kind == 5 and depth:
        return [odd_value(rng, depth - 1) for _ in range(rng.randrange(4))]
    if kind == 6 and depth:
        return {rng.choice("abc"): odd_value(rng, depth - 1) for _ in range(rng.randrange(3))}
    if kind == 7:
        deep: Any = []
        for _ in range(rng.choice([3, 30, 100, 400])):
            deep = [deep] if rng.random() < 0.5 else {"a": deep}
        return deep
    return []


RAW = (
    "NaN",
    "Infinity",
    "-Infinity",
    "1e999",
    "9" * 5000,
    "[" * 3000 + "]" * 3000,
    '{"a":' * 3000 + "1" + "}" * 3000,
    "[" * 100_000,
    '"\\ud800"',
    "'",
    "",
)
_MARK = "@@raw@@"


def places(values: Any) -> list[tuple[Any, Any]]:
    """Give every container with every key or index in it."""
    found: list[tuple[Any, Any]] = []
    todo = [values]
    while todo:
        each = todo.pop()
        keys = list(each) if isinstance(each, dict) else range(len(each))
        for key in keys:
            found.append((each, key))
            if isinstance(each[key], dict | list) and each[key]:
                todo.append(each[key])
    return found


def change_json(rng: random.Random, values: Any) -> None:
    """Do one or a few odd things to a tree, in place."""
    for _ in range(rng.choice([1, 1, 1, 2, 4])):
        found = places(values)
        if not found:
            return
        holder, key = rng.choice(found)
        what = rng.randrange(8)
        if what == 0:
            del holder[key]
        elif what == 1:
            other, other_key = rng.choice(found)
            if other_key in other if isinstance(other, dict) else other_key < len(other):
                holder[key] = json.loads(json.dumps(other[other_key]))
        elif what == 2 and isinstance(holder, list):
            holder.append(odd_value(rng))
        elif what == 3 and isinstance(holder[key], int | float):
            holder[key] = rng.choice([-1, 2, 0.5, 1e6, 1e18]) * holder[key]
        else:
            holder[key] = odd_value(rng)


def odd_json(rng: random.Random, values: Any) -> str:
    """Write a changed tree, at times with what no tree can hold."""
    values = json.loads(json.dumps(values))
    if rng.random() < 0.2 and (found := places(values)):
        holder, key = rng.choice(found)
        holder[key] = _MARK
        return json.dumps(values).replace(f'"{_MARK}"', rng.choice(RAW), 1)
    if rng.random() < 0.05:
        values = odd_value(rng)
    else:
        change_json(rng, values)
    return json.dumps(values)


def odd_bytes(rng: random.Random, content: bytes) -> bytes:
    """Damage a file as disks, cables and editors do."""
    data = bytearray(content)
    for _ in range(rng.choice([1, 1, 2, 5, 50])):
        at = rng.randrange(len(data) + 1)
        length = rng.choice([1, 1, 2, 8, 64, 1024])
        what = rng.randrange(7)
        if what == 0:
            data = data[:at]
        elif what == 1:
            data[at : at + length] = rng.randbytes(length)
        elif what == 2:
            del data[at : at + length]
        elif what == 3:
            data[at:at] = rng.randbytes(length)
        elif what == 4:
            data[at:at] = data[max(0, at - length) : at]
        elif what == 5 and at < len(data):
            data[at] ^= 1 << rng.randrange(8)
        else:
            data[at : at + length] = bytes(length) if rng.random() < 0.5 else b"\xff" * length
        if not data:
            break
    return bytes(data) if rng.random() < 0.98 else b"\xef\xbb\xbf" + bytes(data)


def odd_array(rng: random.Random, array: np.ndarray) -> np.ndarray:
    """Return another array in the place of this one."""
    numbers = np.random.default_rng(rng.randrange(2**32))
    what = rng.randrange(9)
    if what == 0:
        return array.astype(
            rng.choice(["bool", "uint8", "int32", "int64", "float16", "float32", "float64"])
        )
    if what == 1:
        return array[..., None] if rng.random() < 0.5 else array.ravel()
    if what == 2:
        axis = rng.randrange(max(array.ndim, 1))
        n = rng.choice([0, 1, 2, 5])
        return (
            np.repeat(array[:1] if axis == 0 or not array.size else array, n, axis=0)
            if array.ndim
            else array
        )
    if what == 3:
        return np.zeros_like(array) if rng.random() < 0.5 else np.ones_like(array)
    if what == 4:
        return array.T if array.ndim > 1 else array[::-1]
    changed = array.copy()
    if not changed.size:
        return np.zeros(3, array.dtype)
    flat = changed.reshape(-1)
    chosen = numbers.integers(0, len(flat), max(1, int(len(flat) * rng.choice([0, 0, 0.1, 1]))))
    if array.dtype.kind == "f":
        top = float(np.finfo(array.dtype).max)
        value = rng.choice(
            [np.nan, np.inf, -np.inf, top, -top, top / 4, 1e30, 1e9, -1e9, 1e6, 1e-30, 0, -1]
        )
        with np.errstate(over="ignore"):
            flat[chosen] = value
    elif array.dtype.kind == "b":
        flat[chosen] ^= True
    else:
        info = np.iinfo(array.dtype)
        flat[chosen] = rng.choice(
            [info.min, info.max, 0, 1, min(100, info.max), max(-1, info.min), max(-2, info.min)]
        )
    return changed


def change_database(rng: random.Random, path: Path) -> None:
    """Do one or a few odd things to a database that is in order."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA foreign_keys = OFF")
        connection.execute("PRAGMA ignore_check_constraints = ON")
        for _ in range(rng.choice([1, 1, 2, 4])):
            tables = [
                row[0]
                for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
            ]
            tables = [each for each in tables if not each.startswith("sqlite_")]
            if not tables:
                return
            table = rng.choice(tables)
            columns = [row[1] for row in connection.execute(f'PRAGMA table_info("{table}")')]
            column, what = rng.choice(columns), rng.randrange(20)
            statements: list[tuple[str, tuple[Any, ...]]]
            if what == 0:
                statements = [(f'DROP TABLE "{table}"', ())]
            elif what == 1:
                statements = [(f'DELETE FROM "{table}"', ())]
            elif what == 2:
                statements = [(f'ALTER TABLE "{table}" RENAME COLUMN "{column}" TO "other"', ())]
            elif what == 3:
                key = rng.choice(["user_version", "application_id"])
                statements = [(f"PRAGMA {key} = {rng.choice([0, 1, 99, -1])}", ())]
            elif what == 4:
                statements = [(f'DROP TABLE "{table}"', ()), (f'CREATE TABLE "{table}" (a)', ())]
            elif what == 5:
                listed = ", ".join(f'"{each}"' for each in columns)
                statements = [
                    (f'CREATE TABLE "copy" AS SELECT {listed} FROM "{table}"', ()),
                    (f'DROP TABLE "{table}"', ()),
                    (f'ALTER TABLE "copy" RENAME TO "{table}"', ()),
                    (f'UPDATE "{table}" SET "{column}" = NULL', ()),
                ]
            else:
                value: Any = rng.choice(
                    [
                        None,
                        "",
                        "a",
                        "\0",
                        "[",
                        "{}",
                        "[1]",
                        '"x"',
                        "[" * 3000,
                        "9" * 5000,
                        '{"a": 1e999}',
                        -1,
                        0,
                        1,
                        2**62,
                        -(2**63),
                        1.5,
                        1e300,
                        float("inf"),
                        b"",
                        b"\x89PNG\r\n\x1a\n",
                        rng.randbytes(30),
                        "x" * 5000,
                        "\ud800".encode("utf-8", "surrogatepass"),
                        odd_json(rng, {"a": [1]}),
                        *_payloads(rng),
                    ]
                )
                where = " WHERE rowid = (SELECT min(rowid) FROM t)" if rng.random() < 0.3 else ""
                statements = [
                    (
                        f'UPDATE "{table}" SET "{column}" = ?{where.replace(" t)", f" {table})")}',
                        (value,),
                    )
                ]
            for statement, given in statements:
                try:
                    connection.execute(statement, given)
                except (sqlite3.Error, OverflowError):
                    break


def _payloads(rng: random.Random) -> list[bytes]:
    """What a column of features or pictures may hold that its container says is sound."""
    numbers = np.random.default_rng(rng.randrange(2**32))
    shape = tuple(rng.choice([0, 1, 2, 8, 100]) for _ in range(rng.randrange(4)))
    dtype = rng.choice(["bool", "uint8", "float16", "float32", "float64"])
    array = (numbers.random(shape) * 10).astype(dtype)
    names = rng.choice([["views", "tokens"], ["views"], ["other"], []])
    if array.dtype.kind == "f" and rng.random() < 0.3:
        array = np.full_like(array, np.nan)
    picture = numbers.integers(
        0, 256, (rng.choice([1, 5, 300]), rng.choice([1, 7]), 3), dtype=np.uint8
    )
    return [
        safetensors.numpy.save({name: np.ascontiguousarray(array) for name in names}),
        bytes(cv2.imencode(".png", picture)[1]),
        bytes(cv2.imencode(".png", picture * 0)[1]),
    ]


# Readers


class Readers:
    """Valid files of each kind in a folder, made once, and what reads them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.photo = resize(_scene(9), (64, 96))
        self.scratch = folder / "scratch"

    @cached_property
    def inspector(self) -> Inspector:
        """Small, with all that a model may hold."""
        config = replace(Config(), working_area_px=64 * 96)
        fitted = Inspector(config).fit([resize(_scene(seed), (64, 96)) for seed in range(3)])
        size = fitted.fitted.working_size
        mask = np.zeros(size, dtype=bool)
        mask[20:32, 30:44] = True
        for edit in (Rename(0, "ground"), Add("mark", 0, Region.of(mask))):
            fitted = edited(fitted, edit, author="anna")
        return fitted

    @cached_property
    def model(self) -> Path:
        path = self.folder / "model.pw"
        self.inspector.save(path)
        return path

    @cached_property
    def library(self) -> Path:
        path = self.folder / "library.db"
        mask = np.zeros(self.photo.shape[:2], dtype=bool)
        with Library(path, author="anna") as library:
            recogniser = Recogniser(self.inspector, library)
            for number, (name, kind) in enumerate([("pin", "accepted"), ("dent", "defect")]):
                area = mask.copy()
                area[10:24, 10 + 30 * number : 26 + 30 * number] = True
                outlined = Outlined(Region.of(area), image_name="a.png", image_sha256="0" * 64)
                examination = self.inspector.examine(self.photo)
                teach(recogniser, examination, outlined, name, kind, is_forced=True)
            library.rename("pin", "bolt")
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("PRAGMA journal_mode = DELETE")
        return path

    @cached_property
    def station(self) -> Path:
        path = self.folder / "station"
        content = bytes(cv2.imencode(".png", np.ascontiguousarray(self.photo[..., ::-1]))[1])
        with Station(path) as station, closing(Judge()) as judge:
            batch = station.new_batch("few", model=self.model)
            for number in range(2):
                station.add_upload(content, f"{number}.png", model=self.model, batch=batch.id)
            while work_once(station.database, station.paths, judge, station.limits):
                pass
            station.add_upload(content, "waits.png", model=self.model, batch=batch.id)
            station.set_threshold(self.model, 1.5)
            station.start_job("samples", {"seed": 1})
        with closing(sqlite3.connect(path / "station.db")) as connection:
            connection.execute("PRAGMA journal_mode = DELETE")
        return path

    @cached_property
    def result(self) -> Path:
        path = self.folder / "result.json"
        runs = tuple(
            Run(
                category=category,
                shots=shots,
                seed=seed,
                references=("a.png",),
                threshold=1.0,
                threshold_source="so",
                calibration="leave-one-out",
                fit_seconds=0.1,
                images=tuple(
                    Judgement(
                        path=f"test/{number}.png",
                        is_anomalous=number % 2 > 0,
                        group="dent" if number % 2 else "good",
                        types=("dent",) if number % 2 else (),
                        total=0.5 + 0.2 * number if number != 5 else None,
                        scores={"a": 0.1 * number, "b": 1.0} if number != 5 else {},
                        seconds=0.1,
                        error="broken" if number == 5 else None,
                    )
                    for number in range(6)
                ),
            )
            for category in ("bottle", "pins")
            for shots in (1, 4)
            for seed in (0, 42)
        )
        write_result(BenchResult({"preset": "default"}, None, {"pins": Path("x")}, runs), path)
        return path

    @cached_property
    def boxes(self) -> Path:
        folder = self.folder / "boxes"
        for name in ("images", "labels"):
            (folder / name).mkdir(parents=True)
        cv2.imwrite(str(folder / "images" / "a.png"), self.photo)
        (folder / "labels" / "a.txt").write_text("0 0.5 0.5 0.2 0.2\n1 0.2 0.2 0.1 0.1\n")
        (folder / "classes.txt").write_text("dent\nhole\n")
        return folder

    @cached_property
    def sidecar(self) -> Path:
        folder = self.folder / "weights"
        folder.mkdir()
        known = WeightsFile("model.safetensors", 10, "0" * 64)
        Sidecar("sam", "somewhere", "abc", (known,), WeightsFile("sam.pth", 5, "1" * 64)).write(
            folder
        )
        return folder / "partwise.json"

    # What is done to a copy of each, and who reads it then

    def try_model(self, rng: random.Random) -> None:
        path = self.scratch / "odd.pw"
        if rng.random() < 0.15:
            path.write_bytes(odd_bytes(rng, self.model.read_bytes()))
        else:
            path.write_bytes(self._odd_model(rng))
        inspector = Inspector.load(path)
        # what was accepted must judge, too
        try:
            report = inspector.inspect(self.photo)
            json.dumps(report.as_dict(), allow_nan=False)
            for each in inspector.fitted.class_history:
                str(each)
        except TooSlowError:
            raise
        except Exception as error:
            raise AssertionError("an accepted model does not judge") from error

    def _odd_model(self, rng: random.Random) -> bytes:
        arrays, header = model_file.read_model(self.model)
        text = json.dumps(header)
        for _ in range(rng.choice([1, 1, 1, 2, 4])):
            what = rng.randrange(10)
            name = rng.choice(list(arrays))
            if what < 5:
                arrays[name] = np.ascontiguousarray(odd_array(rng, arrays[name]))
            elif what == 5:
                arrays[name] = arrays[rng.choice(list(arrays))]
            elif what == 6:
                del arrays[name]
            else:
                header = json.loads(text)
                if rng.random() < 0.5:  # the config is the larger part
                    del header["config"]
                    odd = json.loads(json.dumps(header))
                    change_json(rng, odd)
                    odd.setdefault("config", json.loads(text)["config"])
                    header = odd
                else:
                    change_json(rng, header)
                text = json.dumps(header)
        try:
            digest = model_file._digest(arrays, header)
        except ValueError:
            digest = ""
        document = {
            "format": model_file.FORMAT,
            "schema_version": 1,
            "header": header,
            "sha256": digest,
        }
        said = json.dumps(document, sort_keys=True, separators=(",", ":"))
        if rng.random() < 0.05:
            document["header"]["raw"] = _MARK
            said = json.dumps(document).replace(f'"{_MARK}"', rng.choice(RAW))
        return safetensors.numpy.save(arrays, metadata={"partwise": said})

    def try_library(self, rng: random.Random) -> None:
        path = self.scratch / "odd.db"
        self._odd_database(rng, self.library, path)
        with Library(
            path, author="ben", is_read_only=rng.random() < 0.5, patience_s=0.1
        ) as library:
            library.classes()
            library.lessons()
            library.examples()
            library.revision()
            library.identity()
            if rng.random() < 0.5:
                Recogniser(self.inspector, library).inspect(self.photo)
            if not library._access.is_read_only:
                what = rng.randrange(5)
                if what == 0:
                    library.undo()
                elif what == 1:
                    library.rename("bolt", "nut")
                elif what == 2:
                    library.forget("dent")
                elif what == 3:
                    library.change_kind("bolt", "defect")
                library.lessons()

    def try_station(self, rng: random.Random) -> None:
        folder = self.scratch / "station"
        shutil.copytree(self.station, folder)
        database = folder / "station.db"
        if rng.random() < 0.8:
            self._odd_database(rng, self.station / "station.db", database)
        else:
            files = sorted(
                each for each in folder.rglob("*") if each.is_file() and each != database
            )
            each = rng.choice(files)
            if each.suffix == ".json" and rng.random() < 0.8:
                each.write_text(odd_json(rng, json.loads(each.read_text())))
            else:
                each.write_bytes(odd_bytes(rng, each.read_bytes()))
        with Station(folder) as station:
            entries = station.entries(order=rng.choice(["newest", "worst", "name"]))
            station.batches()
            station.tally()
            station.jobs()
            station.watches()
            station.classes()
            station.threshold(self.model)
            station.export_csv(self.scratch / "out.csv")
            station.export_jsonl(self.scratch / "out.jsonl")
            for each in entries[:2]:
                if each.is_drawn:
                    _quick_result(station, each.id)
                station.review(each.id, "accepted", "ben")
            station.rejudge([each.id for each in entries])
            station.cancel()

    def try_result(self, rng: random.Random) -> None:
        path = self.scratch / "odd.json"
        if rng.random() < 0.2:
            path.write_bytes(odd_bytes(rng, self.result.read_bytes()))
        else:
            path.write_text(odd_json(rng, json.loads(self.result.read_text())))
        result = read_result(path)
        json.dumps(result.as_dict(), allow_nan=False)
        with suppress(DatasetError):
            json.dumps(compare(result.runs, read_result(self.result).runs).as_dict())

    def try_journal(self, rng: random.Random) -> None:
        path = self.scratch / "odd.partial"
        run = json.loads(self.result.read_text())["runs"][0]
        lines = [odd_json(rng, {"fingerprint": str(number), "run": run}) for number in range(3)]
        content = "\n".join(lines).encode()
        path.write_bytes(odd_bytes(rng, content) if rng.random() < 0.3 else content)
        journal = Journal(path, Run.from_dict)
        journal.close()

    def try_config(self, rng: random.Random) -> None:
        path = self.scratch / "odd.toml"
        path.write_bytes(_odd_toml(rng))
        load(path)

    def try_boxes(self, rng: random.Random) -> None:
        folder = self.scratch / "boxes"
        shutil.copytree(self.boxes, folder)
        each = folder / rng.choice(["classes.txt", "labels/a.txt"])
        if rng.random() < 0.5:
            each.write_bytes(odd_bytes(rng, each.read_bytes()))
        else:
            words = each.read_text().split()
            words[rng.randrange(len(words))] = str(
                rng.choice([odd_value(rng), *RAW, "nan", "inf", "1e400"])
            )
            each.write_text(rng.choice([" ", "\n"]).join(words))
        find_boxes(folder)

    def try_sidecar(self, rng: random.Random) -> None:
        path = self.scratch / "partwise.json"
        if rng.random() < 0.2:
            path.write_bytes(odd_bytes(rng, self.sidecar.read_bytes()))
        else:
            path.write_text(odd_json(rng, json.loads(self.sidecar.read_text())))
        read_sidecar(self.scratch)

    def _odd_database(self, rng: random.Random, source: Path, target: Path) -> None:
        if rng.random() < 0.3:
            target.write_bytes(odd_bytes(rng, source.read_bytes()))
        else:
            shutil.copy(source, target)
            change_database(rng, target)

    @property
    def all(self) -> list[tuple[str, Callable[[random.Random], None], int]]:
        """Name, what tries it, and how often beside the others."""
        return [
            ("model", self.try_model, 30),
            ("library", self.try_library, 15),
            ("station", self.try_station, 10),
            ("config", self.try_config, 15),
            ("result", self.try_result, 15),
            ("journal", self.try_journal, 5),
            ("boxes", self.try_boxes, 5),
            ("sidecar", self.try_sidecar, 5),
        ]

    def try_case(self, case: int) -> tuple[str, str, str | None]:
        """Try one case; return the reader, whether it took the file, and what went wrong."""
        rng = random.Random(case)
        names, tries, shares = zip(*self.all, strict=True)
        name, attempt = rng.choices(list(zip(names, tries, strict=True)), shares)[0]
        _ = self.model, self.library, self.station, self.result, self.boxes, self.sidecar
        shutil.rmtree(self.scratch, ignore_errors=True)
        self.scratch.mkdir()
        try:
            with within(LIMIT_S), warnings.catch_warnings():
                warnings.simplefilter("ignore")
                attempt(rng)
        except Exception as error:
            message = user_message(error)
            if isinstance(error, TooSlowError | AssertionError) or message is None:
                return name, "failed", "".join(traceback.format_exception(error))
            if "\n" in message or not message.strip():
                return name, "failed", f"not one line: {message!r}"
            return name, "refused", None
        return name, "taken", None


def _scene(seed: int) -> np.ndarray:
    return render("pins", np.random.default_rng([seed, 4])).image


def _quick_result(station: Station, entry: int) -> None:
    """Read a result; one that cannot be read is not waited for here."""
    from engine.station import results

    before = results._TIMEOUT_S
    results._TIMEOUT_S = 0.0
    try:
        station.result(entry)
    finally:
        results._TIMEOUT_S = before


_TOML = """preset = "default"
profile = "embedded"
seed = 3
working_area_px = 16384
active_scores = ["class_color", "composition"]
[pose]
max_rotation_deg = 10.5
is_searched = false
[regions.segmentation]
method = "embedded"
[palette]
n_words = 12
[scores.composition]
weight = 0.5
[machine]
device = "cpu"
"""
_TOML_ODD = (
    "9" * 5000,
    "-" + "9" * 5000,
    "0x" + "f" * 5000,
    "1e999",
    "nan",
    "-inf",
    "1979-05-27",
    "07:32:00",
    "[" * 3000 + "]" * 3000,
    "[" * 3000,
    "{a=" * 500 + "1" + "}" * 500,
    '"' + "x" * 10_000 + '"',
    "'''\n'''",
    "{" + ".".join("a" * 9000) + " = 1}",
    "{a = 1, a = 2}",
    "[1, [2, {b = 3}]]",
    '""',
    "true",
    "1_000",
    "0o7",
    '"\\u0000"',
    '"\\ud800"',
    "[true, 1, 2.0]",
    "2e8",
    "99999999999",
    "-1",
    "0",
    "0.5",
    '"paper"',
    "[]",
    "{}",
)
_TOML_LINES = (
    ".".join("a" * 30_000) + " = 1",
    "[" + ".".join("b" * 30_000) + "]",
    "[[x]]\n" * 500,
    "[a]\n[a]",
    "=",
    "a = ",
    "\x00 = 1",
    "[pose]",
    "a.b = 1\na.b.c = 2",
    "[scores.composition.weight]",
    "# " + "x" * 100_000,
    "preset = 'paper'",
    "\n".join(f"k{number}.a.b.c.d.e.f.g = 1" for number in range(3000)),
    "'a.b' = 1",
    "[regions]\nx = 1",
    "a" * 200_000 + " = 1",
    "\n".join(".".join("a" * 90) + f".k{n} = 1" for n in range(600)),
)


def _odd_toml(rng: random.Random) -> bytes:
    lines = _TOML.splitlines()
    for _ in range(rng.choice([1, 1, 2, 4])):
        at = rng.randrange(len(lines))
        what = rng.randrange(6)
        if what < 3 and " = " in lines[at]:
            lines[at] = f"{lines[at].partition(' = ')[0]} = {rng.choice(_TOML_ODD)}"
        elif what == 3:
            lines.insert(at, rng.choice(_TOML_LINES))
        elif what == 4:
            lines.append(lines[at])
        else:
            del lines[at]
        if not lines:
            break
    content = "\n".join(lines).encode("utf-8", "surrogatepass")
    if rng.random() < 0.25:
        content = odd_bytes(rng, content)
    return content if rng.random() < 0.9 else rng.choice([b"\xef\xbb\xbf", b"\xff\xfe"]) + content


Counts = collections.Counter[tuple[str, str]]


def run(
    cases: Iterable[int], tell: Callable[[int, Failed | None], None] = lambda case, failed: None
) -> tuple[Counts, list[Failed]]:
    """Try cases; return how many of each reader were taken, refused and failed, and the latter."""
    logging.disable(logging.WARNING)
    counts: Counts = collections.Counter()
    failed = []
    with tempfile.TemporaryDirectory(prefix="fuzz-") as name:
        readers = Readers(Path(name))
        for case in cases:
            reader, outcome, how = readers.try_case(case)
            counts[reader, outcome] += 1
            found = Failed(case, reader, how) if how is not None else None
            failed += [found] if found else []
            tell(case, found)
    logging.disable(logging.NOTSET)
    return counts, failed


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--cases", type=int, default=20_000)
    parser.add_argument("--first", type=int, default=0, help="number of the first case")
    given = parser.parse_args()
    started = time.monotonic()

    def tell(case: int, failed: Failed | None) -> None:
        if failed:
            print(f"--- case {case} ({failed.reader})\n{failed.how}", flush=True)
        if case % 500 == 499:
            print(f"case {case}, {time.monotonic() - started:.0f} s", file=sys.stderr, flush=True)

    counts, failed = run(range(given.first, given.first + given.cases), tell)
    for (reader, outcome), number in sorted(counts.items()):
        print(f"{reader:10} {outcome:8} {number:6}")
    seconds = time.monotonic() - started
    print(f"{sum(counts.values())} cases in {seconds:.0f} s, {len(failed)} failed")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
