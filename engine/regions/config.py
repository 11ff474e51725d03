"""How are regions proposed, described and recognised?"""

from __future__ import annotations

from dataclasses import dataclass, field

from engine.regions.grouping import GroupingConfig
from engine.regions.proposals import ProposalConfig
from engine.regions.segmentation import SegmentationConfig
from engine.regions.token_classifier import MicroConfig


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
