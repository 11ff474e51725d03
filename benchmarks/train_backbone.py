"""Trains the small network that describes images, from photographs alone.

The network must give the same physical point the same descriptor in two differently distorted
views of a photograph, and every other point another one: InfoNCE (van den Oord et al.,
"Representation Learning with Contrastive Predictive Coding", 2018, equation 4) over points, as in
Wang et al., "Dense Contrastive Learning for Self-Supervised Visual Pre-Training" (CVPR 2021), at
strides 4, 8 and 16, plus the cross-entropy of the photograph's label with a small weight.

    pip install torch safetensors pillow
    python benchmarks/train_backbone.py --data DIR --bf16 -o features/backbone.safetensors

``DIR/labels.csv`` has the columns ``file,label,source``; the label ``unlabelled`` teaches nothing.
One core is enough. A run is repeatable with ``--steps``; with ``--minutes`` the clock ends it.
The file written holds fp16 convolutions with batch normalisation folded in, read by
``features.network.Network``; ``--snapshots`` writes it early as well, at the minutes given.
"""

from __future__ import annotations

import argparse
import copy
import csv
import math
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as nnf
from backbone_net import CHANNELS, Net, save
from backbone_views import cut, distort_light, draw_frames, draw_points
from PIL import Image
from torch import Tensor, nn

SIDE_PX = 144  # of the photographs in memory
N_IMAGES = 32  # in a batch
TEMPERATURE = 0.1
STRIDE_WEIGHTS = (0.5, 1.0, 1.0)
LABEL_WEIGHT = 0.2
NEAR_CELLS = 1.5  # closer points of one image are no negatives: their fields of view coincide
LEARNING_RATE, WEIGHT_DECAY, WARM_UP_STEPS, EMA_DECAY = 2e-3, 0.02, 200, 0.998


def read_photographs(folder: Path) -> tuple[Tensor, Tensor, int]:
    """Return images (n, 3, 144, 144) uint8 cut from the middle, label numbers (-1: none), count."""
    with (folder / "labels.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    names = sorted({row["label"] for row in rows} - {"unlabelled"})
    number = {name: i for i, name in enumerate(names)} | {"unlabelled": -1}
    images = np.empty((len(rows), SIDE_PX, SIDE_PX, 3), np.uint8)
    for image, row in zip(images, rows, strict=True):
        photo = Image.open(folder / row["file"]).convert("RGB")
        edge = min(photo.size)
        left, top = ((length - edge) / 2 for length in photo.size)
        box = (left, top, left + edge, top + edge)
        image[:] = photo.resize((SIDE_PX, SIDE_PX), Image.Resampling.BICUBIC, box)
    labels = torch.tensor([number[row["label"]] for row in rows])
    return torch.from_numpy(images).permute(0, 3, 1, 2).contiguous(), labels, len(names)


def describe(points: Tensor, features: Tensor) -> Tensor:
    """Return unit descriptors (n * points, dim), interpolated between cells."""
    sampled = nnf.grid_sample(features, points[:, :, None], align_corners=False)
    return nnf.normalize(sampled[..., 0].transpose(1, 2).flatten(0, 1), dim=1)


def local_contrast(
    maps: tuple[Tensor, Tensor], points: tuple[Tensor, Tensor], is_seen: Tensor
) -> Tensor:
    """Return InfoNCE between views, both ways: one positive, all points further away negatives."""
    a, b = (describe(p, m.float()) for p, m in zip(points, maps, strict=True))
    cells = maps[0].shape[-1] / 2  # of the view's -1..1
    distance = torch.minimum(*(torch.cdist(p, p) * cells for p in points))
    is_near = torch.block_diag(*(distance < NEAR_CELLS)).bool().fill_diagonal_(False)
    seen = is_seen.flatten()
    logits = (a @ b.T / TEMPERATURE).masked_fill(is_near, -math.inf)[seen][:, seen]
    target = torch.arange(len(logits))
    return (nnf.cross_entropy(logits, target) + nnf.cross_entropy(logits.T, target)) / 2


def batch_loss(net: Net, head: nn.Linear, photos: Tensor, labels: Tensor, bf16: bool) -> Tensor:
    frames = draw_frames(len(photos))
    *points, is_seen = draw_points(*frames)
    views = torch.cat([distort_light(cut(photos / 255, frame)) for frame in frames])
    with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
        maps = net(views)
    pooled = torch.relu(maps[-1]).float().mean((2, 3))
    known = torch.cat([labels, labels])
    loss = LABEL_WEIGHT * nnf.cross_entropy(head(pooled), known, ignore_index=-1)
    for weight, both in zip(STRIDE_WEIGHTS, maps, strict=True):
        loss = loss + weight * local_contrast(both.chunk(2), tuple(points), is_seen)
    return loss


def batches(n: int) -> Iterator[Tensor]:
    while True:
        yield from torch.randperm(n).split(N_IMAGES)[:-1]


@torch.no_grad()
def follow(average: Net, net: Net, step: int) -> None:
    """Move the exponential moving average, faster at first so that it forgets the random start."""
    weight = 1 - min(EMA_DECAY, (1 + step) / (10 + step))
    for mean, now in zip(average.state_dict().values(), net.state_dict().values(), strict=True):
        mean.lerp_(now, weight) if mean.is_floating_point() else mean.copy_(now)


def train(args: argparse.Namespace) -> None:
    torch.manual_seed(args.seed)
    torch.set_num_threads(args.threads)
    photos, labels, n_labels = read_photographs(args.data)
    net, head = Net(), nn.Linear(CHANNELS[-1], n_labels)
    average = copy.deepcopy(net).eval()
    parameters = [*net.parameters(), *head.parameters()]
    optimiser = torch.optim.AdamW(parameters, LEARNING_RATE, weight_decay=WEIGHT_DECAY)
    snapshots = sorted(args.snapshots)
    start, running = time.monotonic(), math.nan

    for step, rows in enumerate(batches(len(photos))):
        minutes = (time.monotonic() - start) / 60
        progress = step / args.steps if args.steps else minutes / args.minutes
        is_over = progress >= 1
        if is_over or (snapshots and minutes >= snapshots[0]):
            recipe = {"steps": step, "minutes": round(minutes, 1), "seed": args.seed}
            save(average, args.output, recipe | {"loss": round(running, 3)})
            snapshots = snapshots[1:]
        if is_over:
            break
        rate = LEARNING_RATE * min(1, (step + 1) / WARM_UP_STEPS)
        for group in optimiser.param_groups:
            group["lr"] = rate * (1 + math.cos(math.pi * progress)) / 2
        loss = batch_loss(net, head, photos[rows], labels[rows], args.bf16)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        follow(average, net, step)
        now = float(loss.detach())
        running = now if step == 0 else 0.98 * running + 0.02 * now
        if step % 100 == 0:
            print(f"{minutes:5.1f} min  step {step:5d}  loss {running:.3f}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--data", type=Path, required=True, help="folder with labels.csv")
    parser.add_argument("--minutes", type=float, default=55.0, help="training time")
    parser.add_argument("--steps", type=int, help="number of steps, instead of --minutes")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--bf16", action="store_true", help="twice as fast where AVX-512 has bf16")
    parser.add_argument("--snapshots", type=float, nargs="*", default=[], help="minutes")
    parser.add_argument("-o", "--output", type=Path, required=True, help=".safetensors file")
    train(parser.parse_args())


if __name__ == "__main__":
    main()
