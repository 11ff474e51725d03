"""Training of the small network that compares regions, on rendered regions.

    pip install torch safetensors
    python benchmarks/train_siamese.py --photographs DIR --minutes 20 -o siamese.safetensors

It learns from pairs: two regions are the same where one kind made both, whatever ground, light,
rotation and outline they have. Grounds are rendered, or cut from photographs (any folder of JPEG
files) and from sound rendered cloth. Rendered regions and progress are kept in ``--work``; the
same command goes on where a stopped one was. A run is repeatable with ``--steps``; with
``--minutes`` the clock ends it. Beside the weights a JSON file says how they were made
and what they reach on kinds that were never trained on, with the training-free comparison beside.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import torch
from siamese_training.held_out import figures, fit_curve, views_of
from siamese_training.learning import Learner
from siamese_training.network import describe, save
from siamese_training.sheets import Samples, draw_group

from engine.regions.similarity import arrange, with_half_norm
from engine.synthetic.cloth import draw_cloth, render_cloth

TRAIN_SEED, HELD_OUT_SEED = 1, 2
N_PHOTOGRAPHS, N_CLOTHS = 1500, 240
CLOTH_SHARE = 4  # times that each cloth counts: as many cuts as of all photographs
SAVE_EVERY_S, REPORT_EVERY = 60.0, 100


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--photographs", type=Path, help="folder with JPEG files to cut grounds of")
    parser.add_argument("--minutes", type=float, default=20.0, help="of training")
    parser.add_argument("--steps", type=int, help="of training, instead of --minutes")
    parser.add_argument("--groups", type=int, default=700, help="of six kinds each")
    parser.add_argument("--held-out", type=int, default=60, help="groups to judge by")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--bf16", action="store_true", help="faster where the processor has it")
    parser.add_argument("--work", type=Path, default=Path("siamese-work"), help="kept between runs")
    parser.add_argument("-o", "--output", type=Path, required=True, help=".safetensors file")
    args = parser.parse_args()
    args.work.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(args.threads)
    cv2.setNumThreads(args.threads)

    grounds = read_grounds(args.photographs)
    learner = Learner(rendered(args.work / "train", TRAIN_SEED, args.groups, grounds), args.seed)
    seconds = train(learner, args)

    held_out = rendered(args.work / "held_out", HELD_OUT_SEED, args.held_out, grounds)
    views = views_of(held_out)
    reached = {}
    for name, rows in (
        ("arrangement", arrange(views)),
        ("siamese", describe(learner.average, views)),
    ):
        curve = fit_curve(held_out, with_half_norm(rows))
        reached[name] = {"curve": vars(curve), **figures(held_out, with_half_norm(rows), curve)}
        report(f"{name}: {reached[name]}")
    settings = {
        name: getattr(args, name) for name in ("groups", "held_out", "seed", "threads", "bf16")
    }
    grounds_are = {"photographs": len(grounds) - CLOTH_SHARE * N_CLOTHS, "cloths": N_CLOTHS}
    made = settings | grounds_are | {"steps": learner.step, "seconds": round(seconds)}
    save(learner.average, args.output, {"training": made, "held_out": reached})


def read_grounds(folder: Path | None) -> list[np.ndarray]:
    """Photographs, evenly over the folder, and sound cloth of rolls that no benchmark uses."""
    paths = sorted(folder.rglob("*.jpg")) if folder else []
    paths = paths[:: max(1, len(paths) // N_PHOTOGRAPHS)]
    photographs = [cv2.imread(str(path))[..., ::-1] for path in paths]
    cloths = [render_cloth(draw_cloth(number), number).image for number in range(N_CLOTHS)]
    return photographs + CLOTH_SHARE * cloths


def rendered(path: Path, seed: int, n_groups: int, grounds: Sequence[np.ndarray]) -> Samples:
    """Read rendered regions, or render them where they are not yet."""
    path = path.with_name(f"{path.name}-{seed}-{n_groups}-{len(grounds)}.npz")
    if path.exists():
        with np.load(path, allow_pickle=False) as arrays:
            return Samples(**arrays)
    groups = []
    for number in range(n_groups):
        groups.append(draw_group(np.random.default_rng((seed, number)), number, grounds))
        if number % REPORT_EVERY == 0:
            report(f"{path.stem}: {number} of {n_groups} groups rendered")
    columns = {
        name: np.concatenate([vars(group)[name] for group in groups]) for name in vars(groups[0])
    }
    part = path.with_suffix(".part.npz")
    np.savez(part, **columns)
    part.rename(path)
    return Samples(**columns)


def train(learner: Learner, args: argparse.Namespace) -> float:
    """Learn until time or steps are over; return the seconds spent, earlier runs included."""
    kept = args.work / "learner.pt"
    before = learner.restore(kept) if kept.exists() else 0.0
    start = saved = time.monotonic()
    while True:
        spent = before + time.monotonic() - start
        progress = learner.step / args.steps if args.steps else spent / 60 / args.minutes
        if progress >= 1 or time.monotonic() - saved > SAVE_EVERY_S:
            learner.keep(kept, spent)
            saved = time.monotonic()
        if progress >= 1:
            return spent
        learner.learn(progress, bf16=args.bf16)
        if learner.step % REPORT_EVERY == 0:
            report(f"{spent / 60:5.1f} min  step {learner.step:5d}  loss {learner.loss:.3f}")


def report(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
