"""How does a newcomer without photographs see a first verdict? By one click on an example product.

A job renders it; then a model is learnt from its references, and its other images are queued. Each
step is in the station, so that a page that was closed goes on where it was.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from engine.station import StationError
from features import list_images
from ui.choice import want_model
from ui.new_model_page.view import MAX_REFERENCES, free_name
from ui.view import plain

if TYPE_CHECKING:
    from engine.station import Job
    from ui.context import Context

Start = Callable[[str, dict[str, object]], None]

NAME = "Example"


def offer_example(context: Context, *, start: Start) -> None:
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
    folder = context.station.places.samples
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
        context.station.add_folder(context.station.places.samples / "new", model=model)
    want_model(model)
    context.go("inspect")
