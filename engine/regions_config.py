"""Settings of regions: how they are proposed, outlined, recognised, grouped.

They stand below the steps that they set, because ``engine.config`` composes them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Literal

from features.config_fields import Range, Share, range_problems


@dataclass(frozen=True)
class ProposalConfig:
    """From which novelty on a region is proposed, and how far it reaches."""

    seed_above: Annotated[float, Range(0.01, 100)] = 1.15
    """Novelty that at least one pixel has; 1 is the most that the references showed."""
    suspect_above: Annotated[float, Range(0.01, 100)] = 0.85
    """The same on an image that is anomalous by its total but shows nothing as new as that."""
    grow_above: Annotated[float, Range(0, 100)] = 0.65
    """Novelty of the pixels that a region may grow over."""
    alarm_margin: Annotated[float, Range(0, 100)] = 1.5
    """An unknown region makes an image anomalous whatever its total from a novelty of
    1 + alarm_margin / sqrt(normal images judged) on: the most of few images is soon exceeded."""
    halo: Share = 0.4
    """Share of a region's own peak below which a pixel is its halo."""
    halo_px: Annotated[int, Range(0, 256)] = 12
    """Width of that halo in working pixels: what is new beyond it is a region of its own."""
    join_px: Annotated[int, Range(0, 64)] = 3
    """Gaps up to this width, in working pixels, do not tear a region apart."""
    min_area_px: Annotated[int, Range(1, 10_000)] = 4
    """Smallest region in working pixels: one of 4 × 4 px on a photograph twice as large."""
    max_regions: Annotated[int, Range(1, 1000)] = 40
    """Most regions that are proposed, the newest first."""

    def problems(self) -> list[str]:
        """Name thresholds that are out of order."""
        if range_problems(self) or self.grow_above <= self.suspect_above <= self.seed_above:
            return []
        return [
            "grow_above <= suspect_above <= seed_above must hold, "
            f"got {self.grow_above}, {self.suspect_above} and {self.seed_above}"
        ]


@dataclass(frozen=True)
class SegmentationConfig:
    """How the pixels of a rough region are found."""

    method: Literal["threshold", "grabcut", "random_walker", "prompt", "rough"] = "threshold"
    """What finds them; ``prompt`` asks SAM, ``rough`` keeps the region as it is. Measured by
    ``benchmarks/region_masks.py``."""
    margin_px: Annotated[int, Range(8, 128)] = 24
    """How far is looked beyond the rough region's box."""
    reach_px: Annotated[int, Range(2, 64)] = 8
    """How far the thing may well reach beyond the rough region: half a cell of the proposals."""

    def problems(self) -> list[str]:
        """Name a reach beyond what is looked at."""
        if self.reach_px < self.margin_px:
            return []
        return [f"reach_px must be less than margin_px ({self.margin_px}), got {self.reach_px}"]


@dataclass(frozen=True)
class MicroConfig:
    """When a token counts as one that was taught."""

    ratio: Annotated[float, Range(0.01, 10)] = 0.75
    """Largest distance to a taught token, as a share of the distance to what is normal."""
    softness: Annotated[float, Range(0.001, 10)] = 0.1
    """Change of that share which makes certain (e-fold) what was even."""
    n_neighbours: Annotated[int, Range(1, 100)] = 3
    """Taught tokens of a class whose distances are averaged, where it has as many."""
    n_scales: Annotated[int, Range(1, 3)] = 3
    """Scales that vote, from the finest on; those of ``engine.regions.tokens.WINDOWS``."""


@dataclass(frozen=True)
class GroupingConfig:
    """When unknown regions are offered as a group."""

    min_members: Annotated[int, Range(2, 1000)] = 2
    """Regions that make a group; one that recurs once may already deserve a name."""
    max_distance: Annotated[float, Range(0.01, 1)] = 0.5
    """From here on two regions are more likely different than the same."""


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
