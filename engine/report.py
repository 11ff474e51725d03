"""Examination and report: an image beside the references, and what is wrong with it.

The first is made before an image is called normal or not, so that a second opinion (regions that an
operator has taught, say) costs no second look. The second says it in numbers, pictures and words.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
from jaxtyping import Float, Int

from alignment.aligned import AlignedParts
from alignment.comparison import Comparison
from alignment.pose import Placement, RegisteredImage
from alignment.sample import Sample
from alignment.transforms import compose, rescale
from engine.scores import SCORES, Reading
from features.images import AnyImage, Image

Calibration = Literal["leave-one-out", "self-calibrated", "uncalibrated"]

# the score that grows with each kind of deviation
SCORE_OF = {kind: each.name for each in SCORES for kind in each.explains}
# what a network sees says only where: whatever says what, too, is named before it, unless it adds
# far less to the total
VAGUE = {"unlike": 0.15, "detail": 0.15}
# where a part is missing, what lies under it is new: the part is what people want to hear of
NAMED_GAIN = 1.25


@dataclass(frozen=True)
class Examination:
    """One image, registered, beside each reference, and what each score read from that.

    ``photo`` is the image in the size in which networks see it.
    """

    image: AnyImage
    photo: AnyImage
    registered: RegisteredImage
    comparisons: Sequence[Comparison]
    readings: dict[str, Reading]

    @property
    def sample(self) -> Sample:
        """The image as the scores see it."""
        return self.comparisons[0].test

    @property
    def image_size(self) -> tuple[int, int]:
        """Height and width of the image file."""
        return self.image.shape[0], self.image.shape[1]

    @cached_property
    def to_image(self) -> Float[np.ndarray, "2 3"]:
        """Affine from registered working pixels (x, y) to pixels of the image file."""
        height, width = self.registered.image.shape[:2]
        return compose(rescale((height, width), self.image_size), self.registered.to_original)


@dataclass(frozen=True)
class Deviation:
    """One thing that differs from the references, and how to say it.

    ``class_id`` is -1 where no class is concerned. ``kind`` is one of ``missing``, ``extra``,
    ``size``, ``color``, ``place``, ``missing_here``, ``unseen_here``, ``unlike``, ``detail``.
    ``severity`` is in units of the references' own largest deviation; 1 is what normal images
    reach. ``box_xyxy`` is in pixels of the image file.
    """

    class_id: int
    class_name: str
    kind: str
    expected: float
    found: float
    text: str
    severity: float
    box_xyxy: tuple[int, int, int, int] | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return the JSON form: class, kind, expected, found, text, severity, box."""
        return {
            "class": self.class_id,
            "kind": self.kind,
            "expected": self.expected,
            "found": self.found,
            "text": self.text,
            "severity": self.severity,
            "box_xyxy": list(self.box_xyxy) if self.box_xyxy else None,
        }


@dataclass(frozen=True)
class ReferenceView:
    """What is shown of a reference: its registered picture and the class of each pixel.

    Pixels of ``class_map`` below 0 are of no class and stay bare. ``counts`` is the number of
    instances of each class; without it, connected regions of the map are counted.
    """

    name: str
    registered: Image
    class_map: Int[np.ndarray, "rows columns"]
    counts: Int[np.ndarray, " classes"] | None = None


@dataclass(frozen=True)
class Report:
    """The judgement of one image.

    ``normalised[name]`` is what the score adds to the total: its raw value in units of its scale,
    times its share of the weights of all active scores; 0 for a score that is not active. Maps
    are on the cell grid of the *registered* working image, in units of the scale of the score they
    belong to: 1 is what the worst cells of a normal image reached on the mean. The anomaly map has
    the finer grid of the closer look, where there is one.
    """

    total: float
    threshold: float
    threshold_source: str
    calibration: Calibration
    scores: dict[str, float]
    normalised: dict[str, float]
    deviations: tuple[Deviation, ...]
    anomaly_map: Float[np.ndarray, "rows columns"]
    missing_map: Float[np.ndarray, "coarse_rows coarse_columns"]
    aligned: AlignedParts
    registered: Image
    nearest_reference: int
    image_size: tuple[int, int]
    to_image: Float[np.ndarray, "2 3"]
    seconds: float

    @property
    def placement(self) -> Placement:
        """How the object lies in the image, compared with the references."""
        size = self.registered.shape[0], self.registered.shape[1]
        return Placement.of(compose(rescale(self.image_size, size), self.to_image), size)

    @property
    def is_anomaly(self) -> bool:
        """Whether the total exceeds the threshold."""
        return self.total > self.threshold

    @property
    def verdict(self) -> Literal["normal", "anomaly"]:
        """The decision in one word."""
        return "anomaly" if self.is_anomaly else "normal"

    @property
    def headline(self) -> Deviation | None:
        """The deviation to name if only one is: that of the score which adds most to the total."""

        def importance(deviation: Deviation) -> tuple[float, float]:
            share = self.normalised.get(SCORE_OF[deviation.kind], 0.0)
            if deviation.kind == "missing" and not deviation.found:  # its size is said by this, too
                share = max(share, self.normalised.get(SCORE_OF["size"], 0.0))
            is_named = deviation.kind == "missing_here" and deviation.class_id >= 0
            gain = NAMED_GAIN if is_named else VAGUE.get(deviation.kind, 1.0)
            return share * gain, deviation.severity

        return max(self.deviations, key=importance, default=None)

    def as_dict(self) -> dict[str, Any]:
        """Return what ``score --jsonl`` prints, without the path."""
        return {
            "score": self.total,
            "threshold": self.threshold,
            "verdict": self.verdict,
            "scores": self.scores,
            "normalised": self.normalised,
            "calibration": self.calibration,
            "threshold_source": self.threshold_source,
            "nearest_reference": self.nearest_reference,
            "placement": self.placement.as_dict(),
            "deviations": [deviation.as_dict() for deviation in self.deviations],
            "seconds": self.seconds,
        }
