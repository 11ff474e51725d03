"""Masks of things that are only roughly known: how exact, and how fast.

    python benchmarks/region_masks.py [--rolls 16] [--methods threshold grabcut random_walker]
                                      [--data ../shared/data/cookies] [--plates 16]

Draws rolls of cloth with four defects and two buttons on each, and disturbs the true masks in four
ways, as coarse proposals are: dilated by 4 … 12 px; shifted by 3 … 6 px and dilated by 4; grown to
the cells of a 16 px grid; a quarter missing, the rest dilated by 5. Prints for each method, kind of
thing and disturbance the mean IoU with the truth, that of the rough mask in brackets, and the
milliseconds of processor time a thing (median and largest). With a data set laid out as MVTec LOCO,
its masks of defects are disturbed alike, as far as they are regions of the photograph.
"""

from __future__ import annotations

import argparse
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from machine import machine, use_one_thread

use_one_thread()

import cv2
import numpy as np

from engine.regions.outlines import from_mask_file
from engine.regions.segmentation import refine
from engine.regions_config import SegmentationConfig
from engine.synthetic.cloth import BUTTONS, DEFECTS, draw_cloth, render_cloth
from features.image_files import read_image
from features.images import Image, Mask
from features.region import Region, RegionError

FIRST_ROLL = 500
CELL_PX = 16
MIN_FILL = 0.02  # of a cell that a proposal takes
MISSING = 0.25

Thing = tuple[Image, str, Region]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rolls", type=int, default=16, metavar="N")
    parser.add_argument("--plates", type=int, default=16, metavar="N", help="images of DATA")
    parser.add_argument("--data", type=Path, help="a data set with masks")
    parser.add_argument("--methods", nargs="+", default=["threshold", "grabcut", "random_walker"])
    asked = parser.parse_args()
    print(machine())
    things = list(cloth(asked.rolls))
    if asked.data:
        things += photographs(asked.data, asked.plates)
    for method in asked.methods:
        measure(things, SegmentationConfig(method=method))


def cloth(n_rolls: int) -> Iterator[Thing]:
    for roll in range(n_rolls):
        buttons = BUTTONS[roll % 4], BUTTONS[(roll + 1) % 4]
        photo = render_cloth(draw_cloth(FIRST_ROLL + roll), roll, [*DEFECTS, *buttons])
        for item in photo.items:
            yield photo.image, item.name.partition("-")[0], item.region


def photographs(folder: Path, n_images: int) -> Iterator[Thing]:
    masks = sorted((folder / "ground_truth").glob("*/*_mask.png"))
    for path in masks[:n_images]:
        stem = path.stem.removesuffix("_mask")
        (image_path,) = (folder / "test" / path.parent.name).glob(f"{stem}.*")
        image = read_image(image_path)
        try:
            yield image, path.parent.name, from_mask_file(path, image.shape[:2])
        except RegionError as error:
            print(f"left out: {error}")


def measure(things: list[Thing], config: SegmentationConfig) -> None:
    rng = np.random.default_rng(0)
    iou, rough_iou, seconds = defaultdict(list), defaultdict(list), defaultdict(list)
    for image, kind, truth in things:
        for way, mask in disturbed(truth.over(image.shape[:2]), rng):
            rough = Region.of(mask)
            start = time.process_time()
            refined = refine(image, rough, config=config)
            seconds[kind].append(time.process_time() - start)
            iou[kind, way].append(refined.iou(truth))
            rough_iou[kind, way].append(rough.iou(truth))
    print(f"\n{config.method}")
    for kind in seconds:
        ways = [way for of, way in iou if of == kind]
        cells = [f"{way} {mean(iou[kind, way])} ({mean(rough_iou[kind, way])})" for way in ways]
        overall = mean([value for way in ways for value in iou[kind, way]])
        milliseconds = 1e3 * np.array(seconds[kind])
        cells += [
            f"all {overall}",
            f"{np.median(milliseconds):.1f} … {milliseconds.max():.1f} ms",
        ]
        print(f"  {kind:14}", "  ".join(cells), flush=True)


def mean(values: list[float]) -> str:
    return f"{np.mean(values):.2f}"


def disturbed(truth: Mask, rng: np.random.Generator) -> Iterator[tuple[str, Mask]]:
    """Make of a true mask what coarse proposals may be."""
    yield "dilated", dilated(truth, int(rng.integers(4, 13)))
    angle, step = rng.uniform(0, 2 * np.pi), rng.uniform(3, 6)
    x, y = round(step * np.cos(angle)), round(step * np.sin(angle))
    yield "shifted", dilated(shifted(truth, x, y), 4)
    yield "blocky", blocky(truth)
    rows, columns = np.nonzero(truth)
    angle = rng.uniform(0, 2 * np.pi)
    place = columns * np.cos(angle) + rows * np.sin(angle)
    is_kept = place <= np.quantile(place, 1 - MISSING)
    partial = np.zeros_like(truth)
    partial[rows[is_kept], columns[is_kept]] = True
    yield "partial", dilated(partial, 5)


def dilated(mask: Mask, radius_px: int) -> Mask:
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius_px + 1,) * 2)
    return cv2.dilate(mask.astype(np.uint8), kernel).astype(bool)


def shifted(mask: Mask, x: int, y: int) -> Mask:
    moved = np.roll(mask, (y, x), axis=(0, 1))
    return moved if moved.any() else mask


def blocky(mask: Mask) -> Mask:
    height, width = mask.shape
    padded = np.pad(mask, ((0, -height % CELL_PX), (0, -width % CELL_PX)))
    rows, columns = (side // CELL_PX for side in padded.shape)
    fill = padded.reshape(rows, CELL_PX, columns, CELL_PX).mean(axis=(1, 3))
    cells = (fill > min(MIN_FILL, fill.max() / 2)).repeat(CELL_PX, 0).repeat(CELL_PX, 1)
    return cells[:height, :width]


if __name__ == "__main__":
    main()
