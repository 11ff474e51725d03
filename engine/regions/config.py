"""How are regions proposed, described and recognised?"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Literal

from engine.regions.grouping import GroupingConfig
from engine.regions.proposals import ProposalConfig
from engine.regions.segmentation import SegmentationConfig
from engine.regions.token_classifier import MicroConfig
from features.config_fields import Range, Share


@dataclass(frozen=True)
class RegionsConfig:
    """The settings of each step, and how much each has to say."""

    photo_area_px: Annotated[int, Range(64**2, 8192**2)] = 1_048_576
    """Larger photographs are reduced to this area before regions are outlined and compared."""
    object_weight: Share = 0.9
    """Say of the whole-object comparison beside that of the tokens in which class is the likeliest,
    0 … 1. On photographs of woven cloth the tokens' tenth helps, on rendered cloth it makes no
    difference; in whether a region is of any class they have no say."""
    same_above: Share = 0.4
    """Probability from which on a region is of a defect class. Taking something unknown for a
    defect is the lesser mistake, for both are anomalous."""
    accepted_above: Share = 0.8
    """The same for an accepted class, which makes images normal, where one example is all: on
    rendered cloth, buttons of one design have 0.9 and more, and one stain in a hundred 0.8."""
    n_tokens: Annotated[int, Range(1, 1024)] = 12
    """Cells kept of a taught example: those that differ most."""
    n_turns: Literal[1, 4] = 4
    """Quarter turns in which a taught example is described, 1 or 4."""
    hidden_margin_px: Annotated[int, Range(0, 64)] = 6
    """Working pixels around an accepted region that are not judged either: its shadow and rim."""
    proposals: ProposalConfig = field(default_factory=ProposalConfig)
    segmentation: SegmentationConfig = field(default_factory=SegmentationConfig)
    micro: MicroConfig = field(default_factory=MicroConfig)
    grouping: GroupingConfig = field(default_factory=GroupingConfig)
