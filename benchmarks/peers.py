"""Speed of the profile ``foundation-fast`` beside the methods of anomalib.

    pip install anomalib open-clip-torch
    python benchmarks/peers.py [FOLDER] [--images 8]

In one run, turn and turn about on all cores: a photograph through ``foundation-fast`` (DINOv2-S at
518 × 518), through anomalib's AnomalyDINO (same backbone, size and references) and through its
WinCLIP (4 references). Weights are random: speed does not depend on them. The peers get tensors of
their size; Partwise gets the photograph as it comes. FOLDER holds photographs, of which the first
are references; without it trays are rendered.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from machine import machine, use_one_thread

use_one_thread()  # of NumPy: the search runs one reference in each thread

import numpy as np
import torch
from speed import read, render_into

from engine import Inspector
from engine.config import Config
from features.device import MachineConfig, Precision, Runtime
from features.sam import SamConfig
from features.vit import VitConfig

SIDE_PX = 518
ASSETS = Path(__file__).parents[1] / "tests" / "assets"
# cuts the references only, which is not timed
SAM = {"weights": str(ASSETS / "sam-mini.safetensors"), "points_per_side": 8}
RUNTIMES: tuple[tuple[Runtime, Precision], ...] = (
    ("torch", "fp32"),
    ("openvino", "fp32"),
    ("openvino", "bf16"),
)
Judge = Callable[[np.ndarray], Any]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path, nargs="?")
    parser.add_argument("--images", type=int, default=8, metavar="N")
    asked = parser.parse_args()
    warnings.filterwarnings("ignore")
    torch.set_num_threads(os.cpu_count() or 1)
    print(machine())
    with tempfile.TemporaryDirectory() as made, torch.inference_mode():
        folder = asked.folder or render_into(Path(made))
        images = read(folder, 8 + asked.images)
        compare(Path(made) / "dinov2", images[:8], images[8:])


def compare(weights: Path, references: list[np.ndarray], tests: list[np.ndarray]) -> None:
    save_dinov2(weights)
    judges: dict[str, Judge] = {}
    backbones: dict[str, list[float]] = {}
    for k in (4, 8):
        for runtime, precision in RUNTIMES:
            name = f"foundation-fast, {runtime} {precision}, k = {k}"
            on = MachineConfig(runtime=runtime, precision=precision)
            judges[name], backbones[name] = foundation_fast(weights, references[:k], on)
    judges["AnomalyDINO, k = 8"] = anomaly_dino(references)
    judges["WinCLIP, k = 4"] = winclip(references[:4])

    seconds = dict.fromkeys(judges, ())
    for index, image in enumerate([tests[0], *tests]):  # the first warms up
        for name, judge in judges.items():
            started = time.perf_counter()
            judge(image)
            if index:
                seconds[name] += (time.perf_counter() - started,)
    report(seconds, backbones)


def report(seconds: dict[str, tuple[float, ...]], backbones: dict[str, list[float]]) -> None:
    dino, clip = (
        statistics.median(seconds[name]) for name in ("AnomalyDINO, k = 8", "WinCLIP, k = 4")
    )
    n_images = len(seconds["WinCLIP, k = 4"])
    torch_forward = statistics.median(backbones["foundation-fast, torch fp32, k = 8"][-n_images:])
    for name, each in seconds.items():
        middle = statistics.median(each)
        line = f"{name:37} {1000 * middle:6.0f} ms an image ({1000 * min(each):.0f} at best)"
        if name in backbones:
            forward = backbones[name][-n_images:]
            around = statistics.median(a - b for a, b in zip(each, forward, strict=True))
            line += (
                f"; backbone {1000 * statistics.median(forward):.0f}, around it {1000 * around:.0f}"
                f" = {around / torch_forward:.1%} of the pass in PyTorch;"
                f" {clip / middle:.1f}× WinCLIP, {dino / middle:.2f}× AnomalyDINO"
            )
        print(line)


def save_dinov2(folder: Path) -> None:
    from transformers import Dinov2Config, Dinov2Model

    settings = Dinov2Config(
        hidden_size=384, num_attention_heads=6, num_hidden_layers=12, image_size=SIDE_PX
    )
    settings.patch_size = 14
    Dinov2Model(settings).save_pretrained(folder)


def foundation_fast(
    weights: Path, references: list[np.ndarray], on: MachineConfig
) -> tuple[Judge, list[float]]:
    """Return what judges an image, and a list that fills with the seconds of its backbone."""
    inspector = Inspector(
        Config(
            profile="foundation-fast",
            vit=VitConfig(weights=str(weights), input_px=SIDE_PX, shape="square"),
            sam=SamConfig(**json.loads((ASSETS / "sam-mini.json").read_text()) | SAM),
            machine=on,
        )
    ).fit(references)
    backbone, seconds = inspector.backbone, []

    class Timed:
        def __call__(self, *args: Any) -> Any:
            started = time.perf_counter()
            dense = backbone(*args)
            seconds.append(time.perf_counter() - started)
            return dense

    inspector.backbone = Timed()
    return inspector.inspect, seconds


@contextmanager
def without_weights(module: Any, name: str, argument: str) -> Iterator[None]:
    """Let a library make its networks with random weights instead of fetching some."""
    make = getattr(module, name)
    setattr(module, name, lambda *args, **given: make(*args, **given | {argument: None}))
    yield
    setattr(module, name, make)


def anomaly_dino(references: list[np.ndarray]) -> Judge:
    import timm
    from anomalib.models.image.anomaly_dino.torch_model import AnomalyDINOModel

    with without_weights(timm, "create_model", "pretrained"):
        model = AnomalyDINOModel()
    to_tensor = partial(as_tensor, side_px=SIDE_PX)
    model.train()
    for reference in references:
        model(to_tensor(reference))
    model.fit()
    model.eval()
    return lambda image: model(to_tensor(image))


def winclip(references: list[np.ndarray]) -> Judge:
    import open_clip
    from anomalib.models.image.winclip.torch_model import WinClipModel

    with without_weights(open_clip, "create_model_and_transforms", "pretrained"):
        model = WinClipModel()
    to_tensor = partial(as_tensor, side_px=240)
    model.eval()
    model.setup("part", torch.cat([to_tensor(reference) for reference in references]))
    return lambda image: model(to_tensor(image))


def as_tensor(image: np.ndarray, side_px: int) -> torch.Tensor:
    import cv2

    small = cv2.resize(image, (side_px, side_px), interpolation=cv2.INTER_AREA)
    return torch.from_numpy(small).permute(2, 0, 1)[None].float() / 255


if __name__ == "__main__":
    sys.exit(main())
