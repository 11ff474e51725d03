"""Scores: how far an image is from the references, asked in thirteen ways.

Seven scores of the published reading, and six beside them. Each takes the test image beside every
reference and gives one finite number, not negative, that grows with what is wrong.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from alignment.comparison import Comparison
from engine.scores import (
    class_agnostic_patch,
    class_aware_patch,
    class_color,
    class_embedding,
    class_histogram,
    class_location,
    composition,
    detail_patch,
    foreground_patch,
    instance_count,
    located_patch,
    missing_patch,
    network_patch,
)
from engine.scores.class_agnostic_patch import ClassAgnosticPatchConfig
from engine.scores.class_aware_patch import ClassAwarePatchConfig
from engine.scores.class_color import ClassColorConfig
from engine.scores.class_embedding import ClassEmbeddingConfig
from engine.scores.class_histogram import ClassHistogramConfig
from engine.scores.class_location import ClassLocationConfig
from engine.scores.composition import CompositionConfig
from engine.scores.detail_patch import DetailPatchConfig
from engine.scores.foreground_patch import ForegroundPatchConfig
from engine.scores.instance_count import InstanceCountConfig
from engine.scores.located_patch import LocatedPatchConfig
from engine.scores.missing_patch import MissingPatchConfig
from engine.scores.network_patch import NetworkPatchConfig
from engine.scores.reading import CellMapKind, Reading, Score

__all__ = ["SCORES", "SEVEN", "Reading", "Score", "ScoresConfig", "score_all", "score_of_map"]

SCORES: tuple[Score, ...] = (
    class_agnostic_patch.SCORE,
    class_aware_patch.SCORE,
    foreground_patch.SCORE,
    class_embedding.SCORE,
    class_histogram.SCORE,
    class_color.SCORE,
    class_location.SCORE,
    located_patch.SCORE,
    missing_patch.SCORE,
    instance_count.SCORE,
    composition.SCORE,
    network_patch.SCORE,
    detail_patch.SCORE,
)

# the published ones
SEVEN = tuple(each.name for each in SCORES if each.is_published)


@dataclass(frozen=True)
class ScoresConfig:
    """The settings of each score, under its name."""

    class_agnostic_patch: ClassAgnosticPatchConfig = field(default_factory=ClassAgnosticPatchConfig)
    class_aware_patch: ClassAwarePatchConfig = field(default_factory=ClassAwarePatchConfig)
    foreground_patch: ForegroundPatchConfig = field(default_factory=ForegroundPatchConfig)
    class_embedding: ClassEmbeddingConfig = field(default_factory=ClassEmbeddingConfig)
    class_histogram: ClassHistogramConfig = field(default_factory=ClassHistogramConfig)
    class_color: ClassColorConfig = field(default_factory=ClassColorConfig)
    class_location: ClassLocationConfig = field(default_factory=ClassLocationConfig)
    located_patch: LocatedPatchConfig = field(default_factory=LocatedPatchConfig)
    missing_patch: MissingPatchConfig = field(default_factory=MissingPatchConfig)
    instance_count: InstanceCountConfig = field(default_factory=InstanceCountConfig)
    composition: CompositionConfig = field(default_factory=CompositionConfig)
    network_patch: NetworkPatchConfig = field(default_factory=NetworkPatchConfig)
    detail_patch: DetailPatchConfig = field(default_factory=DetailPatchConfig)


def score_all(
    comparisons: Sequence[Comparison],
    config: ScoresConfig,
    names: Collection[str] | None = None,
) -> dict[str, Reading]:
    """Read the named scores, or all, in the order of ``SCORES``.

    Raises:
        ValueError: There is no reference, or a name is no score's.
    """
    if not comparisons:
        raise ValueError("comparisons must hold at least one reference, got none")
    known = [each.name for each in SCORES]
    unknown = sorted(set(known if names is None else names) - set(known))
    if unknown:
        raise ValueError(f"names must be among {', '.join(known)}, got {', '.join(unknown)}")
    return {
        each.name: each.read(comparisons, getattr(config, each.name))
        for each in SCORES
        if names is None or each.name in names
    }


def score_of_map(kind: CellMapKind) -> Score:
    """Return the score whose cells make the map of this kind."""
    return next(each for each in SCORES if each.cell_map == kind)
