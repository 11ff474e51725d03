"""Inspector: learns from one to eight normal photographs, and judges any other.

This file is the method.
"""

from __future__ import annotations

import copy
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

import numpy as np

from alignment.aligned import AlignedParts
from alignment.classes import PartClasses
from alignment.comparison import (
    Comparison,
    compare_all,
    learn_frame,
    nearest_reference,
    with_propagated_parts,
)
from alignment.frame import Frame
from alignment.network_view import NetworkView
from alignment.pose import PoseEstimator, RegisteredImage
from alignment.sample import Sample
from engine.class_names import class_names
from engine.config import Config
from engine.deviations import find_deviations
from engine.errors import NotFittedError
from engine.fitted_state import FittedState, ReferenceWarning
from engine.normalisation import learn_normaliser, weigh
from engine.novelty import CELL_MAPS, Novelty, learn_novelty
from engine.profiles import counted_scores, looks_closer, make_network, make_networks, photo_area_px
from engine.report import Calibration, Examination, Report
from engine.scores import SCORES, score_all
from engine.storage import (
    Identity,
    StoredModel,
    check_identity,
    complete,
    read_inspector,
    write_inspector,
)
from features.dense import DenseMap
from features.embedded.backbone import CELL_PX, EmbeddedBackbone
from features.images import AnyImage, AnyMask, bits_text, check_image, resize
from features.parts import Parts
from features.progress import ProgressReporter, silent
from features.visual_words import VisualWords

N_COPIES = 8  # of a single reference, to calibrate with: two for each kind of alteration


class Inspector:
    """Finds what distinguishes an image from a handful of normal ones."""

    def __init__(self, config: Config | None = None) -> None:
        self.config = (config or Config()).check()
        self.backbone, self.segmenter = make_networks(self.config)
        self.network = make_network(self.config)
        self.visual_words = VisualWords(self.config.visual_words, self.config.seed)
        # a pose is found by many comparisons, for which only the embedded descriptors are cheap
        self.pose = PoseEstimator(
            self.config.pose,
            self.backbone if self.config.is_hand_made else EmbeddedBackbone(),
        )
        self.classes = PartClasses(self.config.classes)
        self.frame = Frame()
        self._fitted: FittedState | None = None

    def inspect(self, image: AnyImage) -> Report:
        """Judge one RGB image of any size.

        Raises:
            NotFittedError: ``fit`` or ``load`` comes first.
            ImageError: The array is no image.
        """
        started = time.perf_counter()
        report = self.judge(self.examine(image))
        return replace(report, seconds=time.perf_counter() - started)

    def examine(self, image: AnyImage) -> Examination:
        """Lay one RGB image of any size beside the references.

        Raises:
            NotFittedError: ``fit`` or ``load`` comes first.
            ImageError: The array is no image.
        """
        fitted = self.fitted
        photo = resize(check_image(image), fitted.photo_size)
        registered = self.pose.register(resize(photo, fitted.working_size))
        comparisons = self.compare(self.describe(photo, registered), fitted.samples)
        readings = score_all(comparisons, self.config.scores)
        return Examination(image, photo, registered, comparisons, readings)

    def judge(self, examination: Examination) -> Report:
        """Say what is wrong with an examined image, in numbers and words."""
        fitted, normaliser = self.fitted, self.fitted.normaliser
        sample, readings = examination.sample, examination.readings
        nearest = nearest_reference(examination.comparisons)
        return Report(
            total=normaliser.total(readings),
            threshold=normaliser.threshold,
            threshold_source=normaliser.threshold_source,
            calibration=normaliser.calibration,
            scores={each.name: readings[each.name].value for each in SCORES},
            normalised=normaliser.shares(readings),
            deviations=find_deviations(
                examination.comparisons[nearest],
                fitted.samples,
                fitted.class_names,
                readings,
                normaliser.scales,
                examination.to_image,
            ),
            anomaly_map=normaliser.cell_map(("unseen_here", "unlike", "detail"), readings),
            missing_map=normaliser.cell_map(("missing_here",), readings),
            aligned=sample.aligned,
            registered=sample.image,
            nearest_reference=nearest,
            image_size=examination.image_size,
            to_image=examination.to_image,
            seconds=0.0,
        )

    def fit(
        self,
        images: Sequence[AnyImage],
        *,
        names: Sequence[str] | None = None,
        validation: Sequence[AnyImage] = (),
        significant_bits: int | None = None,
        progress: ProgressReporter | None = None,
    ) -> Self:
        """Learn from normal images; their order does not matter.

        What is wrong with them is told by ``fitted.warnings``. A copy of a reference does not
        count, be it among the references or for validation.

        ``significant_bits`` is kept for whoever reads further images: how the files of these ones
        were read, see ``features.image_files.significant_bits``.

        Raises:
            ImageError: There is no image, or an array is none.
        """
        # whoever judges needs none of these
        from engine.preprocessing import take_in
        from engine.reference_checks import odd_references, without_copies

        tell = progress or silent
        taken = take_in(
            images,
            names,
            photo_area_px=photo_area_px(self.config),
            working_area_px=self.config.working_area_px,
            multiple=CELL_PX,
        )
        photos = taken.photos
        self._fitted = None  # what is interrupted from here on has learnt nothing
        self.frame = Frame()
        tell("aligning", 0, 4)
        working = [resize(photo, taken.working_size) for photo in photos]
        self.backbone.fit(working if self.config.is_hand_made else photos)
        self.pose.backbone.fit(working)
        self.pose.fit(working)
        registered = [self.pose.register(image) for image in working]

        tell("finding parts", 1, 4)
        warped = [self.seen(*each) for each in zip(photos, registered, strict=True)]
        pictures, masks = [image for image, _ in warped], [is_valid for _, is_valid in warped]
        self.segmenter.fit(pictures, masks)
        self.visual_words.fit(
            [each.image for each in registered], [each.is_valid for each in registered]
        )
        dense = self.backbone.batch(pictures, masks)
        parts = [self._cut(*each) for each in zip(registered, pictures, dense, strict=True)]
        self.classes.fit(parts, [each.image for each in registered])
        aligned = [
            self.classes.align(cut, each.image) for cut, each in zip(parts, registered, strict=True)
        ]
        views: Sequence[NetworkView | None] = [None] * len(photos)
        if self.network is not None:
            self.network.fit(
                photos,
                registered,
                is_placed=self.pose.has_pose_,
                is_closer=looks_closer(self.config, taken.photo_size),
            )
            views = self.network.references(photos, registered)
        samples = tuple(map(self._sample, registered, dense, aligned, views))

        tell("leaving one out", 2, 4)
        compared, calibration = self.compare_normal(samples, photos)
        if self.config.comparison.is_framed:
            compared = learn_frame(self.frame, compared, is_usual=len(samples) == 1)
        scores = self.config.scores
        normal = [score_all(each, scores) for each in compared]
        warnings = [*taken.warnings]
        if text := bits_text(significant_bits):
            warnings.append(ReferenceWarning("few-levels", (), text))
        if calibration == "leave-one-out":
            warnings += odd_references(normal, taken.names)
        tell("setting the threshold", 3, 4)
        others, copied = without_copies([check_image(each) for each in validation], photos)
        warnings += copied
        more = [self._compare_photo(resize(each, taken.photo_size), samples) for each in others]
        validated = [score_all(each, scores) for each in more]
        active = counted_scores(self.config, taken.photo_size)
        weights = weigh(self.config.normalisation, scores, active, self.pose.residual_, normal)
        self._fitted = FittedState(
            samples=samples,
            names=tuple(taken.names),
            photo_size=taken.photo_size,
            class_names=tuple(class_names(samples)),
            normaliser=learn_normaliser(
                self.config.normalisation, weights, normal, validated, calibration
            ),
            novelty=self._learn_novelty(samples, compared + more) if more else None,
            warnings=tuple(sorted(warnings, key=lambda each: (each.kind, each.names))),
            significant_bits=significant_bits,
        )
        tell("done", 4, 4)
        return self

    # Steps

    def describe(self, photo: AnyImage, registered: RegisteredImage) -> Sample:
        """Describe an image, and cut it where its parts are not propagated later."""
        image, is_valid = self.seen(photo, registered)
        dense = self.backbone(image, is_valid)
        seen = self.network(photo, registered) if self.network else None
        if self.config.is_propagated:
            nothing = self.classes.none(registered.is_valid.shape)
            return self._sample(registered, dense, nothing, seen)
        aligned = self.classes.align(self._cut(registered, image, dense), registered.image)
        aligned = self.classes.find_painted(aligned, registered.image, registered.is_valid)
        return self._sample(registered, dense, aligned, seen)

    def seen(self, photo: AnyImage, registered: RegisteredImage) -> tuple[AnyImage, AnyMask]:
        """Return the registered image as backbone and segmenter see it, and what is valid of it."""
        if self.config.is_hand_made:
            return registered.image, registered.is_valid
        return registered.warp(photo)

    def _cut(self, registered: RegisteredImage, image: AnyImage, dense: DenseMap) -> Parts:
        """Cut an image; parts are kept in the size that the method works in."""
        height, width = registered.is_valid.shape
        return self.segmenter(image, dense).resized((height, width))

    def _sample(
        self,
        registered: RegisteredImage,
        dense: DenseMap,
        aligned: AlignedParts,
        seen: NetworkView | None,
    ) -> Sample:
        image, is_valid = registered.image, registered.is_valid
        composition = self.visual_words(image, is_valid)
        return Sample(image, is_valid, dense, aligned, composition, seen)

    def compare(self, test: Sample, references: Sequence[Sample]) -> list[Comparison]:
        """Lay a described image beside each reference; its parts may come from them."""
        # hand-made descriptors are short: threads cost more than they bring
        n_threads = 1 if self.config.is_hand_made else self.config.machine.cores
        comparisons = compare_all(test, references, self.config.comparison, n_threads, self.frame)
        if self.config.is_propagated:
            return with_propagated_parts(
                comparisons, self.config.propagation, self.segmenter.refine, self.classes
            )
        return comparisons

    def _compare_photo(self, photo: AnyImage, samples: Sequence[Sample]) -> list[Comparison]:
        registered = self.pose.register(resize(photo, samples[0].is_valid.shape))
        return self.compare(self.describe(photo, registered), samples)

    def _learn_novelty(
        self, samples: Sequence[Sample], judged: Sequence[list[Comparison]]
    ) -> Novelty:
        readings = [score_all(each, self.config.scores, CELL_MAPS) for each in judged]
        tests = [each[0].test for each in judged]
        return learn_novelty(samples, readings, tests, self.config.seed)

    def compare_normal(
        self, samples: Sequence[Sample], photos: Sequence[AnyImage]
    ) -> tuple[list[list[Comparison]], Calibration]:
        """Compare each reference with the others, or altered copies of the only one with it."""
        if len(samples) > 1:
            return [
                self.compare(sample, [other for other in samples if other is not sample])
                for sample in samples
            ], "leave-one-out"
        from engine.preprocessing import altered_copies

        copies = altered_copies(photos[0], N_COPIES, np.random.default_rng(self.config.seed))
        return [self._compare_photo(each, samples) for each in copies], "self-calibrated"

    # What was learnt

    @property
    def fitted(self) -> FittedState:
        """What was learnt from the references.

        Raises:
            NotFittedError: Nothing yet; ``fit`` or ``load`` comes first.
        """
        if self._fitted is None:
            raise NotFittedError("this inspector has no references; call fit or load first")
        return self._fitted

    def with_fitted(self, fitted: FittedState, classes: PartClasses | None = None) -> Self:
        """Return an inspector that has learnt something else from the same references.

        It shares all that describes images with this one: fit neither of them again.
        """
        other = copy.copy(self)
        other.classes = classes or self.classes
        other._fitted = fitted
        return other

    @property
    def novelty(self) -> Novelty:
        """How new a pixel has to be to be called new; learnt when first asked for."""
        fitted = self.fitted
        if fitted.novelty is not None:
            return fitted.novelty
        judged, _ = self.compare_normal(fitted.samples, [sample.image for sample in fitted.samples])
        novelty = self._learn_novelty(fitted.samples, judged)
        self._fitted = replace(fitted, novelty=novelty)
        return novelty

    # In a file

    def save(self, path: str | Path) -> None:
        """Write the model file; equal references and config give equal bytes on one machine.

        Raises:
            NotFittedError: There is nothing to write; ``fit`` comes first.
            OutputError: The file cannot be written.
        """
        if self._fitted is None:
            raise NotFittedError("this inspector has no references to save; call fit first")
        fitted = replace(self._fitted, novelty=self.novelty)
        states = {name: part.state() for name, part in self._components.items()}
        write_inspector(path, StoredModel(self.config, fitted, states, self._identity))

    @classmethod
    def load(
        cls,
        path: str | Path,
        *,
        profile: str | None = None,
        machine: Mapping[str, str | int] | None = None,
        is_to_judge: bool = True,
    ) -> Self:
        """Read a model file, of the given profile if one is given.

        ``machine`` replaces settings of ``features.device.MachineConfig``, say the device. An
        inspector that is not to judge may lack the networks that it was fitted with.

        Raises:
            ModelFileError: The file is none of ours, damaged, newer, of another profile, or was
                fitted with other networks than those that are here.
        """
        stored = read_inspector(path, profile=profile, machine=machine)
        inspector = cls(stored.config)
        if is_to_judge:
            check_identity(path, stored.identity, inspector._identity)
        with complete(path):
            for name, part in inspector._components.items():
                part.restore(stored.states[name])
        return inspector.with_fitted(stored.fitted)

    @property
    def _components(self) -> dict[str, Any]:
        """The describing objects, each of which keeps what it has learnt, by their stored names."""
        components: dict[str, Any] = {
            "backbone": self.backbone,
            "segmenter": self.segmenter,
            "palette": self.visual_words,  # as the first release called them
            "classes": self.classes,
            "pose": self.pose,
        }
        if self.config.comparison.is_framed:
            components["frame"] = self.frame
        if self.network is not None:
            components["network"] = self.network
        if self.pose.backbone is not self.backbone:
            # before the pose, which describes with it when restored
            components = {"pose_backbone": self.pose.backbone} | components
        return components

    @property
    def _identity(self) -> Identity:
        """Names of the networks that descriptors and parts come from."""
        named = {"backbone": self.backbone.identity(), "segmenter": self.segmenter.identity()}
        return named if self.network is None else named | {"network": self.network.identity()}
