"""What does the network answer when it is asked at points?"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import torch
from jaxtyping import Float, UInt8

from features.machine import in_batches
from features.sam.config import SamConfig
from features.sam.network import Embedding, MaskNetwork, Prompts
from features.sam.points import Crop, Points

logger = logging.getLogger(__name__)

# Prompts decoded at once on a processor: more take memory, some 3 MB each, but no less time. Only
# GPUs gain from large batches.
PROCESSOR_BATCH = 16

Kept = TypeVar("Kept")


def cropped(
    image: UInt8[np.ndarray, "height width 3"], crop: Crop
) -> UInt8[np.ndarray, "rows columns 3"]:
    """Cut a crop out of an image."""
    left, top, right, bottom = crop.box_xyxy
    return np.ascontiguousarray(image[top:bottom, left:right])


@dataclass(frozen=True)
class View:
    """What the network is shown: a crop of an image, or all of it."""

    image: UInt8[np.ndarray, "height width 3"]
    crop: Crop
    embedding: Embedding

    @property
    def image_size(self) -> tuple[int, int]:
        """Height and width of the whole image."""
        return self.image.shape[0], self.image.shape[1]

    @property
    def pixels(self) -> UInt8[np.ndarray, "rows columns 3"]:
        """The crop itself."""
        return cropped(self.image, self.crop)


@dataclass(frozen=True)
class Answer:
    """A mask at low resolution that the network expects enough of."""

    point_xy: tuple[float, float]
    predicted_iou: float
    logits: Float[torch.Tensor, "low low"]


def ask(
    network: MaskNetwork,
    view: View,
    points_xy: Points,
    config: SamConfig,
    keep: Callable[[Answer], Kept | None],
) -> list[list[Kept]]:
    """Ask at each point for masks; return a list for each, of what ``keep`` makes of them.

    Masks below ``pred_iou_thresh`` are never drawn. What is asked at one point does not depend on
    others; batches only save time.
    """

    def run(points: Sequence[np.ndarray]) -> list[list[Kept]]:
        return [
            [kept for answer in answers if (kept := keep(answer)) is not None]
            for answers in _answers(network, view.embedding, np.array(points), config)
        ]

    at_once = config.points_per_batch
    if view.embedding.features[0].device.type == "cpu":
        at_once = min(at_once, PROCESSOR_BATCH)
    return in_batches(run, list(points_xy), at_once, logger.warning)


def _answers(
    network: MaskNetwork, embedding: Embedding, points_xy: Points, config: SamConfig
) -> list[list[Answer]]:
    candidates = network.decode(embedding, Prompts(points_xy[:, None]))
    # as in the reference, a threshold of 0 admits what is expected to be worse than nothing
    is_chosen = candidates.iou > (config.pred_iou_thresh or -torch.inf)
    found: list[list[Answer]] = [[] for _ in points_xy]
    for row, iou, logits in zip(
        is_chosen.nonzero()[:, 0].tolist(),
        candidates.iou[is_chosen].tolist(),
        candidates.logits(is_chosen),
        strict=True,
    ):
        x, y = points_xy[row].tolist()
        found[row].append(Answer((x, y), iou, logits))
    return found
