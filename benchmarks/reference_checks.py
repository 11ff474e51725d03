"""How often references are named without a reason, and with one.

    python benchmarks/reference_checks.py DATA... [--shots 3 4 8] [--seeds 6]

DATA are folders in the layout of MVTec AD. Prints, over all of them, how many pairs of photographs
of ``train/good`` are taken for copies, how many copies made of them are found (JPEG, scaled, moved,
cropped, turned), and how many draws of references have one that is named as odd: of good ones, and
of draws of which one is a photograph of a defect. Last, how far a copy among the references moves
the threshold.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from machine import machine, use_one_thread

use_one_thread()

import cv2
import numpy as np

from alignment.twins import find_twins
from engine import Inspector
from features import list_images, read_image
from features.images import AnyImage

N_PHOTOGRAPHS, EVERY = 12, 4


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("data", type=Path, nargs="+")
    parser.add_argument("--shots", type=int, nargs="+", default=[3, 4, 8])
    parser.add_argument("--seeds", type=int, default=6)
    asked = parser.parse_args()
    print(machine())
    for folder in asked.data:
        good = [read_image(path) for path in list_images(folder / "train" / "good")]
        bad = [path for kind in defects(folder) for path in list_images(kind)]
        print(folder.name, *look(good, bad, asked.shots, asked.seeds), sep="\n  ", flush=True)


def defects(folder: Path) -> list[Path]:
    kinds = sorted(path for path in (folder / "test").iterdir() if path.is_dir())
    return [path for path in kinds if path.name != "good"]


def look(good: list[AnyImage], bad: list[Path], shots: list[int], n_seeds: int) -> Iterator[str]:
    first = good[:N_PHOTOGRAPHS]
    twins = find_twins(first)
    yield f"taken for copies among {len(first)} photographs: {len(twins)}"
    first = [image for index, image in enumerate(first) if index not in twins]
    found: Counter[str] = Counter()
    for image in first[::EVERY]:
        others = [each for each in first if each is not image][:3]
        for kind, copy in copies(image).items():
            # 0 is the photograph itself, 1 its copy
            found[kind] += any(
                {*pair} == {0, 1} for pair in find_twins([image, copy, *others]).items()
            )
    asked = len(first[::EVERY])
    yield "copies found: " + ", ".join(f"{kind} {found[kind]}/{asked}" for kind in copies(first[0]))
    for k in shots:
        named = {"good": 0, "one of them defective": 0}
        moved = []
        for seed in range(n_seeds):
            rng = np.random.default_rng([seed, k])
            chosen = [good[index] for index in rng.permutation(len(good))[:k]]
            inspector = Inspector().fit(chosen)
            named["good"] += is_odd_named(inspector)
            odd = read_image(bad[rng.integers(len(bad))])
            names = ["odd", *map(str, range(1, k))]
            inspector_odd = Inspector().fit([odd, *chosen[1:]], names=names)
            named["one of them defective"] += is_odd_named(inspector_odd, "odd")
            twice = Inspector().fit([*chosen, copies(chosen[0])["JPEG 90"]])
            moved.append(twice.fitted.threshold / inspector.fitted.threshold)
        told = ", ".join(f"{what} {n}/{n_seeds}" for what, n in named.items())
        span = f"× {min(moved):.2f} … {max(moved):.2f}"
        yield f"k = {k}: named as odd: {told}; threshold with a copy {span}"


def is_odd_named(inspector: Inspector, name: str | None = None) -> bool:
    odd = [each for each in inspector.fitted.warnings if each.kind == "odd"]
    return any(name in (None, *each.names) for each in odd)


def copies(image: AnyImage) -> dict[str, AnyImage]:
    height, width = image.shape[:2]
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), 2, 1)
    half = (width // 2, height // 2)
    rows, columns = height // 50, width // 50
    return {
        "JPEG 90": jpeg(image, 90),
        "JPEG 60": jpeg(image, 60),
        "half": np.asarray(cv2.resize(image, half, interpolation=cv2.INTER_AREA)),
        "moved": np.roll(image, (3, -5), (0, 1)),
        "cropped": image[rows:-rows, columns:-columns].copy(),
        "turned": np.asarray(cv2.warpAffine(image, turn, (width, height), borderMode=1)),
    }


def jpeg(image: AnyImage, quality: int) -> AnyImage:
    _, packed = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return np.asarray(cv2.imdecode(packed, cv2.IMREAD_COLOR))


if __name__ == "__main__":
    main()
