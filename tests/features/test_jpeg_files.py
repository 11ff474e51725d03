"""Is a JPEG refused whose pixels are not all there, and no other?"""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from features.image_files import read_image
from features.images import ImageError

SMALL = np.random.default_rng(0).integers(0, 256, (30, 40, 3), dtype=np.uint8)
PHOTO = Image.fromarray(SMALL).resize((320, 240), Image.Resampling.BICUBIC)
START_OF_SCAN, END = b"\xff\xda", b"\xff\xd9"
WAYS: list[dict[str, Any]] = [
    {},
    {"progressive": True},
    {"progressive": True, "subsampling": 0},
    {"optimize": True, "quality": 95},
    {"restart_marker_blocks": 4},
]


def jpeg(mode: str = "RGB", **options: Any) -> bytes:
    stream = BytesIO()
    PHOTO.convert(mode).save(stream, "JPEG", **options)
    return stream.getvalue()


@pytest.mark.parametrize("options", WAYS)
@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
def test_whole_files_are_read(mode: str, options: dict[str, Any], tmp_path: Path) -> None:
    path, content = tmp_path / "a.jpg", jpeg(mode, **options)
    expected = np.asarray(Image.open(BytesIO(content)).convert("RGB"))
    body = content[: -len(END)]
    for whole in (
        content,
        content + b"what follows",
        body + bytes(3) + END,
        body + bytes(500) + END,
        body + bytes(500) + END + content,
    ):
        path.write_bytes(whole)
        np.testing.assert_array_equal(read_image(path), expected)


@pytest.mark.parametrize("options", WAYS)
@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_what_is_cut_off_and_ended_is_refused(
    share: float, mode: str, options: dict[str, Any], tmp_path: Path
) -> None:
    path, content = tmp_path / "a.jpg", jpeg(mode, **options)
    start = content.index(START_OF_SCAN) + 20
    path.write_bytes(content[: start + round(share * (len(content) - start))] + END)
    with pytest.raises(ImageError, match=r"is damaged or truncated .*; copy it again") as caught:
        read_image(path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_a_progressive_file_needs_all_its_scans(mode: str, tmp_path: Path) -> None:
    path, content = tmp_path / "a.jpg", jpeg(mode, progressive=True)
    *scans, _ = content.split(START_OF_SCAN)
    assert len(scans) > 4
    for n_scans in range(2, len(scans) + 1):
        path.write_bytes(START_OF_SCAN.join(scans[:n_scans]) + END)
        with pytest.raises(ImageError, match="some passes of a progressive JPEG are missing"):
            read_image(path)


def test_bytes_that_are_lost_within_are_noticed(tmp_path: Path) -> None:
    path, content = tmp_path / "a.jpg", jpeg()
    middle = len(content) // 2
    path.write_bytes(content[:middle] + content[middle + 2000 :])
    with pytest.raises(ImageError, match="damaged or truncated"):
        read_image(path)
