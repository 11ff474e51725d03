"""How large is an image, by its header alone?"""

import numpy as np
import pytest
from PIL import Image

from features.image_files import image_size, read_image
from features.images import ImageError


@pytest.mark.parametrize("suffix", ["png", "jpg", "bmp", "tiff", "webp", "gif"])
def test_the_size_is_that_of_the_photograph(tmp_path, suffix):
    path = tmp_path / f"a.{suffix}"
    Image.new("RGB", (40, 30), "red").save(path)
    assert image_size(path) == (30, 40)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_rotation_by_exif_counts(tmp_path, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = tmp_path / "a.jpg"
    Image.new("RGB", (40, 30)).save(path, exif=exif)
    assert image_size(path) == read_image(path).shape[:2]


def test_nothing_is_decoded(tmp_path):
    path = tmp_path / "a.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (64, 64, 3), dtype=np.uint8)).save(
        path
    )
    path.write_bytes(path.read_bytes()[:2000])
    assert image_size(path) == (64, 64)
    with pytest.raises(ImageError, match="is damaged or truncated"):
        read_image(path)


def test_the_same_is_refused_as_when_reading(tmp_path):
    path = tmp_path / "a.png"
    Image.new("RGB", (40, 30)).save(path)
    with pytest.raises(ImageError, match=r"at most 1,000 pixels are read, got 40×30 = 1,200"):
        image_size(path, max_pixels=1000)
    path.write_text("no image")
    with pytest.raises(ImageError, match="is not an image, or is cut off in its header"):
        image_size(path)


@pytest.mark.parametrize("is_late", [False, True])
def test_a_png_may_say_after_its_pixels_how_it_lies(tmp_path, is_late):
    exif = Image.Exif()
    exif[0x0112] = 6
    path = tmp_path / "a.png"
    Image.new("RGB", (40, 30)).save(path, exif=exif)
    if is_late:
        content = path.read_bytes()
        start = content.index(b"eXIf") - 4
        end = start + 12 + int.from_bytes(content[start : start + 4], "big")
        without = content[:start] + content[end:]
        path.write_bytes(without[:-12] + content[start:end] + without[-12:])
    assert image_size(path) == read_image(path).shape[:2] == (40, 30)


def test_no_size_takes_the_memory_of_the_pixels(tmp_path, monkeypatch):
    path = tmp_path / "a.png"
    Image.new("RGB", (40, 30)).save(path)
    monkeypatch.setattr(Image.Image, "load", lambda self: pytest.fail("was decoded"))
    monkeypatch.setattr("PIL.ImageFile.ImageFile.load", lambda self: pytest.fail("was decoded"))
    assert image_size(path) == (30, 40)
