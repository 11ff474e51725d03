"""Draw docs/architecture.svg: the layers, and the way of an image through them."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from pathlib import Path

OUTPUT = Path(__file__).with_suffix(".svg")

# from the top down: layer, and what is in it; those of the package engine lie in one box
LAYERS = {
    "ui": "pages of the app",
    "cli": "one module a command",
    "station": "queue, jobs, history",
    "benchmark": "protocol, metrics, reports",
    "editing": "edits of part classes",
    "rendering": "HTML pages, overlays",
    "regions": "what is new, recognised",
    "library": "lessons in a database",
    "root": "inspector, threshold, report",
    "scores": "thirteen questions",
    "alignment": "pose, classes, comparison",
    "features": "files, tokens, parts, weights",
}
ENGINE = ("cli", "station", "benchmark", "editing", "rendering", "regions", "library", "root")
ENGINE += ("scores",)
BESIDE = ("synthetic", "rendered scenes and cloth")  # in the row of the scores
# what happens to an image, and in which layer
WAY = (
    ("read", "features"),
    ("register", "alignment"),
    ("describe", "features"),
    ("segment", "features"),
    ("classify", "alignment"),
    ("compare", "alignment"),
    ("score", "scores"),
    ("normalise", "root"),
    ("report", "root"),
    ("recognise", "regions"),
    ("keep", "station"),
    ("show", "ui"),
)

ROW_PX, GAP_PX, BOX_PX = 48, 22, 40
WIDTH_PX, NAME_X, TEXT_X, WAY_X, STEP_PX = 1240, 34, 134, 372, 73
STYLE = """
  text { font: 14px system-ui, "Segoe UI", Helvetica, Arial, sans-serif; fill: #1f2933 }
  .layer { font-weight: 700 }
  .package { font-weight: 700; fill: #52606d }
  .step { font-size: 13px; text-anchor: middle; stroke: #fff; stroke-width: 4; paint-order: stroke }
  .number { font-size: 12px; font-weight: 700; text-anchor: middle; fill: #fff }
  .row { fill: #fff; stroke: #b8c4d0 }
  .engine { fill: #e8f0fa; stroke: #8fb0d8 }
  .way { fill: none; stroke: #c2410c; stroke-width: 2; stroke-linejoin: round }
  .dot { fill: #c2410c }
"""


def main() -> None:
    OUTPUT.write_text("\n".join(picture()) + "\n", encoding="utf-8")


def picture() -> Iterator[str]:
    tops = dict(rows())
    height = tops["features"] + ROW_PX + GAP_PX
    yield f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH_PX} {height}" role="img">'
    yield "<title>Layers, and the way of an image through them</title>"
    yield f"<style>{STYLE}</style>"
    yield f'<rect width="{WIDTH_PX}" height="{height}" fill="#f8fafc"/>'
    first, last = tops[ENGINE[0]], tops[ENGINE[-1]]
    yield box("engine", 10, first - 28, WIDTH_PX - 20, last - first + ROW_PX + 30)
    yield text("package", 20, first - 10, "engine")
    for name, top in tops.items():
        yield box("row", 20, top, WIDTH_PX - 40, BOX_PX)
        yield text("layer", NAME_X, top + 25, name)
        yield text("what", TEXT_X, top + 25, LAYERS[name])
    beside = WAY_X + 7 * STEP_PX
    yield text("layer", beside, tops["scores"] + 25, BESIDE[0])
    yield text("what", beside + 84, tops["scores"] + 25, BESIDE[1])
    yield from way(tops)
    yield "</svg>"


def rows() -> Iterator[tuple[str, int]]:
    """Give each layer and its top; the package engine has a title and a margin."""
    top = 14
    for name in LAYERS:
        if name == ENGINE[0]:
            top += GAP_PX + 12
        yield name, top
        top += ROW_PX + (GAP_PX if name == ENGINE[-1] else 0)


def way(tops: dict[str, int]) -> Iterator[str]:
    """Draw numbered steps from left to right; each name stands below its number."""
    places = [(WAY_X + number * STEP_PX, tops[layer] + 14) for number, (_, layer) in enumerate(WAY)]
    line = " ".join(f"{x},{y}" for x, y in places)
    yield f'<polyline class="way" points="{line}"/>'
    for number, ((x, y), (name, _)) in enumerate(zip(places, WAY, strict=True), 1):
        yield f'<circle class="dot" cx="{x}" cy="{y}" r="10"/>'
        yield text("number", x, y + 4, str(number))
        yield text("step", x, y + 22, name)


def box(kind: str, x: int, y: int, width: int, height: int) -> str:
    return f'<rect class="{kind}" x="{x}" y="{y}" width="{width}" height="{height}" rx="6" ry="6"/>'


def text(kind: str, x: int, y: int, words: str) -> str:
    return f'<text class="{kind}" x="{x}" y="{y}">{escape(words)}</text>'


if __name__ == "__main__":
    main()
