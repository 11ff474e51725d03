"""How is the method set up?

Every part of the method has a record of its settings beside its code; ``Config`` composes them. A
file holds differences only: from the preset it names as ``preset``, or else from the defaults.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from alignment.classes import ClassesConfig
from alignment.comparison import ComparisonConfig
from alignment.pose import PoseConfig
from alignment.propagation import PropagationConfig
from engine.config_values import as_values, changed, problems_of
from engine.errors import ConfigError
from engine.normalisation import NormaliserConfig
from engine.regions_config import RegionsConfig
from engine.scores import SCORES, ScoresConfig
from features.device import MachineConfig
from features.embedded.segmenter import SegmenterConfig
from features.sam.config import SamConfig
from features.visual_words import PaletteConfig
from features.vit.config import VitConfig

PRESETS = ("competition", "default", "paper")

Profile = Literal["embedded", "foundation", "foundation-fast"]


@dataclass(frozen=True)
class Config:
    """All settings of an inspector; two equal ones fitted on equal images judge equally."""

    profile: Profile = "embedded"
    """Where descriptors and parts come from: ``embedded`` needs no weights; ``foundation`` has
    DINOv2 and SAM on every image, ``foundation-fast`` SAM on the references only."""
    preset: str = "default"
    """The preset that the other values started from; a record made in code only carries it."""
    seed: int = 0
    """Settles every random choice."""
    working_area_px: int = 65_536
    """Images are resized to this area, 256 × 256 for a square one."""
    photo_area_px: int | None = None
    """Area in which the networks of a foundation profile are given images, however small the
    working area; None means what SAM sees best, 1024 × 768."""
    active_scores: tuple[str, ...] = (
        "class_agnostic_patch",
        "located_patch",
        "missing_patch",
        "composition",
        "instance_count",
    )
    """The scores that add up to the total; these measured best over all sets together."""
    pose: PoseConfig = field(default_factory=PoseConfig)
    segmenter: SegmenterConfig = field(default_factory=SegmenterConfig)
    palette: PaletteConfig = field(default_factory=PaletteConfig)
    classes: ClassesConfig = field(default_factory=ClassesConfig)
    propagation: PropagationConfig = field(default_factory=PropagationConfig)
    comparison: ComparisonConfig = field(default_factory=ComparisonConfig)
    scores: ScoresConfig = field(default_factory=ScoresConfig)
    normalisation: NormaliserConfig = field(default_factory=NormaliserConfig)
    regions: RegionsConfig = field(default_factory=RegionsConfig)
    vit: VitConfig = field(default_factory=VitConfig)
    sam: SamConfig = field(default_factory=SamConfig)
    machine: MachineConfig = field(default_factory=MachineConfig)

    @property
    def is_propagated(self) -> bool:
        """Whether the parts of a judged image are propagated from the references."""
        return self.profile == "foundation-fast" or self.classes.method == "propagate"

    def problems(self) -> list[str]:
        """Name every value out of range that is not inside another record."""
        found = []
        if self.preset not in PRESETS:
            found.append(f"preset must be one of {', '.join(PRESETS)}, got {self.preset!r}")
        for name, low, high in (("seed", 0, 2**32 - 1), ("working_area_px", 64**2, 2048**2)):
            if not low <= getattr(self, name) <= high:
                found.append(f"{name} must lie in {low} … {high}, got {getattr(self, name)}")
        if self.photo_area_px is not None and not 64**2 <= self.photo_area_px <= 4096**2:
            found.append(f"photo_area_px must lie in {64**2} … {4096**2}, got {self.photo_area_px}")
        if self.regions.segmentation.method == "prompt" and self.profile == "embedded":
            found.append(
                'regions.segmentation.method = "prompt" needs SAM; set profile to "foundation" or '
                '"foundation-fast"'
            )
        return found + self._problems_of_scores()

    def _problems_of_scores(self) -> list[str]:
        known = [name for name, _ in SCORES]
        if not self.active_scores or len(set(self.active_scores)) < len(self.active_scores):
            return ["active_scores must name at least one score, and none twice"]
        return [
            f"active_scores must be among {', '.join(known)}, got {name!r}"
            for name in self.active_scores
            if name not in known
        ]

    def check(self) -> Config:
        """Return the record itself.

        Raises:
            ConfigError: A value is of a wrong type or out of range; names all of them.
        """
        _refuse("config", Config(), to_dict(self))
        return self


def load(name_or_path: str | Path) -> Config:
    """Read a preset by its name, or a TOML file.

    Raises:
        ConfigError: The file cannot be read, or has problems; names all of them.
    """
    path = _preset_path(str(name_or_path))
    if path is None:
        path = Path(name_or_path)
    return from_dict(_read_toml(path), source=str(path))


def from_dict(values: Mapping[str, Any], *, source: str = "config") -> Config:
    """Apply values to the preset they name; undoes ``to_dict``.

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


def _refuse(source: str, base: Config, values: Mapping[str, Any]) -> Config:
    """Return the changed record unless it has problems."""
    problems: list[str] = []
    config = changed(base, values, problems)
    problems += problems_of(config)
    if problems:
        head = source if len(problems) == 1 else f"{source} has {len(problems)} problems"
        raise ConfigError(f"{head}: {'; '.join(problems)}")
    return config


def _preset_path(name: Any) -> Path | None:
    if name not in PRESETS:
        return None
    # A wheel holds the presets inside this package, a source checkout beside it.
    packed = Path(__file__).with_name("configs")
    folder = packed if packed.is_dir() else Path(__file__).parents[1] / "configs"
    return folder / f"{name}.toml"


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ConfigError(
            f"{path}: no such config file; check the path, or name a preset: {', '.join(PRESETS)}"
        ) from error
    except OSError as error:
        raise ConfigError(
            f"{path} cannot be read as a config ({error.strerror}); check path and permissions"
        ) from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path} is not text in UTF-8, expected a TOML file") from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path} is not valid TOML: {error}") from error
