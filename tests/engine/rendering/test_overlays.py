from __future__ import annotations

import base64
from dataclasses import replace

import cv2
import numpy as np
import pytest

from alignment.transforms import compose, rescale
from engine.rendering import overlays
from engine.rendering.colors import EXTRA_COLOR, class_colors
from engine.report import Deviation

DEVIATION = Deviation(1, "nut", "extra", 2, 3, "one nut too many", 2.0, (40, 30, 120, 90))


@pytest.fixture
def image() -> np.ndarray:
    return np.random.default_rng(1).integers(0, 256, (240, 360, 3), dtype=np.uint8)


def has_color(image: np.ndarray, color: object) -> bool:
    return bool((image == color).all(axis=2).any())


def centroid_of_change(drawn: np.ndarray, image: np.ndarray) -> np.ndarray:
    y, x = np.nonzero((drawn != image).any(axis=2))
    return np.array([x.mean(), y.mean()])


class TestParts:
    @pytest.fixture
    def class_map(self) -> np.ndarray:
        classes = np.zeros((120, 180), np.int64)  # half the size of the image
        classes[10:50, 10:70] = 1
        classes[60:110, 20:60] = 2
        classes[20:80, 100:160] = overlays.EXTRA
        classes[90:, 100:] = overlays.NO_PART
        return classes

    def test_background_and_no_part_stay_as_they_are(
        self, image: np.ndarray, class_map: np.ndarray
    ) -> None:
        drawn = overlays.draw_parts(image, class_map, np.array([True, False, False]))
        large = np.kron(class_map, np.ones((2, 2), np.int64))
        bare = (large == 0) | (large == overlays.NO_PART)
        assert np.array_equal(drawn[bare], image[bare])
        assert (drawn[large == 1] != image[large == 1]).any(axis=1).mean() > 0.95

    def test_each_class_has_its_color_and_extra_has_red(
        self, image: np.ndarray, class_map: np.ndarray
    ) -> None:
        drawn = overlays.draw_parts(image, class_map, np.array([True, False, False]))
        _, one, two = class_colors(3)
        assert [has_color(drawn[20:100, 20:140], color) for color in (one, two)] == [True, False]
        assert [has_color(drawn[120:220, 40:120], color) for color in (one, two)] == [False, True]
        assert has_color(drawn[40:160, 200:320], EXTRA_COLOR)

    def test_parts_of_one_class_are_told_from_others_without_color(self) -> None:
        grey = np.full((240, 360, 3), 120, np.uint8)
        classes = np.ones((240, 360), np.int64)
        is_background = np.zeros(3, bool)
        lightness = [
            cv2.cvtColor(overlays.draw_parts(grey, classes * k, is_background), cv2.COLOR_RGB2GRAY)
            for k in (1, 2)
        ]
        # the numbers on the plates differ, whatever the colours
        plates = [each[100:140, 160:200] > np.median(each) for each in lightness]
        assert (plates[0] != plates[1]).any()

    def test_input_is_not_changed_and_a_map_without_parts_changes_nothing(
        self, image: np.ndarray, class_map: np.ndarray
    ) -> None:
        before = image.copy()
        overlays.draw_parts(image, class_map, np.array([True, False, False]))
        assert np.array_equal(image, before)
        bare = overlays.draw_parts(image, np.zeros((120, 180), np.int64), np.array([True]))
        assert np.array_equal(bare, image)


class TestHeat:
    @pytest.mark.parametrize(("row", "column"), [(3, 4), (0, 0), (11, 17), (6, 9)])
    @pytest.mark.parametrize("angle", [0, 12])
    def test_a_hot_cell_lands_where_the_affine_says(
        self, row: int, column: int, angle: float
    ) -> None:
        image = np.full((1200, 1600, 3), 90, np.uint8)
        cells = np.zeros((12, 18), np.float32)
        cells[row, column] = 2.0
        cell_to_registered = rescale(cells.shape, (96, 144))
        to_image = cv2.getRotationMatrix2D((72, 48), angle, 6.0)
        to_image[:, 2] += (700, 500)
        drawn = overlays.draw_heat(image, cells, compose(to_image, cell_to_registered))

        registered = np.array([8 * column + 3.5, 8 * row + 3.5, 1])  # cells of 8 px, by hand
        expected = to_image @ registered
        is_whole = 0 < row < 11 and 0 < column < 17  # else half the blob is cut off
        tolerance = 1.0 if is_whole else 8 * 6 / 2
        assert np.abs(centroid_of_change(drawn, image) - expected).max() < tolerance

    def test_cells_cover_the_image_by_default(self) -> None:
        image = np.full((120, 180, 3), 90, np.uint8)
        drawn = overlays.draw_heat(image, np.full((4, 6), 2.0))
        # the line around all, mixed with what lies below, may meet the image's own grey
        assert (drawn != image).any(axis=2).mean() > 0.97

    def test_outside_the_cells_and_under_cold_ones_nothing_changes(self, image: np.ndarray) -> None:
        cold = overlays.draw_heat(image, np.full((4, 6), 0.5))
        assert np.array_equal(cold, image)
        shifted = np.array([[20.0, 0, 100], [0, 20, 60]])  # cells of 20 px, not over all
        drawn = overlays.draw_heat(image, np.full((4, 6), 3.0), shifted)
        covered = np.zeros(image.shape[:2], bool)
        covered[50:130, 90:210] = True
        rim = cv2.dilate(covered.astype(np.uint8), np.ones((9, 9))) > 0  # the line around it
        assert np.array_equal(drawn[~rim], image[~rim])
        assert (drawn[covered] != image[covered]).any(axis=1).mean() > 0.99

    def test_opacity_rises_with_the_value_and_is_little_up_to_one(self) -> None:
        opacity = overlays.heat_opacity(np.linspace(0, 4, 41))
        assert (np.diff(opacity) >= 0).all()
        assert opacity[5] == 0
        assert opacity[10] < 0.2
        assert opacity[30] == opacity[40] > 0.8

    def test_a_higher_top_only_stretches_what_is_above_one(self) -> None:
        values = np.array([0.2, 0.7, 1.0])
        assert np.array_equal(
            overlays.heat_opacity(values, 9.0), overlays.heat_opacity(values, 3.0)
        )
        assert overlays.heat_opacity(np.array([5.0]), 9.0) == pytest.approx(
            overlays.heat_opacity(np.array([2.0]), 3.0)
        )


class TestPixels:
    def test_a_cell_has_its_value_in_its_centre_wherever_the_map_lies(self) -> None:
        cells = np.zeros((3, 4), np.float32)
        cells[1, 2] = 5
        to_image = np.array([[8.0, 0.0, 10.0], [0.0, 8.0, 20.0]])
        pixels = overlays.to_pixels(cells, to_image, (60, 50))
        assert pixels.shape == (60, 50)
        assert pixels[28, 26] == pixels.max() == 5
        assert pixels[28, 10] == pixels[20, 26] == 0

    def test_what_lies_under_no_cell_is_0_and_nothing_is_less(self) -> None:
        cells = np.random.default_rng(0).normal(size=(3, 4)).astype(np.float32) + 2
        pixels = overlays.to_pixels(cells, np.array([[8.0, 0, 10], [0, 8, 20]]), (60, 50))
        is_under = np.zeros((60, 50), bool)
        is_under[16:41, 6:39] = True  # half a cell around the centres
        assert (pixels[~is_under] == 0).all()
        assert (pixels[is_under] > 0).mean() > 0.9
        assert (pixels >= 0).all()


class TestBoxes:
    def test_frame_lies_on_the_scaled_box(self, image: np.ndarray) -> None:
        drawn = overlays.draw_boxes(image, [DEVIATION], (2.0, 1.5))
        y, x = np.nonzero((drawn == overlays.FOUND_COLOR).all(axis=2))
        assert abs(x.max() - 240) <= 2
        assert abs(y.max() - 135) <= 2
        inside = np.s_[70:125, 105:230]
        assert np.array_equal(drawn[inside], image[inside])

    def test_missing_has_another_color_than_found(self, image: np.ndarray) -> None:
        absent = overlays.draw_boxes(image, [replace(DEVIATION, kind="missing")])
        assert has_color(absent, overlays.ABSENT_COLOR)
        assert not has_color(absent, overlays.FOUND_COLOR)

    def test_without_a_box_nothing_is_drawn(self, image: np.ndarray) -> None:
        assert np.array_equal(overlays.draw_boxes(image, []), image)
        placeless = replace(DEVIATION, box_xyxy=None)
        assert np.array_equal(overlays.draw_boxes(image, [placeless]), image)

    def test_letters_of_equal_boxes_lie_side_by_side(self, image: np.ndarray) -> None:
        one = overlays.draw_boxes(image, [DEVIATION])
        two = overlays.draw_boxes(image, [DEVIATION, DEVIATION])
        x = np.nonzero((one != two).any(axis=2))[1]
        assert x.min() > 40  # the first letter stays whole
        assert len(x)


@pytest.mark.parametrize(
    ("index", "name"), [(0, "A"), (25, "Z"), (26, "AA"), (27, "AB"), (701, "ZZ"), (702, "AAA")]
)
def test_letter(index: int, name: str) -> None:
    assert overlays.letter(index) == name


def decoded(uri: str, kind: str) -> np.ndarray:
    head, data = uri.split(",")
    assert head == f"data:image/{kind};base64"
    encoded = np.frombuffer(base64.b64decode(data), np.uint8)
    return np.asarray(cv2.imdecode(encoded, cv2.IMREAD_COLOR))[..., ::-1]


def test_png_address_holds_the_very_image(image: np.ndarray) -> None:
    assert np.array_equal(decoded(overlays.png_data_uri(image), "png"), image)


def test_jpeg_address_holds_nearly_the_image_and_is_shorter() -> None:
    y, x = np.mgrid[:120, :160]
    smooth = np.stack([y, x, 255 - y], axis=2).astype(np.uint8)
    uri = overlays.jpeg_data_uri(smooth)
    assert np.abs(decoded(uri, "jpeg").astype(int) - smooth).mean() < 3
    assert len(overlays.jpeg_data_uri(smooth, quality=30)) < len(uri)
