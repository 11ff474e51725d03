"""State of the page Benchmark: its address, and the results to choose from.

The address keeps what is shown, so that a reload and a link show the same. Results come from files
of finished benchmarks, or from running jobs.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from engine.benchmark.datasets import category_folders
from engine.benchmark.results import BenchResult, read_result
from engine.station.results import finished_runs
from ui.bench_page.view import date_text, job_title

if TYPE_CHECKING:
    from engine.benchmark.records import Run
    from engine.station import Benchmark, Job, Station

VIEW, RESULT = "bench_view", "bench_result"
"""What the page shows, and which result: the keys of two widgets."""

_NUMBERED = re.compile(r"0*(\d+) ")


def read_query(name: str) -> str:
    """Return what the address holds under this name; perhaps empty."""
    return str(st.query_params.get(name, ""))


def write_query(name: str, value: str) -> None:
    """Write a value into the address, unless it is there."""
    if read_query(name) != value:
        st.query_params[name] = value


def show_job(job: int) -> None:
    """Show the result of a job from the next run of the script on, however far it is."""
    for key in (VIEW, RESULT):
        st.session_state.pop(key, None)
    write_query("view", "results")
    write_query("result", f"job-{job}")


@dataclass(frozen=True)
class Source:
    """A benchmark that can be shown: its file, or the job that has not written one yet."""

    key: str
    """Stays the same when the job has finished; the address holds it."""
    title: str
    path: Path | None
    job: Job | None = None


def find_sources(station: Station) -> list[Source]:
    """List unfinished jobs and finished benchmarks, the newest first of each."""
    jobs = {f"job-{job.id}": job for job in station.jobs("bench")}
    finished = [_finished(each, jobs) for each in station.benchmarks()]
    known = {source.key for source in finished}
    unfinished = [
        Source(key, _title(job), None, job)
        for key, job in jobs.items()
        if key not in known and (job.is_active or job.result)
    ]
    return unfinished + finished


def load(source: Source) -> BenchResult:
    """Read a result, or what a job has finished so far.

    Raises:
        DatasetError: The file is no result, or the data set of a job is gone.
        OSError: The file cannot be read.
    """
    if source.path is not None:
        return _read(str(source.path), source.path.stat().st_mtime_ns)
    if source.job is None or not (runs := finished_runs(source.job)):
        return BenchResult({}, None, {}, ())
    spec = source.job.spec
    place = {seed: index for index, seed in enumerate(spec["seeds"])}

    def order(run: Run) -> tuple[str, int, int]:
        return run.category, run.shots, place.get(run.seed, len(place))

    roots = category_folders(Path(spec["root"]))
    return BenchResult({"profile": spec["profile"]}, None, roots, tuple(sorted(runs, key=order)))


def _finished(benchmark: Benchmark, jobs: Mapping[str, Job]) -> Source:
    """Name a result as the job that made it; other files may lie there, too."""
    numbered = _NUMBERED.match(benchmark.name)
    key = f"job-{numbered[1]}" if numbered else benchmark.name
    if key in jobs:
        return Source(key, _title(jobs[key]), benchmark.path)
    title = f"{benchmark.name} · {date_text(benchmark.created)}"
    return Source(benchmark.name, title, benchmark.path)


def _title(job: Job) -> str:
    """Name a job by what does not change: a list that is open shows it while the job ends."""
    return f"{job_title(job)} · {date_text(job.created_at)} · no. {job.id}"


@st.cache_resource(show_spinner=False, max_entries=8)
def _read(path: str, mtime_ns: int) -> BenchResult:
    """Read a file once for all sessions, and again when it has changed."""
    return read_result(Path(path))
