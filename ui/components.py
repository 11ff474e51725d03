"""Parts of Streamlit components: scripts, styles and pictures; two columns.

Scripts and styles lie in ``ui/static`` and are handed to Streamlit as text. Pictures travel as data
addresses within a component's data: Streamlit sends data that a browser already has only by their
hash, and the browser keeps a picture that has the same address as before.
"""

from __future__ import annotations

import base64
from importlib.resources import files

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

_MEDIA_TYPES = {
    b"\xff\xd8\xff": "image/jpeg",
    b"\x89PNG\r\n\x1a\n": "image/png",
}

_COLUMNS_KEY = "two_columns"

# Streamlit stacks columns on telephones only; columns within these stay side by side
_STYLE = f"""<style>
.st-key-{_COLUMNS_KEY} {{ container: {_COLUMNS_KEY} / inline-size; }}
@container {_COLUMNS_KEY} (max-width: 760px) {{
  [data-testid="stColumn"] {{ min-width: 100%; }}
  [data-testid="stColumn"] [data-testid="stColumn"] {{ min-width: 0; }}
}}
</style>"""


def static_text(*names: str) -> str:
    """Join files of ``ui/static``; a later one may use what an earlier one defines."""
    folder = files("ui") / "static"
    return "\n".join((folder / name).read_text(encoding="utf-8") for name in names)


def data_address(picture: bytes) -> str:
    """Write an encoded picture as an address that contains it.

    Raises:
        ValueError: It is neither JPEG nor PNG.
    """
    for beginning, media_type in _MEDIA_TYPES.items():
        if picture.startswith(beginning):
            return f"data:{media_type};base64,{base64.b64encode(picture).decode('ascii')}"
    raise ValueError(
        f"a picture must be JPEG or PNG, got bytes that begin with {picture[:8]!r}; encode it first"
    )


def two_columns(left: int, right: int) -> tuple[DeltaGenerator, DeltaGenerator]:
    """Divide the page by these shares, or put the right column below where there is no room."""
    st.html(_STYLE)
    with st.container(key=_COLUMNS_KEY):
        first, second = st.columns([left, right], gap="medium")
    return first, second
