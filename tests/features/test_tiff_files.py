"""Is the same picture read alike, however a TIFF holds it?"""

from __future__ import annotations

import itertools
import logging
import random
import tracemalloc
import zlib
from contextlib import suppress
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from PIL import Image

from features.image_files import image_size, read_image, read_labels, significant_bits
from features.images import ImageError

HEIGHT, WIDTH = 17, 21  # no multiple of anything
SHARES = np.random.default_rng(3).random((HEIGHT, WIDTH, 3))
WHITE_IS_ZERO, BLACK_IS_ZERO, RGB, PALETTE = 0, 1, 2, 3
COMPRESSIONS = {1: "none", 5: "LZW", 8: "deflate", 32773: "PackBits", 50000: "Zstandard"}
BITS = (1, 2, 4, 8, 10, 12, 14, 16)

UPRIGHT = {
    1: lambda a: a,
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.swapaxes(0, 1),
    6: lambda a: np.rot90(a, -1),
    7: lambda a: np.rot90(a[:, ::-1], -1),
    8: lambda a: np.rot90(a),
}


def stored(bits: int, n_channels: int) -> np.ndarray:
    """The picture in so many bits; both ends occur."""
    values = np.rint(SHARES[..., :n_channels] * (2**bits - 1)).astype(np.uint32)
    values[0, 0], values[0, 1] = 0, 2**bits - 1
    return values


def eight_bits(values: np.ndarray, bits: int) -> np.ndarray:
    """What a screen shows of values of so many bits."""
    small = values >> (bits - 8) if bits >= 8 else values * 255 // (2**bits - 1)
    return np.broadcast_to(small.astype(np.uint8), (*values.shape[:2], 3))


def palette_of(bits: int) -> tuple[np.ndarray, dict[int, tuple[int, list[int]]]]:
    """Colours of each index, of 16 bits as the format has them, and their tag."""
    colors = np.random.default_rng(bits).integers(0, 65536, (2**bits, 3))
    colors[0] = 65535
    return (colors >> 8).astype(np.uint8), {320: (3, colors.T.ravel().tolist())}


def kinds() -> list[tuple[int, int, int, int, str]]:
    """All combinations that hold a picture; only one channel can have a palette."""
    crossed = itertools.product(
        BITS, (WHITE_IS_ZERO, BLACK_IS_ZERO, RGB, PALETTE), (1, 2), COMPRESSIONS, "<>"
    )
    return [each for each in crossed if each[1] != PALETTE or each[0] <= 8]


@pytest.mark.parametrize("bits", BITS)
def test_the_same_picture_is_read_alike_however_it_is_stored(
    bits: int, tiff_writer: ModuleType, tmp_path: Path
) -> None:
    path = tmp_path / "a.tif"
    turns = itertools.cycle(UPRIGHT)
    for _, photometric, planar, compression, order in (each for each in kinds() if each[0] == bits):
        orientation = next(turns)
        values = stored(bits, 3 if photometric == RGB else 1)
        expected, extra = eight_bits(values, bits), {}
        if photometric == WHITE_IS_ZERO:
            values = 2**bits - 1 - values
        if photometric == PALETTE:
            colors, extra = palette_of(bits)
            expected = colors[values[..., 0]]
        content = tiff_writer.tiff(
            values,
            bits=bits,
            photometric=photometric,
            planar=planar,
            compression=compression,
            order=order,
            orientation=orientation,
            rows_per_strip=5,
            extra=extra,
        )
        path.write_bytes(content)
        what = f"{photometric=} {planar=} {COMPRESSIONS[compression]} {order} {orientation=}"
        upright = UPRIGHT[orientation](expected)
        np.testing.assert_array_equal(read_image(path), upright, err_msg=what)
        assert image_size(path) == upright.shape[:2], what


@pytest.mark.parametrize("bits", BITS)
@pytest.mark.parametrize("planar", [1, 2])
def test_each_orientation_is_applied_once_to_photographs_and_masks(
    bits: int, planar: int, tiff_writer: ModuleType, tmp_path: Path
) -> None:
    path = tmp_path / "a.tif"
    values = stored(bits, 1)
    for orientation, turn in UPRIGHT.items():
        path.write_bytes(
            tiff_writer.tiff(
                values,
                bits=bits,
                photometric=BLACK_IS_ZERO,
                planar=planar,
                orientation=orientation,
            )
        )
        np.testing.assert_array_equal(read_image(path), turn(eight_bits(values, bits)))
        labels = values[..., 0].astype(int) * (255 if bits == 1 else 1)
        np.testing.assert_array_equal(read_labels(path), turn(labels))


@pytest.mark.parametrize("is_big", [False, True])
@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("planar", [1, 2])
@pytest.mark.parametrize("bits", [8, 12, 16])
def test_tiles_and_large_files(
    bits: int, planar: int, order: str, is_big: bool, tiff_writer: ModuleType, tmp_path: Path
) -> None:
    path, values = tmp_path / "a.tif", stored(bits, 3)
    for tile in ((16, 16), (32, 48)):
        content = tiff_writer.tiff(
            values, bits=bits, photometric=RGB, planar=planar, tile=tile, order=order, is_big=is_big
        )
        path.write_bytes(content)
        np.testing.assert_array_equal(read_image(path), eight_bits(values, bits))


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("compression", [5, 8, 50000])
@pytest.mark.parametrize("order", ["<", ">"])
def test_differences_to_the_left_are_added_up(
    bits: int, compression: int, order: str, tiff_writer: ModuleType, tmp_path: Path
) -> None:
    path, values = tmp_path / "a.tif", stored(bits, 3)
    content = tiff_writer.tiff(
        values, bits=bits, photometric=RGB, compression=compression, order=order, predictor=2
    )
    path.write_bytes(content)
    np.testing.assert_array_equal(read_image(path), eight_bits(values, bits))


@pytest.mark.parametrize("bits", [8, 12, 16])
@pytest.mark.parametrize("compression", [1, 32773])
@pytest.mark.parametrize("predictor", [2, 3])
def test_differences_are_only_where_the_compression_has_them(
    predictor: int, compression: int, bits: int, tiff_writer: ModuleType, tmp_path: Path
) -> None:
    path, values, extra = tmp_path / "a.tif", stored(bits, 3), {317: (3, [predictor])}
    path.write_bytes(
        tiff_writer.tiff(values, bits=bits, photometric=RGB, compression=compression, extra=extra)
    )
    np.testing.assert_array_equal(read_image(path), eight_bits(values, bits))


@pytest.mark.parametrize("bits", [1, 4, 8, 12])
def test_bits_may_lie_the_other_way_round(
    bits: int, tiff_writer: ModuleType, tmp_path: Path
) -> None:
    path, values = tmp_path / "a.tif", stored(bits, 1)
    path.write_bytes(tiff_writer.tiff(values, bits=bits, photometric=1, fill_order=2))
    np.testing.assert_array_equal(read_image(path), eight_bits(values, bits))


# Numbers without an agreed range


@pytest.mark.parametrize(
    ("bits", "sample_format", "what"),
    [
        (8, 2, "signed 8-bit"),
        (16, 2, "signed 16-bit"),
        (32, 2, "signed 32-bit"),
        (32, 1, "32-bit"),
        (16, 3, "floating-point 16-bit"),
        (32, 3, "floating-point 32-bit"),
        (8, 4, "complex or unknown 8-bit"),
        (32, 6, "complex or unknown 32-bit"),
    ],
)
@pytest.mark.parametrize("n_channels", [1, 3])
def test_they_are_refused_in_one_line(
    bits: int,
    sample_format: int,
    what: str,
    n_channels: int,
    tiff_writer: ModuleType,
    tmp_path: Path,
) -> None:
    values = stored(8, n_channels)
    path = tmp_path / "a.tif"
    content = tiff_writer.tiff(
        values.astype(np.float32) if sample_format == 3 else values,
        bits=bits,
        photometric=RGB if n_channels == 3 else BLACK_IS_ZERO,
        extra={339: (3, [sample_format] * n_channels)},
    )
    path.write_bytes(content)
    message = f"has pixels of type '{what}', expected 8- or 16-bit grey, .*; save it as 8-bit RGB$"
    with pytest.raises(ImageError, match=message) as caught:
        read_image(path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("bits", [1, 8, 16])
@pytest.mark.parametrize("sample_format", [1, 2, 3])
def test_masks_may_hold_signed_and_whole_numbers(
    bits: int, sample_format: int, tiff_writer: ModuleType, tmp_path: Path
) -> None:
    """Whether a label is written with a sign or as a float says nothing of what it means."""
    bits = 32 if sample_format == 3 else bits
    labels = np.zeros((HEIGHT, WIDTH, 1), np.float32 if sample_format == 3 else np.uint32)
    labels[3:9, 2:11] = 1
    path = tmp_path / "a.tif"
    extra = {339: (3, [sample_format])}
    path.write_bytes(tiff_writer.tiff(labels, bits=bits, photometric=1, extra=extra))
    if (bits, sample_format) == (1, 2):
        with pytest.raises(ImageError, match="'signed 1-bit'"):
            read_labels(path)
    else:
        expected = labels[..., 0] * (255 if bits == 1 else 1)
        np.testing.assert_array_equal(read_labels(path), expected)


@pytest.mark.parametrize(
    ("tags", "message"),
    [
        ({32997: (4, [2])}, "2 layers deep"),
        ({262: (3, [8])}, "8-bit CIELab"),
        ({259: (3, [34712])}, "compressed by .*2000"),
        ({259: (3, [1234])}, "compressed by 1234"),
        ({258: (3, [5, 6, 5])}, "'5-6-5-bit'"),
        ({258: (3, [64] * 3)}, "'64-bit'"),
    ],
)
def test_other_kinds_are_named(
    tags: dict[int, Any], message: str, tiff_writer: ModuleType, tmp_path: Path
) -> None:
    path = tmp_path / "a.tif"
    path.write_bytes(tiff_writer.tiff(stored(8, 3), bits=8, photometric=RGB, extra=tags))
    with pytest.raises(ImageError, match=message) as caught:
        read_image(path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("compression", [1, 5, 8])
@pytest.mark.parametrize(
    ("photometric", "n_channels", "name"),
    [(5, 5, "CMYK"), (5, 6, "CMYK"), (5, 3, "CMYK"), (6, 4, "YCbCr"), (6, 2, "YCbCr")],
)
def test_more_channels_than_the_colours_have_are_named(
    photometric: int,
    n_channels: int,
    name: str,
    compression: int,
    tiff_writer: ModuleType,
    tmp_path: Path,
) -> None:
    values = stored(8, 3)[..., [*range(3), *range(3)][:n_channels]]
    path = tmp_path / "a.tif"
    path.write_bytes(
        tiff_writer.tiff(values, bits=8, photometric=photometric, compression=compression)
    )
    with pytest.raises(ImageError, match=f"'8-bit {name} of {n_channels} channels', expected"):
        read_image(path)


# Previews


def previewed(
    writer: ModuleType,
    *,
    is_inner: bool,
    flag: dict[int, Any],
    bits: int = 8,
    orientation: int | None = None,
) -> bytes:
    """A small black picture, and the photograph after it or below it."""
    small = np.zeros((HEIGHT, WIDTH, 3), np.uint32)[::2, ::2]
    preview = writer.picture(small, bits=8, photometric=RGB, orientation=orientation)
    preview[0].update(flag)
    photo = writer.picture(stored(bits, 3), bits=bits, photometric=RGB)
    if is_inner:
        return bytes(writer.file_of([preview], inner=[photo]))
    if orientation is not None:
        photo[0][274] = (3, [orientation])
    return bytes(writer.file_of([preview, photo]))


@pytest.mark.parametrize("bits", [8, 12, 16])
@pytest.mark.parametrize("orientation", [None, 6])
@pytest.mark.parametrize("is_inner", [False, True])
@pytest.mark.parametrize("flag", [{254: (4, [1])}, {255: (3, [2])}])
def test_a_preview_is_not_the_photograph(
    bits: int,
    orientation: int | None,
    is_inner: bool,
    flag: dict[int, Any],
    tiff_writer: ModuleType,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    path = tmp_path / "a.tif"
    path.write_bytes(
        previewed(tiff_writer, is_inner=is_inner, flag=flag, bits=bits, orientation=orientation)
    )
    expected = UPRIGHT[orientation or 1](eight_bits(stored(bits, 3), bits))
    np.testing.assert_array_equal(read_image(path), expected)
    assert image_size(path) == expected.shape[:2]
    assert caplog.messages == []


def test_a_preview_that_does_not_say_so_is_told_by_its_shape(
    tiff_writer: ModuleType, tmp_path: Path
) -> None:
    small = tiff_writer.picture(np.zeros((20, 30, 1), np.uint8), bits=8, photometric=1)
    large = tiff_writer.picture(np.full((40, 60, 1), 7), bits=8, photometric=1)
    path = tmp_path / "a.tif"
    path.write_bytes(tiff_writer.file_of([small, large]))
    assert read_image(path).shape == (40, 60, 3)
    path.write_bytes(tiff_writer.file_of([large, small]))
    assert read_image(path).shape == (40, 60, 3)


def test_of_pages_the_first_is_read_and_it_is_said(
    tiff_writer: ModuleType, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    pages = [
        tiff_writer.picture(np.full((20, 30, 1), level), bits=8, photometric=1)
        for level in (40, 90)
    ]
    path = tmp_path / "a.tif"
    path.write_bytes(tiff_writer.file_of(pages))
    assert np.unique(read_image(path)).tolist() == [40]
    assert caplog.messages == [f"{path} holds several frames; only the first one is used"]


OME = (
    '<?xml version="1.0" encoding="UTF-8"?><OME xmlns="http://www.openmicroscopy.org/Schemas/'
    'OME/2016-06"><Image ID="Image:0"><Pixels ID="Pixels:0" DimensionOrder="XYCZT" '
    'Type="uint8" SizeX="30" SizeY="20" SizeC="{}" SizeZ="1" SizeT="1"/></Image></OME>'
)
IMAGEJ = "ImageJ=1.53t\nimages=2\nchannels={}\nhyperstack=true\n"


@pytest.mark.parametrize("text", [OME, IMAGEJ])
@pytest.mark.parametrize("n_samples", [1, 3])
@pytest.mark.parametrize("n_channels", [1, 2, 3])
def test_channels_that_are_pictures_of_their_own_are_refused(
    n_channels: int, n_samples: int, text: str, tiff_writer: ModuleType, tmp_path: Path
) -> None:
    path = tmp_path / "a.tif"
    kind = RGB if n_samples == 3 else BLACK_IS_ZERO
    pages = [
        tiff_writer.picture(np.full((20, 30, n_samples), level), bits=8, photometric=kind)
        for level in (40, 90)
    ]
    pages[0][0][270] = (2, [*text.format(n_channels).encode(), 0])
    path.write_bytes(tiff_writer.file_of(pages))
    if n_channels <= n_samples:
        assert np.unique(read_image(path)).tolist() == [40]
        return
    message = f"holds {n_channels} channels as pictures of their own, .* save .* as PNG$"
    for read in (read_image, image_size, read_labels):
        with pytest.raises(ImageError, match=message):
            read(path)


# Transparency


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("planar", [1, 2])
@pytest.mark.parametrize("n_colors", [1, 3])
def test_alpha_is_undone_where_colours_are_multiplied_by_it(
    bits: int, planar: int, n_colors: int, tiff_writer: ModuleType, tmp_path: Path
) -> None:
    path, full = tmp_path / "a.tif", 2**bits - 1
    colors = stored(bits, n_colors).astype(float)
    alpha = np.rint(full * np.linspace(0.3, 1, WIDTH))[None, :, None] * np.ones((HEIGHT, 1, 1))
    on_white = 255 * (1 + (colors / full - 1) * alpha / full)
    read = []
    for kind, shown in ((2, colors), (1, np.rint(colors * alpha / full))):
        values = np.concatenate([shown, alpha], axis=2).astype(np.uint32)
        content = tiff_writer.tiff(
            values,
            bits=bits,
            photometric=RGB if n_colors == 3 else 1,
            planar=planar,
            extra={338: (3, [kind])},
        )
        path.write_bytes(content)
        read.append(read_image(path))
        assert np.abs(read[-1] - on_white).max() <= 3


@pytest.mark.parametrize("bits", [8, 16])
def test_where_all_is_transparent_the_colours_are_the_photograph(
    bits: int, tiff_writer: ModuleType, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path, colors = tmp_path / "a.tif", stored(bits, 3)
    for kind in (1, 2):
        caplog.clear()
        values = np.concatenate([colors, 0 * colors[..., :1]], axis=2)
        content = tiff_writer.tiff(values, bits=bits, photometric=RGB, extra={338: (3, [kind])})
        path.write_bytes(content)
        np.testing.assert_array_equal(read_image(path), eight_bits(colors, bits))
        expected = f"{path} is transparent everywhere; its colours are taken for the photograph"
        assert caplog.messages == [expected]


def test_channels_that_are_no_colour_are_left_out(tiff_writer: ModuleType, tmp_path: Path) -> None:
    path, colors = tmp_path / "a.tif", stored(8, 3)
    values = np.concatenate([colors, colors[..., :1] // 2], axis=2)
    path.write_bytes(tiff_writer.tiff(values, bits=8, photometric=RGB, extra={338: (3, [0])}))
    np.testing.assert_array_equal(read_image(path), eight_bits(colors, 8))


def test_three_channels_of_grey_are_no_photograph(tiff_writer: ModuleType, tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    path.write_bytes(tiff_writer.tiff(stored(8, 3), bits=8, photometric=1))
    with pytest.raises(ImageError, match="type '8-bit of 3 channels'"):
        read_image(path)


# What is not whole


@pytest.mark.parametrize(
    ("tags", "message"),
    [
        ({273: (4, [8, 8])}, "pieces expected, got 2"),
        ({279: (4, [0, 0, 0, 0])}, "a piece lies beyond its end"),
        ({273: (4, [10**9] * 4)}, "a piece lies beyond its end"),
        ({278: (4, [0])}, "damaged or truncated"),
        ({257: (4, [10**9])}, "is too large: at most .* pixels are read"),
        ({256: (4, [0])}, "at least 16 px on each side"),
        ({322: (4, [2**31]), 323: (4, [2**31])}, "damaged or truncated"),
        ({277: (3, [60000])}, "damaged or truncated|has pixels of type"),
        ({32997: (4, [2**31])}, "layers deep"),
    ],
)
@pytest.mark.parametrize("compression", [1, 5, 8])
def test_absurd_structure_is_one_line_and_never_black(
    tags: dict[int, Any], message: str, compression: int, tiff_writer: ModuleType, tmp_path: Path
) -> None:
    path = tmp_path / "a.tif"
    content = tiff_writer.tiff(
        stored(16, 3),
        bits=16,
        photometric=RGB,
        compression=compression,
        rows_per_strip=5,
        extra=tags,
    )
    path.write_bytes(content)
    with pytest.raises(ImageError, match=message) as caught:
        read_image(path)
    assert "\n" not in str(caught.value)


def test_directories_in_a_circle_end(tiff_writer: ModuleType, tmp_path: Path) -> None:
    page = tiff_writer.picture(stored(8, 1), bits=8, photometric=1)
    content = bytearray(tiff_writer.file_of([page]))
    content[-4:] = content[4:8]  # the next directory is the first
    path = tmp_path / "a.tif"
    path.write_bytes(content)
    assert read_image(path).shape == (HEIGHT, WIDTH, 3)


def test_what_unpacks_without_end_is_not_unpacked(tiff_writer: ModuleType, tmp_path: Path) -> None:
    tags, _ = tiff_writer.picture(stored(16, 1), bits=16, photometric=1, compression=8)
    path = tmp_path / "a.tif"
    bomb = zlib.compress(bytes(64 * 2**20), 9)
    path.write_bytes(tiff_writer.file_of([(tags, [bomb])]))
    tracemalloc.start()
    with suppress(ImageError):
        read_image(path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 8 * 2**20


@pytest.mark.parametrize("compression", COMPRESSIONS)
@pytest.mark.parametrize(("bits", "planar"), [(8, 1), (12, 1), (16, 2)])
def test_damaged_files_give_a_line_or_a_picture(
    compression: int, bits: int, planar: int, tiff_writer: ModuleType, tmp_path: Path
) -> None:
    options = {"bits": bits, "photometric": RGB, "planar": planar, "compression": compression}
    content = tiff_writer.tiff(stored(bits, 3), **options, rows_per_strip=5)
    rng = random.Random(f"{compression} {bits}")
    path = tmp_path / "a.tif"
    for _ in range(40):
        damaged = bytearray(content)
        for _ in range(rng.randint(1, 6)):
            damaged[rng.choice((rng.randrange(len(damaged)), -rng.randrange(1, 260)))] = (
                rng.randrange(256)
            )
        if rng.random() < 0.2:
            del damaged[rng.randrange(len(damaged)) :]
        path.write_bytes(damaged)
        for read in (read_image, read_labels):
            try:
                message = "" if read(path, max_pixels=100_000).size else "?"
            except ImageError as error:
                message = str(error)
            assert "\n" not in message
            assert message != "?"


# Through Pillow


@pytest.mark.parametrize("orientation", UPRIGHT)
@pytest.mark.parametrize(
    ("mode", "options"),
    [
        ("RGB", {"compression": "jpeg", "quality": 95}),
        ("L", {"compression": "jpeg", "quality": 95}),
        ("1", {"compression": "group4"}),
        ("CMYK", {}),
        ("CMYK", {"compression": "tiff_lzw"}),
        ("YCbCr", {}),
    ],
)
def test_what_pillow_decodes_is_turned_once(
    mode: str, options: dict[str, Any], orientation: int, tmp_path: Path
) -> None:
    smooth = np.asarray(Image.fromarray(eight_bits(stored(8, 3), 8)).resize((48, 32)))
    path = tmp_path / "a.tif"
    picture = Image.fromarray(smooth).convert(mode)
    picture.save(path, **options, tiffinfo={0x0112: orientation})
    expected = UPRIGHT[orientation](np.asarray(picture.convert("RGB")))
    got = read_image(path)
    assert got.shape == expected.shape
    assert np.abs(got.astype(int) - expected).mean() < 6
    assert image_size(path) == got.shape[:2]


# Cameras


def test_the_mosaic_of_a_sensor_is_no_grey_photograph(
    tiff_writer: ModuleType, tmp_path: Path
) -> None:
    tags = {262: (3, [32803]), 33421: (3, [2, 2]), 33422: (1, [0, 1, 1, 2])}
    path = tmp_path / "a.tif"
    path.write_bytes(tiff_writer.tiff(stored(16, 1), bits=16, photometric=1, extra=tags))
    with pytest.raises(ImageError, match=r"raw data of a camera's sensor"):
        read_image(path)


@pytest.mark.parametrize("n_channels", [1, 3])
@pytest.mark.parametrize("planar", [1, 2])
@pytest.mark.parametrize("bits", [8, 10, 12, 14])
def test_fewer_bits_in_words_of_sixteen_are_told_by_the_set(
    bits: int,
    planar: int,
    n_channels: int,
    tiff_writer: ModuleType,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    values = stored(bits, n_channels)
    paths = [tmp_path / "dark.tif", tmp_path / "light.tif"]
    kind = RGB if n_channels == 3 else BLACK_IS_ZERO
    for path, shown in zip(paths, (values // 40, values), strict=True):
        path.write_bytes(tiff_writer.tiff(shown, bits=16, photometric=kind, planar=planar))
    assert significant_bits(paths) == bits
    expected = [eight_bits(each, bits) for each in (values // 40, values)]
    for path, each in zip(paths, expected, strict=True):
        np.testing.assert_array_equal(read_image(path, bits=bits), each)
    assert caplog.messages == []
    read_image(paths[1])
    assert "as cameras of" in caplog.text


def test_a_file_may_declare_how_large_values_can_be(
    tiff_writer: ModuleType, tmp_path: Path
) -> None:
    path = tmp_path / "a.tif"
    extra = {281: (3, [4095])}
    path.write_bytes(tiff_writer.tiff(stored(8, 1), bits=16, photometric=1, extra=extra))
    assert significant_bits([path]) == 12


def test_numbers_of_colours_are_no_brightness(
    tiff_writer: ModuleType, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "a.tif"
    values = stored(12, 1)
    colors, extra = palette_of(16)
    path.write_bytes(tiff_writer.tiff(values, bits=16, photometric=PALETTE, extra=extra))
    assert significant_bits([path]) is None
    for bits in (None, 8, 12, 16):
        np.testing.assert_array_equal(read_image(path, bits=bits), colors[values[..., 0]])
    assert caplog.messages == []


@pytest.mark.parametrize("bits", [8, 10, 12, 14, 16])
@pytest.mark.parametrize("is_declared", [False, True])
def test_where_white_is_zero_brightness_tells_how_many_bits_there_are(
    bits: int, is_declared: bool, tiff_writer: ModuleType, tmp_path: Path
) -> None:
    """The photograph is inverted over all 16 bits, or over those that it declares."""
    is_declared = is_declared and bits >= 10
    path, values = tmp_path / "a.tif", stored(bits, 1)
    full = 2**bits - 1 if is_declared else 65535
    extra = {281: (3, [full])} if is_declared else {}
    path.write_bytes(
        tiff_writer.tiff(full - values, bits=16, photometric=WHITE_IS_ZERO, extra=extra)
    )
    assert significant_bits([path]) == bits
    np.testing.assert_array_equal(read_image(path, bits=bits), eight_bits(values, bits))
    np.testing.assert_array_equal(read_image(path, bits=16), eight_bits(values, 16))


def test_larger_values_than_the_set_had_are_refused(
    tiff_writer: ModuleType, tmp_path: Path
) -> None:
    path = tmp_path / "a.tif"
    path.write_bytes(tiff_writer.tiff(stored(14, 1), bits=16, photometric=1))
    message = r"values up to 16383, expected at most 4095 .* of 12 bits; fit again with --bits 14$"
    with pytest.raises(ImageError, match=message):
        read_image(path, bits=12)


def test_nothing_is_logged_by_the_library(
    tiff_writer: ModuleType, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "a.tif"
    extra = {270: (2, [200, 201, 202, 203, 204, 0])}
    path.write_bytes(tiff_writer.tiff(stored(8, 1), bits=8, photometric=1, extra=extra))
    level = logging.getLogger("tifffile").level
    read_image(path)
    assert caplog.messages == []
    assert logging.getLogger("tifffile").level == level
