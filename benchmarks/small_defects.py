"""How well what is small is told from nothing: dots and hairlines drawn on normal photographs.

    python benchmarks/small_defects.py ROOT... [--category NAME]... [--shots 4] [--seeds 42]

ROOT are data sets as `partwise bench` reads them. On each normal photograph that is no reference a
dot is drawn, 12 px wide were the longer side 1,024 px, and on another copy a crack, 2 px wide and
110 px long: at most 0.02 % of the area. Printed are the AUROC of the totals against those of the
photographs as they are, with the closer look of the profile cnn and without, and the seconds for
an image.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path

from machine import machine, use_one_thread

use_one_thread()

import cv2
import numpy as np

from alignment.network_view import NetworkViewConfig
from engine.benchmark.datasets import Category, find_categories
from engine.benchmark.metrics import auroc
from engine.benchmark.protocol import pick_references
from engine.config import Config
from engine.inspector import Inspector
from features.image_files import read_image
from features.images import AnyImage

NOMINAL_PX, DOT_PX, CRACK_PX, CRACK_LENGTH_PX = 1024, 12, 2, 110
N_NORMAL = 30
# sub-pixels of OpenCV's drawing
SHIFT = 4
LOOKS = {
    "closer": Config(profile="cnn"),
    "once": Config(profile="cnn", network_view=NetworkViewConfig(detail="off")),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("roots", nargs="+", type=Path)
    parser.add_argument("--category", action="append")
    parser.add_argument("--shots", type=int, default=4)
    parser.add_argument("--seeds", default="42")
    asked = parser.parse_args()
    seeds = [int(seed) for seed in asked.seeds.split(",")]
    print(f"{machine()}; k = {asked.shots}, seeds {asked.seeds}\n", flush=True)
    print("| set | pixels |", " | ".join(f"{look}: dot, crack, seconds" for look in LOOKS), "|")
    print("|---|---|" + "---|" * len(LOOKS))
    for root in asked.roots:
        for category in find_categories(root, asked.category):
            height, width = read_image(category.train[0]).shape[:2]
            cells = []
            for config in LOOKS.values():
                found = [figures(category, asked.shots, seed, config) for seed in seeds]
                dot, crack, seconds = np.mean(found, axis=0)
                cells.append(f"{dot:.3f}, {crack:.3f}, {seconds:.2f}")
            print(f"| {category.name} | {width} × {height} |", " | ".join(cells), "|", flush=True)


def figures(
    category: Category, shots: int, seed: int, config: Config
) -> tuple[float, float, float]:
    """AUROC of dots and of cracks, and the seconds for an image."""
    references = pick_references(category, shots, seed)
    inspector = Inspector(config).fit([read_image(path) for path in references])
    normal = [sample.path for sample in category.test if not sample.is_anomalous]
    normal += [path for path in category.train if path not in references]
    images = [read_image(path) for path in normal[:N_NORMAL]]
    started = time.perf_counter()
    calm = totals(inspector, images, lambda image, _: image)
    seconds = (time.perf_counter() - started) / len(images)
    labels = np.repeat([False, True], len(images))
    dots, cracks = (
        auroc(labels, np.concatenate([calm, totals(inspector, images, draw)]))
        for draw in (with_dot, with_crack)
    )
    return dots, cracks, seconds


def totals(
    inspector: Inspector,
    images: list[AnyImage],
    draw: Callable[[AnyImage, np.random.Generator], AnyImage],
) -> np.ndarray:
    """Judge all images, each with what is drawn at a place of its own."""
    drawn = [draw(image, np.random.default_rng(index)) for index, image in enumerate(images)]
    return np.array([inspector.inspect(image).total for image in drawn])


def with_dot(image: AnyImage, rng: np.random.Generator) -> AnyImage:
    """Draw a dot in the middle part, dark on what is bright and bright on what is dark."""
    (height, width), scale = image.shape[:2], max(image.shape) / NOMINAL_PX
    x, y = rng.uniform(0.3, 0.7, 2) * (width, height)
    center = round(x * 2**SHIFT), round(y * 2**SHIFT)
    cover = np.zeros((height, width), dtype=np.uint8)
    radius = round(DOT_PX / 2 * scale * 2**SHIFT)
    cv2.circle(cover, center, radius, 255, -1, cv2.LINE_AA, SHIFT)
    return painted(image, cover, image[int(y), int(x)])


def with_crack(image: AnyImage, rng: np.random.Generator) -> AnyImage:
    """Draw a crooked line in the middle part."""
    (height, width), scale = image.shape[:2], max(image.shape) / NOMINAL_PX
    point, angle = rng.uniform(0.35, 0.65, 2) * (width, height), rng.uniform(0, 2 * np.pi)
    points = [point]
    for _ in range(8):
        angle += rng.normal(0, 0.4)
        step = CRACK_LENGTH_PX / 8 * scale * np.array([np.cos(angle), np.sin(angle)])
        points.append(points[-1] + step)
    cover = np.zeros((height, width), dtype=np.uint8)
    line = np.rint(np.array(points) * 2**SHIFT).astype(np.int32)
    cv2.polylines(cover, [line], False, 255, max(1, round(CRACK_PX * scale)), cv2.LINE_AA, SHIFT)
    return painted(image, cover, image[cover > 0].mean(axis=0))


def painted(image: AnyImage, cover: np.ndarray, ground: np.ndarray) -> AnyImage:
    """Paint what is covered in another brightness than the ground, with an edge as lenses make."""
    color = ground * 0.3 if ground.mean() > 70 else ground * 0.4 + 120
    share = cv2.GaussianBlur(cover, (0, 0), 0.6)[..., None] / 255
    return np.clip(image * (1 - share) + color * share, 0, 255).astype(np.uint8)


if __name__ == "__main__":
    main()
