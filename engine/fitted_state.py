"""Fitted state: all that an inspector has learnt, in one frozen record.

``fit`` makes it, a model file keeps it, an edit of classes makes another. The networks and the
other describing objects, which know nothing of the product, keep their own few numbers themselves.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from alignment.sample import Sample
from engine.class_edits import ClassEdit, EditedClasses
from engine.normalisation import Normaliser
from engine.novelty import Novelty
from engine.report import Calibration, ReferenceView


@dataclass(frozen=True)
class ReferenceWarning:
    """What a person should know of references before trusting the verdicts.

    ``names`` say which images it is about, ``text`` says what it is, in one line.
    """

    kind: Literal["near-duplicate", "outlier", "shape", "odd"]
    names: tuple[str, ...]
    text: str


@dataclass(frozen=True)
class FittedState:
    """The references in an order of their own, what their parts are called, and what is normal.

    ``samples`` and ``names`` belong to the same references. ``photo_size`` is the (height, width)
    in which networks see a photograph. ``novelty`` is None until somebody asks for it, ``edits``
    while no class was ever edited. ``warnings`` are about all photographs that were given, those
    that were left out too.

    Raises:
        ValueError: There is no reference, or ``samples`` and ``names`` differ in number.
    """

    samples: tuple[Sample, ...]
    names: tuple[str, ...]
    photo_size: tuple[int, int]
    class_names: tuple[str, ...]
    normaliser: Normaliser
    novelty: Novelty | None = None
    edits: EditedClasses | None = None
    warnings: tuple[ReferenceWarning, ...] = ()

    def __post_init__(self) -> None:
        if not self.samples or len(self.samples) != len(self.names):
            raise ValueError(
                "samples and names must be of the same references, one or more, "
                f"got {len(self.samples)} samples and {len(self.names)} names"
            )

    @property
    def working_size(self) -> tuple[int, int]:
        """Height and width in which the method works."""
        height, width = self.samples[0].image.shape[:2]
        return height, width

    @property
    def threshold(self) -> float:
        """Totals above it are anomalous."""
        return self.normaliser.threshold

    @property
    def threshold_source(self) -> str:
        """How the threshold was set, in words."""
        return self.normaliser.threshold_source

    @property
    def calibration(self) -> Calibration:
        """What the scales were learnt from."""
        return self.normaliser.calibration

    @property
    def references(self) -> list[ReferenceView]:
        """The references as pictures with their classes."""
        return [
            ReferenceView(name, sample.image, sample.valid_class_map, sample.aligned.counts)
            for name, sample in zip(self.names, self.samples, strict=True)
        ]

    @property
    def class_history(self) -> tuple[ClassEdit, ...]:
        """All edits of classes since the fit, the undone ones too."""
        return self.edits.history if self.edits else ()
