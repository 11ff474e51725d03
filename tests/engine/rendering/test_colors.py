from __future__ import annotations

import numpy as np
import pytest

from engine.rendering.colors import OKABE_ITO, class_colors, heat_colors, ink_on

# Viénot, Brettel and Mollon (1999), for linear RGB: another simulation than the one in use
DEUTERANOPE = np.array([(0.29275, 0.70725, 0.0), (0.29275, 0.70725, 0.0), (-0.02234, 0.02234, 1.0)])


def linear(colors: np.ndarray) -> np.ndarray:
    unit = np.asarray(colors) / 255
    return np.where(unit <= 0.04045, unit / 12.92, ((unit + 0.055) / 1.055) ** 2.4)


def lab_of_linear(rgb: np.ndarray) -> np.ndarray:
    """CIELAB under D65, by its definition."""
    to_xyz = np.array(
        [(0.4124, 0.3576, 0.1805), (0.2126, 0.7152, 0.0722), (0.0193, 0.1192, 0.9505)]
    )
    t = np.clip(rgb, 0, 1) @ to_xyz.T / to_xyz.sum(axis=1)
    f = np.where(t > 216 / 24389, np.cbrt(t), (24389 / 27 * t + 16) / 116)
    return np.stack(
        [116 * f[:, 1] - 16, 500 * (f[:, 0] - f[:, 1]), 200 * (f[:, 1] - f[:, 2])], axis=1
    )


def closest(lab: np.ndarray) -> float:
    distance = np.linalg.norm(lab[:, None] - lab[None], axis=2)
    return float(distance[~np.eye(len(lab), dtype=bool)].min())


def test_first_eight_are_those_of_okabe_and_ito() -> None:
    assert np.array_equal(class_colors(8), OKABE_ITO)


@pytest.mark.parametrize("n", [0, 1, 8, 9, 40, 133, 200])
def test_color_of_a_class_does_not_depend_on_their_number(n: int) -> None:
    colors = class_colors(n)
    assert colors.shape == (n, 3)
    assert colors.dtype == np.uint8
    assert np.array_equal(colors, class_colors(300)[:n])


def test_133_colors_are_distinct() -> None:
    assert len(np.unique(class_colors(133), axis=0)) == 133


@pytest.mark.parametrize(("n", "least"), [(8, 12.0), (16, 12.0), (24, 9.0)])
def test_colors_differ_with_and_without_green_cones(n: int, least: float) -> None:
    rgb = linear(class_colors(n))
    assert closest(lab_of_linear(rgb)) > least
    assert closest(lab_of_linear(rgb @ DEUTERANOPE.T)) > least


def test_heat_only_gets_lighter() -> None:
    lightness = lab_of_linear(linear(heat_colors()))[:, 0]
    assert np.all(np.diff(lightness) > -0.2)  # rounding to bytes
    assert lightness[0] < 5
    assert lightness[-1] > 90


def test_ink_has_the_better_contrast_and_enough_for_large_text() -> None:
    for color in class_colors(40).tolist():
        luminance = float(linear(np.array(color)) @ (0.2126, 0.7152, 0.0722))
        contrast = {(255,) * 3: 1.05 / (luminance + 0.05), (0,) * 3: (luminance + 0.05) / 0.05}
        assert contrast[ink_on(tuple(color))] == max(contrast.values()) > 4.5
