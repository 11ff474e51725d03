"""How do images of the history look when they are small?"""

from __future__ import annotations

import numpy as np
import streamlit as st
from jaxtyping import UInt8

from ui.context import Context
from ui.thumbnails import shrunk

SIDE_PX = 160
N_KEPT = 256

Image = UInt8[np.ndarray, "height width 3"]


def entry_picture(context: Context, entry_id: int) -> Image | None:
    """Return a small picture of an entry; None if it was never judged."""
    from engine.station import StationError

    try:
        return _small(context, str(context.station.folder), entry_id)
    except StationError:
        return None


@st.cache_resource(show_spinner=False, max_entries=N_KEPT)
def _small(_context: Context, folder: str, entry_id: int) -> Image:
    return np.asarray(shrunk(_context.station.result(entry_id).photo, SIDE_PX))
