"""Sources of a new model: photographs of a folder, its name, its profile."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from engine.config import from_dict
from engine.profiles import lacking, preferred_profile
from engine.station import StationError
from engine.station.photographs import folder_images
from features.images import ImageError
from ui.images import thumbnail
from ui.new_model_page.view import MAX_REFERENCES, Chosen, free_name, suggested_name
from ui.text import counted, list_folder, plain, with_code

if TYPE_CHECKING:
    from ui.context import Context

PER_PAGE = 18
HEIGHT_PX = 330  # so that what was chosen stays in sight

_TYPED, _SHOWN = "new-folder", "new-folder-shown"

PROFILES = {
    "embedded": "any machine, no weights, answers fastest",
    "cnn": "a small network looks, too; any machine, takes longer",
    "foundation": "SAM and DINOv2; made for a GPU",
    "foundation-fast": "DINOv2, and SAM for the references only",
}


def choose_from_folder(
    context: Context,
    chosen: Sequence[Chosen],
    *,
    take: Callable[[Chosen], bool],
    drop: Callable[[Chosen], None],
) -> None:
    """Draw a folder below a root: the folders in it, and its photographs to tick."""
    roots = context.station.roots
    if _TYPED not in st.session_state:
        st.session_state[_TYPED] = str(roots[0]) if roots else ""
    typed = st.text_input(
        "Folder",
        key=_TYPED,
        help="Only folders below those that were opened at start (--root) can be read.",
    )
    try:
        folder = context.station.allowed(typed)
        if not folder.is_dir():
            raise StationError(f"{typed} is no folder; type the folder that it is in")
        seen, images = list_folder(folder, roots), list(folder_images(folder, roots))
    except (OSError, StationError) as error:
        st.warning(plain(str(error)), icon=":material/block:")
        return
    _folders(seen.parent, [folder / name for name in seen.children])
    if seen.left_out:
        st.caption(plain(seen.left_out))
    if not images:
        st.caption("No photographs lie directly in this folder.")
        return
    shown = st.session_state.get(_SHOWN, PER_PAGE)
    candidates = [Chosen(each.name, each.path) for each in images[:shown]]
    _grid(candidates, chosen, take, drop)
    if len(images) > shown and st.button(
        f"Show more ({counted(len(images) - shown, 'photograph')} left)", key="new-folder-more"
    ):
        st.session_state[_SHOWN] = shown + PER_PAGE
        st.rerun()


def _folders(parent: Path | None, children: Sequence[Path]) -> None:
    if parent is None and not children:
        return
    with st.container(horizontal=True, gap="small", key="new-folder-list"):
        if parent is not None:
            _folder("Up", parent, "new-folder-up", ":material/arrow_upward:")
        for number, child in enumerate(children):
            _folder(plain(child.name), child, f"new-folder-{number}", ":material/folder:")


def _folder(label: str, path: Path, key: str, icon: str) -> None:
    def go() -> None:
        st.session_state[_TYPED] = str(path)
        st.session_state.pop(_SHOWN, None)

    st.button(label, key=key, icon=icon, type="tertiary", on_click=go)


def _grid(
    candidates: Sequence[Chosen],
    chosen: Sequence[Chosen],
    take: Callable[[Chosen], bool],
    drop: Callable[[Chosen], None],
) -> None:
    is_full = len(chosen) >= MAX_REFERENCES
    with (
        st.container(height=HEIGHT_PX, border=False, key="new-folder-images"),
        st.container(horizontal=True, gap="small"),
    ):
        for each in candidates:
            with st.container(width=128):
                try:
                    st.image(thumbnail(each.path), width="stretch")
                except (ImageError, OSError) as error:
                    st.caption(plain(str(error)))
                    continue
                _tick(each, is_ticked=each in chosen, is_full=is_full, take=take, drop=drop)


def _tick(
    each: Chosen,
    *,
    is_ticked: bool,
    is_full: bool,
    take: Callable[[Chosen], bool],
    drop: Callable[[Chosen], None],
) -> None:
    key = f"new-tick-{each.path}"
    st.session_state[key] = is_ticked

    def change() -> None:
        if st.session_state[key]:
            take(each)
        else:
            drop(each)

    st.checkbox(plain(each.name), key=key, on_change=change, disabled=is_full and not is_ticked)


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
        index=usable.index(preferred_profile()),
        key="new-profile",
        help="How photographs are cut into parts and described. If in doubt, leave it as it is.\n\n"
        + "\n".join(lines),
    )
    return profile
