from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from engine.regions.outlines import (
    RegionError,
    from_box,
    from_mask,
    from_mask_file,
    from_polygon,
    parse_box,
    parse_polygon,
)

SIZE = (60, 80)
BLACK, WHITE, RED = (0, 0, 0), (255, 255, 255), (200, 0, 0)


@pytest.fixture
def ring() -> np.ndarray:
    y, x = np.ogrid[: SIZE[0], : SIZE[1]]
    radius = np.hypot(y - 30, x - 40)
    return np.asarray((radius > 6) & (radius < 14))


def polygon(*points: tuple[float, float]) -> np.ndarray:
    return np.array(points, dtype=np.float64)


def saved(image: Image.Image | np.ndarray, path: Path) -> Path:
    (image if isinstance(image, Image.Image) else Image.fromarray(image)).save(path)
    return path


# Masks


@pytest.mark.parametrize("kind", [bool, np.uint8, np.uint16, np.int64, np.float32])
def test_any_nonzero_number_is_inside(ring: np.ndarray, kind: type) -> None:
    assert np.array_equal(from_mask(ring.astype(kind), SIZE).over(SIZE), ring)


def speckled(ring: np.ndarray, values: tuple[int, ...], kind: type = np.uint8) -> np.ndarray:
    """Scatter dark pixels far from each other around a white ring."""
    mask = ring.astype(kind) * np.iinfo(kind).max
    for index, value in enumerate(values):
        mask[1, 3 * index + 1] = value
    return mask


@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
@pytest.mark.parametrize(
    ("values", "words"), [((1,), "value 1"), ((1,) * 12, "value 1"), ((2, 7), "value 2 … 7")]
)
def test_stray_pixels_are_left_out_and_said(
    ring: np.ndarray,
    values: tuple[int, ...],
    words: str,
    kind: type,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    mask = speckled(ring, values, kind)
    path = saved(mask, tmp_path / "mask.png")
    for region in (from_mask(mask, SIZE), from_mask_file(path, SIZE)):
        assert np.array_equal(region.over(SIZE), ring)
    assert [each.getMessage() for each in caplog.records] == [
        f"the mask also has {len(values)} stray pixels of {words}, which are left out"
    ] * 2


@pytest.mark.parametrize("values", [{0, 255}, {0, 1}, {0, 7}, {0, 200}, {0, 254}])
def test_one_label_is_meant_and_nothing_is_said(
    ring: np.ndarray, values: set[int], caplog: pytest.LogCaptureFixture
) -> None:
    mask = ring.astype(np.uint8) * max(values)
    assert np.array_equal(from_mask(mask, SIZE).over(SIZE), ring)
    assert not caplog.records


def test_dark_pixels_that_fill_an_area_are_not_guessed_about(ring: np.ndarray) -> None:
    mask = speckled(ring, ())
    mask[50:54, 60:64] = 1
    with pytest.raises(RegionError, match=r"16 px of value 1 beside .* 0 outside and 255 inside"):
        from_mask(mask, SIZE)


def test_several_labels_are_one_region_and_that_is_said(
    ring: np.ndarray, caplog: pytest.LogCaptureFixture
) -> None:
    mask = ring.astype(np.uint8)
    mask[2:8, 2:8], mask[50:56, 60:66] = 2, 3
    assert np.array_equal(from_mask(mask, SIZE).over(SIZE), mask > 0)
    assert [each.getMessage() for each in caplog.records] == [
        "the mask has 3 labels, which are taken as one region"
    ]


def test_soft_borders_are_no_labels(ring: np.ndarray, caplog: pytest.LogCaptureFixture) -> None:
    large = Image.fromarray(ring.astype(np.uint8) * 255).resize((320, 240))
    mask = np.asarray(large.resize((80, 60), Image.Resampling.BILINEAR)).copy()
    mask[(mask > 0) & (mask < 8)] = 8
    assert np.array_equal(from_mask(mask, SIZE).over(SIZE), mask > 0)
    assert not caplog.records


def test_one_channel_is_enough(ring: np.ndarray) -> None:
    blue = np.stack([0 * ring, 0 * ring, ring], axis=2).astype(np.uint8)
    assert np.array_equal(from_mask(blue, SIZE).over(SIZE), ring)


def test_transparency_decides_where_there_is_some(ring: np.ndarray) -> None:
    black = np.zeros((*SIZE, 3), np.uint8)
    cut_out = np.dstack([black, 255 * ring.astype(np.uint8)])
    assert np.array_equal(from_mask(cut_out, SIZE).over(SIZE), ring)
    opaque = np.dstack([black + ring[..., None], np.full(SIZE, 255, np.uint8)])
    assert np.array_equal(from_mask(opaque, SIZE).over(SIZE), ring)


def test_components_holes_and_thin_lines_stay(ring: np.ndarray) -> None:
    ring[2:5] = True
    ring[50:56, 1:7] = True
    assert np.array_equal(from_mask(ring, SIZE).over(SIZE), ring)


def test_half_the_image_and_six_pixels_are_regions() -> None:
    assert from_box((0, 0, 80, 30), SIZE).area_px == 2400
    assert from_box((74, 54, 80, 60), SIZE).area_px == 36


@pytest.mark.parametrize("suffix", ["png", "bmp", "tif", "webp"])
def test_lossless_files_are_read(ring: np.ndarray, suffix: str, tmp_path: Path) -> None:
    image = Image.fromarray(ring.astype(np.uint8) * 255)
    image.save(tmp_path / f"mask.{suffix}", **({"lossless": True} if suffix == "webp" else {}))
    region = from_mask_file(tmp_path / f"mask.{suffix}", SIZE)
    assert np.array_equal(region.over(SIZE), ring)


def test_low_values_of_16_bits_are_inside(ring: np.ndarray, tmp_path: Path) -> None:
    path = saved(ring.astype(np.uint16), tmp_path / "mask.png")
    assert np.array_equal(from_mask_file(path, SIZE).over(SIZE), ring)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "RGB", "RGBA", "CMYK"])
def test_files_of_every_mode_are_read(ring: np.ndarray, mode: str, tmp_path: Path) -> None:
    image = Image.fromarray(ring.astype(np.uint8) * 255).convert(mode)
    path = saved(image, tmp_path / ("mask.tif" if mode == "CMYK" else "mask.png"))
    assert np.array_equal(from_mask_file(path, SIZE).over(SIZE), ring)


def test_palettes_are_looked_up(ring: np.ndarray, tmp_path: Path) -> None:
    image = Image.fromarray((~ring).astype(np.uint8))
    image.putpalette([*RED, *BLACK])
    assert image.mode == "P"
    path = saved(image, tmp_path / "mask.png")
    assert np.array_equal(from_mask_file(path, SIZE).over(SIZE), ring)


def test_transparent_palette_entries_are_outside(ring: np.ndarray, tmp_path: Path) -> None:
    image = Image.fromarray(ring.astype(np.uint8))
    image.putpalette([*WHITE, *RED])
    image.save(tmp_path / "mask.png", transparency=0)
    assert np.array_equal(from_mask_file(tmp_path / "mask.png", SIZE).over(SIZE), ring)


def test_masks_are_turned_upright_like_their_photographs(ring: np.ndarray, tmp_path: Path) -> None:
    ring[:10] = True
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by a quarter, clockwise
    lying = Image.fromarray(np.rot90(ring).astype(np.uint8) * 255)
    lying.save(tmp_path / "mask.png", exif=exif)
    assert np.array_equal(from_mask_file(tmp_path / "mask.png", SIZE).over(SIZE), ring)


@pytest.mark.parametrize(
    ("mask", "message"),
    [
        (np.zeros(SIZE), "must have pixels, got none; mark the thing"),
        (np.ones(SIZE), r"at most 90% of the image, got 100%; .* swap inside and outside"),
        (np.ones((60, 79)), r"80×60 \(width×height\), got 79×60; draw it on that image"),
        (np.ones(60), r"80×60 \(width×height\), got 60;"),
        (np.ones((60, 80, 5)), r"at most 4 channels, got shape \(60, 80, 5\)"),
        (np.full(SIZE, np.nan), "must be finite, got NaN or infinity; write 0 outside"),
        (np.full(SIZE, "x"), "must hold numbers, got <U1; convert it to bool"),
        (np.eye(60, 80) * (np.arange(80) == 4), "span 2×2 px or more, got 1×1; mark the whole"),
        (np.ones(SIZE) * (np.arange(80) == 4), "span 2×2 px or more, got 1×60;"),
    ],
)
def test_masks_that_are_no_example_are_refused(mask: np.ndarray, message: str) -> None:
    with pytest.raises(RegionError, match=message):
        from_mask(mask, SIZE)


def test_broken_files_are_refused_in_one_line(ring: np.ndarray, tmp_path: Path) -> None:
    text = tmp_path / "mask.png"
    text.write_text("no image\n")
    whole = io.BytesIO()
    Image.fromarray(np.random.default_rng(0).integers(0, 2, SIZE, dtype=np.uint8)).save(
        whole, "png"
    )
    cut_off = tmp_path / "cut.png"
    cut_off.write_bytes(whole.getvalue()[:-200])
    lossy = saved(ring.astype(np.uint8), tmp_path / "mask.jpg")
    for path, message in (
        (text, "an image that can be read, got an error .* save the mask as PNG"),
        (cut_off, "an image that can be read, got an error"),
        (tmp_path, "must be an image file, got none there; check the path"),
        (tmp_path / "none.png", "must be an image file, got none there"),
        (lossy, "must be lossless, got JPEG, which blurs borders; save it as PNG"),
        (saved(np.ones((10, 20), np.uint8), tmp_path / "small.png"), "80×60 .* got 20×10"),
    ):
        with pytest.raises(RegionError, match=message) as caught:
            from_mask_file(path, SIZE)
        assert "\n" not in str(caught.value)
        assert path.name in str(caught.value)


# Boxes


def test_right_and_bottom_of_a_box_are_exclusive() -> None:
    region = from_box((3, 5, 10, 9), SIZE)
    assert region.box_xyxy == (3, 5, 10, 9)
    assert region.mask.all()


def test_a_box_is_the_polygon_through_its_corners() -> None:
    for left, top, right, bottom in [(3, 5, 10, 9), (0.5, 0.49, 79.51, 30), (7.2, 1.6, 9.9, 4.5)]:
        corners = polygon((left, top), (right, top), (right, bottom), (left, bottom))
        assert from_box((left, top, right, bottom), SIZE).iou(from_polygon(corners, SIZE)) == 1


@pytest.mark.parametrize(
    ("box", "message"),
    [
        ((10, 5, 3, 9), r"left < right and top < bottom, got \(10, 5, 3, 9\); give the upper left"),
        ((-1, 5, 3, 9), r"in the image of 80×60 px .* got the point \(-1, 5\); keep x in 0 … 80"),
        ((90, 70, 99, 90), r"got the point \(90, 70\)"),
        ((3, 5, 81, 9), r"got the point \(81, 9\)"),
        ((3, 5, np.inf, 9), "must be finite, got NaN or infinity"),
        ((0, 0, 80, 60), "at most 90% of the image, got 100%"),
        ((3, 5, 4, 9), "span 2×2 px or more, got 1×4"),
        ((3.6, 5, 4.4, 9), "must have pixels, got none"),
    ],
)
def test_boxes_that_are_no_example_are_refused(
    box: tuple[float, float, float, float], message: str
) -> None:
    with pytest.raises(RegionError, match=message):
        from_box(box, SIZE)


# Polygons


def test_a_pixel_is_inside_with_its_centre() -> None:
    corners = polygon((10, 10), (61.3, 17.8), (40, 55.5))
    centres = np.stack(np.meshgrid(np.arange(80) + 0.5, np.arange(60) + 0.5), axis=-1)
    sides = []
    for start, end in zip(corners, np.roll(corners, -1, axis=0), strict=True):
        along, towards = end - start, centres - start
        sides.append(along[0] * towards[..., 1] - along[1] * towards[..., 0] > 0)
    assert np.array_equal(from_polygon(corners, SIZE).over(SIZE), np.all(sides, axis=0))


@pytest.mark.parametrize("seed", range(10))
def test_polygons_that_share_an_edge_share_all_pixels_between_them(seed: int) -> None:
    rng = np.random.default_rng(seed)
    around = 2 * np.pi * (np.arange(7) + rng.uniform(0, 0.7, 7)) / 7
    corners = np.stack([40 + 28 * np.cos(around), 30 + 28 * np.sin(around)], axis=1)
    if seed % 2:
        corners = corners.round()  # borders then pass through centres of pixels
    whole = from_polygon(corners, SIZE).over(SIZE)
    pieces = [
        from_polygon(np.stack([polygon((40.5, 30.5))[0], one, other]), SIZE).over(SIZE)
        for one, other in zip(corners, np.roll(corners, -1, axis=0), strict=True)
    ]
    assert np.array_equal(np.sum(pieces, axis=0), whole)


def test_where_a_polygon_starts_and_how_it_turns_does_not_matter() -> None:
    corners = polygon((10, 10), (50, 12), (30, 25), (52, 50), (12, 44))
    expected = from_polygon(corners, SIZE)
    closed = np.concatenate([corners, corners[:1]])
    for same in (corners[::-1], np.roll(corners, 2, axis=0), closed, corners.repeat(2, axis=0)):
        assert from_polygon(same, SIZE).iou(expected) == 1


def test_a_polygon_may_touch_itself() -> None:
    # two squares that share a corner, and a square with a hole that a cut leads to
    squares = polygon(
        (10, 10), (20, 10), (20, 20), (30, 20), (30, 30), (20, 30), (20, 20), (10, 20)
    )
    assert from_polygon(squares, SIZE).area_px == 200
    outer, inner = (
        [(10, 10), (40, 10), (40, 40), (10, 40)],
        [(20, 20), (20, 30), (30, 30), (30, 20)],
    )
    frame = polygon(*outer, outer[0], *inner, inner[0])
    assert from_polygon(frame, SIZE).area_px == 800


@pytest.mark.parametrize(
    ("corners", "message"),
    [
        ([(10, 10), (30, 30), (30, 10), (10, 30)], r"got a crossing at \(20, 20\); give the corn"),
        (
            [(10, 10), (20, 20), (30, 30), (30, 10), (20, 20), (10, 30)],
            r"got a crossing at \(20, 20\)",
        ),
        (
            [(40, 5), (55, 50), (15, 22), (65, 22), (25, 50)],
            r"must not cross itself, got a crossing at \(45.6",
        ),
        ([(10, 10), (30, 30)], "3 … 10000 different corners, got 2; mark more of them"),
        ([(10, 10), (30, 30), (10, 10), (30, 30)], "corners, got 2; mark more"),
        ([(10, 10), (20, 20), (30, 30)], "must enclose pixels, got no area; mark corners farther"),
        ([(10, 10), (30, 10), (90, 30)], r"in the image of 80×60 px .* got the point \(90, 30\)"),
        ([(100, 100), (130, 100), (100, 130)], r"got the point \(100, 100\)"),
        ([(10, 10), (30, 10), (np.nan, 30)], "must be finite"),
        ([(0, 0), (80, 0), (80, 60), (0, 60)], "at most 90%"),
    ],
)
def test_polygons_that_are_no_example_are_refused(
    corners: list[tuple[float, float]], message: str
) -> None:
    with pytest.raises(RegionError, match=message):
        from_polygon(polygon(*corners), SIZE)


def drawn_circle(n_corners: int) -> np.ndarray:
    around = np.linspace(0, 2 * np.pi, n_corners, endpoint=False)
    return np.stack([40 + 20 * np.cos(around), 30 + 20 * np.sin(around)], axis=1)


def test_thousands_of_corners_are_taken_but_not_any_number() -> None:
    region = from_polygon(drawn_circle(3000), SIZE)
    assert region.area_px == pytest.approx(np.pi * 20**2, rel=0.01)
    with pytest.raises(RegionError, match="3 … 10000 different corners, got 12000; give a mask"):
        from_polygon(drawn_circle(12_000), SIZE)


def test_an_outline_costs_what_it_covers_not_what_the_image_has() -> None:
    vast = (400_000, 400_000)
    corners = polygon(
        (399_990, 399_980), (400_000, 399_980), (400_000, 400_000), (399_990, 400_000)
    )
    for region in (from_polygon(corners, vast), from_box((399_990, 399_980, 4e5, 4e5), vast)):
        assert region.box_xyxy == (399_990, 399_980, 400_000, 400_000)
        assert region.area_px == 200


# Command line


def test_boxes_and_polygons_are_read() -> None:
    assert parse_box("3, 5,10.5,9") == (3, 5, 10.5, 9)
    for text in ("1,2 3,4 5.5,6", "1,2;3,4\n5.5,6"):
        assert parse_polygon(text).tolist() == [[1, 2], [3, 4], [5.5, 6]]


@pytest.mark.parametrize("text", ["", "1,2,3", "1,2,3,4,5", "1,2,3,x", "1 2 3 4"])
def test_what_is_no_box_is_refused(text: str) -> None:
    with pytest.raises(RegionError, match="must be four numbers X0,Y0,X1,Y1, got '"):
        parse_box(text)


@pytest.mark.parametrize("text", ["1,2 3", "1,2,3 4", "a,b c,d e,f", "1, 2 3, 4"])
def test_what_is_no_polygon_is_refused(text: str) -> None:
    with pytest.raises(RegionError, match='must be pairs "x,y x,y x,y", got'):
        parse_polygon(text)


def test_no_points_are_too_few() -> None:
    with pytest.raises(RegionError, match="different corners, got 0"):
        from_polygon(parse_polygon(""), SIZE)
