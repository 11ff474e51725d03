"""How far another light, blur, noise or place of the test images moves the AUROC.

    python benchmarks/light.py ROOT... [--category NAME]... [--shots 4] [--seeds 42,0,1234]
        [--profile cnn]

ROOT are data sets as `partwise bench` reads them. Fits once for each category and seed on
unchanged references, then judges the test images as they are and under each kind of
`bench --perturb`, by itself and together. Prints the mean AUROC over seeds and its difference to
that of the images as they are, and how many normal images are taken for anomalies at the learnt
threshold.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from machine import machine, use_one_thread

use_one_thread()

import numpy as np

from engine.benchmark.datasets import Category, find_categories
from engine.benchmark.metrics import auroc
from engine.benchmark.protocol import KINDS, SEEDS, TOGETHER, Perturbation, pick_references
from engine.config import Config
from engine.inspector import Inspector
from features.image_files import read_image

STILL = "as they are"
PROFILES = ("embedded", "cnn")
NAMES = (STILL, *KINDS, *TOGETHER)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("roots", nargs="+", type=Path)
    parser.add_argument("--category", action="append")
    parser.add_argument("--shots", type=int, default=4)
    parser.add_argument("--seeds", default=",".join(map(str, SEEDS)))
    parser.add_argument("--profile", default="cnn", choices=PROFILES)
    asked = parser.parse_args()
    config = Config(profile=asked.profile)
    seeds = [int(seed) for seed in asked.seeds.split(",")]
    title = f"profile {asked.profile}, k = {asked.shots}, seeds {asked.seeds}"
    print(f"{machine()}; {title}", flush=True)
    table: dict[str, np.ndarray] = {}
    for root in asked.roots:
        for category in find_categories(root, asked.category):
            runs = [figures(category, asked.shots, seed, config) for seed in seeds]
            table[category.name] = np.mean(runs, axis=0)
            show({category.name: table[category.name]})
    if len(table) > 1:
        show(table | {"mean": np.mean(list(table.values()), axis=0)})


def figures(category: Category, shots: int, seed: int, config: Config) -> list[tuple[float, float]]:
    """AUROC, and the share of normal images above the threshold, under each perturbation."""
    references = [read_image(path) for path in pick_references(category, shots, seed)]
    inspector = Inspector(config).fit(references)
    images = [read_image(sample.path) for sample in category.test]
    labels = np.array([sample.is_anomalous for sample in category.test])
    return [measure(inspector, images, labels, name) for name in NAMES]


def measure(
    inspector: Inspector, images: Sequence[np.ndarray], labels: np.ndarray, name: str
) -> tuple[float, float]:
    perturbation = None if name == STILL else Perturbation.of([name])
    reports = [
        inspector.inspect(perturbation.apply(image, index) if perturbation else image)
        for index, image in enumerate(images)
    ]
    totals = np.array([report.total for report in reports])
    is_above = np.array([report.total > report.threshold for report in reports])
    return auroc(labels, totals), float(is_above[~labels].mean())


def show(table: dict[str, np.ndarray]) -> None:
    print("\n| AUROC, difference, false alarms |", " | ".join(table), "|")
    print("|---|" + "---|" * len(table))
    for row, name in enumerate(NAMES):
        cells = [
            f"{each[row, 0]:.3f}, {each[row, 0] - each[0, 0]:+.3f}, {each[row, 1]:.0%}"
            for each in table.values()
        ]
        print(f"| {name} |", " | ".join(cells), "|", flush=True)


if __name__ == "__main__":
    main()
