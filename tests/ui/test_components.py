"""What components are sent: pictures, and nothing else that a browser might run."""

from __future__ import annotations

from io import BytesIO

import pytest
from PIL import Image as Pillow

from ui.components import data_address


def encoded(color: tuple[int, ...], kind: str, size: tuple[int, int] = (600, 400)) -> bytes:
    file = BytesIO()
    Pillow.new("RGB" if len(color) == 3 else "RGBA", size, color).save(file, kind)
    return file.getvalue()


def test_only_pictures_are_sent() -> None:
    assert data_address(encoded((1, 2, 3), "PNG")).startswith("data:image/png;base64,iVBOR")
    assert data_address(encoded((1, 2, 3), "JPEG")).startswith("data:image/jpeg;base64,/9j/")
    with pytest.raises(ValueError, match="a picture must be JPEG or PNG, got bytes that begin"):
        data_address(b"<svg onload=alert(1)>")
