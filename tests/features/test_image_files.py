from __future__ import annotations

import logging
import os
import random
import struct
import threading
import warnings
import zlib
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image

from features import raw_files
from features.image_files import SUFFIXES, list_images, read_image
from features.images import ImageError


def noise(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)


RGB = noise(24, 40, 3)


def saved(array: np.ndarray, path: Path, mode: str | None = None, **options: Any) -> Path:
    image = Image.fromarray(array)
    (image.convert(mode) if mode else image).save(path, **options)
    return path


def png(
    width: int, height: int, *, depth: int, color: int, rows: bytes, extra: bytes = b""
) -> bytes:
    """A PNG assembled by hand; ``rows`` as the format has them, filter bytes included."""
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, color, 0, 0, 0))
    body = chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + head + extra + body


def chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


# Sound files


@pytest.mark.parametrize(
    ("suffix", "options"),
    [
        ("png", {}),
        ("bmp", {}),
        ("tif", {}),
        ("tif", {"compression": "tiff_lzw"}),
        ("webp", {"lossless": True}),
    ],
)
def test_lossless_formats_give_the_very_pixels(
    suffix: str, options: dict[str, Any], tmp_path: Path
) -> None:
    got = read_image(saved(RGB, tmp_path / f"a.{suffix}", **options))
    np.testing.assert_array_equal(got, RGB)
    assert got.dtype == np.uint8
    assert got.flags.writeable
    assert got.flags.c_contiguous


@pytest.mark.parametrize("suffix", ["jpg", "webp"])
def test_lossy_formats_give_nearly_the_pixels(suffix: str, tmp_path: Path) -> None:
    smooth = cv2.resize(noise(3, 5, 3), (40, 24))
    got = read_image(saved(smooth, tmp_path / f"a.{suffix}", quality=95))
    assert np.abs(got.astype(int) - smooth).mean() < 4


def test_the_content_decides_and_not_the_name(tmp_path: Path) -> None:
    jpeg = saved(RGB, tmp_path / "a.jpg")
    for name in ("a.png", "a.txt", "a"):
        renamed = tmp_path / name
        renamed.write_bytes(jpeg.read_bytes())
        np.testing.assert_array_equal(read_image(str(renamed)), read_image(jpeg))


@pytest.mark.parametrize("suffix", ["png", "tif", "bmp", "gif"])
def test_grey_is_repeated(suffix: str, tmp_path: Path) -> None:
    grey = RGB[..., 0]
    got = read_image(saved(grey, tmp_path / f"a.{suffix}"))
    np.testing.assert_array_equal(got, np.stack([grey] * 3, axis=-1))


def test_palette_and_one_bit_are_looked_up(tmp_path: Path) -> None:
    few = (RGB // 128) * 255
    path = tmp_path / "a.png"
    Image.fromarray(few).quantize(8, dither=Image.Dither.NONE).save(path)
    np.testing.assert_array_equal(read_image(path), few)
    got = read_image(saved(few[..., 0], tmp_path / "b.png", mode="1"))
    np.testing.assert_array_equal(got, np.stack([few[..., 0]] * 3, axis=-1))


@pytest.mark.parametrize("suffix", ["png", "tif", "webp"])
def test_transparency_is_composited_on_white(suffix: str, tmp_path: Path) -> None:
    alpha = noise(24, 40)
    options: dict[str, Any] = {"lossless": True, "exact": True} if suffix == "webp" else {}
    got = read_image(saved(np.dstack([RGB, alpha]), tmp_path / f"a.{suffix}", **options))
    share = alpha[..., None] / 255
    assert np.abs(got - (RGB * share + 255 * (1 - share))).max() <= 1


def test_a_transparent_palette_entry_becomes_white(tmp_path: Path) -> None:
    index = np.arange(24 * 40, dtype=np.uint8).reshape(24, 40) % 2
    image = Image.frombytes("P", (40, 24), index.tobytes())
    image.putpalette([200, 10, 10, 0, 0, 255])
    image.save(tmp_path / "a.png", transparency=0)
    got = read_image(tmp_path / "a.png")
    expected = np.array([[255, 255, 255], [0, 0, 255]], np.uint8)[index]
    np.testing.assert_array_equal(got, expected)


@pytest.mark.parametrize("suffix", ["jpg", "tif"])
def test_cmyk_is_converted(suffix: str, tmp_path: Path) -> None:
    inks = np.zeros((24, 40, 4), np.uint8)
    inks[:, :20] = 200, 30, 0, 60  # cyan, magenta, yellow, black
    inks[:, 20:] = 0, 0, 250, 10
    path = tmp_path / f"a.{suffix}"
    image = Image.frombytes("CMYK", (40, 24), inks.tobytes())
    options: dict[str, Any] = {"quality": 100} if suffix == "jpg" else {}
    image.save(path, **options)
    naive = (255 - inks[..., :3].astype(float)) * (255 - inks[..., 3:].astype(float)) / 255
    assert np.abs(read_image(path) - naive)[:, [4, 36]].max() <= 4


@pytest.mark.parametrize("suffix", ["png", "tif"])
@pytest.mark.parametrize("shape", [(24, 40), (24, 40, 3)])
def test_sixteen_bits_keep_their_upper_eight(
    suffix: str, shape: tuple[int, ...], tmp_path: Path
) -> None:
    deep = np.random.default_rng(1).integers(0, 65536, shape, dtype=np.uint16)
    deep[0, 0], deep[0, 1], deep[0, 2], deep[0, 3] = 0, 65535, 255, 256
    path = tmp_path / f"a.{suffix}"
    cv2.imwrite(str(path), deep[..., ::-1] if deep.ndim == 3 else deep)
    got = read_image(path)
    rgb = deep if deep.ndim == 3 else np.stack([deep] * 3, axis=-1)
    np.testing.assert_array_equal(got, rgb // 256)
    assert got[0, :4, 0].tolist() == [0, 255, 0, 1]


def test_twelve_bits_stored_in_sixteen_stay_dark(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    cv2.imwrite(str(path), np.full((24, 40), 4095, np.uint16))
    assert np.unique(read_image(path)).tolist() == [15]


def test_sixteen_bits_of_either_byte_order(tmp_path: Path) -> None:
    deep = np.random.default_rng(1).integers(0, 65536, (24, 40), dtype=np.uint16)
    Image.frombytes("I;16B", (40, 24), deep.astype(">u2").tobytes()).save(tmp_path / "a.tif")
    np.testing.assert_array_equal(read_image(tmp_path / "a.tif")[..., 1], deep >> 8)


UPRIGHT_FROM_STORED = {
    1: lambda a: a,
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.swapaxes(0, 1),
    6: lambda a: np.rot90(a, -1),
    7: lambda a: np.rot90(a[:, ::-1], -1),
    8: lambda a: np.rot90(a),
}


@pytest.mark.parametrize("orientation", UPRIGHT_FROM_STORED)
@pytest.mark.parametrize("suffix", ["png", "tif", "webp", "jpg"])
def test_exif_rotation_is_applied_pixel_by_pixel(
    suffix: str, orientation: int, tmp_path: Path
) -> None:
    options: dict[str, Any] = {"lossless": True} if suffix == "webp" else {}
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored = read_image(saved(RGB, tmp_path / f"stored.{suffix}", **options))
    got = read_image(saved(RGB, tmp_path / f"turned.{suffix}", exif=exif, **options))
    np.testing.assert_array_equal(got, UPRIGHT_FROM_STORED[orientation](stored))


@pytest.mark.parametrize("suffix", ["gif", "webp", "png", "tif"])
def test_the_first_frame_stands_for_an_animation(
    suffix: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    frames = [Image.new("RGB", (40, 24), color) for color in ("red", "lime", "blue")]
    path = tmp_path / f"a.{suffix}"
    options: dict[str, Any] = {"lossless": True} if suffix == "webp" else {}
    frames[0].save(path, save_all=True, append_images=frames[1:], **options)
    with caplog.at_level(logging.WARNING, logger="features.image_files"):
        got = read_image(path)
    np.testing.assert_array_equal(got, np.full((24, 40, 3), (255, 0, 0)))
    assert caplog.messages == [f"{path} holds several frames; only the first one is used"]


def test_a_phone_picture_with_a_preview_is_no_animation(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    picture, preview = Image.new("RGB", (40, 24), "red"), Image.new("RGB", (20, 12), "blue")
    picture.save(tmp_path / "a.jpg", format="MPO", save_all=True, append_images=[preview])
    assert read_image(tmp_path / "a.jpg").shape == (24, 40, 3)
    assert caplog.messages == []


@pytest.mark.parametrize("exif", [b"Exif\0\0MM\0*\0\0\0\x08\0\x05\x01\x12", b"Exif\0\0junk" * 9])
def test_corrupt_exif_is_ignored_without_a_warning(exif: bytes, tmp_path: Path) -> None:
    got = read_image(saved(RGB, tmp_path / "a.jpg", exif=exif))
    np.testing.assert_array_equal(got, read_image(saved(RGB, tmp_path / "b.jpg")))


def test_a_transparent_colour_in_sixteen_bits(tmp_path: Path) -> None:
    deep = np.random.default_rng(1).integers(0, 65536, (24, 40), dtype=np.uint16)
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in deep)
    key = chunk(b"tRNS", struct.pack(">H", deep[0, 0]))
    path = tmp_path / "a.png"
    path.write_bytes(png(40, 24, depth=16, color=0, rows=rows, extra=key))
    expected = np.where(deep == deep[0, 0], 255, deep >> 8)  # as for eight bits, on white
    np.testing.assert_array_equal(read_image(path)[..., 0], expected)


# Files that cannot be judged


def test_no_such_file(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match=r"none\.png: no such file or folder; check the path$"):
        read_image(tmp_path / "none.png")


def test_a_path_through_a_file(tmp_path: Path) -> None:
    path = saved(RGB, tmp_path / "a.png")
    with pytest.raises(ImageError, match=r"cannot be reached \(Not a directory\); check the path"):
        read_image(path / "b.png")


def test_a_null_byte_in_the_name() -> None:
    with pytest.raises(ImageError, match=r"cannot be reached \(.*null.*\); check the path"):
        read_image("a\0b.png")


def test_a_folder_is_no_image(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match=r"is a folder, expected an image file; name a file in it"):
        read_image(tmp_path)


def test_a_pipe_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.png")
    with pytest.raises(ImageError, match=r"is a device or pipe, expected an image file"):
        read_image(tmp_path / "pipe.png")


def test_an_empty_file(tmp_path: Path) -> None:
    (tmp_path / "a.png").touch()
    with pytest.raises(ImageError, match=r"a\.png is empty \(0 bytes\); copy it again"):
        read_image(tmp_path / "a.png")


def test_no_permission_to_list_the_folder(locked_folder: Path) -> None:
    with pytest.raises(ImageError, match=r"cannot be listed \(Permission denied\); check"):
        list_images(locked_folder)


def test_no_permission_to_read_the_file(locked_folder: Path) -> None:
    with pytest.raises(ImageError, match=r"no permission to read it; change its permissions$"):
        read_image(locked_folder / "unreadable.png")


@pytest.mark.parametrize("content", [b"hello, this is a text file\n", b"%PDF-1.7\n", b"\0" * 99])
def test_a_file_that_is_no_image(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(content)
    with pytest.raises(ImageError, match=r"a\.png is not an image, .*: expected JPEG, PNG, BMP"):
        read_image(tmp_path / "a.png")


def test_a_format_that_we_do_not_read(tmp_path: Path) -> None:
    path = saved(RGB, tmp_path / "a.ppm")
    with pytest.raises(ImageError, match=r"is not an image, .*; convert it to one of these"):
        read_image(path)


@pytest.mark.parametrize("suffix", ["jpg", "png", "bmp", "tif", "webp", "gif"])
@pytest.mark.parametrize("share", [0.02, 0.5, 0.98])
def test_truncated_files(suffix: str, share: float, tmp_path: Path) -> None:
    path = saved(noise(64, 64, 3), tmp_path / f"a.{suffix}")
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    with pytest.raises(ImageError, match=r"copy it again from its source$") as caught:
        read_image(path)
    assert "truncated" in str(caught.value) or "cut off in its header" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("suffix", ["jpg", "png", "bmp", "tif", "webp", "gif"])
def test_damaged_files_never_give_another_error(suffix: str, tmp_path: Path) -> None:
    content = saved(noise(32, 32, 3), tmp_path / f"a.{suffix}").read_bytes()
    rng = random.Random(suffix)
    path = tmp_path / "damaged"
    for _ in range(60):
        damaged = bytearray(content)
        for _ in range(rng.randint(1, 8)):
            damaged[rng.randrange(min(len(damaged), 400))] = rng.randrange(256)
        path.write_bytes(damaged)
        try:
            message, shape = "", read_image(path, max_pixels=100_000).shape
        except ImageError as error:
            message, shape = str(error), (0, 0, 3)
        assert shape[2] == 3
        assert "\n" not in message


def test_floating_point_pixels_have_no_agreed_range(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    Image.fromarray(np.full((24, 40), 0.5, np.float32)).save(path)
    with pytest.raises(ImageError, match=r"of type 'floating-point 32-bit', expected 8- or 16-"):
        read_image(path)


def test_integers_of_32_bits_have_no_agreed_range(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    Image.fromarray(np.full((24, 40), 7, np.int32)).save(path)
    with pytest.raises(ImageError, match=r"of type 'signed 32-bit', .*; save it as 8-bit RGB"):
        read_image(path)


@pytest.mark.parametrize(("height", "width"), [(1, 1), (1, 5000), (5000, 1), (15, 16)])
def test_images_with_too_small_a_side(height: int, width: int, tmp_path: Path) -> None:
    path = saved(noise(height, width, 3), tmp_path / "a.png")
    with pytest.raises(ImageError, match=f"at least 16 px on each side, got {width}×{height}"):
        read_image(path)


def test_the_smallest_and_a_long_image_are_read(tmp_path: Path) -> None:
    assert read_image(saved(noise(16, 16, 3), tmp_path / "a.png")).shape == (16, 16, 3)
    assert read_image(saved(noise(16, 5000, 3), tmp_path / "b.png")).shape == (16, 5000, 3)


# Size


@pytest.mark.parametrize("suffix", ["jpg", "png", "bmp", "tif", "webp", "gif"])
def test_the_pixel_cap_is_exact_and_says_how_to_raise_it(suffix: str, tmp_path: Path) -> None:
    path = saved(RGB, tmp_path / f"a.{suffix}")
    assert read_image(path, max_pixels=960).shape == (24, 40, 3)
    message = r"at most 959 pixels are read, got 40×24 = 960; .* raise it with --max-pixels$"
    with pytest.raises(ImageError, match=message):
        read_image(path, max_pixels=959)
    message = r"at most 20 pixels are read, got .*; .* raise it with --max-pixels$"
    with pytest.raises(ImageError, match=message):
        read_image(path, max_pixels=20)


def test_a_decompression_bomb_is_refused_by_its_header(tmp_path: Path) -> None:
    path = tmp_path / "bomb.png"
    path.write_bytes(png(60_000, 60_000, depth=8, color=2, rows=b""))
    message = r"is too large: at most 120,000,000 pixels are read, got .*3,600,000,000|over 240"
    with pytest.raises(ImageError, match=message):
        read_image(path)


def test_a_raised_cap_goes_beyond_pillows_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    path = saved(RGB, tmp_path / "a.webp")
    assert read_image(path, max_pixels=1000).shape == (24, 40, 3)


def test_pillow_is_left_as_it_was(tmp_path: Path) -> None:
    good, bad = saved(RGB, tmp_path / "a.png"), tmp_path / "b.png"
    bad.write_bytes(good.read_bytes()[:99])
    cap, filters = Image.MAX_IMAGE_PIXELS, list(warnings.filters)
    results: list[bool] = []

    def read_both() -> None:
        for _ in range(20):
            results.append(np.array_equal(read_image(good, max_pixels=1000), RGB))
            with pytest.raises(ImageError, match="damaged or truncated"):
                read_image(bad, max_pixels=1000)

    threads = [threading.Thread(target=read_both) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [True] * 80
    assert cap == Image.MAX_IMAGE_PIXELS
    assert list(warnings.filters) == filters


# Folders


def test_a_file_stands_for_itself_whatever_its_name(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("x")
    assert list_images(path) == [path]


def test_a_folder_stands_for_its_images_by_name(tmp_path: Path) -> None:
    for name in ("b.PNG", "a.jpg", "c.tiff", "notes.txt", ".hidden.png", "sub.png/deep.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert [path.name for path in list_images(str(tmp_path))] == ["a.jpg", "b.PNG", "c.tiff"]


def test_a_folder_without_images_names_what_is_accepted(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").touch()
    message = r"without images: expected files ending in \.bmp, .*\.webp.*, got 1 other entry;"
    with pytest.raises(ImageError, match=message):
        list_images(tmp_path)


@pytest.mark.parametrize("is_readable", [True, False])
def test_a_folder_without_images_names_raw_files_where_they_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_readable: bool
) -> None:
    (tmp_path / "notes.txt").touch()
    for name in ("is_heic_readable", "is_camera_raw_readable"):
        monkeypatch.setattr(raw_files, name, lambda: is_readable)
    with pytest.raises(ImageError) as raised:
        list_images(tmp_path)
    expected = str(raised.value).partition(", got ")[0].partition(" ending in ")[2].split(", ")
    assert set(expected) == {*SUFFIXES, *(raw_files.SUFFIXES if is_readable else ())}


def test_an_empty_folder_is_said_to_be_empty(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match=r"is a folder without images: it is empty; check the"):
        list_images(tmp_path)


def test_a_missing_folder(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match=r"none: no such file or folder; check the path"):
        list_images(tmp_path / "none")
