"""Texts and charts of the page New model, and the legend of its pictures.

The legend is drawn by a component, so that names are only text.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import streamlit as st

if TYPE_CHECKING:
    from engine.editing import ClassRow
    from engine.station import Job

MAX_REFERENCES = 8

NEUTRAL, ABOVE = "#0072b2", "#d55e00"  # Okabe and Ito (2008)

_STEPS = {
    "reading": "Reading the photographs",
    "aligning": "Laying the photographs on each other",
    "finding parts": "Finding parts and what kind each is",
    "leaving one out": "Judging each photograph by the others",
    "setting the threshold": "Setting the threshold",
    "rendering images": "Drawing the example product",
    "done": "Writing the model",
}

# folders of photographs are called like that, products are not
_COMMON = {"good", "train", "references", "reference", "images", "photos", "test"}

_SIDES = ("below the threshold", "above the threshold")

_CSS = """
ul { list-style: none; margin: 0; padding: 0; display: flex; flex-wrap: wrap; gap: 0.4rem 1.1rem;
  font-family: var(--st-font); font-size: 0.95rem; color: var(--st-text-color); }
li { display: flex; align-items: center; gap: 0.45rem; min-width: 0; }
b { display: inline-grid; place-items: center; min-width: 1.5rem; height: 1.35rem;
  padding: 0 0.25rem; border-radius: 0.7rem; font-size: 0.8rem;
  box-shadow: 0 0 0 1px var(--st-border-color); }
span { overflow-wrap: anywhere; }
i { font-style: normal; opacity: 0.75; }
"""

_JS = """
const isDark = (color) => {
  const [r, g, b] = [1, 3, 5].map((at) => (parseInt(color.slice(at, at + 2), 16) / 255) ** 2.2);
  return 0.2126 * r + 0.7152 * g + 0.0722 * b < 0.179;
};
const text = (name, words) => Object.assign(document.createElement(name), { textContent: words });

export default function ({ data, parentElement }) {
  const list = parentElement.querySelector("ul");
  list.replaceChildren(...data.lines.map(({ number, name, color, found }) => {
    const chip = text("b", number);
    chip.style.background = color;
    chip.style.color = isDark(color) ? "#fff" : "#000";
    const line = document.createElement("li");
    line.append(chip, text("span", name), text("i", found && `× ${found}`));
    return line;
  }));
}
"""

_COMPONENT = st.components.v2.component("partwise_legend", html="<ul></ul>", css=_CSS, js=_JS)


@dataclass(frozen=True)
class Chosen:
    """A photograph to learn from: one that the station keeps, or a file below a root."""

    name: str
    path: Path
    sha256: str | None = None

    def as_spec(self) -> dict[str, str]:
        """Write it as the spec of a job does."""
        source = {"sha256": self.sha256} if self.sha256 else {"path": str(self.path)}
        return source | {"name": self.name}


@dataclass(frozen=True)
class LegendLine:
    """A class with its number and colour in the pictures, and how many each reference has."""

    number: int
    name: str
    color: str
    found: str


def advice(n: int) -> str:
    """Say whether that many references are enough."""
    if n == 1:
        return (
            "One photograph is enough to begin with. With two or more, Partwise also sees how much "
            "good products differ, and its verdicts become surer."
        )
    if n < 4:
        return "A good start; four to eight photographs make verdicts surer still."
    return "That is plenty."


def free_name(wanted: str, taken: Collection[str]) -> str:
    """Return the name, with a number behind it if there is such a model already."""
    number, name = 2, wanted
    while name in taken:
        number, name = number + 1, f"{wanted} {number}"
    return name


def suggested_name(chosen: Sequence[Chosen]) -> str:
    """Propose a name for the model: that of the folder of all references, if they lie in one."""
    folders = {each.path.parent for each in chosen if each.sha256 is None}
    if len(folders) != 1 or any(each.sha256 for each in chosen):
        return "Product"
    folder = folders.pop()
    names = [each for each in reversed(folder.parts) if each.lower() not in _COMMON]
    return names[0].strip("/\\") if names and names[0].strip("/\\") else "Product"


def step_text(job: Job) -> str:
    """Say what a job is doing."""
    if job.state == "queued":
        return "Waiting for its turn"
    return _STEPS.get(job.step, job.step.capitalize() or "Starting")


def legend(rows: Sequence[ClassRow]) -> list[LegendLine]:
    """List the classes that the pictures show, in the order of their numbers."""
    return [
        LegendLine(row.id, row.name, row.color, found_text(row.counts))
        for row in rows
        if not row.is_background
    ]


def found_text(found: Sequence[int]) -> str:
    """Say how many of a class the references have: ``3``, or ``2–4``."""
    if not found:
        return ""
    low, high = min(found), max(found)
    return str(low) if low == high else f"{low}–{high}"


def totals_text(names: Sequence[str], totals: Sequence[float], threshold: float) -> str:
    """Say what the bars show."""
    above = [name for name, total in zip(names, totals, strict=True) if total > threshold]
    if not above:
        return "Every reference, judged by the others, stays below the threshold."
    if len(above) == 1:
        return (
            f"{above[0]} lies above the threshold, judged by the others: the oddest reference is "
            "left out when the threshold is set. If something is wrong with it, start anew "
            "without it."
        )
    return (
        f"{len(above)} references lie above the threshold, judged by the others. Look whether "
        "something is wrong with them, or add photographs that show what is normal."
    )


def unique(names: Sequence[str]) -> list[str]:
    """Number names that come again: two photographs may be called alike."""
    seen: list[str] = []
    for name in names:
        seen.append(free_name(name, seen))
    return seen


def totals_chart(
    names: Sequence[str], totals: Sequence[float], threshold: float, *, ink: str
) -> dict[str, Any]:
    """Draw totals as bars with the threshold as a line in the colour ``ink``, in Vega-Lite."""
    labels = unique(names)
    rows = [
        {
            "name": name,
            "total": total,
            "words": f"{total:.2f}",
            "side": _SIDES[total > threshold],
        }
        for name, total in zip(labels, totals, strict=True)
    ]
    names_axis = {"labelLimit": 160, "ticks": False, "domain": False}
    y = {"field": "name", "type": "nominal", "sort": labels, "title": None, "axis": names_axis}
    return {
        "height": {"step": 30},
        "padding": {"right": 44, "top": 4, "left": 0, "bottom": 0},
        "layer": [_bars(rows, y), _numbers(rows, y, ink), *_line(threshold, ink)],
        "config": {"view": {"stroke": None}, "axis": _axis(ink)},
    }


def _axis(ink: str) -> dict[str, Any]:
    """Make axes readable: by default they are small and pale."""
    return {"labelColor": ink, "titleColor": ink, "labelFontSize": 13, "titleFontSize": 13}


def _bars(rows: list[dict[str, Any]], y: Mapping[str, Any]) -> Mapping[str, Any]:
    x = {"field": "total", "type": "quantitative", "title": "Total", "scale": {"domainMin": 0}}
    colors = {"domain": list(_SIDES), "range": [NEUTRAL, ABOVE]}
    return {
        "data": {"values": rows},
        "mark": {"type": "bar", "cornerRadiusEnd": 4, "height": 18},
        "encoding": {
            "y": y,
            "x": x | {"axis": {"tickCount": 5}},
            "color": {"field": "side", "type": "nominal", "legend": None, "scale": colors},
            "tooltip": [
                {"field": "name", "title": "Reference"},
                {"field": "words", "title": "Total"},
                {"field": "side", "title": "It lies"},
            ],
        },
    }


def _numbers(rows: list[dict[str, Any]], y: Mapping[str, Any], ink: str) -> Mapping[str, Any]:
    """Write the totals in a column of their own, where no line crosses them."""
    return {
        "data": {"values": rows},
        "mark": {"type": "text", "align": "left", "dx": 8, "color": ink, "fontSize": 13},
        "encoding": {"y": y, "x": {"value": "width"}, "text": {"field": "words"}},
    }


def _line(threshold: float, ink: str) -> list[Mapping[str, Any]]:
    x = {"field": "threshold", "type": "quantitative"}
    values = {"values": [{"threshold": threshold, "words": f"threshold {threshold:.2f}"}]}
    over = {"align": "right", "dx": -4, "baseline": "bottom", "dy": -4}
    return [
        {
            "data": values,
            "mark": {"type": "rule", "color": ink, "strokeWidth": 2, "strokeDash": [6, 4]},
            "encoding": {"x": x},
        },
        {
            "data": values,
            "mark": {"type": "text", "color": ink, "fontSize": 13} | over,
            "encoding": {"x": x, "y": {"value": 0}, "text": {"field": "words"}},
        },
    ]


def show_legend(lines: Sequence[LegendLine], *, key: str) -> None:
    """Draw a chip with number and colour, name and count for each class."""
    _COMPONENT(data={"lines": [asdict(line) for line in lines]}, key=key)
