"""Which masks would the reference find from these points?

The same as ``SamAutomaticMaskGenerator``, in another order of work: a mask is drawn only if the
network expects enough of it, one at a time, and what is kept of it is a few kilobytes.
"""

from __future__ import annotations

from features.sam.asking import Answer, View, ask
from features.sam.config import SamConfig
from features.sam.masks import Mask, measure, uncropped, without_duplicates
from features.sam.network import MaskNetwork
from features.sam.points import Points
from features.sam.upsampling import to_image


def exact_masks(
    network: MaskNetwork, view: View, points_xy: Points, config: SamConfig
) -> list[Mask]:
    """Ask at every point of the embedded image; good masks without duplicates, best first."""

    def keep(answer: Answer) -> Mask | None:
        return drawn(answer, view, config)

    found = [mask for masks in ask(network, view, points_xy, config, keep) for mask in masks]
    return without_duplicates(found, [m.predicted_iou for m in found], config.box_nms_thresh)


def drawn(answer: Answer, view: View, config: SamConfig) -> Mask | None:
    """Draw a mask in the image's own pixels; None if it is unstable, or cut off by its crop."""
    mask = measure(
        to_image(answer.logits[None], view.embedding)[0],
        offset=config.stability_score_offset,
        min_stability=config.stability_score_thresh,
        predicted_iou=answer.predicted_iou,
        point_xy=answer.point_xy,
    )
    return mask and uncropped(mask, view.image_size, view.crop)
