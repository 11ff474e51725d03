"""Which model is shown, out of the one given at start and those of the station?

The choice is in the address, ``?model=NAME``, so that a reload and a link keep it.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import streamlit as st

PARAMETER = "model"

_CHOSEN, _WANTED = "model_chosen", "model_wanted"


def known_models(given: Path | None, stored: list[Path]) -> dict[str, Path]:
    """Name every model: the given one first; a second one of the same name is numbered."""
    found: dict[str, Path] = {}
    paths = ([given] if given else []) + [path for path in stored if path != given]
    for path in paths:
        name, number = path.stem, 2
        while name in found:
            name, number = f"{path.stem} ({number})", number + 1
        found[name] = path
    return found


def want_model(path: Path) -> None:
    """Choose a model from the next run of the script on."""
    st.session_state[_WANTED] = str(path)


def choose_model(models: Mapping[str, Path]) -> Path | None:
    """Draw the chooser, if there is a choice, and return what is chosen; None if there is none."""
    if not models:
        return None
    names = list(models)
    wanted = st.session_state.pop(_WANTED, None)
    fresh = [name for name, path in models.items() if str(path) == wanted]
    if fresh:
        st.session_state[_CHOSEN] = fresh[0]
    elif st.session_state.get(_CHOSEN) not in models:
        linked = st.query_params.get(PARAMETER, "")
        st.session_state[_CHOSEN] = linked if linked in models else names[0]
    name = st.selectbox(
        "Model",
        names,
        key=_CHOSEN,
        help="What was learnt from photographs of one good product. All pages are about this one.",
    )
    if name != names[0] or PARAMETER in st.query_params:
        st.query_params[PARAMETER] = name
    return models[name]
