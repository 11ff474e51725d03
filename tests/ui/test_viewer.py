"""A viewer on a page: what the browser is told of an image."""

from __future__ import annotations

import json

from streamlit.testing.v1 import AppTest

from ui.viewer import Layer


def test_a_page_under_test_shows_a_viewer() -> None:
    def show() -> None:
        from io import BytesIO

        from PIL import Image

        from ui.viewer import viewer

        file = BytesIO()
        Image.new("RGB", (6, 4)).save(file, "PNG")
        viewer(file.getvalue(), image_size=(4, 6), key="look")

    test = AppTest.from_function(show).run()
    assert not test.exception
    sent = json.loads(test.main.children[0].proto.json)
    assert sent["size"] == [4, 6]
    assert sent["layers"] == sent["marks"] == []
    assert Layer("map", "Map", b"").opacity == 0.6
