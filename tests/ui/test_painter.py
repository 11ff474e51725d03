"""A painter on a page: what a browser sends becomes shapes, and nonsense one line."""

from __future__ import annotations

from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from engine.regions.shapes import Click
from ui.images import Viewport


def show() -> None:
    """A page with a painter; what it returns is kept for the test to look at."""
    from io import BytesIO

    import streamlit as st
    from PIL import Image

    from ui.painter import painter, viewport_of

    file = BytesIO()
    Image.new("RGB", (60, 40)).save(file, "PNG")
    st.session_state["viewport"] = viewport_of("canvas")
    st.session_state["painting"] = painter(
        file.getvalue(), image_size=(40, 60), subject="this", key="canvas"
    )


def painted(sent: object) -> tuple[Any, Any]:
    """Run the page as if a browser had sent this; return the painting and the viewport."""
    test = AppTest.from_function(show)
    if sent is not None:
        test.session_state["canvas"] = {"painting": sent}
    test.run()
    assert not test.exception
    return test.session_state["painting"], test.session_state["viewport"]


def test_nothing_is_painted_before_the_browser_sends_anything() -> None:
    assert painted(None) == (None, None)


def test_shapes_come_back_with_what_is_in_the_window() -> None:
    sent = {
        "subject": "this",
        "shapes": [{"kind": "click", "point": [3, 4.5]}],
        "viewport": {"box": [1, 2, 30, 20], "scale": 2},
    }
    painting, viewport = painted(sent)
    assert painting.shapes == (Click((3.0, 4.5)),)
    assert painting.viewport == viewport == Viewport((1.0, 2.0, 30.0, 20.0), 2.0)
    assert painting.error is None


def test_what_was_painted_on_something_else_does_not_count() -> None:
    assert painted({"subject": "that", "shapes": [], "viewport": None})[0] is None


@pytest.mark.parametrize(
    ("sent", "words"),
    [
        ({"shapes": None}, "shapes must be a list, got None"),
        ({"shapes": [{"kind": "spray"}]}, "a shape must be one of"),
        (
            {"shapes": [{"kind": "click", "point": [61, 4]}]},
            "x of a point must be a number in 0 … 60",
        ),
        ({"shapes": [], "viewport": 7}, "a viewport must have a box"),
        ({"shapes": [], "viewport": {"box": [1, 2, 3, "4"], "scale": 1}}, "a viewport must be a"),
        ({"shapes": [], "viewport": {"box": [1, 2, 3, 4], "scale": 0}}, "its scale must be"),
    ],
)
def test_nonsense_from_the_browser_is_one_line_and_no_crash(
    sent: dict[str, object], words: str
) -> None:
    painting, viewport = painted({"subject": "this", **sent})
    assert painting.shapes == ()
    assert words in painting.error
    assert "\n" not in painting.error
    assert viewport is None


@pytest.mark.parametrize("sent", [7, "painted", ["this"], {"shapes": []}])
def test_what_is_no_painting_is_none(sent: object) -> None:
    assert painted(sent) == (None, None)


def test_unknown_tools_are_refused() -> None:
    def page() -> None:
        from ui.painter import painter

        painter(b"\xff\xd8\xff", image_size=(4, 6), tools=["brush", "spray"], key="canvas")

    test = AppTest.from_function(page).run()
    assert "tools must be some of brush, eraser, box" in test.exception[0].message
