"""Gallery of images of a run, each of which can be opened on the page Inspect.

What the run has learnt is not kept by a benchmark: it is learnt again from the same references, as
a model of the station, once for each run. Then the image is judged with it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import streamlit as st

from engine.benchmark.html_report import small_jpeg
from engine.benchmark.journal import fingerprint
from engine.benchmark.protocol import Perturbation
from engine.config import from_dict, to_dict, with_current_names
from engine.errors import ConfigError
from engine.station import StationError
from features.image_files import read_image, significant_bits
from features.images import ImageError
from ui.live import live
from ui.sidebar import select_model
from ui.text import counted, plain, share_done

if TYPE_CHECKING:
    from engine.benchmark.records import Run
    from engine.benchmark.results import BenchResult
    from engine.station import Station
    from ui.context import Context

_OPENING = "bench_opening"
_POLL_S = 0.5

_N_COLUMNS = 4
_SIDE_PX = 480  # twice the size on the page, for dense screens
# of a few results; a picture takes about 30 kB
_N_KEPT = 256


@dataclass(frozen=True)
class Picture:
    """One image of a run; ``path`` is below the root of the category, ``index`` in the test set.

    ``caption`` is Markdown.
    """

    path: str
    index: int
    caption: str
    types: tuple[str, ...] = ()


def show_gallery(
    context: Context, result: BenchResult, run: Run, pictures: Sequence[Picture], key: str
) -> None:
    """Draw small pictures in rows; each can be opened with what this run has learnt."""
    closed = _why_closed(context.station, result, run)
    for start in range(0, len(pictures), _N_COLUMNS):
        row = pictures[start : start + _N_COLUMNS]
        for column, picture in zip(st.columns(_N_COLUMNS), row, strict=False):
            with column:
                path = _show_picture(context, result, run, picture)
                if st.button(
                    "Inspect",
                    key=f"bench_open_{key}_{picture.index}",
                    icon=":material/search_check:",
                    disabled=bool(closed) or path is None,
                    width="stretch",
                    help=closed or "Shows why, judged with the same references as in this run.",
                ):
                    assert path is not None  # or the button could not be pressed
                    _open_image(context, result, run, path)


def _show_picture(context: Context, result: BenchResult, run: Run, picture: Picture) -> Path | None:
    """Draw one; returns its file, or None where that cannot be shown any more."""
    path = None
    try:
        path = context.station.allowed(result.roots[run.category] / picture.path)
        stamp = path.stat().st_mtime_ns
        st.image(_thumbnail(str(path), stamp, result.perturbation, picture.index))
    except (StationError, ImageError, OSError, KeyError):
        path = None
        st.caption(":material/hide_image: The image is not there any more.")
    st.markdown(picture.caption)
    st.caption(plain(" · ".join((Path(picture.path).name, *picture.types))))
    return path


@st.cache_resource(show_spinner=False, max_entries=_N_KEPT)
def _thumbnail(path: str, mtime_ns: int, perturbation: Perturbation | None, index: int) -> bytes:
    """Shrink an image as it was judged, once for all sessions."""
    image = read_image(Path(path), bits=significant_bits([path]))  # to be seen, not judged
    if perturbation is not None:
        image = perturbation.apply(image, index)
    return small_jpeg(image, _SIDE_PX)[0]


@dataclass(frozen=True)
class Opening:
    """An image that waits for a model, which a job makes."""

    job: int
    model: str
    image: Path


def _open_image(context: Context, result: BenchResult, run: Run, image: Path) -> None:
    """Show an image on the page Inspect, at once or as soon as its model is learnt."""
    try:
        spec = _model_spec(result, run)
        if context.station.model_path(spec["name"]).is_file():
            _inspect(context, spec["name"], image)
        job = _job_of(context.station, spec)
    except StationError as error:
        st.error(plain(str(error)), icon=":material/block:")
        return
    st.session_state[_OPENING] = Opening(job, spec["name"], image)
    st.rerun()


def show_opening(context: Context) -> None:
    """Draw how far the model of an image is that is to be opened, and open it when it is there."""
    opening: Opening | None = st.session_state.get(_OPENING)
    if opening is None:
        return
    job = context.station.job(opening.job)
    if job.is_active:
        live(_wait, every_s=_POLL_S, key="bench_opening")(context, opening)
        return
    del st.session_state[_OPENING]
    if job.state == "done":
        _inspect(context, opening.model, opening.image)
    elif job.state == "failed":
        st.error(plain(f"The references could not be learnt: {job.error}"), icon=":material/error:")


def _wait(context: Context, opening: Opening) -> None:
    job = context.station.job(opening.job)
    if not job.is_active:
        st.rerun()
    with st.container(border=True):
        words, stop = st.columns([6, 1], vertical_alignment="center")
        words.progress(share_done(job), plain(f"Learning the references of this run · {job.step}"))
        if stop.button("Cancel", key="bench_opening_cancel", width="stretch"):
            context.station.cancel_job(job.id)
            st.session_state.pop(_OPENING, None)
            st.rerun()


def _inspect(context: Context, name: str, image: Path) -> None:
    """Queue the image, unless it was judged with this model before, and go to it."""
    station, model = context.station, context.station.model_path(name)
    try:
        same = [each for each in station.entries(model=model) if each.path == image]
        if not same:
            batch = station.add_folder(image, model=model)
            same = station.entries(batch=batch.id)
    except StationError as error:
        st.error(plain(str(error)), icon=":material/block:")
        return
    select_model(model)
    context.go("inspect", entry=str(same[0].id))


def _why_closed(station: Station, result: BenchResult, run: Run) -> str:
    """Say why images of a run cannot be judged again as they were; empty if they can."""
    if result.perturbation is not None:
        kinds = ", ".join(result.perturbation.kinds)
        return f"The images were perturbed before they were judged: {kinds}."
    if not _is_profile_alone(result.config):
        return "This benchmark was made with settings of its own."
    try:
        for reference in run.references:
            station.allowed(result.roots[run.category] / reference)
    except (StationError, KeyError):
        return "The references are not there any more, or may not be read here."
    return ""


def _is_profile_alone(config: Any) -> bool:
    """Tell whether settings are the defaults of a profile, which a name is enough to make again."""
    if set(config) == {"profile"}:
        return True
    try:
        usual = to_dict(from_dict({"profile": config["profile"]}))
    except (ConfigError, KeyError):
        return False
    return bool(json.loads(json.dumps(usual)) == with_current_names(config))


def _model_spec(result: BenchResult, run: Run) -> dict[str, Any]:
    """Say how to learn what a run has learnt; its name tells by what it differs from others."""
    root, profile = result.roots[run.category], result.config.get("profile")
    paths = [root / reference for reference in run.references]
    facts = {
        "profile": profile,
        "references": [
            (str(path), path.stat().st_size, path.stat().st_mtime_ns) if path.is_file() else ""
            for path in paths
        ],
    }
    category = re.sub(r"[^\w-]+", " ", run.category).strip(" -") or "category"
    shots = counted(run.shots, "shot")
    return {
        "name": f"{category[:30]} {shots} seed {run.seed} {fingerprint(facts)[:6]}",
        "references": [{"path": str(path)} for path in paths],
        "names": list(run.references),
        "profile": profile,
    }


def _job_of(station: Station, spec: dict[str, Any]) -> int:
    """Return the job that learns this already, perhaps for another visitor, or a new one."""
    for job in station.jobs("fit", is_active=True):
        if job.spec["name"] == spec["name"]:
            return job.id
    return station.start_job("fit", spec)
