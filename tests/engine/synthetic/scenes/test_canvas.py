import numpy as np
import pytest

from engine.synthetic.scenes.canvas import Canvas, Patch, develop
from engine.synthetic.scenes.primitives import (
    Material,
    dome,
    ellipse,
    linear,
    move,
    place,
    polygon,
    rectangle,
    ribbon,
    scatter,
    shade,
)


@pytest.fixture
def canvas() -> Canvas:
    sheet = Canvas(60, 80, np.random.default_rng(0))
    sheet.fill("#808080", np.zeros((60, 80), dtype=np.float32))
    return sheet


def box(canvas: Canvas, x: float, y: float, size: float = 20) -> Patch:
    return canvas.cover(move(rectangle(size, size), x, y))


def test_cover_has_the_area_of_the_outline(canvas: Canvas) -> None:
    border = 0.35  # px: OpenCV's smooth polygons grow by half a canvas pixel
    disc = canvas.cover(move(ellipse(15, 15), 40, 30))
    assert disc.alpha.sum() / 4 == pytest.approx(np.pi * 15**2, abs=border * 2 * np.pi * 15)
    ring = canvas.cover(move(ellipse(15, 15), 40, 30), move(ellipse(10, 10), 40, 30))
    expected = np.pi * (15**2 - 10**2)
    assert ring.alpha.sum() / 4 == pytest.approx(expected, abs=border * 2 * np.pi * (15 + 10))


def test_cover_is_cut_at_the_border(canvas: Canvas) -> None:
    patch = box(canvas, 0, 0)
    assert patch.alpha.sum() / 4 == pytest.approx(100, rel=0.1)
    assert box(canvas, -200, 500).alpha.sum() == 0


def test_soft_cover_keeps_its_mass(canvas: Canvas) -> None:
    soft = canvas.cover(move(rectangle(10, 10), 40, 30), soft_px=2)
    assert soft.alpha.sum() == pytest.approx(box(canvas, 40, 30, 10).alpha.sum(), rel=0.02)


def test_the_upper_part_hides_the_lower_in_picture_and_truth(canvas: Canvas) -> None:
    lower, upper = canvas.new_part(1), canvas.new_part(2)
    canvas.paint(box(canvas, 35, 30), Material("#ff0000", mottle=0), part=lower)
    canvas.paint(box(canvas, 45, 30), Material("#0000ff", mottle=0), part=upper)
    canvas.mark_parts("hidden", [lower])
    scene = develop(canvas, "hidden", "logical_anomalies")
    assert scene.part_map[30, 30] == lower
    assert scene.part_map[30, 40] == upper
    assert scene.class_map[30, 50] == 2
    assert scene.image[30, 40].argmax() == 2
    mask = scene.masks[0][1]
    assert np.array_equal(mask, scene.part_map == lower)
    assert mask.sum() == pytest.approx(200, rel=0.1)


def test_decoration_changes_the_picture_and_not_the_truth(canvas: Canvas) -> None:
    part = canvas.new_part(1)
    canvas.paint(box(canvas, 40, 30), Material("#ff0000", mottle=0), part=part)
    before, picture = canvas.parts.copy(), canvas.rgb.copy()
    canvas.paint(box(canvas, 40, 30, 8), Material("#00ff00"))
    canvas.glaze(box(canvas, 40, 30, 4), 0.5)
    assert np.array_equal(canvas.parts, before)
    assert not np.array_equal(canvas.rgb, picture)


def test_shadow_falls_away_from_the_lamp(canvas: Canvas) -> None:
    canvas.cast_shadow(box(canvas, 40, 30), 8)
    light = canvas.rgb[0, ::2, ::2]
    assert light[42, 52] < light[18, 28]
    assert light.min() > 0


def test_mark_can_be_limited_to_a_part(canvas: Canvas) -> None:
    part = canvas.new_part(1)
    canvas.paint(box(canvas, 40, 30), Material("#ff0000"), part=part)
    canvas.mark("spot", box(canvas, 50, 30), [part])
    mask = develop(canvas, "spot", "structural_anomalies").masks[0][1]
    assert mask.sum() == pytest.approx(200, rel=0.1)


def test_dome_of_a_disc_is_a_half_sphere(canvas: Canvas) -> None:
    disc = canvas.cover(move(ellipse(20, 20), 40, 30))
    height = disc.dome(20)
    u, v = disc.frame((40, 30), 0)
    sphere = 2 * np.sqrt(np.maximum(20**2 - u**2 - v**2, 0))
    inner = np.hypot(u, v) < 15
    assert np.abs(height - sphere)[inner].max() < 3
    assert np.array_equal(dome(disc.alpha, -40), -height)


def test_level_ground_is_lit_fully_and_slopes_by_their_direction() -> None:
    light = np.array([-0.4, -0.4, 0.82], dtype=np.float32)
    flat = np.zeros((9, 9), dtype=np.float32)
    lit, shine = shade(flat, Material("#ffffff", gloss=1), light)
    assert np.allclose(lit, 1, atol=1e-3)
    assert np.allclose(shine, 0, atol=1e-3)
    slope = np.tile(np.arange(9, dtype=np.float32), (9, 1))  # rises to the right: faces left
    assert shade(slope, Material("#ffffff"), light)[0][4, 4] > 1
    assert shade(-slope, Material("#ffffff"), light)[0][4, 4] < 1


def test_linear_light_is_the_square_of_the_display_value() -> None:
    assert np.allclose(linear("#ff8000").ravel(), [1, (128 / 255) ** 2, 0])


def test_place_turns_clockwise_on_screen() -> None:
    assert np.allclose(place(np.array([[1.0, 0.0]]), (5, 5), 90), [[5, 6]])


def test_frame_undoes_place(canvas: Canvas) -> None:
    patch = canvas.cover(place(rectangle(30, 10), (40, 30), 25))
    along, across = patch.frame((40, 30), 25)
    inside = patch.alpha > 0.5
    assert np.abs(along[inside]).max() == pytest.approx(15, abs=0.6)
    assert np.abs(across[inside]).max() == pytest.approx(5, abs=0.6)


def test_ribbon_is_as_wide_as_asked() -> None:
    band = ribbon(np.stack([np.arange(10.0), np.zeros(10)], axis=1), 4)
    assert band[:, 1].min() == pytest.approx(-2)
    assert band[:, 1].max() == pytest.approx(2)


def test_scattered_things_neither_touch_nor_leave_the_room() -> None:
    rng = np.random.default_rng(0)
    room = move(rectangle(200, 120), 100, 60)
    radii = [25, 25, 20, 20]
    poses = scatter(rng, [polygon(radius, 40) for radius in radii], room)
    centers = np.array([center for center, _ in poses])
    for i in range(4):
        assert (centers[i] >= np.array([radii[i]] * 2) - 1).all()
        assert (centers[i] <= np.array([200, 120]) - radii[i] + 1).all()
        for j in range(i):
            assert np.hypot(*(centers[i] - centers[j])) > radii[i] + radii[j]


def test_too_small_a_room_is_an_error() -> None:
    rng = np.random.default_rng(0)
    with pytest.raises(RuntimeError, match="2 outlines do not fit into the room"):
        scatter(rng, [polygon(30, 12)] * 2, move(rectangle(70, 70), 40, 40))
