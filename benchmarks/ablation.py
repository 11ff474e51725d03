"""Ablation of the total: what each of its ingredients adds.

Fits and inspects once for each category and seed, then adds the scores up in different ways: all
active scores, without each of them, each score alone, and the published seven.

    python benchmarks/ablation.py ROOT [ROOT...] [--category NAME]... [--shots 4] [--seeds 42,0]

LOCO categories are judged on their logical anomalies, others on all.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np

from engine.benchmark.datasets import Category, find_categories
from engine.benchmark.metrics import auroc, f1_max, floor_f1
from engine.benchmark.protocol import pick_references
from engine.config import Config
from engine.inspector import Inspector
from engine.normalisation import OF_NETWORK, Normaliser, weigh
from engine.scores import SCORES, SEVEN, Reading, score_all
from features.image_files import read_image

Sums = dict[str, tuple[str, ...]]


def sums_to_compare(active: tuple[str, ...]) -> Sums:
    without = {f"without {name}": tuple(n for n in active if n != name) for name in active}
    read = [each.name for each in SCORES if each.name in active or each.name not in OF_NETWORK]
    alone = {f"{name} alone": (name,) for name in read}
    return {"default": active, **without, "the seven": SEVEN, **alone}


def figures(category: Category, shots: int, seed: int) -> dict[str, tuple[float, float, float]]:
    """Return F1-max, AUROC and the floor of each way to add up."""
    references = [read_image(path) for path in pick_references(category, shots, seed)]
    inspector = Inspector(Config()).fit(references)
    samples = [each for each in category.test if each.group != "structural_anomalies"]
    labels = np.array([each.is_anomalous for each in samples])
    readings = [
        {name: Reading(value) for name, value in report.scores.items()}
        for report in (inspector.inspect(read_image(each.path)) for each in samples)
    ]
    compared, _ = inspector.compare_normal(inspector.fitted.samples, references)
    normal = [score_all(each, inspector.config.scores) for each in compared]
    found = {}
    for title, names in sums_to_compare(inspector.config.counted_scores).items():
        weights = weigh(
            inspector.config.normalisation,
            inspector.config.scores,
            names,
            inspector.pose.residual_,
            normal,
        )
        normaliser: Normaliser = replace(inspector.fitted.normaliser, weights=weights)
        totals = np.array([normaliser.total(each) for each in readings])
        found[title] = (f1_max(labels, totals)[0], auroc(labels, totals), floor_f1(labels))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("roots", nargs="+", type=Path)
    parser.add_argument("--category", action="append")
    parser.add_argument("--shots", type=int, default=4)
    parser.add_argument("--seeds", default="42,0,1234")
    options = parser.parse_args()
    cv2.setNumThreads(1)

    table: dict[str, dict[str, np.ndarray]] = {}
    for root in options.roots:
        for category in find_categories(root, options.category):
            runs = [figures(category, options.shots, int(s)) for s in options.seeds.split(",")]
            for title in runs[0]:
                mean = np.mean([run[title] for run in runs], axis=0)
                table.setdefault(title, {})[category.name] = mean

    names = list(next(iter(table.values())))
    print("| F1-max / AUROC |", " | ".join(names), "| mean |")
    print("|---|" + "---|" * (len(names) + 1))
    floor = [table["default"][name][2] for name in names]
    print("| floor |", " | ".join(f"{f:.3f}" for f in floor), f"| {np.mean(floor):.3f} |")
    for title, row in table.items():
        mean = np.mean([row[name] for name in names], axis=0)
        cells = [f"{row[name][0]:.3f} / {row[name][1]:.3f}" for name in names]
        print(f"| {title} |", " | ".join(cells), f"| {mean[0]:.3f} / {mean[1]:.3f} |")


if __name__ == "__main__":
    main()
