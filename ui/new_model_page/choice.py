"""Choice of the references, checks of them, and an example for who has none.

References that do not fit together are named before anything is learnt. The example is made by
jobs: one renders a product, one learns a model from its references; then its other images are
queued. Each step is in the station, so that a page that was closed goes on where it was.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import streamlit as st

from engine.reference_checks import check_references
from engine.station import StationError
from features import list_images, read_image
from features.images import Image, ImageError, resize
from ui.images import thumbnail
from ui.new_model_page.sources import choose_from_folder, choose_name, choose_profile
from ui.new_model_page.view import MAX_REFERENCES, Chosen, advice, free_name
from ui.session import forget_uploads
from ui.sidebar import select_model
from ui.text import counted, plain

if TYPE_CHECKING:
    from engine.fitted_state import ReferenceWarning
    from engine.station import Job
    from ui.context import Context

_ICONS = {
    "near-duplicate": ":material/content_copy:",
    "outlier": ":material/help:",
    "shape": ":material/crop:",
}

Start = Callable[[str, dict[str, object]], None]

NAME = "Example"

COLUMNS = 4
_CHECKED_SIDE_PX = 1024

_CHOSEN = "new-chosen"
_ROUND = "new-upload-round"
_REFUSED = "new-refused"


def choose(context: Context, *, start: Start) -> None:
    """Draw the choice of references, and start to learn from them when asked to."""
    chosen = _chosen_references()
    st.write(
        "Show what a good product looks like. One photograph is enough; up to eight make the "
        "verdicts surer."
    )
    if chosen:
        _take_in(context)
    else:
        place, example = st.columns([3, 2], gap="medium")
        with place:
            _take_in(context)
        with example:
            _offer_example(context, start=start)
    with st.expander("Choose from a folder", icon=":material/folder_open:"):
        choose_from_folder(context, chosen, take=_take, drop=_drop)
    for words in st.session_state.pop(_REFUSED, ()):
        st.error(plain(words), icon=":material/block:")
    if chosen:
        n_chosen = counted(len(chosen), "reference")
        st.subheader(f"{n_chosen} of at most {MAX_REFERENCES}", anchor=False)
        # above the photographs: these may fill the screen
        _offer_to_learn(context, chosen, start)
        warnings = st.container()
        _show_chosen(chosen)
        with warnings:
            _show_checks(chosen)


def _chosen_references() -> tuple[Chosen, ...]:
    """Return what is chosen so far in this session."""
    chosen: tuple[Chosen, ...] = st.session_state.get(_CHOSEN, ())
    return chosen


def _take(each: Chosen) -> bool:
    """Add a photograph unless it is there or there are enough; tells whether it is there now."""
    chosen = _chosen_references()
    if each in chosen:
        return True
    if len(chosen) < MAX_REFERENCES:
        st.session_state[_CHOSEN] = (*chosen, each)
    return len(chosen) < MAX_REFERENCES


def _drop(each: Chosen) -> None:
    st.session_state[_CHOSEN] = tuple(one for one in _chosen_references() if one != each)


def _take_in(context: Context) -> None:
    """Draw the place to drop photographs, and keep what comes in the station."""
    number = st.session_state.get(_ROUND, 0)
    files = st.file_uploader(
        f"Drop 1 to {MAX_REFERENCES} photographs of good products here",
        accept_multiple_files=True,
        key=f"new-upload-{number}",
        help="JPEG, PNG, BMP, TIFF, WebP or GIF. The same product in the same view; small "
        "differences in place and light are fine and are learnt.",
    )
    if not files:
        return
    refused = [words for file in files if (words := _refusal(context, file))]
    forget_uploads(files)
    st.session_state[_REFUSED] = refused[:MAX_REFERENCES]
    st.session_state[_ROUND] = number + 1
    st.rerun()


def _refusal(context: Context, file: Any) -> str | None:
    """Keep a dropped file; returns why not, if it cannot be used."""
    if len(_chosen_references()) >= MAX_REFERENCES:
        return f"{file.name} was left out: {MAX_REFERENCES} references are the most."
    try:
        sha256 = context.station.add_image(file.getvalue(), file.name)
        path = context.station.image_path(sha256)
    except (ImageError, StationError) as error:
        return str(error)
    if any(each.sha256 == sha256 for each in _chosen_references()):
        return f"{file.name} is there already."
    _take(Chosen(file.name, path, sha256))
    return None


def _show_chosen(chosen: Sequence[Chosen]) -> None:
    with st.container(horizontal=True, gap="medium", key="new-references"):
        for number, each in enumerate(chosen):
            with st.container(width=168):
                st.image(thumbnail(each.path), width="stretch")
                st.caption(plain(each.name))
                st.button(
                    "Remove",
                    key=f"new-remove-{number}",
                    icon=":material/close:",
                    type="tertiary",
                    on_click=_drop,
                    args=(each,),
                )


def _offer_to_learn(context: Context, chosen: Sequence[Chosen], start: Start) -> None:
    named, made, learn = st.columns([3, 2, 3], vertical_alignment="bottom")
    with named:
        name, problem = choose_name(context, chosen)
    with made:
        profile = choose_profile()
    with learn:
        is_asked = st.button(
            f"Learn from {counted(len(chosen), 'photograph')}",
            key="new-learn",
            type="primary",
            icon=":material/model_training:",
            disabled=name is None,
            width="stretch",
        )
    if problem:
        st.error(plain(problem), icon=":material/block:")
    st.caption(advice(len(chosen)))
    if is_asked and name is not None:
        spec: dict[str, object] = {
            "references": [each.as_spec() for each in chosen],
            "name": name,
            "profile": profile,
        }
        try:
            start("fit", spec)
        except StationError as error:
            st.error(plain(str(error)), icon=":material/block:")


def _show_checks(chosen: Sequence[Chosen]) -> None:
    """Warn of references that are there twice, of another shape, or unlike the others."""
    if len(chosen) < 2:
        return
    for warning in _warnings(tuple(chosen)):
        st.warning(plain(warning.text), icon=_ICONS.get(warning.kind, ":material/warning:"))


@st.cache_resource(show_spinner=False, max_entries=32)
def _warnings(chosen: tuple[Chosen, ...]) -> list[ReferenceWarning]:
    images = [_checked_picture(each) for each in chosen]
    return check_references(images, [each.name for each in chosen])


@st.cache_resource(show_spinner=False, max_entries=4 * MAX_REFERENCES)
def _checked_picture(each: Chosen) -> Image:
    """Read a photograph in the size that checks look at; a copy is told by its finest detail."""
    photo = read_image(each.path)
    height, width = photo.shape[:2]
    factor = min(1.0, _CHECKED_SIDE_PX / max(height, width))
    return resize(photo, (max(1, round(height * factor)), max(1, round(width * factor))))


def _offer_example(context: Context, *, start: Start) -> None:
    """Draw the button that begins it."""
    with st.container(border=True):
        st.markdown("**No photographs at hand?**")
        st.write("See how it works on a product that is drawn for you. It takes a few seconds.")
        if st.button(
            "Try it with an example product",
            key="new-example",
            type="primary",
            icon=":material/play_arrow:",
        ):
            start("samples", {})


def is_example(context: Context, job: Job) -> bool:
    """Tell whether a finished job is a step of the example that has another one after it."""
    if job.kind == "samples":
        return True
    folder = context.station.paths.samples
    return all(Path(each["path"]).is_relative_to(folder) for each in job.spec["references"])


def go_on_with_example(context: Context, job: Job, *, start: Start) -> None:
    """Do the next step: learn from the references, or judge the other images."""
    try:
        if job.kind == "samples":
            start("fit", _spec(context, job))
        else:
            _judge(context, Path(str((job.result or {})["model"])))
    except StationError as error:
        st.error(plain(str(error)), icon=":material/error:")


def _spec(context: Context, job: Job) -> dict[str, object]:
    paths = list_images(str((job.result or {})["good"]))[:MAX_REFERENCES]
    taken = [path.stem for path in context.station.models()]
    return {
        "references": [{"path": str(path)} for path in paths],
        "name": free_name(NAME, taken),
    }


def _judge(context: Context, model: Path) -> None:
    """Queue the other images, once, and show them as they are judged."""
    if not context.station.tally(model=model).total:
        context.station.add_folder(context.station.paths.samples / "new", model=model)
    select_model(model)
    context.go("inspect")
