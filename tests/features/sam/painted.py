"""A mask network for painted images: things are connected regions of one colour, or of several."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import cv2
import numpy as np
import torch

from features.sam.network import Embedding, Prompts, frame_of

Color = tuple[int, int, int]
LOW, SIDE = 128, 512


@dataclass(frozen=True)
class Found:
    """What was drawn beforehand for some prompts."""

    iou: torch.Tensor
    low: torch.Tensor

    def logits(self, is_chosen: torch.Tensor) -> torch.Tensor:
        return self.low[is_chosen]


@dataclass
class PaintedNetwork:
    """Answers a point with what holds it: its colour's region, then that of each group of colours.

    Colours in ``blind`` are not seen. A mask is rated poor with the probability ``hesitation``, at
    some points and not at others. ``asked_xy`` remembers all points.
    """

    groups: Sequence[tuple[Color, ...]] = ()
    blind: tuple[Color, ...] = ()
    hesitation: float = 0.0
    asked_xy: list[tuple[float, float]] = field(default_factory=list)
    n_embedded: int = 0
    regions: dict[Any, np.ndarray] = field(default_factory=dict)
    drawings: dict[Any, np.ndarray] = field(default_factory=dict)

    def embed(self, image: np.ndarray) -> Embedding:
        self.n_embedded += 1
        height, width = image.shape[:2]
        frame = frame_of((height, width), SIDE)
        low = frame_of((height, width), LOW)
        shrunk = cv2.resize(image, low[::-1], interpolation=cv2.INTER_NEAREST_EXACT)
        return Embedding((torch.from_numpy(shrunk),), (height, width), frame, SIDE)

    def decode(self, embedding: Embedding, prompts: Prompts, *, is_multimask: bool = True) -> Found:
        image = embedding.features[0].numpy()
        scale = np.array(image.shape[1::-1]) / np.array(embedding.image_size[::-1])
        last = np.array(image.shape[1::-1]) - 1
        iou, low = [], []
        for points in prompts.points_xy:
            self.asked_xy.append(tuple(points[0].tolist()))
            column, row = np.minimum((points[0] * scale).astype(int), last)
            drawn = self._drawn(embedding.features[0], image, row, column)
            n_none = 3 - len(drawn)
            # small things are seen a little better, so that no two are rated the same
            shares = [np.mean(logits > 0) for logits in drawn]
            rng = np.random.default_rng(np.round(1000 * points[0]).astype(np.int64))
            is_sure = rng.random(len(drawn)) >= self.hesitation
            rated = np.where(is_sure, 0.99 - 0.05 * np.array(shares), 0.5)
            iou.append([*rated.tolist(), *[0.1] * n_none])
            low.append([*drawn, *[np.full((LOW, LOW), -SIDE, dtype=np.float32)] * n_none])
        return Found(torch.tensor(iou), torch.from_numpy(np.array(low)))

    def _drawn(
        self, key: torch.Tensor, image: np.ndarray, row: int, column: int
    ) -> list[np.ndarray]:
        color = tuple(image[row, column].tolist())
        found = []
        for colors in ((color,), *self.groups):
            if color in colors and color not in self.blind:
                if (key, colors) not in self.regions:
                    is_color = np.any([(image == each).all(axis=2) for each in colors], axis=0)
                    self.regions[key, colors] = cv2.connectedComponents(is_color.astype(np.uint8))[
                        1
                    ]
                regions = self.regions[key, colors]
                number = regions[row, column]
                if (key, colors, number) not in self.drawings:
                    self.drawings[key, colors, number] = logits_of(regions == number)
                found.append(self.drawings[key, colors, number])
        return found

    def identity(self) -> dict[str, str]:
        return {"name": "painted", "sha256": "0" * 64}


def logits_of(mask: np.ndarray) -> np.ndarray:
    """Signed distance to the border of a mask, in the network's square."""
    square = np.zeros((LOW, LOW), dtype=np.uint8)
    square[: mask.shape[0], : mask.shape[1]] = mask
    inside, outside = (cv2.distanceTransform(each, cv2.DIST_L2, 5) for each in (square, 1 - square))
    return 40 * np.clip(np.where(square > 0, inside - 0.5, 0.5 - outside), -SIDE, SIDE).astype(
        np.float32
    )
