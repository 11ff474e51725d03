"""HEIC and raw files of cameras, with and without what reads them."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import numpy as np
import pillow_heif
import pytest

from features import raw_files
from features.image_files import LossyMaskError, image_size, list_images, read_image, read_labels
from features.images import ImageError

HEADS = {
    "heic": b"\0\0\0\x18ftypheic\0\0\0\0mif1heic",
    "cr3": b"\0\0\0\x18ftypcrx \0\0\0\1crx isom",
    "cr2": b"II*\0\x10\0\0\0CR\2\0",
    "raf": b"FUJIFILMCCD-RAW 0201",
    "rw2": b"IIU\0\x18\0\0\0",
    "orf": b"IIRO\x08\0\0\0",
    "x3f": b"FOVb\0\0\2\0",
}


@pytest.fixture
def _nothing_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(raw_files, "find_spec", lambda name: None)


def dng(writer: ModuleType, height: int = 48, width: int = 64) -> bytes:
    """The smallest raw file: a preview, and below it the mosaic of an even grey sensor."""
    preview = writer.picture(np.zeros((12, 16, 3), np.uint32), bits=8, photometric=2)
    camera = [*b"Camera\0"]
    preview[0].update(
        {
            254: (4, [1]),
            271: (2, camera),
            272: (2, camera),
            50706: (1, [1, 4, 0, 0]),
            50707: (1, [1, 1, 0, 0]),
            50708: (2, camera),
            50721: (10, [1, 1, 0, 1, 0, 1, 0, 1, 1, 1, 0, 1, 0, 1, 0, 1, 1, 1]),
            50728: (5, [1, 1, 1, 1, 1, 1]),
            50778: (3, [21]),
        }
    )
    mosaic = np.full((height, width, 1), 20_000, np.uint32)
    raw = writer.picture(mosaic, bits=16, photometric=32803)
    raw[0].update(
        {254: (4, [0]), 33421: (3, [2, 2]), 33422: (1, [0, 1, 1, 2]), 50717: (4, [65535])}
    )
    return bytes(writer.file_of([preview], inner=[raw]))


@pytest.mark.usefixtures("_nothing_installed")
@pytest.mark.parametrize("kind", HEADS)
def test_what_needs_more_says_what_to_install(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "renamed.png"
    path.write_bytes(HEADS[kind] + bytes(200))
    with pytest.raises(ImageError, match=r"pip install 'partwise\[raw\]', or save it as PNG$"):
        read_image(path)
    with pytest.raises(ImageError, match=r"pip install 'partwise\[raw\]', or save it as PNG$"):
        image_size(path)


@pytest.mark.usefixtures("_nothing_installed")
def test_a_negative_is_not_mistaken_for_its_preview(
    tiff_writer: ModuleType, tmp_path: Path
) -> None:
    path = tmp_path / "a.dng"
    path.write_bytes(dng(tiff_writer))
    with pytest.raises(ImageError, match=r"raw data of a camera's sensor, which needs more"):
        read_image(path)


@pytest.mark.parametrize("kind", HEADS)
def test_broken_ones_are_one_line(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(HEADS[kind] + bytes(200))
    for read in (read_image, image_size, read_labels):
        with pytest.raises(ImageError) as caught:
            read(path)
        assert "\n" not in str(caught.value)


def test_a_negative_is_developed_with_a_fixed_brightness(
    tiff_writer: ModuleType, tmp_path: Path
) -> None:
    path = tmp_path / "a.dng"
    path.write_bytes(dng(tiff_writer))
    image = read_image(path)
    assert image.shape[:2] == image_size(path) == (48, 64)
    assert 100 < image.mean() < 200  # 0.3 of the light, with the curve of screens
    with pytest.raises(LossyMaskError, match="a mask must be lossless, got a camera's raw format"):
        read_labels(path)
    with pytest.raises(ImageError, match="is too large: at most 3,000 pixels are read"):
        read_image(path, max_pixels=3_000)


def test_heic_is_read(tmp_path: Path) -> None:
    smooth = np.add.outer(np.arange(48), np.arange(64))[..., None] * np.ones(3)
    path = tmp_path / "a.heic"
    heif = pillow_heif.from_bytes("RGB", (64, 48), smooth.astype(np.uint8).tobytes())
    heif.save(path, quality=95)
    image = read_image(path)
    assert np.abs(image.astype(int) - smooth).mean() < 4
    assert image_size(path) == (48, 64)
    assert list_images(tmp_path) == [path]
    with pytest.raises(LossyMaskError):
        read_labels(path)
