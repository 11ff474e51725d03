"""How does an image of a benchmark get to the page Inspect, judged as in its run?

What the run has learnt is not kept by a benchmark: it is learnt again from the same references, as
a model of the station, once for each run. Then the image is judged with it.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import streamlit as st

from engine.benchmark.journal import fingerprint
from engine.config import from_dict, to_dict
from engine.errors import ConfigError
from engine.station import StationError
from ui.choice import want_model
from ui.live import live
from ui.view import counted, plain

if TYPE_CHECKING:
    from engine.benchmark.records import Run
    from engine.benchmark.results import BenchResult
    from engine.station import Job, Station
    from ui.context import Context

_OPENING = "bench_opening"
_POLL_S = 0.5


@dataclass(frozen=True)
class Opening:
    """An image that waits for a model, which a job makes."""

    job: int
    model: str
    image: Path


def open_image(context: Context, result: BenchResult, run: Run, image: Path) -> None:
    """Show an image on the page Inspect, at once or as soon as its model is learnt."""
    try:
        spec = model_spec(result, run)
        if context.station.model_path(spec["name"]).is_file():
            _go(context, spec["name"], image)
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
        _go(context, opening.model, opening.image)
    elif job.state == "failed":
        st.error(plain(f"The references could not be learnt: {job.error}"), icon=":material/error:")


def why_closed(station: Station, result: BenchResult, run: Run) -> str:
    """Say why images of a run cannot be judged again as they were; empty if they can."""
    if result.perturbation is not None:
        return "The images were turned and moved before they were judged."
    if not _is_profile_alone(result.config):
        return "This benchmark was made with settings of its own."
    try:
        for reference in run.references:
            station.allowed(result.roots[run.category] / reference)
    except (StationError, KeyError):
        return "The references are not there any more, or may not be read here."
    return ""


def model_spec(result: BenchResult, run: Run) -> dict[str, Any]:
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


def _is_profile_alone(config: Any) -> bool:
    """Tell whether settings are the defaults of a profile, which a name is enough to make again."""
    if set(config) == {"profile"}:
        return True
    try:
        usual = to_dict(from_dict({"profile": config["profile"]}))
    except (ConfigError, KeyError):
        return False
    return bool(json.loads(json.dumps(usual)) == config)


def _job_of(station: Station, spec: dict[str, Any]) -> int:
    """Return the job that learns this already, perhaps for another visitor, or a new one."""
    for job in station.jobs("fit", is_active=True):
        if job.spec["name"] == spec["name"]:
            return job.id
    return station.start_job("fit", spec)


def _go(context: Context, name: str, image: Path) -> None:
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
    want_model(model)
    context.go("inspect", entry=str(same[0].id))


def _wait(context: Context, opening: Opening) -> None:
    job = context.station.job(opening.job)
    if not job.is_active:
        st.rerun()
    with st.container(border=True):
        words, stop = st.columns([6, 1], vertical_alignment="center")
        words.progress(_share(job), plain(f"Learning the references of this run · {job.step}"))
        if stop.button("Cancel", key="bench_opening_cancel", width="stretch"):
            context.station.cancel_job(job.id)
            st.session_state.pop(_OPENING, None)
            st.rerun()


def _share(job: Job) -> float:
    return min(job.done / job.total, 1.0) if job.total else 0.0
