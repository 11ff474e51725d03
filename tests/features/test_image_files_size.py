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
