"""Config: the settings of the whole method, and the files that they are read from.

Every part of the method has a record of its settings beside its code; ``Config`` composes them. A
file holds differences only: from the preset it names as ``preset``, or else from the defaults.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

from alignment.classes import ClassesConfig
from alignment.comparison import ComparisonConfig
from alignment.network_view import NetworkViewConfig
from alignment.pose import PoseConfig
from alignment.propagation import PropagationConfig
from engine.errors import ConfigError
from engine.normalisation import OF_NETWORK, NormaliserConfig
from engine.regions_config import RegionsConfig
from engine.scores import SCORES, ScoresConfig
from features.cnn import MAX_INPUT_PX, CnnConfig
from features.config_fields import Range, as_values, changed, problems_of, renamed
from features.device import MachineConfig
from features.embedded.segmenter import SegmenterConfig
from features.sam import SamConfig
from features.visual_words import VisualWordsConfig
from features.vit import VitConfig

PRESETS = ("competition", "default", "paper")

# Old dotted names of sections and fields, and their new ones: files written with them are still
# read. Applied in this order, so that a field of a renamed section is named by the new section.
NEW_NAMES: dict[str, str] = {
    "palette": "visual_words",
    "normalisation.composition_emphasis": "scores.composition.weight",
    "normalisation.count_emphasis": "scores.instance_count.weight",
    "normalisation.place_relief": "normalisation.place_discount",
    "normalisation.free_residual": "normalisation.free_layout_residual",
    "normalisation.free_cap": "normalisation.amount_cap",
    "normalisation.min_weight": "normalisation.min_scale",
}

Profile = Literal["embedded", "cnn", "foundation", "foundation-fast"]

_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Config:
    """All settings of an inspector; two equal ones fitted on equal images judge equally."""

    profile: Profile = "embedded"
    """Where descriptors and parts come from: ``embedded`` needs no weights; ``cnn`` has, beside the
    same, a small convolutional network; ``foundation`` has DINOv2 and SAM on every image,
    ``foundation-fast`` SAM on the references only."""
    preset: str = "default"
    """The preset that the other values started from; a record made in code only carries it."""
    seed: Annotated[int, Range(0, 2**32 - 1)] = 0
    """Settles every random choice."""
    working_area_px: Annotated[int, Range(64**2, 2048**2)] = 65_536
    """Images are resized to this area, 256 × 256 for a square one."""
    photo_area_px: Annotated[int, Range(64**2, 4096**2)] | None = None
    """Area in which the networks of a foundation profile are given images, however small the
    working area; None means what SAM sees best, 1024 × 768."""
    active_scores: tuple[str, ...] = (
        "class_agnostic_patch",
        "located_patch",
        "missing_patch",
        "composition",
        "instance_count",
        "network_patch",
        "detail_patch",
    )
    """The scores that add up to the total; these measured best over all sets together. Those of the
    network count in the profile that has one."""
    pose: PoseConfig = field(default_factory=PoseConfig)
    segmenter: SegmenterConfig = field(default_factory=SegmenterConfig)
    visual_words: VisualWordsConfig = field(default_factory=VisualWordsConfig)
    classes: ClassesConfig = field(default_factory=ClassesConfig)
    propagation: PropagationConfig = field(default_factory=PropagationConfig)
    comparison: ComparisonConfig = field(default_factory=ComparisonConfig)
    scores: ScoresConfig = field(default_factory=ScoresConfig)
    normalisation: NormaliserConfig = field(default_factory=NormaliserConfig)
    regions: RegionsConfig = field(default_factory=RegionsConfig)
    vit: VitConfig = field(default_factory=VitConfig)
    sam: SamConfig = field(default_factory=SamConfig)
    cnn: CnnConfig = field(default_factory=CnnConfig)
    network_view: NetworkViewConfig = field(default_factory=NetworkViewConfig)
    machine: MachineConfig = field(default_factory=MachineConfig)

    @property
    def is_hand_made(self) -> bool:
        """Whether the descriptors of cells and the parts need no weights."""
        return self.profile in ("embedded", "cnn")

    @property
    def counted_scores(self) -> tuple[str, ...]:
        """The active scores that can be read in this profile."""
        has_network = self.profile == "cnn"
        return tuple(each for each in self.active_scores if has_network or each not in OF_NETWORK)

    @property
    def detail_px(self) -> int | None:
        """Side of the square whose area the network's second look has at most; None without."""
        detail = self.network_view.detail
        if self.profile != "cnn" or detail == "off":
            return None
        return min(2 * self.cnn.input_px, MAX_INPUT_PX) if detail == "auto" else detail

    @property
    def is_propagated(self) -> bool:
        """Whether the parts of a judged image are propagated from the references."""
        return self.profile == "foundation-fast" or self.classes.method == "propagate"

    def problems(self) -> list[str]:
        """Name what no range can say, and what concerns several records."""
        found = []
        if self.preset not in PRESETS:
            found.append(f"preset must be one of {', '.join(PRESETS)}, got {self.preset!r}")
        if self.regions.segmentation.method == "prompt" and self.is_hand_made:
            found.append(
                'regions.segmentation.method = "prompt" needs SAM; set profile to "foundation" or '
                '"foundation-fast"'
            )
        if self.detail_px is not None and self.detail_px < self.cnn.input_px:
            found.append(
                f"network_view.detail must be at least cnn.input_px, {self.cnn.input_px}, got "
                f"{self.detail_px}"
            )
        return found + self._problems_of_scores()

    def _problems_of_scores(self) -> list[str]:
        known = [each.name for each in SCORES]
        if not self.active_scores or len(set(self.active_scores)) < len(self.active_scores):
            return ["active_scores must name at least one score, and none twice"]
        unknown = [
            f"active_scores must be among {', '.join(known)}, got {name!r}"
            for name in self.active_scores
            if name not in known
        ]
        if not self.counted_scores and not unknown:
            unknown = [
                f'active_scores must name more than {" and ".join(OF_NETWORK)}, or profile be "cnn"'
            ]
        return unknown

    def check(self) -> Config:
        """Return the record itself.

        Raises:
            ConfigError: A value is of a wrong type or out of range; names all of them.
        """
        _refuse("config", Config(), to_dict(self))
        return self


def load(name_or_path: str | Path) -> Config:
    """Read a preset by its name, or a TOML file; a warning names what is called otherwise now.

    Raises:
        ConfigError: The file cannot be read, or has problems; names all of them.
    """
    path = _preset_path(str(name_or_path))
    if path is None:
        path = Path(name_or_path)
    values = _read_toml(path)
    config = from_dict(values, source=str(path))
    _, old_names = renamed(values, NEW_NAMES, [])
    if old_names:
        changes = _changes(old_names)
        _logger.warning("%s has old names, which are still read: %s", path, changes)
    return config


def _changes(old_names: Sequence[str]) -> str:
    return ", ".join(f"{old} is now {NEW_NAMES[old]}" for old in old_names)


def read_config(
    name_or_path: str | None,
    profile: str | None = None,
    machine: dict[str, str] | None = None,
) -> Config:
    """Read a preset or file, the defaults without one; options override what it says.

    Raises:
        ConfigError: The file cannot be read or has problems, or an option has no such value.
    """
    config = load(name_or_path) if name_or_path else Config()
    given = " ".join(f"--{name} {value}" for name, value in (machine or {}).items())
    if profile is not None:
        config = from_dict(to_dict(config) | {"profile": profile}, source="--profile")
    if machine:
        values = to_dict(config)
        config = from_dict(values | {"machine": values["machine"] | machine}, source=given)
    return config


def from_dict(values: Mapping[str, Any], *, source: str = "config") -> Config:
    """Apply values to the preset they name; undoes ``to_dict``, also that of older releases.

    Raises:
        ConfigError: Keys are unknown, or values of a wrong type or out of range; names all of them
            and says that they are in ``source``.
    """
    base = Config()
    path = _preset_path(values.get("preset", base.preset))
    if path is not None:
        base = changed(base, _read_toml(path), [])
    return _refuse(source, base, values)


def to_dict(config: Config) -> dict[str, Any]:
    """Return all values as JSON holds them."""
    return as_values(config)


def with_current_names(values: Mapping[str, Any]) -> Mapping[str, Any]:
    """Call each section and field what it is called today."""
    return renamed(values, NEW_NAMES, [])[0]


def with_first_names(values: Mapping[str, Any]) -> Mapping[str, Any]:
    """Call each section and field what the first release called it."""
    first_names = {new: old for old, new in reversed(NEW_NAMES.items())}
    return renamed(values, first_names, [])[0]


def _refuse(source: str, base: Config, values: Mapping[str, Any]) -> Config:
    """Return the changed record unless it has problems."""
    problems: list[str] = []
    values, old_names = renamed(values, NEW_NAMES, problems)
    config = changed(base, values, problems)
    problems += problems_of(config)
    if problems:
        head = source if len(problems) == 1 else f"{source} has {len(problems)} problems"
        note = f" (of its old names, {_changes(old_names)})" if old_names else ""
        raise ConfigError(f"{head}: {'; '.join(problems)}{note}")
    return config


def _preset_path(name: Any) -> Path | None:
    if name not in PRESETS:
        return None
    # A wheel holds the presets inside this package, a source checkout beside it.
    packed = Path(__file__).with_name("configs")
    folder = packed if packed.is_dir() else Path(__file__).parents[1] / "configs"
    return folder / f"{name}.toml"


def _read_toml(path: Path) -> dict[str, Any]:
    from features.files import ContentError, read_toml  # the defaults come from no file

    try:
        return read_toml(path)
    except FileNotFoundError as error:
        raise ConfigError(
            f"{path}: no such config file; check the path, or name a preset: {', '.join(PRESETS)}"
        ) from error
    except OSError as error:
        raise ConfigError(
            f"{path} cannot be read as a config ({error.strerror}); check path and permissions"
        ) from error
    except ContentError as error:
        raise ConfigError(str(error)) from error
