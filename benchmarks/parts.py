"""Agreement of the embedded profile's parts with the truth of rendered scenes.

For each category: of the true parts of normal scenes larger than a cell, how much the best found
part overlaps them (mean IoU), which share is found at IoU 0.5, and in which share of the scenes
every class that the references agree on is found as often as in the references.

    python benchmarks/parts.py [--scenes 20] [--shots 4] [--seed 0]
"""

from __future__ import annotations

import argparse

import cv2
import numpy as np

from engine.inspector import Inspector
from engine.report import Report
from engine.synthetic.scenes import CATEGORIES, Scene, render

MIN_AREA_PX = 64  # of the working image: one cell


def overlaps(scene: Scene, report: Report) -> list[float]:
    """IoU of each true part, seen in the registered working image, with the best found part."""
    labels = report.aligned.parts.labels
    truth = cv2.warpAffine(
        scene.part_map.astype(np.float32),
        report.to_image,
        labels.shape[::-1],
        flags=cv2.INTER_NEAREST | cv2.WARP_INVERSE_MAP,
    ).astype(np.int64)
    found = []
    for part in np.unique(truth[truth > 0]):
        mask = truth == part
        if mask.sum() < MIN_AREA_PX:
            continue
        candidates = np.unique(labels[mask & (labels >= 0)])
        ious = [(mask & (labels == c)).sum() / (mask | (labels == c)).sum() for c in candidates]
        found.append(max(ious, default=0.0))
    return found


def has_usual_counts(report: Report, references: np.ndarray) -> bool:
    is_agreed = (np.ptp(references, axis=0) == 0) & ~report.aligned.is_background_class
    return bool((report.aligned.counts == references[0])[is_agreed].all())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--scenes", type=int, default=20)
    parser.add_argument("--shots", type=int, default=4)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    print("| category | classes | mean IoU | found at IoU 0.5 | scenes with the usual counts |")
    print("|---|---|---|---|---|")
    for category in CATEGORIES:
        rng = np.random.default_rng([options.seed, CATEGORIES.index(category)])
        inspector = Inspector().fit([render(category, rng).image for _ in range(options.shots)])
        references = np.array([view.counts for view in inspector.fitted.references])
        ious, usual = [], []
        for _ in range(options.scenes):
            scene = render(category, rng)
            report = inspector.inspect(scene.image)
            ious += overlaps(scene, report)
            usual.append(has_usual_counts(report, references))
        n_classes = len(inspector.fitted.class_names)
        mean, found = np.mean(ious), np.mean(np.array(ious) >= 0.5)
        print(f"| {category} | {n_classes} | {mean:.2f} | {found:.0%} | {np.mean(usual):.0%} |")


if __name__ == "__main__":
    main()
