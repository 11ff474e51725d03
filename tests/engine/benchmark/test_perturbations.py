"""Each kind alone: what it does, how much at most, and what it leaves as it is."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import cv2
import numpy as np
import pytest

from engine.benchmark.perturbations import (
    Cast,
    Exposure,
    Focus,
    Glare,
    Jpeg,
    Noise,
    OfLight,
    Pose,
    Turn,
    Vignette,
    relight,
    similarity,
    to_display,
    to_light,
)
from engine.benchmark.protocol import KINDS

LIT = {name: kind for name, kind in KINDS.items() if kind not in (Pose, Turn, Jpeg)}


@pytest.fixture
def image() -> np.ndarray:
    rng = np.random.default_rng(3)
    coarse = rng.integers(20, 236, (6, 8, 3), dtype=np.uint8)
    smooth = cv2.resize(coarse, (160, 120), interpolation=cv2.INTER_LINEAR).astype(int)
    texture = np.repeat(rng.integers(-12, 13, (120, 160, 1)), 3, axis=2)
    return np.asarray(np.clip(smooth + texture, 0, 255), dtype=np.uint8)


def flat(level: int, size: tuple[int, int] = (60, 80)) -> np.ndarray:
    return np.full((*size, 3), level, dtype=np.uint8)


def changed(kind: Any, image: np.ndarray, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    if isinstance(kind, OfLight):
        return np.asarray(relight(image, [(kind, rng)]))
    return np.asarray(kind.apply(image, rng))


def light(kind: Any, level: float, seed: int, n_channels: int = 3) -> np.ndarray:
    """What a kind makes of even light."""
    even = np.full((60, 80, n_channels), level, dtype=np.float32)
    return np.asarray(kind.apply(even, np.random.default_rng(seed)))


@pytest.mark.parametrize("name", KINDS)
class TestEachKind:
    def test_a_picture_of_the_same_kind_comes_out_and_nothing_goes_in(
        self, name: str, image: np.ndarray
    ) -> None:
        before = image.copy()
        result = changed(KINDS[name](), image)
        assert (result.shape, result.dtype) == (image.shape, np.uint8)
        np.testing.assert_array_equal(image, before)
        assert result.flags.c_contiguous
        assert result.flags.writeable

    def test_the_same_draws_give_the_same_picture(self, name: str, image: np.ndarray) -> None:
        first, again, other = (changed(KINDS[name](), image, seed) for seed in (1, 1, 2))
        np.testing.assert_array_equal(first, again)
        assert (first != other).any()

    # mean absolute difference, in levels, over the draws: visible, and the picture is still there
    def test_it_changes_the_picture_but_not_beyond_recognition(
        self, name: str, image: np.ndarray
    ) -> None:
        apart = [
            float(np.abs(changed(KINDS[name](), image, seed).astype(float) - image).mean())
            for seed in range(12)
        ]
        assert max(apart) > 1.5
        if name != "turn":  # which puts everything elsewhere
            assert max(apart) < 45

    @pytest.mark.parametrize("size", [(1, 1), (1, 40), (16, 16), (17, 33)])
    def test_odd_sizes(self, name: str, size: tuple[int, int]) -> None:
        picture = np.random.default_rng(0).integers(0, 256, (*size, 3), dtype=np.uint8)
        for seed in range(3):
            assert changed(KINDS[name](), picture, seed).shape == picture.shape

    def test_a_monochrome_picture_stays_one(self, name: str, image: np.ndarray) -> None:
        grey = np.repeat(image[..., :1], 3, axis=2)
        for seed in range(4):
            result = changed(KINDS[name](), grey, seed)
            assert (result == result[..., :1]).all()
        assert (result != grey).any()

    @pytest.mark.parametrize("value", [-1.0, 1e9, float("nan")])
    def test_limits_out_of_range_are_refused(self, name: str, value: float) -> None:
        for field in fields(KINDS[name]):
            given: Any = value
            if isinstance(field.default, tuple):
                given = (value, value)
            with pytest.raises(ValueError, match=rf"^{name}\.{field.name} must "):
                KINDS[name](**{field.name: given})


@pytest.mark.parametrize("kind", [Glare(size=(0.1, 0.2)), Jpeg(quality=(50, 50))])
def test_ends_of_a_span_in_order_are_taken(kind: Any) -> None:
    assert kind == type(kind)(**vars(kind))


@pytest.mark.parametrize(
    ("kind", "limits", "message"),
    [
        (Glare, {"size": (0.2, 0.1)}, r"glare\.size must begin with the least, got \(0\.2, 0\.1\)"),
        (Glare, {"peak": (2.0, 1.0)}, r"glare\.peak must begin with the least"),
        (Jpeg, {"quality": (70, 30)}, r"jpeg\.quality must begin with the least"),
    ],
)
def test_spans_the_wrong_way_round_are_refused(kind: Any, limits: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        kind(**limits)


# Light


def test_every_level_survives_the_way_to_light_and_back() -> None:
    levels = np.repeat(np.arange(256, dtype=np.uint8)[None, :, None], 3, axis=2)
    np.testing.assert_array_equal(to_display(to_light(levels)), levels)
    # sRGB (IEC 61966-2-1): the level 188 is about half the light of white
    assert to_light(levels)[0, [0, 188, 255], 0] == pytest.approx([0, 0.503, 1], abs=1e-3)


def test_light_beyond_white_is_clipped_only_when_the_picture_is_made() -> None:
    assert (to_display(np.array([[[-1.0, 0.0, 7.0]]], dtype=np.float32)) == [0, 0, 255]).all()
    # an exposure brings back what the glare has added
    bright, dim = Glare(peak=(4.0, 4.0)), Exposure(stops=8.0)
    draws = [(bright, np.random.default_rng(0)), (dim, np.random.default_rng(2))]
    factor = light(dim, 1.0, seed=2)[0, 0, 0]
    assert factor < 0.2
    middle = relight(flat(0), draws).max()
    assert middle < 255
    assert to_light(np.full((1, 1, 1), middle))[0, 0, 0] == pytest.approx(4 * factor, rel=0.1)


def test_nothing_drawn_is_the_picture_itself(image: np.ndarray) -> None:
    assert relight(image, []) is image


@pytest.mark.parametrize(
    "kind",
    [
        Exposure(stops=0),
        Cast(channels=0, warmth=0),
        Vignette(darkening=0),
        Focus(defocus=0, motion=0),
        Noise(shot_levels=0, read_levels=0),
        Glare(peak=(0.0, 0.0)),
        Pose(rotation_deg=0, shift=0, scale=0),
        Turn(rotation_deg=0, shift=0, zoom=1),
    ],
)
def test_limits_of_zero_change_nothing(kind: Any, image: np.ndarray) -> None:
    np.testing.assert_array_equal(changed(kind, image), image)


def test_exposure_gains_or_loses_up_to_half_a_stop() -> None:
    stops = np.log2([light(Exposure(), 0.2, seed).mean() / 0.2 for seed in range(60)])
    assert -0.5 <= stops.min() < -0.4
    assert 0.4 < stops.max() <= 0.5


def test_cast_weighs_channels() -> None:
    gains = np.array([light(Cast(warmth=0), 1.0, seed)[0, 0] for seed in range(60)])
    assert gains.min() == pytest.approx(0.88, abs=0.02)
    assert gains.max() == pytest.approx(1.12, abs=0.02)
    warmths = np.array([light(Cast(channels=0), 1.0, seed)[0, 0] for seed in range(60)])
    np.testing.assert_allclose(warmths[:, 1], 1)
    np.testing.assert_allclose(warmths[:, 0] - 1, 1 - warmths[:, 2], atol=1e-6)
    assert np.ptp(warmths[:, 0]) > 0.2


def test_cast_of_a_single_channel_is_that_of_the_luminance() -> None:
    for seed in range(5):
        of_colour = light(Cast(), 0.5, seed)[0, 0]
        naive = 0.2126 * of_colour[0] + 0.7152 * of_colour[1] + 0.0722 * of_colour[2]
        assert light(Cast(), 0.5, seed, n_channels=1)[0, 0] == pytest.approx([naive], rel=1e-5)


def test_vignette_darkens_the_farthest_corner_most() -> None:
    losses, places = [], []
    for seed in range(60):
        found = light(Vignette(), 1.0, seed)[..., 0]
        assert found.max() == pytest.approx(1, abs=1e-3)
        assert found.min() == found[[0, 0, -1, -1], [0, -1, 0, -1]].min()
        losses.append(1 - found.min())
        places.append(np.unravel_index(found.argmax(), found.shape))
    assert 0.35 < max(losses) <= 0.4
    # the middle of 60 × 80 pixels, and a fifth of the side beside it
    y, x = np.array(places).T
    for pixels, low, high in ((y, 17, 42), (x, 23, 56)):
        assert low <= pixels.min()
        assert pixels.max() <= high
        assert np.ptp(pixels) > 0.7 * (high - low)


def test_glare_is_white_in_its_middle_and_as_large_as_said() -> None:
    one = Glare(n_max=1)
    lengths = []
    for seed in range(60):
        found = light(one, 0.0, seed)[..., 0]
        assert 0.9 < found.max() <= 2.0
        inside = np.argwhere(found > found.max() / 10)
        far = np.linalg.norm(inside[:, None] - inside[None], axis=2).max()
        lengths.append(far / np.hypot(60, 80))
        y, x = np.unravel_index(found.argmax(), found.shape)
        assert 11 <= y <= 48
        assert 15 <= x <= 64
    # a pixel is a hundredth of this diagonal
    assert 0.035 < min(lengths) < 0.08
    assert 0.12 < max(lengths) < 0.165


def test_glare_comes_once_or_twice() -> None:
    small = Glare(size=(0.08, 0.08))
    masks = [(light(small, 0.0, seed)[..., 0] > 0.5).astype(np.uint8) for seed in range(20)]
    assert {cv2.connectedComponents(mask)[0] - 1 for mask in masks} == {1, 2}


@pytest.mark.parametrize(
    ("kind", "level", "limit"),
    [
        (Noise(read_levels=0), 60, 5.5),
        (Noise(read_levels=0), 128, 5.2),
        (Noise(read_levels=0), 220, 5.0),
        (Noise(), 10, 7.5),
        (Noise(), 128, 5.5),
    ],
)
def test_noise_is_as_strong_as_said(kind: Noise, level: int, limit: float) -> None:
    spreads = []
    for seed in range(40):
        apart = changed(kind, flat(level), seed).astype(float) - level
        assert abs(apart.mean()) < 1.0
        spreads.append(apart.std())
    assert 0.75 * limit < max(spreads) <= limit
    assert min(spreads) < 0.3 * limit


def test_noise_of_channels_and_pixels_is_independent() -> None:
    colored = flat(128) + np.array([0, 1, 2], dtype=np.uint8)
    apart = changed(Noise(), colored, 1).astype(float) - colored
    assert abs(np.corrcoef(apart[..., 0].ravel(), apart[..., 1].ravel())[0, 1]) < 0.06
    assert abs(np.corrcoef(apart[:, 1:, 0].ravel(), apart[:, :-1, 0].ravel())[0, 1]) < 0.06


def test_focus_spreads_a_point_as_far_as_said_and_keeps_its_light() -> None:
    point = np.zeros((301, 401, 3), dtype=np.float32)
    point[150, 200] = 1
    reach, diagonal = [], np.hypot(301, 401)
    for seed in range(40):
        found = Focus(defocus=0.01, motion=0).apply(point, np.random.default_rng(seed))[..., 0]
        assert found.sum() == pytest.approx(1, abs=1e-4)
        reach.append(np.abs(np.argwhere(found > 1e-6) - (150, 200)).max() / diagonal)
    assert 0.008 < max(reach) <= 0.012
    ways = []
    for seed in range(40):
        found = Focus(defocus=0, motion=0.02).apply(point, np.random.default_rng(seed))[..., 0]
        assert found.sum() == pytest.approx(1, abs=1e-4)
        places = np.argwhere(found > found.max() / 2) - (150, 200)
        across, _ = np.sqrt(np.linalg.eigvalsh(places.T @ places / len(places)))
        assert across < 0.6  # a line: all lie along one direction
        ways.append(np.linalg.norm(places, axis=1).max() / diagonal)
    assert 0.016 < max(ways) <= 0.022


def test_focus_leaves_what_is_even() -> None:
    np.testing.assert_array_equal(changed(Focus(), flat(77)), flat(77))


def test_jpeg_is_what_pillow_makes_of_it_about(image: np.ndarray) -> None:
    from io import BytesIO

    from PIL import Image

    stream = BytesIO()
    Image.fromarray(image).save(stream, "JPEG", quality=30)
    other = np.asarray(Image.open(stream).convert("RGB")).astype(float)
    found = changed(Jpeg(quality=(30, 30)), image).astype(float)
    assert np.abs(found - other).mean() < 1.5
    hard, soft = (
        np.abs(changed(Jpeg(quality=(q, q)), image).astype(float) - image).mean() for q in (10, 90)
    )
    assert hard > 2 * soft


# Place


def naive_point(
    point: tuple[float, float],
    size: tuple[int, int],
    rotation_deg: float,
    shift_yx: tuple[float, float],
    scale: float,
) -> tuple[float, float]:
    """Turn counter-clockwise on a screen whose y axis points down, then move."""
    centre = complex((size[1] - 1) / 2, (size[0] - 1) / 2)
    turn = scale * np.exp(-1j * np.radians(rotation_deg))
    moved = (complex(*point) - centre) * turn + centre + complex(shift_yx[1], shift_yx[0])
    return moved.real, moved.imag


def test_similarity_turns_and_scales_about_the_centre_and_then_shifts() -> None:
    size, change = (60, 80), {"rotation_deg": 12.0, "shift_yx": (3.0, -5.0), "scale": 1.07}
    matrix = similarity(size, **change)  # type: ignore[arg-type]
    for point in [(0, 0), (79, 0), (39.5, 29.5), (10, 50)]:
        moved = matrix @ [*point, 1]
        assert moved == pytest.approx(naive_point(point, size, *change.values()))  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", [Pose(shift=0.5), Turn(shift=0.5)])
def test_border_pixels_continue_outside_the_frame(kind: Any) -> None:
    assert (changed(kind, flat(200)) == 200).all()


@pytest.mark.parametrize(
    ("limits", "axis"), [({"shift": 0.0, "scale": 0.0}, 0), ({"rotation_deg": 0.0}, 1)]
)
def test_a_mark_stays_within_the_limits(limits: dict[str, float], axis: int) -> None:
    image = np.zeros((101, 101, 3), dtype=np.uint8)
    cv2.circle(image, (80, 50), 4, (255, 255, 255), -1)
    found = []
    for seed in range(60):
        result = changed(Pose(**limits), image, seed)
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


def test_turns_are_of_any_angle_and_of_either_size() -> None:
    image = np.zeros((101, 101, 3), dtype=np.uint8)
    cv2.circle(image, (70, 50), 4, (255, 255, 255), -1)
    angles, distances = [], []
    for seed in range(80):
        result = changed(Turn(shift=0), image, seed)
        y, x = (np.argwhere(result[..., 0] > 127) - 50).mean(axis=0)
        angles.append(np.degrees(np.arctan2(-y, x)) // 90)
        distances.append(np.hypot(x, y) / 20)
    assert set(angles) == {-2, -1, 0, 1}
    assert 0.76 < min(distances) < 0.86
    assert 1.16 < max(distances) < 1.3
    assert np.median(distances) == pytest.approx(1, abs=0.1)


@pytest.mark.parametrize("size", [(101, 101), (100, 160), (160, 90)])
def test_a_turned_object_stays_in_the_frame_where_it_does_not_grow(size: tuple[int, int]) -> None:
    height, width = size
    image = np.zeros((*size, 3), dtype=np.uint8)
    centre, axes = (width // 2, height // 2), (int(0.43 * width), int(0.43 * height))
    cv2.ellipse(image, centre, axes, 0, 0, 360, (255, 255, 255), -1)
    n_cut = 0
    for seed in range(60):
        seen = changed(Turn(), image, seed)[..., 0] > 127
        n_cut += bool(seen[[0, -1]].any() or seen[:, [0, -1]].any())
        assert not (changed(Turn(zoom=1), image, seed)[[0, -1]] > 127).any()
    assert n_cut < 20  # those that grow by more than a tenth


def test_a_turn_shifts_as_far_as_there_is_room() -> None:
    image = np.zeros((101, 101, 3), dtype=np.uint8)
    cv2.circle(image, (50, 50), 4, (255, 255, 255), -1)
    for kind, most in ((Turn(), 15.5), (Turn(zoom=1), 5.6), (Turn(extent=0.0), 15.5)):
        shifts = [
            np.abs((np.argwhere(changed(kind, image, s)[..., 0] > 127) - 50).mean(axis=0)).max()
            for s in range(60)
        ]
        assert most - 4 < max(shifts) < most
