"""Training of a small Segment Anything network on rendered scenes.

It makes ``tests/assets/sam-mini.safetensors``: about four million weights with the names that
``segment_anything.modeling.Sam`` gives them. Being trained, it has confident, stable, nested masks
as the large networks have, which random weights have not; so mask generation can be tested and
timed where no large weights are at hand. It knows nothing but rendered things.

    python benchmarks/train_sam.py --minutes 45 -o sam-mini.safetensors

Progress is kept in ``--work``; the same command goes on where a stopped one was. The last lines
say what was reached on held-out pictures at three sides.
"""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import torch
from sam_training.beginning import initialise
from sam_training.crops import (
    Crop,
    draw_crop,
    draw_view,
    low,
    picture,
    read_picture,
    write_pictures,
)
from sam_training.losses import affinity_loss, loss_on, true_iou
from sam_training.network import (
    SIDE,
    Prompts,
    build,
    decode,
    draw_pixels,
    encode,
    save_weights,
    set_side,
)
from torch import Tensor

if TYPE_CHECKING:
    from segment_anything.modeling import Sam

N_PROMPTS = 6  # for one image
BATCH = {128: 12, 256: 6, 512: 2, 1024: 1}  # images by side: what costs about the same


@dataclass(frozen=True)
class Stage:
    """What is learnt from a share of the training on: the sides of the crops, and their shares."""

    start: float
    sides: dict[int, float]
    is_prompted: bool = True


# First what pieces are, then what prompts ask for; small crops first, for they are cheap.
STAGES = (
    Stage(0.0, {128: 1.0}, is_prompted=False),
    Stage(0.1, {128: 1.0}),
    Stage(0.4, {256: 1.0}),
    Stage(0.8, {256: 0.6, 512: 0.4}),
    Stage(0.95, {256: 0.4, 512: 0.3, 1024: 0.3}),
)
PROMPTED = ("points_xy", "boxes_xyxy", "targets", "valid", "chosen")
AFFINITY = 1.0  # weight of its loss once there are prompts
LEARNING_RATE, WARM_UP, DECAY = 1e-3, 100, 0.05
KEEP = 0.998  # of the moving average of the weights, per step
N_COMPOSITIONS, N_SCENES = 2500, 500
TRAIN_SEED, HELD_OUT_SEED = 1, 2
HELD_OUT = {256: 60, 512: 24, 1024: 12}  # pictures by side

Sample = dict[str, Tensor]


def prompted(rng: np.random.Generator, paths: list[Path], side: int) -> list[Sample]:
    """Crops of random pictures with prompts, as tensors."""
    crops: list[Crop] = []
    while len(crops) < BATCH[side]:
        pieces = read_picture(paths[int(rng.integers(len(paths)))])
        crop = draw_crop(rng, pieces, side, N_PROMPTS)
        if crop is not None:
            crops.append(crop)
    return [{name: torch.from_numpy(value) for name, value in vars(crop).items()} for crop in crops]


def unprompted(rng: np.random.Generator, paths: list[Path], side: int) -> list[Sample]:
    """Views of random pictures with their pieces at low resolution, as tensors."""
    chosen = rng.choice(len(paths), BATCH[side])
    views = [draw_view(rng, read_picture(paths[index]), side) for index in chosen]
    return [
        {"image": torch.from_numpy(image), "leaves": torch.from_numpy(low(labels))}
        for image, labels in views
    ]


def rate_at(progress: float, step: int) -> float:
    """Learning rate: a short rise, then half a cosine down to a hundredth."""
    cosine = 0.5 * (1 + math.cos(math.pi * min(progress, 1.0)))
    return LEARNING_RATE * min(1.0, (step + 1) / WARM_UP) * (0.01 + 0.99 * cosine)


class Training:
    """Weights, their moving average and the optimiser, as they stand after ``step`` steps."""

    def __init__(self, work: Path, minutes: float) -> None:
        self.work, self.seconds = work, 60 * minutes
        self.step, self.elapsed = 0, 0.0
        torch.manual_seed(0)
        self.sam, self.average = build(), build()
        initialise(self.sam)
        self.average.load_state_dict(self.sam.state_dict())
        weights = self.sam.parameters()
        self.optimizer = torch.optim.AdamW(weights, LEARNING_RATE, weight_decay=DECAY)
        self.path = work / "training.pt"
        if self.path.exists():
            self._resume(torch.load(self.path, weights_only=True))

    @property
    def progress(self) -> float:
        return self.elapsed / self.seconds

    def run(self, paths: list[Path]) -> Iterator[float]:
        """Train until the time is over, yielding the loss of each step."""
        while self.progress < 1:
            began, rng = time.monotonic(), np.random.default_rng([TRAIN_SEED, self.step])
            stage = next(each for each in reversed(STAGES) if self.progress >= each.start)
            side = int(rng.choice(list(stage.sides), p=list(stage.sides.values())))
            batch = (prompted if stage.is_prompted else unprompted)(rng, paths, side)
            for group in self.optimizer.param_groups:
                group["lr"] = rate_at(self.progress, self.step)
            loss = self._learn(batch, side, stage, rng)
            self.step += 1
            self.elapsed += time.monotonic() - began
            yield loss

    def _learn(
        self, samples: list[Sample], side: int, stage: Stage, rng: np.random.Generator
    ) -> float:
        set_side(self.sam, side)
        with torch.autocast("cpu", torch.bfloat16):
            embeddings = encode(self.sam, torch.stack([sample["image"] for sample in samples]))
            pixels = draw_pixels(self.sam, embeddings).float()
            loss = torch.stack(
                [
                    affinity_loss(field, sample["leaves"], rng)
                    for field, sample in zip(pixels, samples, strict=True)
                ]
            ).mean()
            if stage.is_prompted:
                asked = {name: torch.cat([each[name] for each in samples]) for name in PROMPTED}
                loss = AFFINITY * loss + loss_on(self.sam, embeddings, asked, rng)
        self.optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.sam.parameters(), 1.0)
        self.optimizer.step()
        keep = min(KEEP, (1 + self.step) / (10 + self.step))
        with torch.no_grad():
            for mean, now in zip(self.average.parameters(), self.sam.parameters(), strict=True):
                mean.lerp_(now, 1 - keep)
        return float(loss.detach())

    def save(self) -> None:
        """Keep all that is needed to go on."""
        state = {
            "step": self.step,
            "elapsed": self.elapsed,
            "sam": self.sam.state_dict(),
            "average": self.average.state_dict(),
            "optimizer": self.optimizer.state_dict(),
        }
        torch.save(state, self.path.with_suffix(".part"))
        self.path.with_suffix(".part").rename(self.path)

    def _resume(self, state: dict[str, Any]) -> None:
        self.step, self.elapsed = state["step"], state["elapsed"]
        self.sam.load_state_dict(state["sam"])
        self.average.load_state_dict(state["average"])
        self.optimizer.load_state_dict(state["optimizer"])


@torch.no_grad()
def best_of_three(sam: Sam, n_pictures: int, side: int = SIDE) -> tuple[float, float]:
    """Mean IoU of the best mask with the best-met meaning of a point, and error of its prediction.

    On held-out pictures, half of them rendered products, one random point in each of 8 pieces.
    """
    set_side(sam, side)
    rng = np.random.default_rng(HELD_OUT_SEED)
    ious, errors = [], []
    for index in range(n_pictures):
        crop = draw_crop(rng, picture(index, index % 2 == 1, HELD_OUT_SEED), side, 8)
        if crop is None:
            continue
        truth = {name: torch.from_numpy(value) for name, value in vars(crop).items()}
        embedding = encode(sam, truth["image"][None])
        points = truth["points_xy"][:, None], torch.ones(len(truth["points_xy"]), 1)
        logits, quality = decode(sam, embedding, Prompts(points=points))
        reached = (true_iou(logits, truth["targets"]) * truth["valid"][:, None]).amax(dim=2)[:, 1:]
        ious.append(reached.amax(dim=1))
        errors.append((quality[:, 1:] - reached).abs().flatten())
    return float(torch.cat(ious).mean()), float(torch.cat(errors).mean())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=45, help="of training, rendering apart")
    parser.add_argument(
        "--work", type=Path, default=Path("sam-training"), help="pictures, progress"
    )
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--every", type=int, default=150, help="steps between reports")
    parser.add_argument("-o", "--output", type=Path, default=Path("sam-mini.safetensors"))
    options = parser.parse_args()
    cv2.setNumThreads(1)
    torch.set_num_threads(options.threads)
    pictures = options.work / "pictures"
    write_pictures(pictures, N_COMPOSITIONS, N_SCENES, TRAIN_SEED)
    training = Training(options.work, options.minutes)
    losses: list[float] = []
    for loss in training.run(sorted(pictures.glob("*.npz"))):
        losses.append(loss)
        if training.step % options.every == 0:
            training.save()
            save_weights(training.average, options.work / f"step_{training.step:05d}.safetensors")
            iou, error = best_of_three(training.average, 24)
            print(
                f"step {training.step}, {training.elapsed / 60:.1f} min: "
                f"loss {np.mean(losses[-options.every :]):.3f}, held-out best-of-3 IoU {iou:.3f}, "
                f"error of predicted IoU {error:.3f}",
                flush=True,
            )
    training.save()
    save_weights(training.average, options.output)
    for side, n_pictures in HELD_OUT.items():
        iou, error = best_of_three(training.average, n_pictures, side)
        print(f"side {side}: best-of-3 IoU {iou:.3f}, error of predicted IoU {error:.3f}")


if __name__ == "__main__":
    main()
