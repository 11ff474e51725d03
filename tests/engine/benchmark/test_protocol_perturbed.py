import cv2
import numpy as np
import pytest

from engine.benchmark.protocol import Perturbation, perturb, similarity


@pytest.fixture
def image():
    rng = np.random.default_rng(3)
    coarse = rng.integers(0, 255, (6, 8, 3), dtype=np.uint8)
    return cv2.resize(coarse, (80, 60), interpolation=cv2.INTER_LINEAR)


def naive_point(point, size, rotation_deg, shift_yx, scale):
    """Turn counter-clockwise on a screen whose y axis points down, then move."""
    centre = complex((size[1] - 1) / 2, (size[0] - 1) / 2)
    turn = scale * np.exp(-1j * np.radians(rotation_deg))
    moved = (complex(*point) - centre) * turn + centre + complex(shift_yx[1], shift_yx[0])
    return moved.real, moved.imag


def test_similarity_turns_and_scales_about_the_centre_and_then_shifts():
    size, change = (60, 80), {"rotation_deg": 12.0, "shift_yx": (3.0, -5.0), "scale": 1.07}
    matrix = similarity(size, **change)
    for point in [(0, 0), (79, 0), (39.5, 29.5), (10, 50)]:
        moved = matrix @ [*point, 1]
        assert moved == pytest.approx(naive_point(point, size, *change.values()))


def test_the_same_seed_and_index_give_the_same_picture(image):
    first = Perturbation(seed=5).apply(image, 2)
    np.testing.assert_array_equal(first, Perturbation(seed=5).apply(image, 2))
    assert (first != Perturbation(seed=5).apply(image, 3)).any()
    assert (first != Perturbation(seed=6).apply(image, 2)).any()


def test_size_and_type_are_kept_and_the_input_is_not_changed(image):
    before = image.copy()
    result = perturb(image, np.random.default_rng(0))
    assert result.shape == image.shape
    assert result.dtype == np.uint8
    np.testing.assert_array_equal(image, before)


def test_limits_of_zero_change_nothing(image):
    still = Perturbation(rotation_deg=0, shift=0, scale=0)
    np.testing.assert_array_equal(still.apply(image, 0), image)


def test_border_pixels_continue_outside_the_frame():
    image = np.full((40, 40, 3), 200, dtype=np.uint8)
    result = perturb(image, np.random.default_rng(1), shift=0.5)
    assert (result == 200).all()


@pytest.mark.parametrize(
    ("limits", "axis"), [({"shift": 0.0, "scale": 0.0}, 0), ({"rotation_deg": 0.0}, 1)]
)
def test_a_mark_stays_within_the_limits(limits, axis):
    image = np.zeros((101, 101, 3), dtype=np.uint8)
    cv2.circle(image, (80, 50), 4, (255, 255, 255), -1)
    limits = {"rotation_deg": 15.0, "shift": 0.1, "scale": 0.1} | limits
    found = []
    for index in range(60):
        result = Perturbation(**limits).apply(image, index)
        y, x = (np.argwhere(result[..., 0] > 127) - 50).mean(axis=0)
        found.append((np.degrees(np.arctan2(-y, x)), np.hypot(x, y)))
    angles, distances = np.array(found).T
    if axis == 0:  # only turned: the distance stays, the angle fills its range
        assert distances == pytest.approx(30, abs=1)
        assert 10 < angles.max() < 16
        assert -16 < angles.min() < -10
    else:  # shifted by up to 10 px each way and scaled by a tenth, not turned
        assert 15 < distances.min() < 26
        assert 34 < distances.max() < 45


@pytest.mark.parametrize("limits", [{"rotation_deg": -1}, {"shift": 1.5}, {"scale": 1.0}])
def test_limits_out_of_range_are_refused(limits):
    with pytest.raises(ValueError, match="rotation_deg must lie in 0 … 180, shift in 0 … 1"):
        Perturbation(**limits)
