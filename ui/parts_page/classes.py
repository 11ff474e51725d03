"""Table of the classes of parts, and a reference coloured by them.

Which classes are chosen is kept under ``CHOSEN`` in the session, so that whatever else chooses a
class (a new one that was just saved, say) shows in the table, too.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

import cv2
import numpy as np
import streamlit as st

from features.names import show_name
from ui.components import static_text
from ui.parts_page.view import Row, headings
from ui.viewer import Layer, viewer

if TYPE_CHECKING:
    from engine.inspector import Inspector

CHOSEN = "parts_chosen"
_KEY = "parts_table"

_COMPONENT = st.components.v2.component(
    "partwise_parts_table",
    html='<div class="wrap"></div>',
    css=static_text("parts_table.css"),
    js=static_text("parts_table.js"),
)

# the longer side of what is shown: numbers can be read on a tablet
VIEW_SIDE_PX = 720
_VEIL = np.array((20, 23, 28, 150), dtype=np.uint8)


def show_table(rows: Sequence[Row], references: Sequence[str], *, height: int) -> None:
    """Draw the rows, at most ``height`` CSS pixels high; nothing in them is read as HTML."""
    _COMPONENT(
        key=_KEY,
        data={
            "headings": headings(references),
            "rows": [asdict(row) for row in rows],
            "chosen": list(chosen(rows)),
            "height": height,
        },
        on_chosen_change=_save_chosen,
    )


def chosen(rows: Sequence[Row]) -> tuple[int, ...]:
    """Return the ids of the chosen classes, in the order of the rows."""
    known = set(st.session_state.get(CHOSEN, ()))
    return tuple(row.id for row in rows if row.id in known)


def choose(*class_ids: int) -> None:
    """Choose these classes and no other."""
    st.session_state[CHOSEN] = class_ids


def _save_chosen() -> None:
    """Keep what the browser says is chosen; ids that no row has are left out when read."""
    sent = st.session_state[_KEY].get("chosen")
    if isinstance(sent, list):
        choose(*(each for each in sent if type(each) is int))


def pick_reference(inspector: Inspector, *, key: str) -> int:
    """Let a person choose a reference by its number, and say its name."""
    numbers = list(range(len(inspector.fitted.names)))
    if st.session_state.get(key) not in numbers:
        st.session_state[key] = 0
    with st.container(horizontal=True, vertical_alignment="center"):
        picked = st.segmented_control(
            "Reference",
            numbers,
            format_func=lambda number: str(number + 1),
            key=key,
            label_visibility="collapsed",
            help="The references in the order of the counts in the table.",
        )
        index = 0 if picked is None else picked
        st.text(show_name(inspector.fitted.names[index]))
    return index


def show_reference(
    inspector: Inspector, index: int, chosen: Collection[int], *, height: int, key: str
) -> None:
    """Show a reference with all classes coloured, or with those chosen and the rest dimmed."""
    layer = Layer("parts", "Classes", _parts_layer(inspector, index, chosen), opacity=1.0)
    size = inspector.fitted.working_size
    viewer(photo(inspector, index), [layer], image_size=size, height=height, key=key)


def photo(inspector: Inspector, index: int) -> bytes:
    """Return the registered reference as JPEG of the size that is shown."""
    from engine.rendering.layers import jpeg

    image = inspector.fitted.samples[index].image
    height, width = view_size(inspector)
    return jpeg(cv2.resize(image, (width, height), interpolation=cv2.INTER_CUBIC), 92)


def _parts_layer(inspector: Inspector, index: int, chosen: Collection[int]) -> bytes:
    """Return the classes as PNG with transparency: all but background, or the chosen ones only.

    Then all the rest lies under a veil.
    """
    from alignment.transforms import rescale
    from engine.rendering.layers import draw_parts_layer, png
    from engine.rendering.overlays import NO_PART

    sample, is_background = inspector.fitted.samples[index], inspector.classes.is_background_
    is_part = (sample.aligned.parts.labels >= 0) & sample.is_valid
    class_map = np.where(is_part, sample.valid_class_map, NO_PART)
    if chosen:
        class_map = np.where(np.isin(class_map, list(chosen)), class_map, NO_PART)
        is_background = ~np.isin(np.arange(len(is_background)), list(chosen))
    size = view_size(inspector)
    sheet = draw_parts_layer(class_map, is_background, rescale(class_map.shape, size), size)
    if chosen:
        is_bare = cv2.resize((class_map == NO_PART).astype(np.uint8), size[::-1])
        sheet = np.where(((is_bare > 0) & (sheet[..., 3] == 0))[..., None], _VEIL, sheet)
    return png(sheet)


def view_size(inspector: Inspector) -> tuple[int, int]:
    """Return height and width of what is shown; a small reference is enlarged."""
    height, width = inspector.fitted.working_size
    scale = VIEW_SIDE_PX / max(height, width)
    return round(height * scale), round(width * scale)
