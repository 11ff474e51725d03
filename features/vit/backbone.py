"""Dense descriptors by the patch tokens of a pretrained vision transformer.

DINOv2 (Oquab et al., 2023) and its like are used as they come: nothing is learnt of the references.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from contextlib import suppress
from functools import cached_property
from itertools import groupby
from pathlib import Path
from typing import Self

import numpy as np
from jaxtyping import Float32

from features.config_fields import problems_of
from features.dense import DenseMap, on_grid
from features.device import MachineConfig, in_batches
from features.images import AnyImage, AnyMask, fit_size, resize
from features.names import real_path
from features.vit import VitConfig
from features.vit.architectures import check_fit, describe
from features.vit.runtime import Encoder
from features.weights.errors import WeightsError
from features.weights.store import locate, sha256_of

# the size by way of which the published method resizes
PUBLISHED_PX = 256


_logger = logging.getLogger(__name__)


class VitBackbone:
    """Describes images of any size by a network's patch tokens.

    Images come to the network's size as all others here come to theirs: averaged where they shrink,
    linearly where they grow. The network is read when the first of them is described.

    Raises:
        ValueError: Settings are out of range, or do not fit the weights. If these are not here,
            that is told, as a WeightsError, when they are needed.
    """

    def __init__(self, config: VitConfig, machine: MachineConfig) -> None:
        problems = problems_of(config, "vit") + problems_of(machine, "machine")
        if problems:
            raise ValueError("; ".join(problems))
        self.config = config
        self.machine = machine
        self._batch_size = machine.batch_size
        with suppress(WeightsError):
            check_fit(config, describe(self._folder))

    @cached_property
    def _folder(self) -> Path:
        return locate(self.config.weights)

    @cached_property
    def encoder(self) -> Encoder:
        """The loaded network.

        Raises:
            MachineError: This machine lacks what the settings ask for.
            WeightsError: The weights are not here, or not what they should be.
            ValueError: Settings do not fit them.
        """
        description = describe(self._folder)
        check_fit(self.config, description)
        return Encoder(self._folder, description, self.config, self.machine)

    def fit(self, images: Sequence[AnyImage]) -> Self:
        """Learn nothing; the network has learnt."""
        return self

    def state(self) -> dict[str, np.ndarray]:
        """Return no arrays, for none were learnt."""
        return {}

    def restore(self, state: dict[str, np.ndarray]) -> Self:
        """Take nothing."""
        return self

    def identity(self) -> dict[str, str]:
        """Say what descriptors depend on; where one of these differs they cannot be compared.

        Raises:
            WeightsError: The weights are not here, or not what they should be.
        """
        return {
            "name": real_path(self.config.weights).name,
            "sha256": sha256_of(self._folder),
            "input": f"{self.config.input_px} {self.config.shape}",
            "layers": " ".join(map(str, self.config.layers)),
            "length": "one" if self.config.is_unit else "as it comes",
        }

    def __call__(self, image: AnyImage, is_valid: AnyMask | None = None) -> DenseMap:
        """Describe one RGB image; a cell is valid if nearly all of its pixels are."""
        return self.batch([image], [is_valid])[0]

    def batch(
        self, images: Sequence[AnyImage], is_valid: Sequence[AnyMask | None] | None = None
    ) -> list[DenseMap]:
        """Describe several images; those of one size side by side go through the network at once.

        Where a GPU runs out of memory the batches become smaller, then and for good.

        Raises:
            MachineError: Not even one image fits, or this machine lacks what the settings ask for.
            WeightsError: The weights are not here, or not what they should be.
        """
        seen = [self._seen(image) for image in images]
        tokens = in_batches(self._describe, seen, self._batch_size, self._become_smaller)
        masks = is_valid or [None] * len(images)
        return [on_grid(*each) for each in zip(tokens, masks, strict=True)]

    def _seen(self, image: AnyImage) -> AnyImage:
        """Bring an image to the form in which the network gets to see it."""
        side_px = self.config.input_px
        size = side_px, side_px
        if self.config.shape == "keep":
            multiple = self.encoder.description.patch_px
            size = fit_size(*image.shape[:2], area_px=side_px**2, multiple=multiple)
        if self.config.shape == "published":
            image = resize(image, (PUBLISHED_PX, PUBLISHED_PX))
        return resize(image, size)

    def _describe(self, seen: Sequence[AnyImage]) -> list[Float32[np.ndarray, "rows columns dim"]]:
        found: list[np.ndarray] = []
        for _, group in groupby(seen, key=lambda image: image.shape):
            found += list(self.encoder(np.stack(list(group))))
        return found

    def _become_smaller(self, message: str) -> None:
        self._batch_size //= 2
        _logger.warning(message)
