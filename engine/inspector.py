"""Learn from one to eight normal photographs; judge any other. This file is the method."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Self

import numpy as np
from jaxtyping import Bool

from alignment.aligned import AlignedParts
from alignment.classes import PartClasses
from alignment.comparison import Comparison, compare_all, nearest_reference, with_propagated_parts
from alignment.pose import PoseEstimator, RegisteredImage
from alignment.sample import Sample
from engine.class_names import class_names
from engine.config import Config
from engine.deviations import find_deviations
from engine.editing.history import ClassEdit, EditedClasses
from engine.errors import NotFittedError
from engine.examination import Examination
from engine.normalisation import Normaliser, emphasise, learn_normaliser
from engine.novelty import CELL_MAPS, Novelty, learn_novelty
from engine.preprocessing import altered_copies, take_in
from engine.profiles import make_networks, photo_area_px
from engine.rendering.html_report import ReferenceView
from engine.report import Calibration, Report
from engine.scores import SCORES, score_all
from features.dense import DenseMap
from features.embedded.backbone import CELL_PX, EmbeddedBackbone
from features.images import AnyImage as Image
from features.images import check_image, resize
from features.parts import Parts
from features.visual_words import VisualWords

Progress = Callable[[str, int, int], None]

N_COPIES = 8  # of a single reference, to calibrate with: two for each kind of alteration


class Inspector:
    """Finds what distinguishes an image from a handful of normal ones."""

    def __init__(self, config: Config | None = None) -> None:
        self.config = (config or Config()).check()
        self.backbone, self.segmenter = make_networks(self.config)
        self.visual_words = VisualWords(self.config.visual_words, self.config.seed)
        # a pose is found by many comparisons, for which only the embedded descriptors are cheap
        self.pose = PoseEstimator(
            self.config.pose,
            self.backbone if self.config.profile == "embedded" else EmbeddedBackbone(),
        )
        self.classes = PartClasses(self.config.classes)

    def inspect(self, image: Image) -> Report:
        """Judge one RGB image of any size.

        Raises:
            NotFittedError: ``fit`` or ``load`` comes first.
            ImageError: The array is no image.
        """
        started = time.perf_counter()
        report = self.judge(self.examine(image))
        return replace(report, seconds=time.perf_counter() - started)

    def examine(self, image: Image) -> Examination:
        """Lay one RGB image of any size beside the references.

        Raises:
            NotFittedError: ``fit`` or ``load`` comes first.
            ImageError: The array is no image.
        """
        if not hasattr(self, "normaliser_"):
            raise NotFittedError("this inspector has no references; call fit or load first")
        photo = resize(check_image(image), self.photo_size_)
        registered = self.pose.register(resize(photo, self.working_size_))
        comparisons = self.compare(self.describe(photo, registered), self.samples_)
        readings = score_all(comparisons, self.config.scores)
        return Examination(image, photo, registered, comparisons, readings)

    def hide(
        self, examination: Examination, is_hidden: Bool[np.ndarray, "height width"]
    ) -> Examination:
        """Examine the same image as if some registered pixels were not on the photograph."""
        from engine.examination import hide

        return hide(self, examination, is_hidden)

    def judge(self, examination: Examination) -> Report:
        """Say what is wrong with an examined image, in numbers and words."""
        normaliser: Normaliser = self.normaliser_
        sample, readings = examination.sample, examination.readings
        nearest = nearest_reference(examination.comparisons)
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
                examination.comparisons[nearest],
                self.samples_,
                self.class_names_,
                readings,
                normaliser.weights,
                examination.to_image,
            ),
            anomaly_map=heat["located_patch"],
            missing_map=heat["missing_patch"],
            aligned=sample.aligned,
            registered=sample.image,
            nearest_reference=nearest,
            image_size=examination.image_size,
            to_image=examination.to_image,
            seconds=0.0,
        )

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
        photos = self._take_in(images, names)
        report("aligning", 0, 4)
        working = [resize(photo, self.working_size_) for photo in photos]
        self.backbone.fit(photos)
        self.pose.backbone.fit(working)
        self.pose.fit(working)
        registered = [self.pose.register(image) for image in working]

        report("finding parts", 1, 4)
        views = [each.warp(photo) for each, photo in zip(registered, photos, strict=True)]
        pictures, masks = [image for image, _ in views], [is_valid for _, is_valid in views]
        self.segmenter.fit(pictures, masks)
        self.visual_words.fit(
            [each.image for each in registered], [each.is_valid for each in registered]
        )
        dense = self.backbone.batch(pictures, masks)
        parts = [self._cut(*each) for each in zip(pictures, dense, strict=True)]
        self.classes.fit(parts, [each.image for each in registered])
        self.samples_ = [
            self._sample(one, tokens, self.classes.align(cut, one.image))
            for one, tokens, cut in zip(registered, dense, parts, strict=True)
        ]
        self.class_names_ = class_names(self.samples_)
        self.edited_: EditedClasses | None = None

        report("leaving one out", 2, 4)
        judged, calibration = self.judge_normal(photos)
        scores = self.config.scores
        normal = [score_all(each, scores) for each in judged]
        report("setting the threshold", 3, 4)
        more = [
            self._lay_beside(resize(check_image(image), self.photo_size_)) for image in validation
        ]
        extra = [score_all(each, scores) for each in more]
        emphasis = emphasise(
            self.config.normalisation, self.config.active_scores, self.pose.residual_
        )
        self.normaliser_ = learn_normaliser(
            self.config.normalisation, emphasis, normal, extra, calibration
        )
        self.novelty_: Novelty | None = self._learn_novelty(judged + more) if more else None
        report("done", 4, 4)
        return self

    def save(self, path: str | Path) -> None:
        """Write the model file; equal references and config give equal bytes."""
        from engine.storage import save_inspector

        save_inspector(self, path)

    @classmethod
    def load(
        cls,
        path: str | Path,
        *,
        profile: str | None = None,
        machine: Mapping[str, str | int] | None = None,
    ) -> Inspector:
        """Read a model file, of the given profile if one is given.

        ``machine`` replaces settings of ``features.device.MachineConfig``, say the device.
        """
        from engine.storage import load_inspector

        return load_inspector(path, profile=profile, machine=machine)

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

    @property
    def class_history_(self) -> tuple[ClassEdit, ...]:
        """All edits of classes since the fit, the undone ones too; see ``engine.editing``."""
        return self.edited_.history if self.edited_ else ()

    @property
    def novelty(self) -> Novelty:
        """How new a pixel has to be to be called new; learnt when first asked for."""
        if self.novelty_ is None:
            judged, _ = self.judge_normal([sample.image for sample in self.samples_])
            self.novelty_ = self._learn_novelty(judged)
        return self.novelty_

    # Steps

    def _take_in(self, images: Sequence[Image], names: Sequence[str] | None) -> list[Image]:
        taken = take_in(
            images,
            names,
            photo_area_px=photo_area_px(self.config),
            working_area_px=self.config.working_area_px,
            multiple=CELL_PX,
        )
        self.names_ = taken.names
        self.photo_size_, self.working_size_ = taken.photo_size, taken.working_size
        return taken.photos

    def describe(self, photo: Image, registered: RegisteredImage) -> Sample:
        """Describe an image, and cut it where its parts are not propagated later."""
        image, is_valid = registered.warp(photo)
        dense = self.backbone(image, is_valid)
        if self.config.is_propagated:
            return self._sample(registered, dense, self.classes.none(self.working_size_))
        aligned = self.classes.align(self._cut(image, dense), registered.image)
        aligned = self.classes.find_painted(aligned, registered.image, registered.is_valid)
        return self._sample(registered, dense, aligned)

    def _cut(self, image: Image, dense: DenseMap) -> Parts:
        return self.segmenter(image, dense).resized(self.working_size_)

    def _sample(
        self, registered: RegisteredImage, dense: DenseMap, aligned: AlignedParts
    ) -> Sample:
        composition = self.visual_words(registered.image, registered.is_valid)
        return Sample(registered.image, registered.is_valid, dense, aligned, composition)

    def compare(self, test: Sample, references: Sequence[Sample]) -> list[Comparison]:
        """Lay a described image beside each reference; its parts may come from them."""
        comparisons = compare_all(test, references, self.config.comparison, self._n_threads)
        if self.config.is_propagated:
            return with_propagated_parts(
                comparisons, self.config.propagation, self.segmenter.refine, self.classes
            )
        return comparisons

    @property
    def _n_threads(self) -> int:
        """Hand-made descriptors are so short that threads cost more than they bring."""
        return 1 if self.config.profile == "embedded" else self.config.machine.cores

    def _lay_beside(self, photo: Image) -> list[Comparison]:
        registered = self.pose.register(resize(photo, self.working_size_))
        return self.compare(self.describe(photo, registered), self.samples_)

    def _learn_novelty(self, judged: Sequence[list[Comparison]]) -> Novelty:
        readings = [score_all(each, self.config.scores, CELL_MAPS) for each in judged]
        tests = [each[0].test for each in judged]
        return learn_novelty(self.samples_, readings, tests, self.config.seed)

    def judge_normal(self, photos: Sequence[Image]) -> tuple[list[list[Comparison]], Calibration]:
        """Lay each reference beside the others, or copies of the only one beside it."""
        samples = self.samples_
        if len(samples) > 1:
            return [
                self.compare(sample, [other for other in samples if other is not sample])
                for sample in samples
            ], "leave-one-out"
        copies = altered_copies(photos[0], N_COPIES, np.random.default_rng(self.config.seed))
        return [self._lay_beside(copy) for copy in copies], "self-calibrated"
