"""How do two columns become one where a window is narrow, as on a tablet?"""

from __future__ import annotations

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

KEY = "parts_board"

# Streamlit stacks columns on telephones only; columns within these stay side by side
_STYLE = f"""<style>
.st-key-{KEY} {{ container: {KEY} / inline-size; }}
@container {KEY} (max-width: 760px) {{
  [data-testid="stColumn"] {{ min-width: 100%; }}
  [data-testid="stColumn"] [data-testid="stColumn"] {{ min-width: 0; }}
}}
</style>"""


def two_columns(left: int, right: int) -> tuple[DeltaGenerator, DeltaGenerator]:
    """Divide the page by these shares, or put the right column below where there is no room."""
    st.html(_STYLE)
    with st.container(key=KEY):
        first, second = st.columns([left, right], gap="medium")
    return first, second
