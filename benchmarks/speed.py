"""Speed of the method on one core, and its memory.

    python benchmarks/speed.py [FOLDER] [--references 4] [--images 60] [--profile embedded]

Prints the seconds that ``fit`` takes, images judged per second, the peak memory of a process that
fits 8 references and judges, and the seconds until ``partwise --help`` answers. FOLDER holds
photographs, of which the first are references; without it trays of 480×320 px are rendered. Files
are read before the clock starts.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from machine import machine, use_one_thread

use_one_thread()
os.environ.setdefault("PARTWISE_THREADS", "1")

import numpy as np
from PIL import Image

from engine import Config, Inspector
from features import list_images, read_image

N_BANK = 8  # references of the process whose memory is measured
N_RENDERED = 16


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path, nargs="?")
    parser.add_argument("--references", type=int, default=4, metavar="K")
    parser.add_argument("--images", type=int, default=60, metavar="N")
    parser.add_argument("--profile", choices=("embedded", "cnn"), default="embedded")
    parser.add_argument("--memory", dest="is_memory", action="store_true", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    config = Config(profile=asked.profile)
    if asked.is_memory:
        print(peak_memory_mb(asked.folder, config))
        return
    print(machine())
    with tempfile.TemporaryDirectory() as rendered:
        folder = asked.folder or render_into(Path(rendered))
        measure_time(folder, asked.references, asked.images, config)
        command = [sys.executable, __file__, str(folder), "--memory", "--profile", asked.profile]
        ended = subprocess.run(command, capture_output=True, text=True, check=True)
    print(f"memory: {float(ended.stdout):.0f} MB at most, with {N_BANK} references")
    seconds = [timed_help() for _ in range(5)]
    print(f"partwise --help: {min(seconds):.2f} s (best of 5), {max(seconds):.2f} s (most)")


def render_into(folder: Path) -> Path:
    from engine.synthetic.scenes import render

    for seed in range(N_RENDERED):
        scene = render("pins", np.random.default_rng(seed))
        Image.fromarray(scene.image).save(folder / f"{seed:02d}.png")
    return folder


def read(folder: Path, n: int) -> list[np.ndarray]:
    """Read ``n`` images; those of a small folder are used again."""
    paths = list_images(folder)
    return [read_image(paths[index % len(paths)]) for index in range(n)]


def measure_time(folder: Path, n_references: int, n_images: int, config: Config) -> None:
    images = read(folder, n_references + n_images)
    references, tests = images[:n_references], images[n_references:]
    height, width = images[0].shape[:2]
    print(f"{n_references} references, {n_images} test images of {width}×{height} px")

    seconds = [timed_fit(references, config) for _ in range(3)]
    print(f"fit: {min(seconds):.2f} s (best of 3; {', '.join(f'{each:.2f}' for each in seconds)})")

    inspector = Inspector(config).fit(references)
    inspector.inspect(tests[0])
    each = [inspector.inspect(image).seconds for image in tests]
    print(
        f"inspect: {len(each) / sum(each):.1f} images/s; an image takes "
        f"{1000 * statistics.median(each):.1f} ms (median), {1000 * max(each):.1f} ms (most)"
    )


def timed_fit(references: list[np.ndarray], config: Config) -> float:
    started = time.perf_counter()
    Inspector(config).fit(references)
    return time.perf_counter() - started


def timed_help() -> float:
    started = time.perf_counter()
    subprocess.run([sys.executable, "-m", "engine", "--help"], capture_output=True, check=True)
    return time.perf_counter() - started


def peak_memory_mb(folder: Path, config: Config) -> float:
    images = read(folder, N_BANK + 4)
    inspector = Inspector(config).fit(images[:N_BANK])
    for image in images[N_BANK:]:
        inspector.inspect(image)
    unit = 1e6 if sys.platform == "darwin" else 1e3  # bytes there, kilobytes on Linux
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit


if __name__ == "__main__":
    main()
