"""Prompts: the mask that is meant by a click, a box or a rough painting.

A single click is ambiguous, and the network answers with the thing, its part and the whole it
belongs to; boxes, several clicks and strokes are not, and one mask was trained for them (Kirillov
et al., "Segment Anything", 2023, section 3). What was painted is given in three ways at once, as
PerSAM (Zhang et al., 2023) does it to refine a mask: as a rough mask, as its box, and as a click.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Self

import cv2
import numpy as np
import torch
from jaxtyping import Bool, Float

from features.images import Image, Mask
from features.sam.mask_decoder import to_image
from features.sam.network import Candidates, Embedding, MaskNetwork, Prompts

# how sure we are of what was painted, and of what was not: logits of ±6.9
DOUBT = 1e-3
# of the square's resolution, at which networks take rough masks and draw theirs
LOW = 4


@dataclass(frozen=True)
class Proposal:
    """A mask in the image's pixels, and how much it overlaps the truth as the network expects."""

    mask: Mask
    predicted_iou: float


@dataclass(frozen=True)
class Proposals:
    """What the network proposes for one prompt; masks are drawn when they are looked at."""

    network: MaskNetwork
    embedding: Embedding
    prompts: Prompts
    is_ambiguous: bool

    @cached_property
    def best(self) -> Proposal:
        """The mask to show first."""
        if self.is_ambiguous:
            iou = self._three.iou
            return self._drawn(self._three, iou == iou.max())[0]
        single = self.network.decode(self.embedding, self.prompts, is_multimask=False)
        return self._drawn(single, torch.ones_like(single.iou, dtype=torch.bool))[0]

    @cached_property
    def all(self) -> list[Proposal]:
        """Three masks of different extent, the one expected to be best first."""
        proposals = self._drawn(self._three, torch.ones_like(self._three.iou, dtype=torch.bool))
        return sorted(proposals, key=lambda proposal: -proposal.predicted_iou)

    @cached_property
    def _three(self) -> Candidates:
        return self.network.decode(self.embedding, self.prompts)

    def _drawn(
        self, candidates: Candidates, is_chosen: Bool[torch.Tensor, "1 masks"]
    ) -> list[Proposal]:
        masks = to_image(candidates.logits(is_chosen), self.embedding) > 0
        pairs = zip(masks, candidates.iou[is_chosen].tolist(), strict=True)
        return [Proposal(mask, iou) for mask, iou in pairs]


class Prompter:
    """Answers prompts about the image it looks at."""

    def __init__(self, network: MaskNetwork) -> None:
        self._network = network
        self._embedding: Embedding | None = None

    def set_image(self, image: Image) -> Self:
        """Encode an image, which takes much longer than to answer; returns itself."""
        self._embedding = self._network.embed(image)
        return self

    def by_points(
        self,
        points_xy: Float[np.ndarray, "points 2"],
        is_positive: Bool[np.ndarray, " entries"] | None = None,
    ) -> Proposals:
        """Find what has the positive points, and not the others; all are positive by default.

        Raises:
            ValueError: No point is positive, or one lies outside the image.
        """
        embedding = self._seen
        if is_positive is None:
            is_positive = np.ones(len(points_xy), dtype=bool)
        if len(is_positive) != len(points_xy) or not is_positive.any():
            raise ValueError(
                "points need one entry of is_positive each, at least one of them true; "
                f"got {len(points_xy)} points and {is_positive.tolist()}"
            )
        _check_inside(points_xy, embedding)
        prompts = Prompts(points_xy[None], is_positive[None])
        return Proposals(self._network, embedding, prompts, is_ambiguous=len(points_xy) == 1)

    def by_box(self, box_xyxy: Float[np.ndarray, " 4"]) -> Proposals:
        """Find what fills a box.

        Raises:
            ValueError: The box is empty, or reaches beyond the image.
        """
        embedding = self._seen
        left, top, right, bottom = box_xyxy.tolist()
        if not (left < right and top < bottom):
            raise ValueError(
                "the box must be left < right and top < bottom, "
                f"got ({left:g}, {top:g}, {right:g}, {bottom:g})"
            )
        _check_inside(box_xyxy.reshape(2, 2), embedding)
        prompts = Prompts(box_xyxy=box_xyxy[None])
        return Proposals(self._network, embedding, prompts, is_ambiguous=False)

    def by_mask(self, painted: Mask) -> Proposals:
        """Find what was roughly painted over.

        Raises:
            ValueError: Nothing was painted, or not on an image of this size.
        """
        embedding = self._seen
        if painted.shape != embedding.image_size:
            raise ValueError(
                f"painted must have the size of the image, {embedding.image_size}, "
                f"got {painted.shape}"
            )
        if not painted.any():
            raise ValueError("painted must mark at least one pixel, got none")
        prompts = Prompts(
            points_xy=innermost(painted)[None, None],
            box_xyxy=bounding_box(painted)[None],
            logits=rough_logits(painted, embedding)[None],
        )
        return Proposals(self._network, embedding, prompts, is_ambiguous=False)

    @property
    def _seen(self) -> Embedding:
        if self._embedding is None:
            raise ValueError("no image to answer about; call set_image(image) first")
        return self._embedding


def innermost(painted: Mask) -> Float[np.ndarray, " 2"]:
    """Return the point (x, y) farthest from all that is not painted, the image's border included.

    Where people click who mean a region (Sofiiuk et al., "Reviving Iterative Training with Mask
    Guidance", 2022).
    """
    distance = cv2.distanceTransform(np.pad(painted, 1).astype(np.uint8), cv2.DIST_L2, 5)
    row, column = np.unravel_index(distance[1:-1, 1:-1].argmax(), painted.shape)
    return np.array([column, row], dtype=np.float64)


def bounding_box(painted: Mask) -> Float[np.ndarray, " 4"]:
    """Return the bounding box, right and bottom exclusive."""
    rows, columns = np.nonzero(painted)
    box = columns.min(), rows.min(), columns.max() + 1, rows.max() + 1
    return np.array(box, dtype=np.float64)


def rough_logits(painted: Mask, embedding: Embedding) -> Float[torch.Tensor, "low low"]:
    """Write what was painted as the network writes its masks, in its square at low resolution."""
    height, width = (max(1, round(extent / LOW)) for extent in embedding.frame_px)
    share = cv2.resize(painted.astype(np.float32), (width, height), interpolation=cv2.INTER_AREA)
    square = np.zeros((embedding.side_px // LOW,) * 2, dtype=np.float32)
    square[:height, :width] = share
    return torch.from_numpy(square).logit(eps=DOUBT)


def _check_inside(points_xy: Float[np.ndarray, "points 2"], embedding: Embedding) -> None:
    height, width = embedding.image_size
    is_inside = (points_xy >= 0).all(axis=1) & (points_xy <= (width, height)).all(axis=1)
    if not is_inside.all():
        x, y = points_xy[~is_inside][0]
        raise ValueError(
            f"points and boxes must lie in the image of {width} x {height} px, got ({x:g}, {y:g})"
        )
