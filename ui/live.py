"""Live parts of a page: drawn again by themselves, without disturbing others.

By a fragment in a container of its own, for which the browser asks whenever the page stands still
(auto-refresh).

Streamlit's own timer (``run_every``) asks at any time. When that happens just as a run of the page
ends, two things go wrong, often so on a machine under load. What the run drew of the fragment is
taken out of the queue (``ForwardMsgQueue.clear``); the browser then removes the old elements, what
follows moves up by one place, and the fragment draws over its neighbour. Or a new script runner
begins, and what the old one has said last is not listened to (``AppSession``). Either way a part of
the page is missing or old until the page runs again.

Should the end of a run be lost all the same, the browser notices: each run that came to its end has
a number, which the last element of the page (the run marker) and every live part carry. Where the
latter is ahead, or a part is not answered, the browser asks for the whole page.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import ParamSpec

import streamlit as st

from ui.components import static_text

P = ParamSpec("P")

_AUTO_REFRESH = st.components.v2.component(
    "partwise_auto_refresh", js=static_text("auto_refresh.js")
)
_RUN_MARKER = st.components.v2.component("partwise_run_marker", js=static_text("run_marker.js"))

# how many runs of the page have come to their end for this visitor
_N_RUNS = "_live_n_runs"


def live(
    draw: Callable[P, None], *, every_s: float | None, key: str, height: int | None = None
) -> Callable[P, None]:
    """Return what draws, and draws again every so often; call it at once, with its arguments.

    Args:
        draw: Draws some elements; may call ``st.rerun()`` to have the whole page drawn again.
        every_s: Seconds from the end of one time to the next; None to draw only with the page.
        key: Names the container, for styles and tests.
        height: In CSS pixels: the place is kept while there is nothing in it.
    """

    def drawn(*args: P.args, **kwargs: P.kwargs) -> None:
        place = st.container(
            height="content" if height is None else height,
            border=False,
            vertical_alignment="top" if height is None else "center",
            key=key,
        )
        with place:
            st.fragment(refresh)(*args, **kwargs)

    def refresh(*args: P.args, **kwargs: P.kwargs) -> None:
        draw(*args, **kwargs)
        if every_s is not None:
            data = {
                "every_ms": round(1000 * every_s),
                "drawn_at": time.monotonic(),
                "run": st.session_state.get(_N_RUNS, 0),
            }
            _AUTO_REFRESH(
                data=data, key=f"auto-refresh-{key}", height=1, on_refresh_change=_nothing
            )

    return drawn


def begin_page() -> None:
    """Let what asks take no place, not even until it has begun; before all else on a page."""
    st.html("<style>[class*='st-key-auto-refresh-'] { display: none; }</style>")


def end_page() -> None:
    """Tell the browser that the page is whole; after all else on it.

    Where that has not arrived although the server has said it, the browser asks for the page again.
    """
    run = st.session_state[_N_RUNS] = st.session_state.get(_N_RUNS, 0) + 1
    _RUN_MARKER(data={"run": run}, key="auto-refresh-marker", height=1, on_reload_change=_nothing)


def _nothing() -> None:
    """Streamlit knows only triggers that have a callback."""
