"""Cost of one image by its size and by the number of references.

    python benchmarks/scaling.py [--sides 256,512,1024,2048,4096] [--shots 1,2,4,8,16,32,64]

Prints two tables, and to each the exponent b of the best fit of milliseconds = c · x^b, where x is
the image's area or the number of references: 1 is linear, below 1 less. Large images are encoded
as JPEG, and what is timed is the whole of it: decoding, shrinking to the working size, judging.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from machine import machine, use_one_thread

use_one_thread()

import cv2
import numpy as np

from engine import Inspector
from engine.synthetic.scenes import render
from features import read_image

N_REPEATS = 5


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--sides", type=numbers, default=[256, 512, 1024, 2048, 4096])
    parser.add_argument("--shots", type=numbers, default=[1, 2, 4, 8, 16, 32, 64])
    asked = parser.parse_args()
    print(machine())
    with tempfile.TemporaryDirectory() as folder:
        by_size(asked.sides, Path(folder))
    by_shots(asked.shots)


def numbers(text: str) -> list[int]:
    return [int(each) for each in text.split(",")]


def by_size(sides: list[int], folder: Path) -> None:
    """Time square images of growing sides, with 4 references, whole and without the reading."""
    inspector = Inspector().fit([square(seed, 512) for seed in range(4)])
    print("\n  side      area   read and judge   judge alone   box of the worst place")
    whole = []
    for side in sides:
        path = folder / f"{side}.jpg"
        cv2.imwrite(str(path), square(9, side)[..., ::-1])
        whole.append(milliseconds(lambda path=path: inspector.inspect(read_image(path))))
        image = read_image(path)
        alone = milliseconds(lambda image=image: inspector.inspect(image))
        report = inspector.inspect(image)
        assert report.image_size == (side, side)
        box = next((each.box_xyxy for each in report.deviations if each.box_xyxy), "none")
        area = f"{side * side / 1e6:.2f} MP"
        print(f"{side:6d}{area:>10}{whole[-1]:14.1f} ms{alone:11.1f} ms   {box}")
    print(f"exponent of the area: {exponent([side * side for side in sides], whole):.2f}")


def by_shots(shots: list[int]) -> None:
    """Time rendered trays against growing numbers of references."""
    references = [tray(seed) for seed in range(max(shots))]
    test = tray(10_000)
    print("\n     k        fit       judge")
    judged = []
    for k in shots:
        started = time.perf_counter()
        inspector = Inspector().fit(references[:k])
        fitted = time.perf_counter() - started
        judged.append(milliseconds(lambda inspector=inspector: inspector.inspect(test)))
        print(f"{k:6d}{fitted:9.2f} s{judged[-1]:9.1f} ms")
    print(f"exponent of k: {exponent(shots, judged):.2f}")


def tray(seed: int) -> np.ndarray:
    return render("pins", np.random.default_rng(seed)).image


def square(seed: int, side: int) -> np.ndarray:
    return cv2.resize(tray(seed), (side, side), interpolation=cv2.INTER_CUBIC)


def milliseconds(call: Callable[[], object]) -> float:
    """Median of a few calls, after one that warms up."""
    call()
    taken = []
    for _ in range(N_REPEATS):
        started = time.perf_counter()
        call()
        taken.append(1000 * (time.perf_counter() - started))
    return statistics.median(taken)


def exponent(sizes: list[int], costs: list[float]) -> float:
    if len(sizes) < 2:
        return float("nan")
    return float(np.polyfit(np.log(sizes), np.log(costs), 1)[0])


if __name__ == "__main__":
    main()
