"""Makes the screens of docs/app.md from those that the browser tests keep.

PARTWISE_SCREENS=screens pytest tests/ui -k "journey or page_browser"
python docs/app.py screens
"""

from __future__ import annotations

import sys
from pathlib import Path

from PIL import Image

PAGES = {
    "inspect": "journey-first-missing.png",
    "new-model": "journey-first-learnt.png",
    "parts": "parts-3-draft.png",
    "teach": "teach-taught.png",
    "benchmark": "benchmark-result.png",
}
QUALITY = 88  # of JPEG: text stays sharp, a screen takes some 80 kB


def main(screens: Path) -> None:
    folder = Path(__file__).with_name("app")
    folder.mkdir(exist_ok=True)
    for page, name in PAGES.items():
        with Image.open(screens / name) as screen:
            screen.convert("RGB").save(folder / f"{page}.jpg", quality=QUALITY, optimize=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
