"""Learn from one to eight normal photographs; judge any other. This file is the method."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Self

import numpy as np
from jaxtyping import UInt8

from alignment.classes import PartClasses
from alignment.pose import PoseEstimator, Upright
from alignment.similarity import compose, rescale
from engine.augmentation import altered_copies
from engine.comparison import Comparison
from engine.config import Config
from engine.deviations import find_deviations
from engine.errors import NotFittedError
from engine.explain import ReferenceView
from engine.intake import take_in
from engine.naming import class_names
from engine.normalisation import Normaliser, emphasise, learn_normaliser
from engine.report import Calibration, Report
from engine.sample import Sample
from engine.scores import SCORES, Reading, score_all
from features.dense import Backbone, DenseMap
from features.embedded import CELL_PX, EmbeddedBackbone
from features.palette import Palette
from features.parts import Parts, Segmenter
from features.pixels import check_image, resize
from features.segmenter import EmbeddedSegmenter

Image = UInt8[np.ndarray, "_ _ 3"]
Progress = Callable[[str, int, int], None]

N_COPIES = 8  # of a single reference, to calibrate with: two for each kind of alteration


class Inspector:
    """Finds what distinguishes an image from a handful of normal ones."""

    def __init__(self, config: Config | None = None) -> None:
        self.config = (config or Config()).check()
        self.backbone: Backbone = EmbeddedBackbone()
        self.segmenter: Segmenter = EmbeddedSegmenter(self.config.segmenter, self.config.seed)
        self.palette = Palette(self.config.palette, self.config.seed)
        self.pose = PoseEstimator(self.config.pose, self.backbone)
        self.classes = PartClasses(self.config.classes)

    def inspect(self, image: Image) -> Report:
        """Judge one RGB image of any size.

        Raises:
            NotFittedError: ``fit`` or ``load`` comes first.
            ImageError: The array is no image.
        """
        started = time.perf_counter()
        if not hasattr(self, "normaliser_"):
            raise NotFittedError("this inspector has no references; call fit or load first")
        check_image(image)
        upright = self.pose.upright(resize(image, self.working_size_))
        sample = self._describe(upright)
        comparisons = self._beside(sample, self.samples_)
        readings = score_all(comparisons, self.config.scores)
        return self._report(image, upright, comparisons, readings, started)

    def fit(
        self,
        images: Sequence[Image],
        *,
        names: Sequence[str] | None = None,
        validation: Sequence[Image] = (),
        progress: Progress | None = None,
    ) -> Self:
        """Learn from normal images; their order does not matter.

        Raises:
            ImageError: There is no image, or an array is none.
        """
        report = progress or (lambda step, done, total: None)
        references = take_in(images, names, area_px=self.config.working_area_px, multiple=CELL_PX)
        working, self.names_, self.working_size_ = references
        report("aligning", 0, 4)
        self.backbone.fit(working)
        self.pose.fit(working)
        uprights = [self.pose.upright(image) for image in working]

        report("finding parts", 1, 4)
        pictures, masks = [u.image for u in uprights], [u.is_valid for u in uprights]
        self.segmenter.fit(pictures, masks)
        self.palette.fit(pictures, masks)
        cut = [self._cut(upright) for upright in uprights]
        self.classes.fit([parts for _, parts in cut], pictures)
        self.samples_ = [self._align(u, *each) for u, each in zip(uprights, cut, strict=True)]
        self.class_names_ = class_names(self.samples_)

        report("leaving one out", 2, 4)
        normal, calibration = self._normal_readings(working)
        report("setting the threshold", 3, 4)
        extra = [self._read(resize(check_image(image), self.working_size_)) for image in validation]
        emphasis = emphasise(
            self.config.normalisation, self.config.active_scores, self.pose.residual_
        )
        self.normaliser_ = learn_normaliser(
            self.config.normalisation, emphasis, normal, extra, calibration
        )
        report("done", 4, 4)
        return self

    def save(self, path: str | Path) -> None:
        """Write the model file; equal references and config give equal bytes."""
        from engine.storage import save_inspector

        save_inspector(self, path)

    @classmethod
    def load(cls, path: str | Path, *, profile: str | None = None) -> Inspector:
        """Read a model file, of the given profile if one is given."""
        from engine.storage import load_inspector

        return load_inspector(path, profile=profile)

    # What was learnt, for people

    @property
    def weights_(self) -> dict[str, float]:
        """Weight of each score: the most that a normal image reached."""
        return self.normaliser_.weights

    @property
    def threshold_(self) -> float:
        """Totals above it are anomalous."""
        return self.normaliser_.threshold

    @property
    def threshold_source_(self) -> str:
        """How the threshold was set, in words."""
        return self.normaliser_.threshold_source

    @property
    def calibration_(self) -> Calibration:
        """What the weights were learnt from."""
        return self.normaliser_.calibration

    @property
    def references_(self) -> list[ReferenceView]:
        """The references as pictures with their classes."""
        return [
            ReferenceView(name, sample.image, sample.valid_class_map, sample.aligned.counts)
            for name, sample in zip(self.names_, self.samples_, strict=True)
        ]

    # Steps

    def _cut(self, upright: Upright) -> tuple[DenseMap, Parts]:
        dense = self.backbone(upright.image, upright.is_valid)
        return dense, self.segmenter(upright.image, dense)

    def _align(self, upright: Upright, dense: DenseMap, parts: Parts) -> Sample:
        aligned = self.classes.align(parts, upright.image)
        composition = self.palette(upright.image, upright.is_valid)
        return Sample(upright.image, upright.is_valid, dense, aligned, composition)

    def _describe(self, upright: Upright) -> Sample:
        return self._align(upright, *self._cut(upright))

    def _beside(self, test: Sample, references: Sequence[Sample]) -> list[Comparison]:
        return [Comparison(test, each, self.config.comparison) for each in references]

    def _compare(self, test: Sample, references: Sequence[Sample]) -> dict[str, Reading]:
        return score_all(self._beside(test, references), self.config.scores)

    def _read(self, working: Image) -> dict[str, Reading]:
        return self._compare(self._describe(self.pose.upright(working)), self.samples_)

    def _normal_readings(
        self, working: Sequence[Image]
    ) -> tuple[list[dict[str, Reading]], Calibration]:
        """Judge each reference by the others, or copies of the only one by it."""
        if len(working) > 1:
            return [
                self._compare(sample, [other for other in self.samples_ if other is not sample])
                for sample in self.samples_
            ], "leave-one-out"
        copies = altered_copies(working[0], N_COPIES, np.random.default_rng(self.config.seed))
        return [self._read(copy) for copy in copies], "self-calibrated"

    def _report(
        self,
        image: Image,
        upright: Upright,
        comparisons: Sequence[Comparison],
        readings: dict[str, Reading],
        started: float,
    ) -> Report:
        normaliser: Normaliser = self.normaliser_
        sample = comparisons[0].test
        size = image.shape[0], image.shape[1]
        to_image = compose(rescale(self.working_size_, size), upright.to_original)
        heat = {
            name: np.asarray(readings[name].cells) / normaliser.weights[name]
            for name in ("located_patch", "missing_patch")
        }
        return Report(
            total=normaliser.total(readings),
            threshold=normaliser.threshold,
            threshold_source=normaliser.threshold_source,
            calibration=normaliser.calibration,
            scores={name: readings[name].value for name, _ in SCORES},
            normalised=normaliser.shares(readings),
            deviations=find_deviations(
                sample,
                self.samples_,
                self.class_names_,
                readings,
                normaliser.weights,
                to_image,
            ),
            anomaly_map=heat["located_patch"],
            missing_map=heat["missing_patch"],
            aligned=sample.aligned,
            upright=sample.image,
            nearest_reference=_nearest(comparisons),
            image_size=size,
            to_image=to_image,
            seconds=time.perf_counter() - started,
        )


def _nearest(comparisons: Sequence[Comparison]) -> int:
    """Return the reference of which the image shows most."""
    means = [
        np.mean(each.reverse, where=np.isfinite(each.reverse))
        if np.isfinite(each.reverse).any()
        else np.inf
        for each in comparisons
    ]
    return int(np.argmin(means))
