"""How are images of a run shown small, each with a way to see it on the page Inspect?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from engine.benchmark.html_report import small_jpeg
from engine.benchmark.protocol import Perturbation
from engine.station import StationError
from features.image_files import read_image
from features.images import ImageError
from ui.bench_page.opening import open_image, why_closed
from ui.view import plain

if TYPE_CHECKING:
    from engine.benchmark.records import Run
    from engine.benchmark.results import BenchResult
    from ui.context import Context

_N_COLUMNS = 4
_SIDE_PX = 480  # twice the size on the page, for dense screens
# of a few results; a picture takes about 30 kB
_N_KEPT = 256


@dataclass(frozen=True)
class Picture:
    """One image of a run; ``path`` is below the root of the category, ``index`` in the test set.

    ``words`` are Markdown.
    """

    path: str
    index: int
    words: str
    types: tuple[str, ...] = ()


def show_gallery(
    context: Context, result: BenchResult, run: Run, pictures: Sequence[Picture], key: str
) -> None:
    """Draw small pictures in rows; each can be opened with what this run has learnt."""
    closed = why_closed(context.station, result, run)
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
                    open_image(context, result, run, path)


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
    st.markdown(picture.words)
    st.caption(plain(" · ".join((Path(picture.path).name, *picture.types))))
    return path


@st.cache_resource(show_spinner=False, max_entries=_N_KEPT)
def _thumbnail(path: str, mtime_ns: int, perturbation: Perturbation | None, index: int) -> bytes:
    """Shrink an image as it was judged, once for all sessions."""
    image = read_image(Path(path))
    if perturbation is not None:
        image = perturbation.apply(image, index)
    return small_jpeg(image, _SIDE_PX)[0]
