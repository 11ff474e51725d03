"""Records of a benchmark: the judgement of each image, and each run.

A run is one category with one number of shots and one seed: a fit on the references and a
judgement of every test image.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Protocol, cast, runtime_checkable

import numpy as np

from engine.benchmark.metrics import Labels, Scores
from features.records import record_from


@runtime_checkable
class JsonRecord(Protocol):
    """A record that can be written as JSON."""

    def as_dict(self) -> dict[str, Any]:
        """Return the JSON form."""


@dataclass(frozen=True)
class Judgement:
    """One test image: what it is, and what was said of it.

    ``path`` is below the root of the category. An image that could not be judged has an ``error``
    and no total. ``seconds`` is the time of the inspection without reading the file.
    """

    path: str
    is_anomalous: bool
    group: str
    types: tuple[str, ...]
    total: float | None
    scores: dict[str, float]
    seconds: float
    error: str | None = None

    @classmethod
    def from_dict(cls, entry: dict[str, Any]) -> Judgement:
        """Read what ``dataclasses.asdict`` made, after a journey through JSON.

        Raises:
            TypeError: It is something else.
        """
        return cast(Judgement, record_from(cls, entry))


@dataclass(frozen=True)
class Run:
    """One category, one number of shots, one seed.

    ``threshold`` is the one set from the references; None when no image could be judged.
    """

    category: str
    shots: int
    seed: int
    references: tuple[str, ...]
    threshold: float | None
    threshold_source: str
    calibration: str
    fit_seconds: float
    images: tuple[Judgement, ...]

    @property
    def judged(self) -> tuple[Judgement, ...]:
        """The images that have a total, in the order of the test set."""
        return tuple(image for image in self.images if image.total is not None)

    @property
    def errors(self) -> tuple[Judgement, ...]:
        """The images that could not be judged."""
        return tuple(image for image in self.images if image.total is None)

    def as_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return asdict(self)

    @classmethod
    def from_dict(cls, entry: dict[str, Any]) -> Run:
        """Read what :meth:`as_dict` made, after a journey through JSON.

        Raises:
            TypeError: It is something else.
        """
        return cast(Run, record_from(cls, entry))


def labels_of(images: Sequence[Judgement]) -> Labels:
    """Return which images are anomalous."""
    return np.array([image.is_anomalous for image in images], dtype=bool)


def totals_of(images: Sequence[Judgement]) -> Scores:
    """Return the totals; NaN for an image that has none."""
    totals = [float("nan") if image.total is None else image.total for image in images]
    return np.array(totals, dtype=float)


def scores_of(images: Sequence[Judgement], name: str) -> Scores:
    """Return one single score of every image."""
    return np.array([image.scores[name] for image in images], dtype=float)
