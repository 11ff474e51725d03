"""Make docs/report.jpg: the page of `partwise explain` on a rendered tray that lacks a pin.

Needs Chromium. The page is photographed whole, cut in two where it has a gap, and the halves are
laid side by side.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image

from engine.synthetic.scenes import write_scenes

OUTPUT = Path(__file__).with_name("report.jpg")
WINDOW_PX = 1180, 3200
WIDTH_PX = 1800  # of the picture
REFERENCES = [f"pins/train/good/{number:03d}.png" for number in range(4)]
TEST = "pins/test/logical_anomalies/000.png"


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_scenes(
            folder / "scenes",
            categories=["pins"],
            n_train=len(REFERENCES),
            n_validation=0,
            n_good=1,
            n_logical=1,
            n_structural=1,
        )
        at = folder / "scenes"
        partwise(at, "fit", *REFERENCES, "-o", "pins.pw")
        partwise(at, "explain", "pins.pw", TEST, "-o", "page.html")
        halves = cut(photograph(at / "page.html", folder / "page.png"))
    picture = side_by_side(*halves)
    picture.resize((WIDTH_PX, round(picture.height * WIDTH_PX / picture.width))).save(
        OUTPUT, quality=85, optimize=True
    )
    print(f"{OUTPUT}: {OUTPUT.stat().st_size / 1000:.0f} kB")


def partwise(folder: Path, *arguments: str) -> None:
    subprocess.run([sys.executable, "-m", "engine", *arguments], cwd=folder, check=True)


def photograph(page: Path, output: Path) -> Image.Image:
    browser = next(
        filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome")))
    )
    width, height = WINDOW_PX
    subprocess.run(
        [
            browser,
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--hide-scrollbars",
            f"--window-size={width},{height}",
            f"--screenshot={output}",
            page.as_uri(),
        ],
        check=True,
        capture_output=True,
    )
    with Image.open(output) as image:
        return image.convert("RGB")


def cut(page: Image.Image) -> tuple[Image.Image, Image.Image]:
    """Cut off the title and what follows the last line, and halve the rest in a gap."""
    is_blank = (np.asarray(page) == 255).all(axis=(1, 2))
    runs = np.flatnonzero(np.diff(np.concatenate([[True], is_blank, [True]]).astype(int)))
    starts, ends = runs[::2], runs[1::2]
    first = next(i for i, (a, b) in enumerate(zip(starts, ends, strict=True)) if b - a > 60)
    starts, ends = starts[first:], ends[first:]
    middle = (starts[0] + ends[-1]) / 2
    gap = int(np.argmin(abs(starts[1:] - middle)))
    upper, lower = (starts[0], ends[gap]), (starts[gap + 1], ends[-1])
    return page.crop((0, upper[0], page.width, upper[1])), page.crop(
        (0, lower[0], page.width, lower[1])
    )


def side_by_side(left: Image.Image, right: Image.Image) -> Image.Image:
    picture = Image.new("RGB", (left.width + right.width, max(left.height, right.height)), "white")
    picture.paste(left)
    picture.paste(right, (left.width, 0))
    return picture


if __name__ == "__main__":
    main()
