"""Search for the instances of a class that was painted once, on one reference.

On rendered scenes: of each true class, one instance is painted on the first of four references; of
its instances on other normal scenes, which share is found (IoU 0.5 or more), how well do the masks
agree, how many finds are none, and in which share of the scenes is the count right?

    python benchmarks/painted_classes.py [--scenes 8] [--seed 0]

On photographs: a polygon is painted, and counts are compared with a number, or with a table of file
names and marks of which each "1" is one thing.

    python benchmarks/painted_classes.py --references DIR --reference NAME --polygon "X,Y X,Y ..." \
        --images DIR --expected 4
"""

from __future__ import annotations

import argparse
import csv
import os
import time
from pathlib import Path

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(name, "1")

import cv2
import numpy as np

from alignment.painted_classes import detect
from engine.editing import Add, class_rows, edited
from engine.inspector import Inspector
from engine.regions.outlines import from_polygon, parse_polygon
from engine.report import Examination
from engine.synthetic.scenes import CATEGORIES, Scene, class_names, render
from features.image_files import list_images, read_image
from features.region import Region

N_REFERENCES = 4
MIN_AREA_PX = 100  # of the working image


def truth_of(scene: Scene, examination: Examination, class_id: int) -> list[np.ndarray]:
    """Masks of all instances of a true class, in the registered working image."""
    size = examination.sample.is_valid.shape[::-1]
    flags = cv2.INTER_NEAREST | cv2.WARP_INVERSE_MAP
    parts, classes = (
        cv2.warpAffine(each.astype(np.float32), examination.to_image, size, flags=flags)
        for each in (scene.part_map, scene.class_map)
    )
    own = [parts == part for part in np.unique(parts[classes == class_id])]
    return [mask for mask in own if mask.sum() >= MIN_AREA_PX]


def overlap(one: np.ndarray, other: np.ndarray) -> float:
    return float((one & other).sum() / max(1, (one | other).sum()))


def rendered(n_scenes: int, seed: int) -> None:
    print("| category | class | found | IoU | false finds a scene | scenes with the right count |")
    print("|---|---|---|---|---|---|")
    for category in CATEGORIES:
        rng = np.random.default_rng([seed, CATEGORIES.index(category)])
        references = [render(category, rng) for _ in range(N_REFERENCES)]
        names = [str(index) for index in range(N_REFERENCES)]
        inspector = Inspector().fit([each.image for each in references], names=names)
        scenes = [render(category, rng) for _ in range(n_scenes)]
        examined = [inspector.examine(scene.image) for scene in scenes]
        first = inspector.examine(references[0].image)
        for class_id, name in enumerate(class_names(category)):
            things = truth_of(references[0], first, class_id) if class_id else []
            if not things:
                continue
            add = Add("painted", inspector.fitted.names.index("0"), Region.of(things[0]))
            painted = edited(inspector, add).classes.painted_[0]
            ious, n_false, n_right = [], 0, 0
            for scene, examination in zip(scenes, examined, strict=True):
                true = truth_of(scene, examination, class_id)
                sample = examination.sample
                found = [each.mask for each in detect(painted, sample.image, sample.is_valid)]
                ious += [max((overlap(mask, each) for each in found), default=0) for mask in true]
                n_false += sum(all(overlap(each, mask) < 0.1 for mask in true) for each in found)
                n_right += len(found) == len(true)
            hits = [iou for iou in ious if iou >= 0.5]
            print(
                f"| {category} | {name} | {len(hits) / max(1, len(ious)):.2f} "
                f"| {np.mean(hits or [0]):.2f} | {n_false / n_scenes:.1f} "
                f"| {n_right / n_scenes:.2f} |",
                flush=True,
            )


def photographed(options: argparse.Namespace) -> None:
    paths = list_images(options.references)[:N_REFERENCES]
    names = [path.name for path in paths]
    inspector = Inspector().fit([read_image(path) for path in paths], names=names)
    index = inspector.fitted.names.index(options.reference)
    height, width = inspector.fitted.working_size
    region = from_polygon(parse_polygon(options.polygon), (height, width))
    painted = edited(inspector, Add("painted", index, region))
    row = class_rows(painted)[-1]
    print(f"counts on the references: {row.counts}")
    expected = {}
    if options.expected and not options.expected.isdecimal():
        with Path(options.expected).open() as file:
            expected = {line[0]: line[1].count("1") for line in list(csv.reader(file))[1:]}
    found, seconds = {}, ([], [])
    for path in list_images(options.images):
        if expected and path.name not in expected:
            continue
        photo = read_image(path)
        for each, spent in zip((inspector, painted), seconds, strict=True):
            started = time.perf_counter()
            examination = each.examine(photo)
            spent.append(time.perf_counter() - started)
        found[path.name] = int(examination.sample.aligned.counts[row.id])
    values, n_images = np.unique(list(found.values()), return_counts=True)
    by_count = zip(values.tolist(), n_images.tolist(), strict=True)
    print("images by count:", ", ".join(f"{count}: {n}" for count, n in by_count))
    if options.expected:
        usual = int(options.expected) if options.expected.isdecimal() else -1
        n_right = sum(count == expected.get(name, usual) for name, count in found.items())
        print(f"right: {n_right} of {len(found)}")
    before, after = (float(np.median(each)) for each in seconds)
    print(f"an image takes {1000 * before:.0f} ms without and {1000 * after:.0f} ms with the class")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--scenes", type=int, default=8)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--references", type=Path)
    parser.add_argument("--reference")
    parser.add_argument("--polygon")
    parser.add_argument("--images", type=Path)
    parser.add_argument("--expected", default="")
    options = parser.parse_args()
    if options.references:
        photographed(options)
    else:
        rendered(options.scenes, options.seed)


if __name__ == "__main__":
    main()
