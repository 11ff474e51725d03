"""What is the model called, and which profile is it made with?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import streamlit as st

from engine.config import from_dict
from engine.profiles import lacking
from engine.station import StationError
from ui.new_model_page.view import Chosen, free_name, suggested_name
from ui.view import with_code

if TYPE_CHECKING:
    from ui.context import Context

PROFILES = {
    "embedded": "any machine, no weights, answers fastest",
    "foundation": "SAM and DINOv2; made for a GPU",
    "foundation-fast": "DINOv2, and SAM for the references only",
}


def choose_name(context: Context, chosen: Sequence[Chosen]) -> tuple[str | None, str]:
    """Ask for a name; returns it, or None and why it cannot be used."""
    taken = [path.stem for path in context.station.models()]
    if "new-name" not in st.session_state:
        st.session_state["new-name"] = free_name(suggested_name(chosen), taken)
    name: str = st.text_input(
        "Name of the model",
        key="new-name",
        max_chars=80,
        help="Letters, digits, blanks and . + - _",
    ).strip()
    try:
        path = context.station.model_path(name)
    except StationError as error:
        return None, str(error)
    if path.exists():
        return None, "There is a model of this name already; choose another."
    return path.stem, ""


def choose_profile() -> str:
    """Let one of the profiles be chosen that work on this machine, and say why others do not."""
    reasons = {name: lacking(from_dict({"profile": name})) for name in PROFILES}
    usable = [name for name, reason in reasons.items() if reason is None]
    lines = [
        f"- **{name}**: {PROFILES[name]}"
        + ("" if reason is None else f". Not on this machine: it {with_code(reason)}")
        for name, reason in reasons.items()
    ]
    profile: str = st.selectbox(
        "Profile",
        usable,
        key="new-profile",
        help="How photographs are cut into parts and described. If in doubt, leave it as it is.\n\n"
        + "\n".join(lines),
    )
    return profile
