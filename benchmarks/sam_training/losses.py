"""Losses of the masks, and of what the network believes of them.

As in Kirillov et al., "Segment Anything" (2023), appendix A, the best of three masks counts and the
predicted IoU has a squared error; but cross-entropy takes the place of the focal loss, whose
gradient is too small for so short a training.
"""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812
from sam_training.crops import MIN_AREA_PX, OUTSIDE, STRIDE
from sam_training.network import Prompts, decode
from segment_anything.modeling import Sam
from torch import Tensor

CROSS_ENTROPY = 1.0  # beside the dice loss
N_AFFINITIES = 24  # pixels of an image that are compared with all others
AT_ONE_PLACE, FALL = 4.0, 0.4  # logit that two pixels belong together, by squared distance


def mask_losses(logits: Tensor, targets: Tensor) -> Tensor:
    """Cross-entropy and dice of each mask against each target, (prompts, masks, targets).

    Targets are shares of covered area: a border at a third of a pixel is learnt as such.
    """
    logits, targets = logits[:, :, None], targets[:, None]
    probability = logits.sigmoid()
    entropy = (F.softplus(logits) - logits * targets).mean(dim=(-2, -1))
    common = (probability * targets).sum(dim=(-2, -1))
    size = (probability + targets).sum(dim=(-2, -1))
    return CROSS_ENTROPY * entropy + 1 - (2 * common + 1) / (size + 1)


def affinity_loss(pixels: Tensor, leaves: Tensor, rng: np.random.Generator) -> Tensor:
    """Pixels of one piece shall be alike, others not: it teaches the encoder what borders are.

    ``pixels`` (channels, low, low) are what the decoder multiplies to make masks; pixels of other
    pieces shall be far (Fathi et al., "Semantic instance segmentation via deep metric learning",
    2017).
    """
    places, pieces = pixels.flatten(1).T, leaves.flatten()
    names, areas = pieces.unique(return_counts=True)
    names = names[(areas >= MIN_AREA_PX // STRIDE**2) & (names != OUTSIDE)]
    picks = [
        int(rng.choice(np.flatnonzero(pieces == name)))
        for name in rng.choice(names, N_AFFINITIES if len(names) else 0)
    ]
    if not picks:
        return pixels.sum() * 0
    distances = torch.cdist(places[picks], places).square()
    logits = AT_ONE_PLACE - FALL * distances
    targets = (pieces[picks][:, None] == pieces).float()
    shape = (len(picks), 1, *leaves.shape)
    return mask_losses(logits.view(shape), targets.view(shape)).mean()


def true_iou(logits: Tensor, targets: Tensor) -> Tensor:
    """IoU of each mask with each target, (prompts, masks, targets)."""
    masks, truth = (logits > 0)[:, :, None], (targets > 0.5)[:, None]
    common = (masks & truth).sum(dim=(-2, -1))
    return common / (masks | truth).sum(dim=(-2, -1)).clamp(min=1)


def loss_of(logits: Tensor, quality: Tensor, crop: dict[str, Tensor]) -> Tensor:
    """Every meaning must be met by one of the three masks; the single mask by the chosen one."""
    valid, chosen = crop["valid"], crop["chosen"][:, None]
    losses = mask_losses(logits, crop["targets"])
    single = losses[:, 0].gather(1, chosen).mean()
    best = losses[:, 1:].min(dim=1).values
    each_meaning = (best * valid).sum(dim=1) / valid.sum(dim=1)
    # A mask that meets no meaning best still has to come near one.
    nearest = losses[:, 1:].masked_fill(~valid[:, None], torch.inf).min(dim=2).values
    with torch.no_grad():
        ious = true_iou(logits, crop["targets"])
        alone = ious[:, :1].squeeze(1).gather(1, chosen)
        reached = torch.cat([alone, (ious[:, 1:] * valid[:, None]).amax(dim=2)], dim=1)
    return each_meaning.mean() + single + 0.1 * nearest.mean() + F.mse_loss(quality, reached)


def loss_on(
    sam: Sam, embeddings: Tensor, crop: dict[str, Tensor], rng: np.random.Generator
) -> Tensor:
    """Ask by point or by box; sometimes ask again with the first answer and a correction.

    ``crop`` has the prompts of all images in turn.
    """
    points = crop["points_xy"][:, None], torch.ones(len(crop["points_xy"]), 1)
    by_box = rng.random() < 0.2
    # What a single point means as one mask: the thing with its parts, unless it was asked better.
    crop = crop if by_box else crop | {"chosen": crop["valid"].sum(dim=1).clamp(max=2) - 1}
    prompts = Prompts(boxes=crop["boxes_xyxy"]) if by_box else Prompts(points=points)
    logits, quality = decode(sam, embeddings, prompts)
    loss = loss_of(logits, quality, crop)
    if rng.random() < 0.15:
        again = corrected(logits.detach(), points, crop, rng)
        loss = loss + loss_of(*decode(sam, embeddings, again), crop)
    return loss


def corrected(
    logits: Tensor, points: tuple[Tensor, Tensor], crop: dict[str, Tensor], rng: np.random.Generator
) -> Prompts:
    """The single mask as a prompt, with a second point where it is wrong."""
    truth = crop["targets"][torch.arange(len(logits)), crop["chosen"]] > 0.5
    is_wrong = (logits[:, 0] > 0) != truth
    xy, label = points[0].clone(), torch.ones(len(logits), 1)
    for index, wrong in enumerate(is_wrong):
        places = wrong.nonzero()
        if len(places):
            row, column = places[rng.integers(len(places))]
            xy[index, 0] = STRIDE * torch.stack([column, row]) + STRIDE // 2
            label[index, 0] = float(truth[index, row, column])
    both = torch.cat([points[0], xy], dim=1), torch.cat([points[1], label], dim=1)
    return Prompts(points=both, masks=logits[:, :1])
