"""Segmentation by networks of the Segment Anything family, and its settings.

Settings of the mask generator have the names, defaults and meaning of ``SamAutomaticMaskGenerator``
(Segment Anything, Kirillov et al., 2023); those defaults were chosen for a ViT-H encoder.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from features.config_fields import Range, Share, range_problems

Mode = Literal["fast", "exact"]
BackgroundName = Literal["surrounding", "two-edges"]


@dataclass(frozen=True)
class SamConfig:
    """Weights, mask generation and the way from overlapping masks to parts."""

    weights: str = "sam-vit-base-hf"
    """Known name, or path, of the network's weights; the smallest, from where DINOv2 comes from."""
    mode: Mode = "fast"
    """Exact gives the reference's masks; fast asks at fewer points and may lose a few of them."""

    # Mask generation
    points_per_side: Annotated[int, Range(1, 256)] = 32
    """Prompts along each side of the image; a thing smaller than their spacing may be missed."""
    points_per_batch: Annotated[int, Range(1, 4096)] = 64
    """Prompts decoded at once, at most: more are faster on a GPU, and take more of its memory."""
    pred_iou_thresh: Share = 0.88
    """Masks that the network itself expects to overlap the truth less are left out."""
    stability_score_thresh: Share = 0.95
    """So are masks that change more when their threshold moves: IoU of the two extremes."""
    stability_score_offset: Annotated[float, Range(0, 100)] = 1.0
    """How far that threshold moves, up and down, in logits."""
    box_nms_thresh: Share = 0.7
    """Of masks whose boxes overlap more (IoU), the one with the best predicted IoU stays."""
    crop_n_layers: Annotated[int, Range(0, 4)] = 0
    """Layers of crops looked at again, for small things; layer n has 4^n crops."""
    crop_nms_thresh: Share = 0.7
    """The same as ``box_nms_thresh`` between crops; the smaller crop's mask stays."""
    crop_overlap_ratio: Annotated[float, Range(0, 0.99)] = 512 / 1500
    """How far crops of the first layer overlap, as a share of the image's shorter side."""
    crop_n_points_downscale_factor: Annotated[int, Range(1, 256)] = 1
    """Layer n has this factor to the power n fewer prompts along a side."""
    min_mask_region_area: Annotated[int, Range(0, 2**31 - 1)] = 0
    """Islands and holes of a mask below this area, in pixels, are removed."""

    # From masks to parts
    min_part: Annotated[float, Range(0, 0.1)] = 5e-4
    """Smallest part, as a share of the image; the same as the embedded segmenter's."""
    max_shared: Share = 0.8
    """Masks that overlap more (IoU) are the same thing; 0.8 is a shift by a tenth of the width."""
    min_visible: Share = 0.1
    """Masks of which smaller ones hide all but this share are groups of these, not parts."""
    background: BackgroundName = "surrounding"
    """Which parts are background: what surrounds the things, or (as published) all that touches
    two edges of the image, be it a thing that the frame crops."""

    def problems(self) -> list[str]:
        """Name what no range can say: weights without a name, a layer of crops without a point."""
        if not self.weights:
            return ["weights must name weights, got an empty text"]
        if range_problems(self):
            return []
        n_least = self.crop_n_points_downscale_factor**self.crop_n_layers
        if self.points_per_side >= n_least:
            return []
        return [
            f"points_per_side must be at least {n_least} to leave a point in crop layer "
            f"{self.crop_n_layers}, got {self.points_per_side}"
        ]
