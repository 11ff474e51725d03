"""Judge of images, by any model and by what was taught beside it.

Loading costs more than judging, so the models used last are kept, each with its recogniser, and
loaded again when their file has changed.
"""

from __future__ import annotations

import os
from collections import OrderedDict
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING

from engine.inspector import Inspector
from engine.regions.report import RegionReport
from engine.report import Examination, Report
from features.images import AnyImage

if TYPE_CHECKING:
    from engine.regions.recogniser import Recogniser

# two models at most: memory for a model of the foundation profile is counted in gigabytes
N_KEPT = 2

FileStamp = tuple[int, int, int]


@dataclass(frozen=True)
class Judged:
    """One image, what was seen, and what is said of it and of its regions."""

    inspector: Inspector
    examination: Examination
    regions: RegionReport
    seconds: float

    @property
    def report(self) -> Report:
        """What is said of the image without its accepted regions."""
        return self.regions.report


class Judge:
    """Judges images by any model and library, and keeps what it needs for the next image."""

    def __init__(self, n_kept: int = N_KEPT) -> None:
        self._n_kept = n_kept
        self._models: OrderedDict[tuple[Path, str | None], _LoadedModel] = OrderedDict()

    def judge(self, image: AnyImage, model: Path, library: str | None = None) -> Judged:
        """Judge one image.

        Raises:
            ModelFileError: The model is gone or cannot be used.
            LibraryError: The library cannot be read, or does not fit the model.
        """
        loaded = self._loaded(model, library)
        recogniser = loaded.recogniser()
        started = perf_counter()
        examination = loaded.inspector.examine(image)
        regions = recogniser.judge(examination)
        seconds = perf_counter() - started
        return Judged(loaded.inspector, examination, regions, seconds)

    def significant_bits(self, model: Path, library: str | None = None) -> int | None:
        """Return how many of 16 bits count in photographs that the model is to judge.

        Raises:
            ModelFileError: The model is gone or cannot be used.
        """
        return self._loaded(model, library).inspector.fitted.significant_bits

    def prepare(self, model: Path) -> None:
        """Load a model before its first image comes, and judge a reference of it.

        Raises:
            ModelFileError: The model is gone or cannot be used.
            LibraryError: The library cannot be read, or does not fit the model.
        """
        loaded = self._loaded(model, None)
        loaded.recogniser().inspect(loaded.inspector.fitted.samples[0].image)

    def close(self) -> None:
        """Let go of everything."""
        while self._models:
            self._models.popitem()[1].close()

    def _loaded(self, model: Path, library: str | None) -> _LoadedModel:
        key = model, library
        loaded = self._models.get(key)
        if loaded is not None and loaded.stamp != _model_stamp(model):
            self._models.pop(key).close()
            loaded = None
        if loaded is None:
            while len(self._models) >= self._n_kept:
                self._models.popitem(last=False)[1].close()
            # before loading: whoever replaces the file meanwhile has it loaded again
            stamp = _model_stamp(model)
            address = library or model.with_suffix(".regions.db")
            loaded = self._models[key] = _LoadedModel(Inspector.load(model), address, stamp)
        self._models.move_to_end(key)
        return loaded


class _LoadedModel:
    """A model in memory, and a recogniser of what was taught.

    Where there is no library yet, an empty one stands in: the first lesson, about whatever it is,
    must not change what is said of other images.
    """

    def __init__(self, inspector: Inspector, address: str | Path, stamp: FileStamp | None) -> None:
        self.inspector, self.address, self.stamp = inspector, address, stamp
        self._recogniser: Recogniser | None = None
        self._is_empty = False
        self._library_stamp: FileStamp | None = None
        self._resources = ExitStack()

    def recogniser(self) -> Recogniser:
        """Return the recogniser, opened anew where the library's file is another."""
        stamp = _library_stamp_of(self.address)
        is_on_server = not isinstance(self.address, Path)
        if stamp != self._library_stamp or (self._is_empty and is_on_server):
            self.close()
        if self._recogniser is None:
            self._recogniser = self._opened()
            self._library_stamp = stamp
        return self._recogniser

    def close(self) -> None:
        """Let go of the library."""
        self._resources.close()
        self._recogniser = None

    def _opened(self) -> Recogniser:
        # imported late: it brings SQLAlchemy, and a worker should be quick to start
        from engine.library import Library, empty_library
        from engine.regions.recogniser import Recogniser

        self._is_empty = not Library.exists(self.address)
        opening = empty_library() if self._is_empty else Library(self.address, is_read_only=True)
        return Recogniser(self.inspector, self._resources.enter_context(opening))


def _model_stamp(path: Path) -> FileStamp | None:
    """Return what changes when a file is written or replaced."""
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


def _library_stamp_of(address: str | Path) -> FileStamp | None:
    """Tell the file of a library from another that took its place; a server has none."""
    if not isinstance(address, Path):
        return None
    try:
        found = os.stat(address)
    except OSError:
        return None
    return found.st_dev, found.st_ino, 0
