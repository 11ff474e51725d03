"""Make the photographs that docs/walkthrough.md works with, and all of its pictures.

``python docs/walkthrough.py`` runs the commands of that page, writes what they print below them,
and makes docs/walkthrough/*.jpg of the pictures that they write;
``python docs/walkthrough.py cloth`` writes only the photographs, into a new folder ``cloth``.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image

from engine.synthetic.cloth import draw_cloth, render_cloth

PAGE = Path(__file__).with_suffix(".md")
OUTPUT = Path(__file__).with_suffix("")
# commands, and what they printed the last time
SHELL = re.compile(r"^```sh\n(?P<commands>.*?)^```\n(\n```text\n.*?^```\n)?", re.M | re.S)
WIDTH_PX, MOST_BYTES = 1400, 150_000

ROLL = 502
N_NORMAL, N_MORE = 8, 16
# photographs that are judged or taught from: the place on the roll, and what lies there
PHOTOS = {
    "string": (200, ("string",)),
    "button": (201, ("button-four_holes",)),
    "buttons": (202, ("button-four_holes", "button-four_holes")),
    "mixed": (203, ("button-four_holes", "contamination")),
    "toggle": (204, ("button-toggle",)),
    "toggles": (305, ("button-toggle", "button-four_holes")),
    "contamination": (206, ("contamination",)),
    "line": (207, ("line",)),
    "fleck": (208, ("fleck",)),
    "everything": (209, ("contamination", "fleck", "line", "button-four_holes", "string")),
    "hole": (210, ("hole",)),
}


def main() -> None:
    if len(sys.argv) > 1:
        write_photos(Path(sys.argv[1]))
        return
    OUTPUT.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        (folder / "docs").symlink_to(PAGE.parent)
        page = SHELL.sub(lambda block: with_output(folder, block), PAGE.read_text(encoding="utf-8"))
        PAGE.write_text(page, encoding="utf-8")
        for picture in sorted(folder.glob("pictures/*/*.regions.png")):
            name = f"{picture.parent.name}-{picture.name.partition('.')[0]}.jpg"
            if f"]({OUTPUT.name}/{name})" in page:
                shrink(picture, OUTPUT / name)


def write_photos(folder: Path) -> None:
    """Write normal cloth, more of it, and everything that comes along later."""
    cloth = draw_cloth(ROLL)
    for name, first, n_photos in (("normal", 0, N_NORMAL), ("more", 100, N_MORE)):
        (folder / name).mkdir(parents=True)
        for number in range(n_photos):
            save(render_cloth(cloth, first + number).image, folder / name / f"{number:02}.png")
    for name, (number, items) in PHOTOS.items():
        save(render_cloth(cloth, number, items).image, folder / f"{name}.png")


def with_output(folder: Path, block: re.Match[str]) -> str:
    """Run the commands of a block in a folder; gives it with what they print."""
    printed = bash(folder, block["commands"])
    commands = f"```sh\n{block['commands']}```\n"
    return f"{commands}\n```text\n{printed}```\n" if printed else commands


def bash(folder: Path, commands: str) -> str:
    here = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    return subprocess.run(
        ["bash", "-euo", "pipefail", "-c", commands],
        cwd=folder,
        env=os.environ | {"PATH": here},
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    ).stdout


def save(image: object, path: Path) -> None:
    Image.fromarray(image).save(path)


def shrink(picture: Path, path: Path) -> None:
    """Write a picture as a JPEG that a page can hold."""
    with Image.open(picture) as image:
        small = image.convert("RGB")
    small = small.resize((WIDTH_PX, round(small.height * WIDTH_PX / small.width)))
    for quality in (85, 75, 65, 55):
        small.save(path, quality=quality, optimize=True)
        if path.stat().st_size <= MOST_BYTES:
            break
    print(f"{path}: {path.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
