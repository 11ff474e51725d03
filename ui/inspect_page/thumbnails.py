"""How does an image of the history look when it is small?"""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING

import streamlit as st

from engine.station import StationError
from ui.thumbnails import shrunk

if TYPE_CHECKING:
    from engine.station import Entry
    from ui.context import Context

SIDE_PX = 96
# a kilobyte or two each
N_KEPT = 2000


def thumbnail(context: Context, entry: Entry) -> bytes | None:
    """Return a small JPEG of an entry; None if it was never judged."""
    if entry.judged_at is None:
        return None
    try:
        return _small(context, str(context.station.folder), entry.id)
    except StationError:
        return None


@st.cache_resource(show_spinner=False, max_entries=N_KEPT)
def _small(_context: Context, folder: str, entry_id: int) -> bytes:
    with BytesIO() as stream:
        shrunk(_context.station.result(entry_id).photo, SIDE_PX).save(stream, "JPEG", quality=80)
        return stream.getvalue()
