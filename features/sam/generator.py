"""Which masks does an image hold, if nobody says where to look?

Parameters, records and their order are those of ``SamAutomaticMaskGenerator`` of segment-anything;
``SamConfig.mode`` says whether the masks are exactly its masks, too.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Float, UInt8

from features.pixels import check_image
from features.sam.asking import View, cropped
from features.sam.config import SamConfig
from features.sam.exact import exact_masks
from features.sam.fast import fast_masks
from features.sam.masks import Mask, without_duplicates, without_small_regions
from features.sam.network import MaskNetwork
from features.sam.points import Crop, crops, lattices
from features.sam.rle import OutputMode, as_output

Grid = Float[np.ndarray, "_ 2"]

_MASKS = {"exact": exact_masks, "fast": fast_masks}


class MaskGenerator:
    """Asks the network all over the image, and drops masks that are poor or found twice.

    ``point_grids`` replaces the lattices of ``config.points_per_side``: one array of (x, y) in
    0 … 1 for each layer of crops.

    Raises:
        ValueError: There are fewer grids than layers.
    """

    def __init__(
        self,
        network: MaskNetwork,
        config: SamConfig | None = None,
        *,
        point_grids: Sequence[Grid] | None = None,
    ) -> None:
        self.network = network
        self.config = config or SamConfig()
        self.point_grids = lattices(self.config) if point_grids is None else list(point_grids)
        n_layers = self.config.crop_n_layers + 1
        if len(self.point_grids) < n_layers:
            raise ValueError(
                f"point_grids must have one grid for the image and each layer of crops, "
                f"{n_layers} in all, got {len(self.point_grids)}"
            )

    def __call__(self, image: UInt8[np.ndarray, "height width 3"]) -> list[Mask]:
        """Find the masks of one RGB image, best first (masks of small crops before others).

        Raises:
            ImageError: The array is no image.
        """
        config = self.config
        height, width, _ = check_image(image).shape
        pieces = crops((height, width), config.crop_n_layers, config.crop_overlap_ratio)
        found = [(mask, crop) for crop in pieces for mask in self._in_crop(image, crop)]
        masks = [mask for mask, _ in found]
        if len(pieces) > 1:
            scores = [1 / crop.area_px for _, crop in found]
            masks = without_duplicates(masks, scores, config.crop_nms_thresh)
        if config.min_mask_region_area > 0:
            overlap = max(config.box_nms_thresh, config.crop_nms_thresh)
            masks = without_small_regions(masks, config.min_mask_region_area, overlap)
        return masks

    def records(
        self,
        image: UInt8[np.ndarray, "height width 3"],
        output_mode: OutputMode = "binary_mask",
    ) -> list[dict[str, Any]]:
        """Find masks and describe each as the reference does; boxes are x, y, width, height.

        Raises:
            ImageError: The array is no image.
        """
        return [as_record(mask, output_mode) for mask in self(image)]

    def _in_crop(self, image: UInt8[np.ndarray, "height width 3"], crop: Crop) -> list[Mask]:
        view = View(image, crop, self.network.embed(cropped(image, crop)))
        height, width = view.embedding.image_size
        points_xy = self.point_grids[crop.layer] * (width, height)
        return _MASKS[self.config.mode](self.network, view, points_xy, self.config)


def as_record(mask: Mask, output_mode: OutputMode = "binary_mask") -> dict[str, Any]:
    """Describe a mask under the names of the reference."""
    return {
        "segmentation": as_output(mask.pixels(), output_mode),
        "area": mask.area_px,
        "bbox": _xywh(mask.box_xyxy),
        "predicted_iou": mask.predicted_iou,
        "point_coords": [list(mask.point_xy)],
        "stability_score": mask.stability,
        "crop_box": _xywh(mask.crop_xyxy),
    }


def _xywh(box_xyxy: tuple[int, int, int, int]) -> list[int]:
    left, top, right, bottom = box_xyxy
    return [left, top, right - left, bottom - top]
