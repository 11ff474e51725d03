"""What Pillow opens: values of more than eight bits, and transparency that hides everything."""

from __future__ import annotations

import struct
import subprocess
import sys
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from features.image_files import read_image, read_labels, significant_bits
from features.images import ImageError

RGB = np.random.default_rng(0).integers(0, 256, (24, 40, 3), dtype=np.uint8)


def deep_png(path: Path, values: np.ndarray) -> Path:
    order = {1: [0], 3: [2, 1, 0], 4: [2, 1, 0, 3]}[values.shape[2]]
    cv2.imwrite(str(path), values[..., order].astype(np.uint16))
    return path


@pytest.mark.parametrize("n_channels", [1, 3, 4])
@pytest.mark.parametrize("bits", [8, 10, 12, 14])
def test_fewer_bits_in_words_of_sixteen_are_told_by_the_set(
    bits: int, n_channels: int, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    colors = np.random.default_rng(bits).integers(0, 2**bits, (24, 40, 3))
    colors[0, 0] = 2**bits - 1
    colors = colors[..., : min(n_channels, 3)]
    light, dark = colors, colors // 40
    for full in (65535, 2**bits - 1) if n_channels == 4 else (0,):
        opaque = [np.full((24, 40, 1), full)] if n_channels == 4 else []
        paths = [
            deep_png(tmp_path / f"{name}.png", np.concatenate([shown, *opaque], axis=2))
            for name, shown in (("light", light), ("dark", dark))
        ]
        assert significant_bits(paths) == bits
        assert significant_bits(paths[1:]) != 16
        for path, shown in zip(paths, (light, dark), strict=True):
            expected = np.broadcast_to(shown >> (bits - 8), (24, 40, 3))
            np.testing.assert_array_equal(read_image(path, bits=bits), expected)
        assert caplog.messages == []


def test_a_set_that_fills_its_words_has_sixteen_bits(tmp_path: Path) -> None:
    paths = [
        deep_png(tmp_path / "dark.png", np.full((24, 40, 1), 900)),
        deep_png(tmp_path / "light.png", np.full((24, 40, 1), 50_000)),
    ]
    assert significant_bits(paths) == 16
    assert np.unique(read_image(paths[0], bits=16)).tolist() == [3]


def test_some_of_fewer_bits_in_a_set_are_told_of(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    values = {"a": 900, "b": 50_000, "c": 4000, "d": 65_535}
    paths = [
        deep_png(tmp_path / f"{name}.png", np.full((24, 40, 1), value))
        for name, value in values.items()
    ]
    assert significant_bits(paths) == 16
    (message,) = caplog.messages
    assert message.startswith("2 of 4 16-bit photographs have no value above 4095, as cameras of")
    caplog.clear()
    assert significant_bits(paths[1::2]) == 16
    assert significant_bits(paths[::2]) == 12
    assert significant_bits(paths, stated=14) == 14
    assert caplog.messages == []


def test_eight_bits_ask_for_nothing(tmp_path: Path) -> None:
    Image.fromarray(RGB).save(tmp_path / "a.png")
    assert significant_bits([tmp_path / "a.png"]) is None
    assert significant_bits([tmp_path / "a.png"], stated=12) is None
    np.testing.assert_array_equal(read_image(tmp_path / "a.png", bits=12), RGB)


def test_a_single_photograph_is_not_stretched_but_warned_of(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = deep_png(tmp_path / "a.png", np.full((24, 40, 3), 4095))
    assert np.unique(read_image(path)).tolist() == [15]
    assert "none above 4095, as cameras of 12 bits write" in caplog.text
    assert caplog.text.rstrip().endswith("fit references of that kind, or use --bits 12 with fit")
    caplog.clear()
    read_image(path, bits=16)
    assert caplog.messages == []


def test_larger_values_than_the_set_had_are_refused(tmp_path: Path) -> None:
    path = deep_png(tmp_path / "a.png", np.full((24, 40, 1), 5000))
    message = r"values up to 5000, expected at most 4095 .* of 12 bits; fit again with --bits 14$"
    with pytest.raises(ImageError, match=message):
        read_image(path, bits=12)


@pytest.mark.parametrize("suffix", ["png", "bmp", "webp"])
def test_where_all_is_transparent_the_colours_are_the_photograph(
    suffix: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / f"a.{suffix}"
    options = {"lossless": True, "exact": True} if suffix == "webp" else {}
    Image.fromarray(np.dstack([RGB, 0 * RGB[..., 0]])).save(path, **options)
    np.testing.assert_array_equal(read_image(path), RGB)
    message = f"{path} is transparent everywhere; its colours are taken for the photograph"
    assert caplog.messages in ([message], [] if suffix == "bmp" else [message])


def test_one_visible_pixel_is_enough_for_paper(tmp_path: Path) -> None:
    alpha = 0 * RGB[..., 0]
    alpha[3, 4] = 255
    Image.fromarray(np.dstack([RGB, alpha])).save(tmp_path / "a.png")
    got = read_image(tmp_path / "a.png")
    assert got[3, 4].tolist() == RGB[3, 4].tolist()
    assert np.unique(np.delete(got.reshape(-1, 3), 3 * 40 + 4, axis=0)).tolist() == [255]


def png_with_a_clear_level(values: np.ndarray, bits: int, level: int) -> bytes:
    """A PNG of grey or RGB, by the text of its specification, with one transparent level."""
    height, width, n_channels = values.shape
    shifts = np.arange(bits - 1, -1, -1)
    is_set = (values.reshape(height, -1, 1) >> shifts & 1).astype(np.uint8)
    rows = np.packbits(is_set.reshape(height, -1), axis=1)
    head = struct.pack(">IIBBBBB", width, height, bits, 2 if n_channels == 3 else 0, 0, 0, 0)
    chunks = {
        b"IHDR": head,
        b"tRNS": struct.pack(f">{n_channels}H", *[level] * n_channels),
        b"IDAT": zlib.compress(b"".join(b"\0" + row.tobytes() for row in rows)),
        b"IEND": b"",
    }
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        for name, data in chunks.items()
    )


@pytest.mark.parametrize("is_rgb", [False, True])
@pytest.mark.parametrize("bits", [1, 2, 4, 8, 16])
def test_a_level_of_png_may_be_transparent(bits: int, is_rgb: bool, tmp_path: Path) -> None:
    if is_rgb and bits < 8:
        bits = 8
    n_channels = 3 if is_rgb else 1
    values = np.random.default_rng(1).integers(0, 2**bits, (24, 40, 1)).repeat(n_channels, axis=2)
    path = tmp_path / "a.png"
    shown = values >> 8 if bits == 16 else values * 255 // (2**bits - 1)
    for level in {0, 1, 2**bits - 1, int(values[3, 4, 0])}:
        is_clear = values == level
        path.write_bytes(png_with_a_clear_level(values, bits, level))
        expected = np.broadcast_to(np.where(is_clear, 255, shown), (24, 40, 3))
        np.testing.assert_array_equal(read_image(path), expected)
        if is_clear.any():
            assert (read_labels(path)[is_clear[..., 0]] == 0).all()


MEASURED = """
import sys
from features import read_image
import cv2, tifffile, features.raw_files
from PIL import Image
Image.init()

def most():
    lines = open("/proc/self/status").read().splitlines()
    return int(next(line for line in lines if line.startswith("VmHWM")).split()[1]) * 1024

for path in sys.argv[1:]:
    open("/proc/self/clear_refs", "w").write("5")
    before = most()
    image = read_image(path)
    print((most() - before) / (image.size / 3))
    del image
"""


def test_decoding_takes_no_more_memory_than_is_said(tmp_path: Path) -> None:
    """At most 18 bytes a pixel, as beside MAX_PIXELS; long rows and columns are no exception."""
    long, wide, square = (
        Image.fromarray(np.resize(RGB, shape))
        for shape in ((150_000, 16, 3), (16, 150_000, 3), (1500, 1600, 3))
    )
    alpha = Image.merge("RGBA", (*long.split(), long.split()[0]))
    alpha.save(tmp_path / "long.png", compress_level=1)
    cv2.imwrite(str(tmp_path / "wide.png"), np.asarray(wide).astype(np.uint16) * 257)
    square.save(tmp_path / "a.tif", compression="tiff_lzw")
    square.save(tmp_path / "a.jpg", progressive=True, subsampling=0)
    square.save(tmp_path / "a.webp", method=0)
    paths = [str(path) for path in sorted(tmp_path.iterdir())]
    ended = subprocess.run(
        [sys.executable, "-c", MEASURED, *paths], capture_output=True, text=True, check=True
    )
    bytes_per_pixel = dict(zip(paths, map(float, ended.stdout.split()), strict=True))
    margin = 24 * 2**20 / 2_400_000  # for a band, and what allocators keep
    assert max(bytes_per_pixel.values()) <= 18 + margin, bytes_per_pixel
