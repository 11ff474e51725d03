"""Masks: the numbers in a file stay what they are."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from features.image_files import LossyMaskError, image_size, read_image, read_labels
from features.images import ImageError

LABELS = np.zeros((24, 40), dtype=np.uint8)
LABELS[4:9, 6:30] = 1
LABELS[12:20, 3:11] = 200
INSIDE = LABELS > 0


def saved(array: np.ndarray, path: Path, mode: str | None = None) -> Path:
    Image.fromarray(array, mode).save(path)
    return path


@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_grey_numbers_stay(kind: type, suffix: str, tmp_path: Path) -> None:
    labels = LABELS.astype(kind) * (300 if kind is np.uint16 else 1)
    cv2.imwrite(str(tmp_path / f"a.{suffix}"), labels)
    got = read_labels(tmp_path / f"a.{suffix}")
    np.testing.assert_array_equal(got, labels)
    assert got.dtype.kind == "i"


@pytest.mark.parametrize("kind", [np.int32, np.float32])
def test_whole_numbers_of_32_bits_stay(kind: type, tmp_path: Path) -> None:
    labels = LABELS.astype(kind) * 1000
    np.testing.assert_array_equal(read_labels(saved(labels, tmp_path / "a.tif")), labels)


def test_fractions_are_no_labels(tmp_path: Path) -> None:
    path = saved(LABELS.astype(np.float32) / 3, tmp_path / "a.tif")
    with pytest.raises(ImageError, match=r"holds fractions, expected whole numbers, 0 outside; sa"):
        read_labels(path)


@pytest.mark.parametrize("suffix", ["png", "bmp", "tif", "gif"])
def test_one_bit_is_255(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"a.{suffix}"
    Image.fromarray(INSIDE).save(path)
    np.testing.assert_array_equal(read_labels(path), 255 * INSIDE)


def with_palette(labels: np.ndarray, *colors: tuple[int, int, int]) -> Image.Image:
    image = Image.fromarray(labels)
    image.putpalette([value for color in colors for value in color])
    return image


BLACK, WHITE, RED, GREEN = (0, 0, 0), (255, 255, 255), (200, 0, 0), (0, 90, 0)
THREE = np.minimum(LABELS, 2)


@pytest.mark.parametrize("suffix", ["png", "gif", "tif", "bmp"])
@pytest.mark.parametrize(
    ("colors", "expected"),
    [
        ((BLACK, RED, GREEN), THREE),
        ((BLACK, BLACK, BLACK), THREE),
        ((BLACK, (9, 9, 9), WHITE), np.array([0, 9, 255])[THREE]),
        ((WHITE, BLACK, BLACK), np.array([255, 0, 0])[THREE]),
        ((RED, BLACK, GREEN), np.array([200 << 16, 0, 90 << 8])[THREE]),
    ],
)
def test_palettes(
    colors: tuple[tuple[int, int, int], ...], expected: np.ndarray, suffix: str, tmp_path: Path
) -> None:
    with_palette(THREE, *colors).save(tmp_path / f"a.{suffix}")
    np.testing.assert_array_equal(read_labels(tmp_path / f"a.{suffix}"), expected)


def test_each_colour_is_a_label(tmp_path: Path) -> None:
    colors = np.array([BLACK, RED, GREEN], np.uint8)[THREE]
    got = read_labels(saved(colors, tmp_path / "a.png"))
    np.testing.assert_array_equal(got, np.array([0, 200 << 16, 90 << 8])[THREE])
    grey = np.dstack([LABELS] * 3)
    np.testing.assert_array_equal(read_labels(saved(grey, tmp_path / "b.png")), LABELS)


def test_low_bits_of_deep_colours_are_seen(tmp_path: Path) -> None:
    deep = np.zeros((24, 40, 3), np.uint16)
    deep[..., 1] = INSIDE * 7
    cv2.imwrite(str(tmp_path / "a.png"), deep)
    np.testing.assert_array_equal(read_labels(tmp_path / "a.png") != 0, INSIDE)


def test_a_cut_out_photograph_is_one_thing(tmp_path: Path) -> None:
    photo = np.random.default_rng(0).integers(0, 256, (24, 40, 3), dtype=np.uint8)
    cut_out = np.dstack([photo, 255 * INSIDE.astype(np.uint8)])
    np.testing.assert_array_equal(read_labels(saved(cut_out, tmp_path / "a.png")), 255 * INSIDE)
    black = cut_out * np.array([0, 0, 0, 1], np.uint8)
    np.testing.assert_array_equal(read_labels(saved(black, tmp_path / "b.png")), 255 * INSIDE)


def test_labels_painted_on_nothing_stay(tmp_path: Path) -> None:
    painted = np.dstack([LABELS, LABELS, LABELS, 255 * INSIDE.astype(np.uint8)])
    np.testing.assert_array_equal(read_labels(saved(painted, tmp_path / "a.png")), LABELS)
    painted[..., 3] = 0  # everything hidden: then the numbers count, as in photographs
    np.testing.assert_array_equal(read_labels(saved(painted, tmp_path / "b.png")), LABELS)


@pytest.mark.parametrize("suffix", ["jpg", "webp"])
def test_what_blurs_borders_is_refused(suffix: str, tmp_path: Path) -> None:
    path = saved(LABELS, tmp_path / f"a.{suffix}")
    with pytest.raises(LossyMaskError, match=r"must be lossless, got .*, which blurs borders; s"):
        read_labels(path)


def test_jpeg_inside_tiff_blurs_as_well(tmp_path: Path) -> None:
    Image.fromarray(LABELS).save(tmp_path / "a.tif", compression="jpeg")
    with pytest.raises(LossyMaskError, match="must be lossless, got JPEG"):
        read_labels(tmp_path / "a.tif")


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_masks_lie_as_photographs_lie(orientation: int, suffix: str, tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(LABELS).save(tmp_path / f"a.{suffix}", exif=exif)
    upright = read_image(tmp_path / f"a.{suffix}")[..., 0]
    np.testing.assert_array_equal(read_labels(tmp_path / f"a.{suffix}"), upright)
    assert image_size(tmp_path / f"a.{suffix}") == upright.shape


def test_small_masks_are_masks(tmp_path: Path) -> None:
    assert read_labels(saved(LABELS[:2, :9], tmp_path / "a.png")).shape == (2, 9)
