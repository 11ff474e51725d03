"""What should a browser remember when a page is loaded again: who is in front of it, and a pass.

Kept in cookies of this address, which no other page may send (SameSite). Streamlit reads cookies
but writes none, so that a component without any picture does.
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import unquote

import streamlit as st

LASTS_S = 365 * 24 * 3600

_PREFIX = "partwise_"
_WRITE = """
export default function ({ data }) {
  const secure = location.protocol === "https:" ? "; Secure" : "";
  for (const [name, { value, lasts }] of Object.entries(data)) {
    document.cookie =
      `${name}=${encodeURIComponent(value)}; Path=/; Max-Age=${lasts}; SameSite=Strict${secure}`;
  }
}
"""

_COMPONENT = st.components.v2.component("partwise_memory", js=_WRITE)


def remembered(name: str) -> str:
    """Return what the browser remembered under this name when it opened the page; perhaps empty."""
    value = st.context.cookies.get(f"{_PREFIX}{name}")
    return unquote(value) if isinstance(value, str) else ""  # Streamlit's tests have no browser


def remember(values: Mapping[str, str], *, lasts_s: float = LASTS_S, key: str) -> None:
    """Let the browser remember values by their names; an empty one is forgotten."""
    data = {
        f"{_PREFIX}{name}": {"value": value, "lasts": int(lasts_s) if value else 0}
        for name, value in values.items()
    }
    _COMPONENT(data=data, key=key, height=1)
