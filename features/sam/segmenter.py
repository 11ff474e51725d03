"""Segmentation by SAM's automatic masks, and its answers to prompts.

Every image is cut by itself; nothing is learnt from the references.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Self

import cv2
import numpy as np

from features.components import drop_small_parts
from features.dense import DenseMap
from features.device import MachineConfig
from features.images import Image, Mask
from features.parts import Parts
from features.sam import SamConfig
from features.sam.generator import MaskGenerator
from features.sam.loading import load_network
from features.sam.network import MaskNetwork
from features.sam.parts_from_masks import BackgroundRule, layered, surrounding, touching_two_edges
from features.sam.prompts import Prompter
from features.sam.refine import refine_parts
from features.weights.store import locate, sha256_of

_RULES: dict[str, BackgroundRule] = {"surrounding": surrounding, "two-edges": touching_two_edges}


class SamSegmenter:
    """Cuts images into the masks that SAM finds by itself.

    The network is loaded when it is first needed, unless one is given. ``name_background`` replaces
    the rule that ``config.background`` names.
    """

    def __init__(
        self,
        config: SamConfig,
        machine: MachineConfig,
        *,
        network: MaskNetwork | None = None,
        name_background: BackgroundRule | None = None,
    ) -> None:
        self.config = config
        self.machine = machine
        self.name_background = name_background or _RULES[config.background]
        self._given = network

    @cached_property
    def network(self) -> MaskNetwork:
        """Encoder and decoder.

        Raises:
            WeightsError: The weights are absent, or are none of SAM.
            MachineError: The machine lacks what the settings ask for.
        """
        return self._given or load_network(self.config.weights, self.machine)

    def fit(
        self,
        images: Sequence[Image],
        is_valid: Sequence[Mask],
    ) -> Self:
        """Return itself: there is nothing to learn."""
        return self

    def state(self) -> dict[str, np.ndarray]:
        """Return no arrays."""
        return {}

    def restore(self, state: dict[str, np.ndarray]) -> Self:
        """Return itself."""
        return self

    def refine(self, image: Image, parts: Parts) -> Parts:
        """Prompt the network at each part; take its answer where both agree on what is meant."""
        return refine_parts(self.network, image, parts)

    def prompter(self, image: Image) -> SamImagePrompter:
        """Return what answers clicks and rough masks of this image."""
        return SamImagePrompter(self, image)

    def identity(self) -> dict[str, str]:
        """Say which weights cut the images, without reading them into a network.

        Raises:
            WeightsError: The weights are absent, or not what they should be.
        """
        if self._given:
            return self._given.identity()
        return {"name": self.config.weights, "sha256": sha256_of(locate(self.config.weights))}

    def __call__(self, image: Image, dense: DenseMap) -> Parts:
        """Cut one image; pixels outside the photograph belong to no part."""
        height, width = image.shape[:2]
        masks = MaskGenerator(self.network, self.config)(image)
        labels, n_parts = layered(masks, (height, width), self.config)
        # judged where a warp has continued the border: what touched an edge still does
        is_background = self.name_background(image, labels, n_parts)
        is_valid = cv2.resize(
            dense.is_valid.astype(np.uint8), (width, height), interpolation=cv2.INTER_NEAREST
        ).astype(bool)
        labels[~is_valid] = -1
        return drop_small_parts(labels, is_background, self.config.min_part * labels.size)


@dataclass(frozen=True, eq=False)
class SamImagePrompter:
    """Answers clicks and rough masks of one image with the mask that SAM thinks best."""

    segmenter: SamSegmenter
    image: Image

    @cached_property
    def _prompter(self) -> Prompter:
        # encoding takes long: not before it is asked
        return Prompter(self.segmenter.network).set_image(self.image)

    def at_point(self, point_xy: tuple[float, float]) -> Mask:
        """Return the mask of what lies at a place."""
        return self._prompter.by_points(np.array([point_xy], dtype=np.float64)).best.mask

    def from_mask(self, rough: Mask) -> Mask:
        """Return the mask of what was roughly painted over."""
        return self._prompter.by_mask(rough).best.mask
