"""Uploads and folders: how images get into the queue of the station."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import streamlit as st

from engine.station import StationError
from features.images import ImageError
from ui.inspect_page.state import follow_next, show_next
from ui.session import forget_uploads
from ui.text import counted, list_folder, plain, short_path

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ui.context import Context

_ROUND = "inspect-upload-round"
_FOLDER = "inspect-folder"
_REFUSALS = "inspect-refused"
HEIGHT_PX = 90
# clear words for the first few files; a folder of others needs no page of them
MAX_REFUSALS = 5


def show_uploads(context: Context, model: Path) -> None:
    """Draw the place to drop images and the folders, and queue what comes."""
    place, folders = st.columns([4, 1], vertical_alignment="bottom")
    # the list of what is being sent must not push the page down
    with place, st.container(height=HEIGHT_PX, border=False, key="inspect-drop"):
        files = st.file_uploader(
            "Drop images here",
            accept_multiple_files=True,
            key=f"inspect-upload-{st.session_state.get(_ROUND, 0)}",
            help="JPEG, PNG, BMP, TIFF, WebP or GIF; the content decides, not the name. "
            "Each is judged at once and kept in the history. At most 1 GB at once; of more, name "
            "the folder.",
        )
    with folders, st.popover("Folders", icon=":material/folder_open:"):
        _folders(context, model)
    for words in st.session_state.pop(_REFUSALS, ()):
        st.error(plain(words), icon=":material/block:")
    if files:
        st.session_state[_ROUND] = st.session_state.get(_ROUND, 0) + 1
        first = _queue(context, model, files)
        forget_uploads(files)
        if first is not None:
            show_next(first)
        st.rerun()


def _queue(context: Context, model: Path, files: Sequence[Any]) -> int | None:
    """Queue dropped files as one batch and remember refusals; returns the first entry, if any."""
    rest = f" and {counted(len(files) - 1, 'more', 'more')}" if len(files) > 1 else ""
    batch = context.station.new_batch(f"{files[0].name}{rest}", model=model)
    added, refused = [], []
    bar = st.progress(0.0, "Taking in images") if len(files) > 1 else None
    for number, file in enumerate(files, 1):
        try:
            added.append(
                context.station.add_upload(
                    file.getvalue(),
                    file.name,
                    model=model,
                    library=context.settings.library,
                    batch=batch.id,
                )
            )
        except (ImageError, StationError) as error:
            refused.append(str(error))
        if bar is not None:
            bar.progress(number / len(files), f"Taking in images: {number} of {len(files)}")
    st.session_state[_REFUSALS] = refused[:MAX_REFUSALS] + (
        [f"{counted(len(refused) - MAX_REFUSALS, 'more file was', 'more files were')} refused, too"]
        if len(refused) > MAX_REFUSALS
        else []
    )
    return added[0] if added else None


def _folders(context: Context, model: Path) -> None:
    roots = context.station.roots
    typed = st.text_input(
        "Folder",
        value=st.session_state.get(_FOLDER, str(roots[0]) if roots else ""),
        key="inspect-folder-typed",
        help="Only folders below those that were opened at start (--root) can be read.",
    )
    folder = _choose_folder(context, typed)
    judge, watch = st.columns(2)
    is_there = folder is not None
    if judge.button(
        "Judge all",
        key="inspect-folder-judge",
        disabled=not is_there,
        width="stretch",
        help="Queues the images that lie directly in the folder. They stay where they are.",
    ):
        _judge_folder(context, model, typed)
    if watch.button(
        "Watch it",
        key="inspect-folder-watch",
        disabled=not is_there,
        width="stretch",
        help="Judges its images, and from now on every new one by itself.",
    ):
        _watch_folder(context, model, typed)
    _watches(context)


def _choose_folder(context: Context, typed: str) -> Path | None:
    """Show what lies in the typed folder, to go on from there; None if it cannot be read."""
    roots = context.station.roots
    try:
        path = context.station.allowed(typed)
        seen = list_folder(path if path.is_dir() else path.parent, roots)
    except StationError as error:
        st.warning(plain(str(error)), icon=":material/block:")
        return None
    except OSError as error:
        st.warning(plain(f"{typed} cannot be listed: {error.strerror}"), icon=":material/block:")
        return None
    with st.container(height=190, border=True, key="inspect-folder-list"):
        if seen.parent is not None:
            _folder_button(
                "Up one folder", seen.parent, "inspect-folder-up", ":material/arrow_upward:"
            )
        for number, name in enumerate(seen.children):
            key = f"inspect-folder-{number}"
            _folder_button(name, seen.path / name, key, ":material/folder:")
        if seen.n_hidden:
            st.caption(f"and {counted(seen.n_hidden, 'more', 'more')}: type the name above")
        if seen.parent is None and not seen.children:
            st.caption("No folders in it")
    st.caption(plain(f"{counted(seen.n_images, 'image')} in {short_path(seen.path, roots)}"))
    return path


def _folder_button(label: str, path: Path, key: str, icon: str) -> None:
    def go() -> None:
        st.session_state["inspect-folder-typed"] = str(path)

    st.button(plain(label), key=key, icon=icon, type="tertiary", on_click=go)


def _judge_folder(context: Context, model: Path, folder: str) -> None:
    try:
        batch = context.station.add_folder(folder, model=model, library=context.settings.library)
    except (StationError, ImageError) as error:
        st.error(plain(str(error)), icon=":material/block:")
        return
    first = context.station.entries(batch=batch.id, order="oldest", limit=1)
    show_next(first[0].id)


def _watch_folder(context: Context, model: Path, folder: str) -> None:
    try:
        context.station.watch(folder, model=model, library=context.settings.library)
    except (StationError, ImageError) as error:
        st.error(plain(str(error)), icon=":material/block:")
        return
    follow_next()


def _watches(context: Context) -> None:
    for each in context.station.watches():
        words, stop = st.columns([4, 1], vertical_alignment="center")
        words.caption(plain(f"Watching {short_path(each.folder, context.station.roots)}"))
        if each.error:
            words.warning(plain(each.error), icon=":material/warning:")
        if stop.button(
            "Stop",
            key=f"inspect-unwatch-{each.id}",
            type="tertiary",
            help="New images in this folder are judged no longer; the history stays.",
        ):
            context.station.unwatch(each.id)
            st.rerun()
