"""Which colour and number is which class? Drawn by a component, so that names are only text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

import streamlit as st

from ui.new_model_page.view import LegendLine

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


def show_legend(lines: Sequence[LegendLine], *, key: str) -> None:
    """Draw a chip with number and colour, name and count for each class."""
    _COMPONENT(data={"lines": [asdict(line) for line in lines]}, key=key)
