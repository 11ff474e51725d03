"""Which images did two runs judge differently, and what are both worth on the same images?"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

import numpy as np

from engine.benchmark.records import Judgement, Run
from engine.benchmark.summary import FIGURES, measure


@dataclass(frozen=True)
class ImagePair:
    """One image as two runs judged it; an alarm is a total above the threshold of its run."""

    path: str
    is_anomalous: bool
    types: tuple[str, ...]
    old_total: float
    new_total: float
    was_alarm: bool
    is_alarm: bool

    @property
    def is_changed(self) -> bool:
        """The two verdicts differ."""
        return self.was_alarm != self.is_alarm

    @property
    def is_better(self) -> bool:
        """The verdict was wrong and is right."""
        return self.is_changed and self.is_alarm == self.is_anomalous

    @property
    def is_worse(self) -> bool:
        """The verdict was right and is wrong."""
        return self.is_changed and self.is_alarm != self.is_anomalous


@dataclass(frozen=True)
class RunPair:
    """Two runs of one category, measured on the images that both judged.

    ``n_unpaired`` counts the images that only one of them judged; they count nowhere.
    """

    old: Run
    new: Run
    images: tuple[ImagePair, ...]
    n_unpaired: int

    @property
    def changed(self) -> tuple[ImagePair, ...]:
        """The images with another verdict, those that became worse first."""
        return tuple(sorted((each for each in self.images if each.is_changed), key=_by_harm))

    @cached_property
    def old_figures(self) -> dict[str, float]:
        """Each of ``FIGURES`` of the old run."""
        return self._measured([image.old_total for image in self.images], self.old.threshold)

    @cached_property
    def new_figures(self) -> dict[str, float]:
        """Each of ``FIGURES`` of the new run."""
        return self._measured([image.new_total for image in self.images], self.new.threshold)

    def as_dict(self) -> dict[str, Any]:
        """Return the JSON form: what was paired, and every image with another verdict."""
        return {
            "seeds": [self.old.seed, self.new.seed],
            "thresholds": [self.old.threshold, self.new.threshold],
            "n_images": len(self.images),
            "n_unpaired": self.n_unpaired,
            "changed": [asdict(image) | {"is_better": image.is_better} for image in self.changed],
        }

    def _measured(self, totals: list[float], threshold: float | None) -> dict[str, float]:
        if not totals:
            return dict.fromkeys(FIGURES, math.nan)
        labels = np.array([image.is_anomalous for image in self.images], dtype=bool)
        return measure(labels, np.array(totals, dtype=float), threshold)


def compare_runs(old: Run, new: Run) -> RunPair:
    """Pair the images that both runs judged, by their paths."""
    partner = {image.path: image for image in new.judged}
    images = tuple(
        _pair(image, partner[image.path], old, new)
        for image in old.judged
        if image.path in partner and partner[image.path].is_anomalous == image.is_anomalous
    )
    n_all = len({image.path for image in (*old.images, *new.images)})
    return RunPair(old, new, images, n_unpaired=n_all - len(images))


def _pair(before: Judgement, after: Judgement, old: Run, new: Run) -> ImagePair:
    old_total, new_total = float(before.total or 0), float(after.total or 0)
    return ImagePair(
        path=before.path,
        is_anomalous=before.is_anomalous,
        types=before.types,
        old_total=old_total,
        new_total=new_total,
        was_alarm=old_total > (old.threshold or 0.0),
        is_alarm=new_total > (new.threshold or 0.0),
    )


def _by_harm(image: ImagePair) -> tuple[bool, str]:
    return image.is_better, image.path
