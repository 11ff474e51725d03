"""Painting of a class on a reference: painted or clicked, previewed, named."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from features.images import AnyImage, Image
from ui.components import two_columns
from ui.painter import Painting, painter
from ui.parts_page.actions import NAME_LENGTH, TRY
from ui.parts_page.actions_view import area_text
from ui.parts_page.classes import photo, pick_reference
from ui.parts_page.state import painted_class, set_painting, try_out
from ui.parts_page.view import sentence
from ui.text import plain

if TYPE_CHECKING:
    from engine.inspector import Inspector
    from engine.regions.shapes import Shape
    from features.region import Region
    from ui.context import Context

GROWN, EXACT = "Up to its border", "Exactly as painted"
HEIGHT_PX = 400

_REFERENCE = "parts_paint_reference"
_HOW = "parts_how"
_GROWN = "_parts_grown"
_NAME = "parts_name"
# around a region in its preview, of its longer side
_ROOM = 0.6
_PREVIEW_PX, _CLICKED_PX = 320, 220


def show_painting(context: Context, inspector: Inspector) -> None:
    """Let a person show a thing on a reference; what comes of it is an edit to try out."""
    known = painted_class() or ""
    st.subheader(f"Paint more of {plain(known)}" if known else "Add a part class", anchor=False)
    picture, panel = two_columns(3, 2)
    with picture:
        index = pick_reference(inspector, key=_REFERENCE)
        painted = painter(
            photo(inspector, index),
            image_size=inspector.fitted.working_size,
            tools=("brush", "click", "polygon", "box", "eraser"),
            # after each edit another, so that painting begins anew
            subject=f"{context.model}/{len(inspector.fitted.class_history)}/{index}/{known}",
            height=HEIGHT_PX,
            key="parts_painter",
        )
    with panel:
        region = _meant_region(context, inspector, index, painted)
        name = known or _ask_name(inspector)
        _finish(context, name, index, region)


def _meant_region(
    context: Context, inspector: Inspector, index: int, painted: Painting | None
) -> Region | None:
    """Say what to do, or show what would be taken for the thing."""
    from engine.editing import ClassEditError
    from features.region import RegionError

    if painted is None or not painted.shapes:
        if painted is not None and painted.error:
            st.error(plain(painted.error))
        st.markdown(
            "Brush over **one** thing on the reference, draw around it, or take the cross-hair and "
            "click on it. Then give it a name."
        )
        return None
    try:
        with context.lock:
            return _choose_region(inspector, index, painted.shapes)
    except (RegionError, ClassEditError) as error:
        st.warning(plain(sentence(str(error))), icon=":material/gesture:")
        return None


def _choose_region(inspector: Inspector, index: int, shapes: tuple[Shape, ...]) -> Region:
    """Show a painting as it is and grown to the border of the thing, to choose from."""
    from engine.regions.shapes import Click, region_of

    last = shapes[-1]
    image = inspector.fitted.samples[index].image
    if isinstance(last, Click):
        found = _grown_region(inspector, index, last.point_xy)
        st.image(_preview(image, found), f"Found there: {area_text(found)}", width=_CLICKED_PX)
        return found
    strokes = tuple(each for each in shapes if not isinstance(each, Click))
    exact = region_of(strokes, inspector.fitted.working_size)
    grown = _grown_region(inspector, index, exact)
    how = st.radio(
        "What is meant",
        [GROWN, EXACT],
        key=_HOW,
        horizontal=True,
        help="**Up to its border**: the painting says roughly where the thing is; its border is "
        "found by colour. **Exactly as painted**: these pixels and no others.",
    )
    for column, title, region in zip(st.columns(2), (GROWN, EXACT), (grown, exact), strict=True):
        column.image(_preview(image, region), caption=f"{title}: {area_text(region)}")
    return grown if how == GROWN else exact


def _grown_region(inspector: Inspector, index: int, meant: Region | tuple[float, float]) -> Region:
    """Look for the border once for each painting, not on every run of the page."""
    from engine.editing import grow

    key = (id(inspector), index, meant if isinstance(meant, tuple) else _digest(meant))
    kept = st.session_state.get(_GROWN)
    if kept is None or kept[0] != key:
        with st.spinner("Looking for the border …"):
            kept = key, grow(inspector, index, meant)
        st.session_state[_GROWN] = kept
    region: Region = kept[1]
    return region


def _digest(region: Region) -> tuple[object, ...]:
    bits = np.packbits(region.mask).tobytes()
    return region.box_xyxy, hashlib.blake2b(bits, digest_size=16).digest()


def _preview(image: Image, region: Region) -> AnyImage:
    """Cut what surrounds a region from an image, with its outline."""
    import cv2

    from engine.rendering.strokes import outline

    left, top, right, bottom = region.box_xyxy
    room = int(_ROOM * max(right - left, bottom - top)) + 4
    rows = slice(max(0, top - room), bottom + room)
    columns = slice(max(0, left - room), right + room)
    crop = image[rows, columns]
    scale = _PREVIEW_PX / max(crop.shape[:2])
    drawn: AnyImage = cv2.resize(crop, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)
    mask = region.over(image.shape[:2])[rows, columns].astype(np.float32)
    outline(drawn, cv2.resize(mask, drawn.shape[1::-1]) > 0.5)
    return drawn


def _ask_name(inspector: Inspector) -> str:
    from engine.editing import class_rows

    name = st.text_input(
        "Name of the class",
        max_chars=NAME_LENGTH,
        key=_NAME,
        placeholder="left arm, label, screw …",
        help="A name that a painted class has already adds this painting to that class.",
    ).strip()
    painted = {row.name for row in class_rows(inspector) if row.is_painted}
    if name in painted:
        st.caption(f"{plain(name)} was painted before; this painting is added to it.")
    return name


def _finish(context: Context, name: str, index: int, region: Region | None) -> None:
    from engine.editing import Add

    with st.container(horizontal=True):
        is_tried = st.button(
            TRY,
            key="parts_try",
            type="primary",
            icon=":material/science:",
            disabled=region is None or not name,
            help="Looks for the thing on all references and shows totals, counts and verdicts "
            "with it. Nothing is saved yet.",
        )
        st.button("Back", key="parts_paint_cancel", on_click=set_painting, args=(None,))
    if is_tried and region is not None:
        try_out(context, Add(name, index, region))
        st.rerun()
