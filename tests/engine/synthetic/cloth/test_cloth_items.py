from collections.abc import Callable
from dataclasses import replace

import cv2
import numpy as np
import pytest

from engine.synthetic.cloth import BUTTONS, Cloth, draw_cloth
from engine.synthetic.cloth.buttons import button
from engine.synthetic.cloth.camera import MIN_CONTRAST, visible_color
from engine.synthetic.cloth.defects import (
    MIN_DARKENING,
    TRUE_SHARE,
    contamination,
    fleck,
    loose_thread,
)
from engine.synthetic.cloth.hole import SIZES_PX, hole
from engine.synthetic.cloth.placement import LooseItem, trace
from engine.synthetic.scenes.canvas import Canvas
from engine.synthetic.scenes.primitives import linear, place

HOLES = {"four_holes": 4, "shank": 0, "toggle": 2, "two_holes": 2}
POSE = ((200.0, 200.0), 30.0)
Draw = Callable[[np.random.Generator, Cloth], LooseItem]
DRAWS: tuple[Draw, ...] = (contamination, fleck, hole, loose_thread)


def grey_canvas(seed: int = 0, size: int = 400) -> Canvas:
    canvas = Canvas(size, size, np.random.default_rng(seed))
    canvas.rgb[:] = 0.25
    return canvas


def painted(thing: LooseItem) -> tuple[Canvas, np.ndarray]:
    """The canvas with a thing in its middle, and the thing's pixels on it."""
    canvas = grey_canvas()
    thing.paint(canvas, 1, POSE)
    return canvas, canvas.parts == 1


def filled(canvas: Canvas, points: np.ndarray) -> np.ndarray:
    raster = np.zeros(canvas.shape, dtype=np.uint8)
    cv2.fillPoly(raster, [np.round(place(points, *POSE) * 2).astype(np.int32)], 1)
    return raster.astype(bool)


def every_thing() -> list[LooseItem]:
    cloth = draw_cloth(0)
    rngs = [np.random.default_rng(seed) for seed in range(6)]
    things = [draw(rng, cloth) for draw in DRAWS for rng in rngs]
    return things + [button(rng, name) for name in BUTTONS for rng in rngs[:3]]


def test_a_thing_covers_its_core_and_stays_within_its_reach() -> None:
    for thing in every_thing():
        canvas, mask = painted(thing)
        reach = cv2.dilate(filled(canvas, thing.reach).view(np.uint8), np.ones((5, 5))) > 0
        assert not (mask & ~reach).any()
        solid = cv2.morphologyEx(mask.view(np.uint8), cv2.MORPH_CLOSE, np.ones((31, 31))) > 0
        core = cv2.erode(filled(canvas, thing.core).view(np.uint8), np.ones((3, 3))) > 0
        assert solid[core].mean() > 0.97


def test_each_draw_differs() -> None:
    cloth = draw_cloth(1)
    for draw in DRAWS:
        areas = [painted(draw(np.random.default_rng(s), cloth))[1].sum() for s in range(12)]
        assert max(areas) > 2 * min(areas)
        assert len(set(map(int, areas))) > 10


def test_contamination_is_true_where_the_documented_share_is_reached() -> None:
    canvas, mask = painted(contamination(np.random.default_rng(3), draw_cloth(0)))
    darkening = 1 - canvas.rgb / 0.25
    channel = darkening.reshape(3, -1).max(axis=1).argmax()
    other = (channel + 1) % 3
    # full change is not seen where the rim is darkest: share and darkening must be proportional
    full = (darkening[channel][mask] / darkening[channel].max()).min() / TRUE_SHARE
    share = darkening[channel] / darkening[channel].max() / full
    np.testing.assert_array_equal(mask, share >= TRUE_SHARE * (1 - 1e-6))
    assert 1 <= full < 1.5
    ratio = darkening[other][mask] / darkening[channel][mask]
    assert ratio == pytest.approx(np.full(mask.sum(), ratio[0]), rel=1e-3)


def test_contamination_is_seen_on_every_cloth() -> None:
    for seed in range(20):
        cloth = draw_cloth(seed)
        ground = (linear(cloth.warp_color) + linear(cloth.weft_color)) / 2
        canvas = grey_canvas()
        canvas.rgb[:] = ground
        contamination(np.random.default_rng(seed), cloth).paint(canvas, 1, POSE)
        darkening = np.sqrt(ground) - np.sqrt(canvas.rgb)
        # a dried stain is a third weaker within than at its rim, which may be soft
        assert darkening.max() >= 0.6 * MIN_DARKENING
        assert darkening.min() >= -1e-6


def test_contamination_lets_the_weave_show_through() -> None:
    canvas = grey_canvas()
    canvas.rgb[:, ::4] *= 0.5
    contamination(np.random.default_rng(5), draw_cloth(0)).paint(canvas, 1, POSE)
    rows = np.flatnonzero((canvas.parts == 1).all(axis=1) | (canvas.parts == 1).any(axis=1))
    light = canvas.rgb[1, rows][:, 398:402].mean(axis=1)
    lines = rows % 4 == 0
    assert light[lines].mean() / light[~lines].mean() == pytest.approx(0.5, abs=0.05)


def test_flecks_are_small_and_lumpy() -> None:
    for seed in range(20):
        _, mask = painted(fleck(np.random.default_rng(seed), draw_cloth(seed)))
        rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
        extent = max(np.ptp(rows), np.ptp(columns)) / 2 + 0.5
        assert 4 <= extent <= 27


def test_threads_are_thin_long_and_curved() -> None:
    lengths, straightness = [], []
    for seed in range(20):
        thing = loose_thread(np.random.default_rng(seed), draw_cloth(seed))
        half = len(thing.core) // 2
        path = (thing.core[:half] + thing.core[: half - 1 : -1]) / 2
        steps = np.linalg.norm(np.diff(path, axis=0), axis=1)
        lengths.append(steps.sum())
        straightness.append(np.linalg.norm(path[-1] - path[0]) / steps.sum())
        width = np.linalg.norm(thing.core[0] - thing.core[-1])
        assert 2.9 <= width <= 5.1
        _, mask = painted(thing)
        assert mask.sum() / 4 <= 1.3 * width * (lengths[-1] + width)
        thickness = cv2.distanceTransform(mask.view(np.uint8), cv2.DIST_L2, 5).max()
        assert thickness <= 0.5 * 2 * width + 6  # loops may close up
    assert min(lengths) >= 75
    assert max(lengths) >= 300
    assert np.median(straightness) < 0.95


def test_threads_and_flecks_cast_a_shadow_that_is_not_theirs() -> None:
    for draw in (fleck, loose_thread):
        canvas, mask = painted(draw(np.random.default_rng(1), draw_cloth(1)))
        near = cv2.dilate(mask.view(np.uint8), np.ones((7, 7))) > 0
        ring = near & ~mask
        assert (canvas.rgb[1][ring] < 0.24).mean() > 0.2
        far = cv2.dilate(mask.view(np.uint8), np.ones((61, 61))) == 0
        assert (canvas.rgb[:, far] == np.float32(0.25)).all()


def test_tears_have_any_size_and_shape_of_their_range() -> None:
    sides = []
    for seed in range(40):
        _, mask = painted(hole(np.random.default_rng(seed), draw_cloth(seed)))
        points = np.argwhere(mask)[:, ::-1].astype(np.float32)
        sides.append(sorted(side / 2 for side in cv2.minAreaRect(points)[1]))
    shorter, longer = np.array(sides).T
    assert longer.max() <= SIZES_PX[1] * 1.05
    assert longer.min() >= SIZES_PX[0] * 0.6  # frayed ends hide some of the ground
    assert longer.max() > 2.5 * longer.min()
    assert np.ptp(shorter / longer) > 0.3


def test_the_ground_is_of_the_hole_and_the_frayed_ends_are_not() -> None:
    cloth = replace(draw_cloth(0), warp_color="#c04020", weft_color="#c04020")
    of_yarn = (0x20 / 0xC0) ** 2
    for seed in range(8):
        thing = hole(np.random.default_rng(seed), cloth)
        canvas, other = grey_canvas(), grey_canvas()
        other.rgb[:] = 0.5
        for each in (canvas, other):
            thing.paint(each, 1, POSE)
        is_solid = np.abs(canvas.rgb - other.rgb).max(axis=0) < 1e-6  # no cloth shines through
        mask = canvas.parts == 1
        hue = canvas.rgb[2] / canvas.rgb[0]
        assert is_solid[mask].mean() > 0.6  # all but the soft border
        ends = is_solid & ~mask
        assert ends.sum() > 20
        assert np.median(hue[ends]) == pytest.approx(of_yarn, rel=0.01)
        # a thin fibre may tint the ground, a ground that has taken on dust is a little reddish
        assert np.percentile(hue[mask & is_solid], 5) > 2 * of_yarn


def test_the_rim_of_a_hole_has_a_bright_and_a_dark_side() -> None:
    for seed in range(4):
        canvas, mask = painted(hole(np.random.default_rng(seed), draw_cloth(seed)))
        lamp = canvas.light[:2] / np.linalg.norm(canvas.light[:2])
        solid = cv2.morphologyEx(mask.view(np.uint8), cv2.MORPH_CLOSE, np.ones((25, 25)))
        ring = (cv2.dilate(solid, np.ones((13, 13))) > 0) & (
            cv2.dilate(solid, np.ones((5, 5))) == 0
        )
        rows, columns = np.nonzero(ring)
        facing = (columns - columns.mean()) * lamp[0] + (rows - rows.mean()) * lamp[1]
        light = canvas.rgb.mean(axis=0)[ring]
        # the outer slope of the rim faces the lamp on one side and is turned away on the other
        assert np.median(light[facing > 0]) > 1.05 * np.median(light[facing < 0])
        far = cv2.dilate(solid, np.ones((61, 61))) == 0
        assert (canvas.rgb[:, far] == np.float32(0.25)).all()


def test_yarns_give_way_to_a_hole() -> None:
    plain, lined = grey_canvas(), grey_canvas()
    lined.rgb[:, :, ::8] = 0.1
    lined.parts[:, ::8] = 7
    thing = hole(np.random.default_rng(4), draw_cloth(0))
    for canvas in (plain, lined):
        thing.paint(canvas, 1, POSE)
    rows, columns = np.nonzero(lined.parts == 7)
    assert (columns % 8 > 0).any()  # lines bend beside the hole, and their truth with them
    assert (lined.rgb[0] < 0.9 * plain.rgb[0])[rows, columns].mean() > 0.95


@pytest.mark.parametrize("name", BUTTONS)
def test_holes_belong_to_the_cloth(name: str) -> None:
    _, mask = painted(button(np.random.default_rng(0), name))
    n_open = cv2.connectedComponents((~mask).view(np.uint8), connectivity=4)[0] - 1
    assert n_open - 1 == HOLES[name.removeprefix("button-")]


def test_cloth_shows_through_a_hole_in_the_shade() -> None:
    canvas = grey_canvas()
    canvas.rgb[0] = 0.5  # reddish cloth
    button(np.random.default_rng(0), "button-two_holes").paint(canvas, 1, POSE)
    labels = cv2.connectedComponents((canvas.parts == 0).view(np.uint8), connectivity=4)[1]
    holes = (labels > 0) & (labels != labels[0, 0])
    inside = cv2.erode(holes.view(np.uint8), np.ones((5, 5))) > 0
    assert canvas.rgb[0][inside] / canvas.rgb[1][inside] == pytest.approx(
        np.full(inside.sum(), 2.0), rel=1e-3
    )
    assert canvas.rgb[0][inside].mean() < 0.45


def test_buttons_of_one_design_have_one_size_within_eight_percent() -> None:
    for name in BUTTONS:
        areas = [painted(button(np.random.default_rng(s), name))[1].sum() for s in range(10)]
        sides = np.sqrt(areas)
        assert sides.max() / sides.min() <= 1.08 / 0.92 * 1.02
        assert sides.max() / sides.min() > 1.05


def test_designs_differ_in_shape_or_colour() -> None:
    looks = []
    for name in BUTTONS:
        canvas, mask = painted(button(np.random.default_rng(0), name))
        looks.append([*np.sqrt(canvas.rgb[:, mask]).mean(axis=1), np.sqrt(mask.sum()) / 400])
    for i, first in enumerate(looks):
        for second in looks[:i]:
            assert np.abs(np.subtract(first, second)).max() > 0.06


def test_a_solid_button_has_a_bright_and_a_dark_side() -> None:
    canvas, mask = painted(button(np.random.default_rng(0), "button-two_holes"))
    light = canvas.rgb.mean(axis=0)[mask]
    assert np.percentile(light, 99) > 1.25 * np.median(light)
    assert np.percentile(light, 1) < 0.75 * np.median(light)


def test_a_pen_stroke_has_the_width_and_keeps_its_loops() -> None:
    canvas = grey_canvas()
    line = np.array([[100.0, 100.0], [200.0, 100.0]])
    patch = trace(canvas, line, 4.0)
    assert patch.alpha.sum() / 4 == pytest.approx(100 * 4 + np.pi * 4, rel=0.15)
    there_and_back = trace(canvas, np.concatenate([line, line[::-1]]), 4.0)
    assert np.count_nonzero((there_and_back.alpha > 0.5) ^ (patch.alpha > 0.5)) <= 8  # its ends


def test_the_colour_drawn_stands_out_from_the_cloth() -> None:
    colors = ("#808080", "#f0f0f0", "#101010", "#b02020", "#2040b0")
    for seed in range(30):
        cloth = draw_cloth(seed)
        drawn = visible_color(np.random.default_rng(seed), colors, cloth)
        for ground in (cloth.warp_color, cloth.weft_color):
            difference = np.abs(np.sqrt(linear(drawn)) - np.sqrt(linear(ground))).max()
            assert difference >= 0.9 * MIN_CONTRAST
