"""Masks of the exact and the fast mode beside the reference implementation.

How fast are our masks, how much memory do they take, and are they the same?

    python benchmarks/masks.py [IMAGE] [--weights tests/assets/sam-mini.safetensors]
                               [--points 32] [--threads 2] [--scenes 10]

Runs ``SamAutomaticMaskGenerator`` of segment-anything, our exact mode and our fast mode on one
image of 1200×800 px, each in a process of its own. Prints for each, side by side, the seconds
without the image encoder, the peak memory beyond that of the loaded network, and the number of
masks; then which of the reference's masks the exact mode has at IoU ≥ 0.99, how many it has
besides, and which share of the exact mode's masks the fast mode has at IoU ≥ 0.9.

The image is encoded beforehand. At side 1024 the small trained network of the tests has the
official decoder's sizes: 64 × 64 image tokens of 256 numbers, masks of 256 × 256. Only the hidden
layers between a prompt's own tokens are narrower (256 for 2048), which is next to nothing: seven
tokens against 4096. Without IMAGE, rendered scenes are laid out on a table.

As that network was trained at side 256 and finds little at 1024, the last figure is measured once
more at side 256, over several rendered scenes, together with the share of points that the fast mode
asked.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from machine import machine
from PIL import Image
from safetensors.torch import load_file, save_file
from segment_anything import SamAutomaticMaskGenerator
from segment_anything.modeling import Sam
from torch import Tensor, nn

from engine.synthetic.scenes import CATEGORIES, render
from features.device import MachineConfig
from features.sam import SamConfig, official
from features.sam.architecture import read_decoder
from features.sam.checkpoint import fill, read_tensors
from features.sam.generator import MaskGenerator
from features.sam.mask_decoder import PromptedNetwork
from features.sam.network import Candidates, Embedding, MaskNetwork, Prompts

WEIGHTS = Path(__file__).parents[1] / "tests" / "assets" / "sam-mini.safetensors"
WIDTH, HEIGHT, SIDE = 1200, 800, 1024  # px
MODES = ("reference", "exact", "fast")
PLACES = {
    "pins": (30, 30),
    "meal": (30, 390),
    "bottle": (550, 10),
    "bag": (830, 10),
    "cable": (580, 495),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("image", type=Path, nargs="?")
    parser.add_argument("--weights", type=Path, default=WEIGHTS)
    parser.add_argument("--points", type=int, default=32, metavar="N", help="along each side")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--scenes", type=int, default=10, metavar="N")
    parser.add_argument("--mode", choices=("encode", *MODES), help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    torch.set_num_threads(asked.threads)
    cv2.setNumThreads(asked.threads)
    if asked.mode == "encode":
        encode(asked)
    elif asked.mode:
        run(asked)
    else:
        with tempfile.TemporaryDirectory() as folder:
            compare(asked, Path(folder))
        recall(asked)


def compare(asked: argparse.Namespace, folder: Path) -> None:
    """Start a process for each step, then read what they left behind."""
    print(machine())
    print(f"{WIDTH}×{HEIGHT} px, {asked.points}×{asked.points} points, {asked.threads} threads")
    image = picture(asked.image)
    image.save(folder / "image.png")
    given = ["--weights", asked.weights, "--points", asked.points, "--threads", asked.threads]
    for mode in ("encode", *MODES):
        command = [sys.executable, __file__, *given, "--folder", folder, "--mode", mode]
        subprocess.run([str(word) for word in command], check=True)
    found = {mode: np.load(folder / f"{mode}.npz") for mode in MODES}
    reference, exact, fast = (unpacked(found[mode]) for mode in MODES)
    print("\n            seconds   times faster   peak memory     share   masks")
    slowest, largest = (float(found["reference"][name]) for name in ("seconds", "memory_mb"))
    for mode in MODES:
        seconds, memory_mb = (float(found[mode][name]) for name in ("seconds", "memory_mb"))
        print(
            f"{mode:10}{seconds:9.1f}{slowest / seconds:15.1f}{memory_mb:11.0f} MB"
            f"{memory_mb / largest:10.0%}{len(found[mode]['masks']):8d}"
        )
    same = overlaps(reference, exact) >= 0.99
    print(
        f"\nexact: {same.any(axis=1).sum()} of {len(reference)} masks of the reference at "
        f"IoU ≥ 0.99, {(~same.any(axis=0)).sum()} besides"
    )
    kept = (overlaps(exact, fast) >= 0.9).any(axis=1)
    print(f"fast: {kept.mean():.1%} of {len(exact)} masks of the exact mode at IoU ≥ 0.9")


def picture(path: Path | None) -> Image.Image:
    if path:
        return Image.open(path).convert("RGB").resize((WIDTH, HEIGHT), Image.Resampling.LANCZOS)
    table = Image.new("RGB", (WIDTH, HEIGHT), (188, 176, 160))
    for category, place in PLACES.items():
        scene = Image.fromarray(render(category, np.random.default_rng(0)).image)
        table.paste(scene.rotate(90, expand=True) if category == "bag" else scene, place)
    return table


def encode(asked: argparse.Namespace) -> None:
    network = official.load(asked.weights, MachineConfig(device="cpu"), side_px=SIDE)
    embedding = network.embed(np.array(Image.open(asked.folder / "image.png")))
    save_file({"tokens": embedding.features[0].contiguous()}, asked.folder / "tokens.safetensors")


class Encoded(nn.Module):
    """Stands for the image encoder; knows one image."""

    def __init__(self, tokens: Tensor) -> None:
        super().__init__()
        self.img_size, self.pos_embed = SIDE, tokens

    def forward(self, pixels: Tensor) -> Tensor:
        return self.pos_embed[None]


def run(asked: argparse.Namespace) -> None:
    image = np.array(Image.open(asked.folder / "image.png"))
    encoder = Encoded(load_file(asked.folder / "tokens.safetensors")["tokens"])
    tensors = read_tensors(asked.weights)
    prompt_encoder, mask_decoder = read_decoder(tensors).build(SIDE // 16, SIDE)
    decoding = nn.ModuleDict({"prompt_encoder": prompt_encoder, "mask_decoder": mask_decoder})
    fill(decoding, {name: each for name, each in tensors.items() if not name.startswith("image")})
    modules = encoder, prompt_encoder.eval(), mask_decoder.eval()
    settings = settings_of(asked)
    generate: Callable[[np.ndarray], list[dict[str, Any]]]
    if asked.mode == "reference":
        generate = SamAutomaticMaskGenerator(Sam(*modules), **settings).generate
    else:
        network = PromptedNetwork(official.Sam(*modules), torch.float32, {})
        generate = MaskGenerator(network, SamConfig(mode=asked.mode, **settings)).records
    before_mb, started = resident_mb(), time.perf_counter()
    records = generate(image)
    seconds = time.perf_counter() - started
    memory_mb = peak_mb() - before_mb
    masks = np.array([np.packbits(record["segmentation"]) for record in records])
    np.savez(asked.folder / f"{asked.mode}.npz", masks=masks, seconds=seconds, memory_mb=memory_mb)


class Counting:
    """A network that counts the points it is asked at."""

    def __init__(self, network: MaskNetwork) -> None:
        self.network, self.n_asked = network, 0

    def embed(self, image: np.ndarray) -> Embedding:
        return self.network.embed(image)

    def decode(self, embedding: Embedding, prompts: Prompts) -> Candidates:
        self.n_asked += len(prompts.points_xy)
        return self.network.decode(embedding, prompts)


def recall(asked: argparse.Namespace) -> None:
    """Compare fast and exact mode over scenes at the side that the network was trained at."""
    network = Counting(official.load(asked.weights, MachineConfig(device="cpu")))
    settings = settings_of(asked)
    n_masks, n_kept, n_asked = 0, 0, []
    for seed in range(asked.scenes):
        image = render(CATEGORIES[seed % len(CATEGORIES)], np.random.default_rng(seed)).image
        found = {}
        for mode in ("exact", "fast"):
            network.n_asked = 0
            masks = MaskGenerator(network, SamConfig(mode=mode, **settings))(image)
            found[mode] = np.array([mask.pixels().ravel() for mask in masks], dtype=np.float32)
            n_asked.append(network.n_asked)
        if len(found["exact"]):
            n_masks += len(found["exact"])
            n_kept += int((overlaps(found["exact"], found["fast"]) >= 0.9).any(axis=1).sum())
    share = sum(n_asked[1::2]) / sum(n_asked[::2])
    print(
        f"{asked.scenes} scenes: {n_kept / n_masks:.1%} of {n_masks} masks of the exact mode at "
        f"IoU ≥ 0.9, with {share:.0%} of the points asked"
    )


def settings_of(asked: argparse.Namespace) -> dict[str, Any]:
    """The network's thresholds, lying beside its weights."""
    settings: dict[str, Any] = json.loads(asked.weights.with_suffix(".json").read_text())
    return settings | {"points_per_side": asked.points}


def resident_mb() -> float:
    """Memory that this process takes now, on Linux."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6


def unpacked(found: Any) -> np.ndarray:
    return np.unpackbits(found["masks"], axis=-1).astype(np.float32)


def overlaps(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """IoU of each mask with each."""
    both = one @ other.T
    return both / (one.sum(axis=1)[:, None] + other.sum(axis=1) - both)


if __name__ == "__main__":
    main()
