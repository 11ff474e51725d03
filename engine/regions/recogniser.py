"""Recogniser of taught regions, which judges an image by what was taught.

Propose what is new; outline each region exactly; let its tokens vote at several scales, and compare
it as a whole with every taught example; judge the image without what is accepted.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float, Float32, Int

from engine.hiding import hide
from engine.library.records import Features, RegionClass
from engine.regions.bank import Bank, TokenScale, check_views, load_bank, normal_tokens
from engine.regions.embedding import classify, default_embedder
from engine.regions.frames import Frames, draw_maps
from engine.regions.proposals import propose
from engine.regions.report import UNKNOWN, FoundRegion, RegionReport
from engine.regions.segmentation import Prompt, context_box, refine
from engine.regions.splitting import divisions
from engine.regions.token_classifier import agreed, best, pooled, token_shares
from engine.regions.tokens import RegionTokens, describe_regions
from features.images import Image
from features.parts import PromptableSegmenter

if TYPE_CHECKING:
    from engine.inspector import Inspector
    from engine.library import Library
    from engine.report import Examination
    from features.region import Region

Map = Float32[np.ndarray, "height width"]


# a region recognised as surely as this is one thing
SURE = 0.85
# a division must be surer than the whole by this much
LEAST_GAIN = 0.05


@dataclass(frozen=True)
class Candidate:
    """A new region of the image file, and the novelty of its newest pixels."""

    region: Region
    peak: float


@dataclass(frozen=True)
class RegionEvidence:
    """What the tokens of some regions vote, and how probable each class is for each region.

    ``votes`` are those of the cells of all regions in their order.
    """

    tokens: Sequence[RegionTokens]
    votes: Float[np.ndarray, "scales cells labels"]
    probabilities: Float[np.ndarray, "regions classes"]

    @property
    def region_of_cell(self) -> Int[np.ndarray, " cells"]:
        """The index of the region to which each cell that votes belongs."""
        return _region_of_cell(self.tokens)


@dataclass(frozen=True)
class ClassMatch:
    """How probable it is, 0 … 1, that a region is of a class, and its most similar example."""

    known: RegionClass
    probability: float
    example_id: int


class Recogniser:
    """An inspector that knows the regions in a library."""

    def __init__(self, inspector: Inspector, library: Library) -> None:
        self.inspector = inspector
        self.library = library
        self.config = inspector.config.regions
        self.embedder = default_embedder()
        self.scale = TokenScale(inspector.backbone)
        rng = np.random.default_rng([inspector.config.seed, 5])
        self._normal = normal_tokens(inspector.fitted.samples, rng)
        self._features: dict[int, Features] = {}
        self._revision: int | None = None
        library.check_identity(self.identity())

    def identity(self) -> dict[str, str]:
        """Name what descriptors of regions depend on; others cannot be compared with them."""
        backbone = self.inspector.backbone.identity()
        return {f"backbone {key}": value for key, value in backbone.items()} | {
            f"embedder {key}": value for key, value in self.embedder.identity().items()
        }

    def opened_by(self, library: Library) -> Recogniser:
        """Return the same recogniser for the same library as somebody else has opened it.

        Both share what was read so far, so that they must not work at the same time.
        """
        other = copy(self)
        other.library = library
        return other

    @property
    def bank(self) -> Bank:
        """What the library holds now; read again only after a lesson, here or elsewhere."""
        revision = self.library.revision()
        if revision != self._revision:
            self._bank = load_bank(
                self.library,
                self.scale,
                self._normal,
                self.embedder,
                self._features,
                self.config.accepted_above,
            )
            self._revision = revision
        return self._bank

    def inspect(self, image: Image) -> RegionReport:
        """Judge one RGB image of any size by the references and by what was taught.

        Raises:
            ImageError: The array is no image.
            LibraryError: The library cannot be read.
        """
        started = time.perf_counter()
        report = self.judge(self.inspector.examine(image))
        return replace(report, seconds=time.perf_counter() - started)

    def judge(self, examination: Examination) -> RegionReport:
        """Judge an examined image by what was taught."""
        bank = self.bank
        frames = Frames(examination, self.config.photo_area_px)
        novelty = self.inspector.novelty(examination)
        candidates = self.candidates(frames, novelty)
        evidence = self._evidence(frames, [each.region for each in candidates], bank)
        candidates, evidence = self._split(frames, candidates, evidence, bank)
        found = tuple(
            self._found(each, shares, bank)
            for each, shares in zip(candidates, evidence.probabilities, strict=True)
        )
        return self._report(examination, frames, found, novelty, evidence, bank)

    def candidates(self, frames: Frames, novelty: Map) -> list[Candidate]:
        """Propose and outline what is new, the newest first."""
        found, prompt = [], outliner_of(self.inspector, frames)
        proposals = propose(novelty, self.config.proposals)
        if not proposals and self._is_suspect(frames.examination):
            suspect_above = self.config.proposals.suspect_above
            proposals = propose(novelty, replace(self.config.proposals, seed_above=suspect_above))
        for proposal in proposals:
            rough = frames.region_on_picture(proposal.region)
            if rough is None:
                continue
            box = context_box(rough, frames.picture_size, self.config.segmentation)
            over = frames.on_picture(novelty, box)
            exact = refine(frames.picture, rough, over, self.config.segmentation, prompt=prompt)
            found.append(Candidate(frames.in_image(exact), proposal.peak))
        return found

    def evidence(
        self,
        tokens: Sequence[RegionTokens],
        views: Float32[np.ndarray, "regions views dim"] | None,
        bank: Bank,
    ) -> RegionEvidence:
        """Let the tokens of each described region vote, and compare it as a whole.

        Without views, where there is nothing to compare, the tokens decide alone.
        """
        n_regions, n_classes = len(tokens), len(bank.classes)
        joined = [self._normal[:, :0], *(each.tokens for each in tokens)]
        votes = bank.tokens.votes(np.concatenate(joined, axis=1), self.config.micro)
        by_object = np.zeros((n_regions, n_classes), dtype=np.float32)
        if views is not None:
            check_views(views, bank)
            same = self.embedder.same(views, bank.views)
            by_object = classify(same, bank.class_of_example, n_classes, bank.demands)
        by_tokens = token_shares(agreed(votes), _region_of_cell(tokens), n_regions)
        return RegionEvidence(
            tokens, votes, pooled(by_tokens, by_object, self.config.object_weight)
        )

    def class_matches(
        self, tokens: RegionTokens, views: Float32[np.ndarray, "1 views dim"]
    ) -> list[ClassMatch]:
        """Compare a described region with every class of the library, the likeliest first.

        Unlike evidence this is as such, whatever a class demands to be recognised.
        """
        bank = self.bank
        if not len(bank):
            return []
        check_views(views, bank)
        same = self.embedder.same(views, bank.views)
        votes = agreed(bank.tokens.votes(tokens.tokens, self.config.micro))
        probabilities = pooled(
            token_shares(votes, np.zeros(len(votes), dtype=np.int64), 1),
            classify(same, bank.class_of_example, len(bank.classes)),
            self.config.object_weight,
        )[0]
        matches = []
        for index in np.argsort(-probabilities, kind="stable").tolist():
            own = np.flatnonzero(bank.class_of_example == index)
            nearest = int(bank.example_ids[own[same[0, own].argmax()]])
            matches.append(ClassMatch(bank.classes[index], float(probabilities[index]), nearest))
        return matches

    # Steps

    def _is_suspect(self, examination: Examination) -> bool:
        """Whether the image as a whole is anomalous, so that some place must be to blame."""
        normaliser = self.inspector.fitted.normaliser
        return normaliser.total(examination.readings) > normaliser.threshold

    def _evidence(self, frames: Frames, regions: Sequence[Region], bank: Bank) -> RegionEvidence:
        """Describe regions of the image file, and gather what speaks for each class."""
        examination = frames.examination
        tokens = describe_regions(examination.sample.dense, regions, frames.image_to_cells)
        is_comparable = len(regions) and len(bank)
        views = self.embedder.describe(examination.image, regions) if is_comparable else None
        return self.evidence(tokens, views, bank)

    def _split(
        self, frames: Frames, candidates: list[Candidate], evidence: RegionEvidence, bank: Bank
    ) -> tuple[list[Candidate], RegionEvidence]:
        """Divide regions of which the parts are recognised more surely, with their evidence."""
        if not len(bank):
            return candidates, evidence
        divided: list[Candidate] = []
        region_of_cell = evidence.region_of_cell
        for index, each in enumerate(candidates):
            parts = [each]
            best_so_far = self._mean_confidence(evidence.probabilities[index : index + 1])
            if best_so_far < SURE:
                votes = agreed(evidence.votes)[region_of_cell == index]
                for division in divisions(frames, each.region, evidence.tokens[index], votes):
                    found = self._mean_confidence(
                        self._evidence(frames, division, bank).probabilities
                    )
                    if found > best_so_far + LEAST_GAIN:
                        best_so_far = found
                        parts = [Candidate(part, each.peak) for part in division]
            divided += parts
        if len(divided) == len(candidates):
            return candidates, evidence
        return divided, self._evidence(frames, [each.region for each in divided], bank)

    def _mean_confidence(self, probabilities: Float[np.ndarray, "regions classes"]) -> float:
        """Return the mean probability of the regions' classes; an unknown one has even odds."""
        return float(np.maximum(probabilities.max(axis=1), self.config.same_above).mean())

    def _found(
        self, candidate: Candidate, shares: Float[np.ndarray, " classes"], bank: Bank
    ) -> FoundRegion:
        index, confidence = best(shares, bank.above(self.config))
        known = bank.classes[index] if index >= 0 else None
        return FoundRegion(
            candidate.region,
            known.name if known else UNKNOWN,
            index,
            known.kind if known else "unknown",
            confidence,
            candidate.peak,
            tuple(shares.tolist()),
        )

    def _max_unknown_novelty(
        self, frames: Frames, found: Sequence[FoundRegion], novelty: Map
    ) -> float:
        """Return the largest novelty of an unknown region; else of a place not even proposed."""
        unknown = [each.novelty for each in found if each.kind == "unknown"]
        if unknown:
            return max(unknown)
        known = [each.region for each in found]
        if known:
            novelty = novelty * ~frames.hidden(known, self.config.hidden_margin_px)
        return min(float(novelty.max()), self.config.proposals.seed_above)

    def _report(
        self,
        examination: Examination,
        frames: Frames,
        found: tuple[FoundRegion, ...],
        novelty: Map,
        evidence: RegionEvidence,
        bank: Bank,
    ) -> RegionReport:
        plain = self.inspector.judge(examination)
        accepted = [each.region for each in found if each.kind == "accepted"]
        report = plain
        if accepted:
            is_hidden = frames.hidden(accepted, self.config.hidden_margin_px)
            report = self.inspector.judge(hide(self.inspector, examination, is_hidden))
        class_map, error_map = draw_maps(frames, found, evidence.tokens, evidence.votes)
        proposals = self.config.proposals
        alarm_above = self.inspector.novelty.alarm_above(proposals.alarm_margin)
        max_unknown_novelty = self._max_unknown_novelty(frames, found, novelty)
        # normal images have places that are somewhat new, too
        least = alarm_above if max_unknown_novelty > alarm_above or not report.is_anomaly else 0.0
        found = tuple(each for each in found if each.kind != "unknown" or each.novelty > least)
        return RegionReport(
            report=report,
            plain=plain,
            regions=found,
            class_names=tuple(each.name for each in bank.classes),
            class_kinds=tuple(each.kind for each in bank.classes),
            class_colors=tuple(each.color for each in bank.classes),
            novelty=novelty,
            class_map=class_map,
            error_map=error_map,
            max_unknown_novelty=max_unknown_novelty,
            alarm_above=alarm_above,
            seconds=0.0,
        )


def outliner_of(inspector: Inspector, frames: Frames) -> Prompt | None:
    """Return SAM's answer to a rough mask of the picture, where it is asked for."""
    if inspector.config.regions.segmentation.method != "prompt":
        return None
    assert isinstance(inspector.segmenter, PromptableSegmenter), "Config refuses all others"
    return inspector.segmenter.prompter(frames.picture).from_mask


def _region_of_cell(tokens: Sequence[RegionTokens]) -> Int[np.ndarray, " cells"]:
    """Return the region of each cell that votes."""
    return np.repeat(np.arange(len(tokens)), [len(each.cells) for each in tokens])
