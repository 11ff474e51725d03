"""Settings of the regions: how they are proposed, outlined, recognised and grouped.

They stand below the steps that they set, because ``engine.config`` composes them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True)
class ProposalConfig:
    """From which novelty on a region is proposed, and how far it reaches."""

    seed_above: float = 1.15
    """Novelty that at least one pixel has; 1 is the most that the references showed."""
    suspect_above: float = 0.85
    """The same on an image that is anomalous by its total but shows nothing as new as that."""
    grow_above: float = 0.65
    """Novelty of the pixels that a region may grow over."""
    alarm_margin: float = 1.5
    """An unknown region makes an image anomalous whatever its total from a novelty of
    1 + alarm_margin / sqrt(normal images judged) on: the most of few images is soon exceeded."""
    halo: float = 0.4
    """Share of a region's own peak below which a pixel is its halo."""
    halo_px: int = 12
    """Width of that halo in working pixels: what is new beyond it is a region of its own."""
    join_px: int = 3
    """Gaps up to this width, in working pixels, do not tear a region apart."""
    min_area_px: int = 4
    """Smallest region in working pixels: one of 4 × 4 px on a photograph twice as large."""
    max_regions: int = 40
    """Most regions that are proposed, the newest first."""

    def problems(self) -> list[str]:
        """Name every value out of range."""
        found = []
        for name, low, high in (
            ("suspect_above", 0.01, 100),
            ("seed_above", 0.01, 100),
            ("grow_above", 0, 100),
            ("alarm_margin", 0, 100),
            ("halo", 0, 1),
            ("halo_px", 0, 256),
            ("join_px", 0, 64),
            ("min_area_px", 1, 10_000),
            ("max_regions", 1, 1000),
        ):
            if not low <= getattr(self, name) <= high:
                found.append(
                    f"regions.proposals.{name} must lie in {low} … {high}, "
                    f"got {getattr(self, name)}"
                )
        if not found and not self.grow_above <= self.suspect_above <= self.seed_above:
            found.append(
                "regions.proposals.grow_above <= suspect_above <= seed_above must hold, "
                f"got {self.grow_above}, {self.suspect_above} and {self.seed_above}"
            )
        return found


@dataclass(frozen=True)
class SegmentationConfig:
    """How the pixels of a rough region are found."""

    method: Literal["threshold", "grabcut", "random_walker", "prompt", "rough"] = "threshold"
    """What finds them; ``prompt`` asks SAM, ``rough`` keeps the region as it is. Measured by
    ``benchmarks/region_masks.py``."""
    margin_px: int = 24
    """How far is looked beyond the rough region's box."""
    reach_px: int = 8
    """How far the thing may well reach beyond the rough region: half a cell of the proposals."""

    def problems(self) -> list[str]:
        """Name every value out of range."""
        found = []
        for name, low, high in (("margin_px", 8, 128), ("reach_px", 2, 64)):
            if not low <= getattr(self, name) <= high:
                found.append(
                    f"regions.segmentation.{name} must lie in {low} … {high}, "
                    f"got {getattr(self, name)}"
                )
        if self.reach_px >= self.margin_px:
            found.append(
                "regions.segmentation.reach_px must be less than margin_px "
                f"({self.margin_px}), got {self.reach_px}"
            )
        return found


@dataclass(frozen=True)
class MicroConfig:
    """When a token counts as one that was taught."""

    ratio: float = 0.75
    """Largest distance to a taught token, as a share of the distance to what is normal."""
    softness: float = 0.1
    """Change of that share which makes certain (e-fold) what was even."""
    n_neighbours: int = 3
    """Taught tokens of a class whose distances are averaged, where it has as many."""
    n_scales: int = 3
    """Scales that vote, from the finest on; those of ``engine.regions.tokens.WINDOWS``."""

    def problems(self) -> list[str]:
        """Name every value out of range."""
        found = []
        for name, low, high in (
            ("ratio", 0.01, 10),
            ("softness", 0.001, 10),
            ("n_neighbours", 1, 100),
            ("n_scales", 1, 3),
        ):
            if not low <= getattr(self, name) <= high:
                found.append(
                    f"regions.micro.{name} must lie in {low} … {high}, got {getattr(self, name)}"
                )
        return found


@dataclass(frozen=True)
class GroupingConfig:
    """When unknown regions are offered as a group."""

    min_members: int = 2
    """Regions that make a group; one that recurs once may already deserve a name."""
    max_distance: float = 0.5
    """From here on two regions are more likely different than the same."""

    def problems(self) -> list[str]:
        """Name every value out of range."""
        found = []
        if not 2 <= self.min_members <= 1000:
            found.append(
                f"regions.grouping.min_members must lie in 2 … 1000, got {self.min_members}"
            )
        if not 0.01 <= self.max_distance <= 1:
            found.append(
                f"regions.grouping.max_distance must lie in 0.01 … 1, got {self.max_distance}"
            )
        return found


@dataclass(frozen=True)
class RegionsConfig:
    """The settings of each step, and how much each has to say."""

    photo_area_px: int = 1_048_576
    """Larger photographs are reduced to this area before regions are outlined and compared."""
    object_weight: float = 0.9
    """Say of the whole-object comparison beside that of the tokens in which class is the likeliest,
    0 … 1. On photographs of woven cloth the tokens' tenth helps, on rendered cloth it makes no
    difference; in whether a region is of any class they have no say."""
    same_above: float = 0.4
    """Probability from which on a region is of a defect class. Taking something unknown for a
    defect is the lesser mistake, for both are anomalous."""
    accepted_above: float = 0.8
    """The same for an accepted class, which makes images normal, where one example is all: on
    rendered cloth, buttons of one design have 0.9 and more, and one stain in a hundred 0.8."""
    n_tokens: int = 12
    """Cells kept of a taught example: those that differ most."""
    n_turns: int = 4
    """Quarter turns in which a taught example is described, 1 or 4."""
    hidden_margin_px: int = 6
    """Working pixels around an accepted region that are not judged either: its shadow and rim."""
    proposals: ProposalConfig = field(default_factory=ProposalConfig)
    segmentation: SegmentationConfig = field(default_factory=SegmentationConfig)
    micro: MicroConfig = field(default_factory=MicroConfig)
    grouping: GroupingConfig = field(default_factory=GroupingConfig)

    def problems(self) -> list[str]:
        """Name every value out of range that is not inside another record."""
        found = []
        for name, low, high in (
            ("photo_area_px", 64**2, 8192**2),
            ("object_weight", 0, 1),
            ("same_above", 0, 1),
            ("accepted_above", 0, 1),
            ("n_tokens", 1, 1024),
            ("hidden_margin_px", 0, 64),
        ):
            if not low <= getattr(self, name) <= high:
                found.append(
                    f"regions.{name} must lie in {low} … {high}, got {getattr(self, name)}"
                )
        if self.n_turns not in (1, 4):
            found.append(f"regions.n_turns must be 1 or 4, got {self.n_turns}")
        return found
