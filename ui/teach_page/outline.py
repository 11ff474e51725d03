"""Outline of what is meant: painted, clicked, or found new by itself."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from ui.context import Context
from ui.painter import Painting
from ui.teach_page.images import examination_of, full_photo, shared_recogniser
from ui.teach_page.state import ROUGH, pick_region, picked_region
from ui.teach_page.view import Source, exact_at_first, region_text
from ui.text import counted, plain

if TYPE_CHECKING:
    from engine.regions.pointing import Preview
    from engine.regions.shapes import Shape
    from engine.station import Entry
    from features.region import Region

THING, EXACT = "The thing in it", "Exactly as painted"

_PREVIEW = "_teach_preview"
_NEW = "_teach_new"
_CLICKED = "_teach_clicked"
# of the regions found new by themselves
_N_OFFERED = 6


def show_outline(context: Context, entry: Entry, painting: Painting | None) -> Preview | None:
    """Show what would be taught, and let a person say how it is meant; None if nothing is.

    Raises:
        LibraryError: The library cannot be read.
        ModelFileError: The model cannot be used.
    """
    from features.region import RegionError

    shapes = () if painting is None else painting.shapes
    if painting is not None and painting.error:
        st.error(plain(painting.error), icon=":material/error:")
    try:
        given = _given(context, entry, shapes)
    except RegionError as error:
        st.warning(plain(_sentence(str(error))), icon=":material/gesture:")
        return None
    if given is None:
        _offer_new(context, entry)
        return None
    region, source = given
    left, right = st.columns([5, 6], gap="small", vertical_alignment="center")
    with right:
        is_rough = _asked_how(source)
    with left:
        shown = _preview(context, entry, region, is_rough=is_rough)
        st.image(shown.picture, width="stretch")
    right.caption(region_text(shown.region, _size(entry)))
    return shown


def _given(
    context: Context, entry: Entry, shapes: tuple[Shape, ...]
) -> tuple[Region, Source] | None:
    """Take what was painted, else the place of the last click, else what was picked."""
    from engine.regions.shapes import Click, region_of

    painted = tuple(each for each in shapes if not isinstance(each, Click))
    if painted:
        return region_of(painted, _size(entry)), _tool(painted)
    if shapes and isinstance(shapes[-1], Click):
        return _clicked(context, entry, shapes[-1].point_xy), "click"
    region = picked_region(entry.id)
    return None if region is None else (region, "picked")


def _tool(painted: Sequence[Shape]) -> Source:
    """Name the tool that everything was painted with; a brush made the rest."""
    from engine.regions.shapes import Box, Polygon

    if all(isinstance(each, Box) for each in painted):
        return "box"
    return "polygon" if all(isinstance(each, Polygon) for each in painted) else "brush"


def _clicked(context: Context, entry: Entry, point_xy: tuple[float, float]) -> Region:
    """Look once for what lies at the place of a click."""
    from engine.regions.pointing import region_at

    key = (entry.id, point_xy, str(context.model))
    kept = st.session_state.get(_CLICKED)
    if kept is None or kept[0] != key:
        with context.lock, st.spinner("Looking for the thing …"):
            kept = (
                key,
                region_at(shared_recogniser(context), examination_of(context, entry), point_xy),
            )
        st.session_state[_CLICKED] = kept
    region: Region = kept[1]
    return region


def _asked_how(source: Source) -> bool:
    """Ask whether the thing is to be found in what was painted; what was found needs no asking."""
    if source in ("click", "picked"):
        return False
    if st.session_state.get("_teach_rough_for") != source:
        st.session_state[ROUGH] = EXACT if exact_at_first(source) else THING
        st.session_state["_teach_rough_for"] = source
    how = st.radio(
        "What is meant",
        [THING, EXACT],
        key=ROUGH,
        help="**The thing in it**: what was painted says roughly where; the border is found by "
        "what stands out there. **Exactly as painted**: these pixels and no others, for a "
        "careful outline, or for a thing that hardly stands out.",
    )
    return how == THING


def _preview(context: Context, entry: Entry, region: Region, *, is_rough: bool) -> Preview:
    """Outline once for each painting, not on every run of the page."""
    from engine.regions.pointing import preview
    from engine.regions.teaching import Outlined

    with context.lock:
        recogniser = shared_recogniser(context)
        key = (
            entry.id,
            region.box_xyxy,
            hashlib.blake2b(np.packbits(region.mask).tobytes(), digest_size=16).digest(),
            is_rough,
            str(context.model),
            recogniser.library.revision(),
        )
        kept = st.session_state.get(_PREVIEW)
        if kept is not None and kept[0] == key:
            found: Preview = kept[1]
            return found
        outlined = Outlined(region, entry.name, is_rough=is_rough)
        with st.spinner("Outlining …"):
            found = preview(recogniser, examination_of(context, entry), outlined)
    st.session_state[_PREVIEW] = (key, found)
    return found


def _offer_new(context: Context, entry: Entry) -> None:
    """Say what to do, and offer the regions that are new and have no name."""
    st.markdown(
        "Mark one thing on the photograph that the references do not show: brush over it, draw a "
        "**box** or a **polygon** around it, or **click** on it."
    )
    found: tuple[int, list[Region]] | None = st.session_state.get(_NEW)
    if found is None or found[0] != entry.id:
        if st.button(
            "Show what is new here",
            key="teach_find",
            icon=":material/frame_inspect:",
            help="Looks for regions that no reference shows and that have no name yet.",
        ):
            with st.spinner("Looking for what is new …"):
                st.session_state[_NEW] = (entry.id, _unknown(context, entry))
            st.rerun()
        return
    regions = found[1]
    if not regions:
        st.caption("Nothing unknown stands out here by itself. You can still mark anything.")
        return
    n_regions = counted(len(regions), "unknown region stands", "unknown regions stand")
    st.caption(f"{n_regions} out; choose one:")
    _choices(context, entry, regions[:_N_OFFERED])


def _choices(context: Context, entry: Entry, regions: list[Region]) -> None:
    from engine.regions.teaching import thumbnail

    image = full_photo(context, entry)
    columns = st.columns(3)
    for number, region in enumerate(regions):
        with columns[number % 3]:
            st.image(thumbnail(image, region))
            st.button(
                "Choose",
                key=f"teach_new_{number}",
                help=region_text(region, _size(entry)),
                width="stretch",
                on_click=pick_region,
                args=(entry.id, region),
            )


def _unknown(context: Context, entry: Entry) -> list[Region]:
    with context.lock:
        report = shared_recogniser(context).judge(examination_of(context, entry))
    return [each.region for each in report.unknown]


def _size(entry: Entry) -> tuple[int, int]:
    assert entry.image_size is not None, "what was judged has a size"
    return entry.image_size


def _sentence(message: str) -> str:
    return message[0].upper() + message[1:] + "."
