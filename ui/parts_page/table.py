"""How are classes chosen? In a table of all of them: numbered swatch, name, counts, what is fine.

Which are chosen is kept under ``CHOSEN`` in the session, so that whatever else chooses a class
(a new one that was just saved, say) shows in the table, too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

import streamlit as st

from ui.parts_page.view import Row, headings
from ui.static_files import static_text

CHOSEN = "parts_chosen"
_KEY = "parts_table"

_draw = st.components.v2.component(
    "partwise_parts_table",
    html='<div class="wrap"></div>',
    css=static_text("parts_table.css"),
    js=static_text("parts_table.js"),
)


def show_table(rows: Sequence[Row], references: Sequence[str], *, height: int) -> None:
    """Draw the rows, at most ``height`` CSS pixels high; nothing in them is read as HTML."""
    _draw(
        key=_KEY,
        data={
            "headings": headings(references),
            "rows": [asdict(row) for row in rows],
            "chosen": list(chosen(rows)),
            "height": height,
        },
        on_chosen_change=_take,
    )


def chosen(rows: Sequence[Row]) -> tuple[int, ...]:
    """Return the ids of the chosen classes, in the order of the rows."""
    known = set(st.session_state.get(CHOSEN, ()))
    return tuple(row.id for row in rows if row.id in known)


def choose(*class_ids: int) -> None:
    """Choose these classes and no other."""
    st.session_state[CHOSEN] = class_ids


def _take() -> None:
    """Keep what the browser says is chosen; ids that no row has are left out when read."""
    sent = st.session_state[_KEY].get("chosen")
    if isinstance(sent, list):
        choose(*(each for each in sent if type(each) is int))
