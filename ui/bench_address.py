"""What does the address of the page keep, so that a reload and a link show the same?"""

from __future__ import annotations

import streamlit as st


def kept(name: str) -> str:
    """Return what the address holds under this name; perhaps empty."""
    return str(st.query_params.get(name, ""))


def keep(name: str, value: str) -> None:
    """Write a value into the address, unless it is there."""
    if kept(name) != value:
        st.query_params[name] = value
