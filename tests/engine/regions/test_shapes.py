from __future__ import annotations

import contextlib
import json
import math
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jaxtyping import Bool

from engine.regions.outlines import from_box, from_polygon
from engine.regions.payload import MAX_POINTS_IN_ALL, MAX_SHAPES, parse_shapes
from engine.regions.shapes import Box, Click, Polygon, Shape, Stroke, region_of
from features.region import RegionError

SIZE = (40, 60)


def naive(shapes: list[Stroke], size: tuple[int, int]) -> Bool[np.ndarray, "height width"]:
    """Ask each pixel's centre how near the path comes to it."""
    height, width = size
    at_y, at_x = np.mgrid[:height, :width] + 0.5
    painted = np.zeros(size, dtype=bool)
    for shape in shapes:
        points = np.array(shape.points_xy)
        is_near = np.zeros(size, dtype=bool)
        for start, end in zip(np.vstack([points[:1], points[:-1]]), points, strict=True):
            way = end - start
            length2 = float(way @ way) or 1.0
            share = np.clip(
                ((at_x - start[0]) * way[0] + (at_y - start[1]) * way[1]) / length2, 0, 1
            )
            off_x, off_y = at_x - start[0] - share * way[0], at_y - start[1] - share * way[1]
            is_near |= off_x**2 + off_y**2 <= shape.radius_px**2
        painted = painted & ~is_near if shape.is_erasing else painted | is_near
    return painted


def sixtyfourths(low: float, high: float) -> st.SearchStrategy[float]:
    return st.integers(int(low * 64), int(high * 64)).map(lambda number: number / 64)


POINTS = st.tuples(sixtyfourths(-20, 80), sixtyfourths(-15, 55))
# no point of 64ths is as far from a centre as these
RADII = st.sampled_from([0.5003, 0.9001, 2.3007, 6.1009, 17.0003])
STROKES = st.lists(
    st.tuples(st.lists(POINTS, min_size=1, max_size=6), RADII, st.booleans()),
    min_size=1,
    max_size=4,
)


@settings(deadline=None, max_examples=60)
@given(STROKES)
def test_a_brush_paints_the_pixels_whose_centres_it_passes(
    drawn: list[tuple[list[tuple[float, float]], float, bool]],
) -> None:
    strokes = [Stroke(tuple(points), radius, is_erasing) for points, radius, is_erasing in drawn]
    expected = naive(strokes, SIZE)
    rows, columns = np.flatnonzero(expected.any(axis=1)), np.flatnonzero(expected.any(axis=0))
    is_speck = expected.any() and min(np.ptp(rows), np.ptp(columns)) < 1
    if not expected.any() or expected.mean() > 0.9 or is_speck:
        with pytest.raises(RegionError, match="a region must"):
            region_of(strokes, SIZE)
    else:
        np.testing.assert_array_equal(region_of(strokes, SIZE).over(SIZE), expected)


def test_a_border_that_meets_a_centre_holds_it() -> None:
    # 3² + 4² = 5²
    disc = region_of([Stroke(((20.5, 20.5),), 5)], SIZE).over(SIZE)
    assert disc[24, 23]
    assert disc[20, 25]
    assert not disc[24, 24]


def test_a_brush_of_one_pixel_paints_the_line_of_pixels_beneath_it() -> None:
    line = region_of([Stroke(((3.5, 4.5), (8.5, 9.5)), 0.5)], SIZE).over(SIZE)
    assert sorted(zip(*np.nonzero(line), strict=True)) == [(4 + i, 3 + i) for i in range(6)]


def test_later_shapes_lie_on_earlier_ones() -> None:
    box, hole = Box((5, 5, 25, 25)), Stroke(((15.0, 15.0),), 4.0, is_erasing=True)
    with_hole = region_of([box, hole], SIZE)
    assert with_hole.area_px == region_of([box], SIZE).area_px - 52
    assert region_of([hole, box], SIZE).area_px == 400
    again = region_of([box, hole, Stroke(hole.points_xy, 4.0)], SIZE)
    np.testing.assert_array_equal(again.over(SIZE), region_of([box], SIZE).over(SIZE))


@pytest.mark.parametrize("box", [(3.0, 4.0, 30.0, 20.0), (0.49, 0.51, 12.5, 39.5), (0, 0, 60, 30)])
def test_a_box_is_the_region_of_that_box(box: tuple[float, float, float, float]) -> None:
    mine, other = region_of([Box(box)], SIZE), from_box(box, SIZE)
    assert mine.box_xyxy == other.box_xyxy
    np.testing.assert_array_equal(mine.mask, other.mask)


def test_a_polygon_is_the_region_of_that_polygon() -> None:
    corners = ((4.25, 3.5), (50.0, 8.75), (30.5, 38.0), (20.0, 12.0))
    mine, other = region_of([Polygon(corners)], SIZE), from_polygon(np.array(corners), SIZE)
    assert mine.box_xyxy == other.box_xyxy
    np.testing.assert_array_equal(mine.mask, other.mask)


def test_what_is_no_example_alone_may_touch_up_another_shape() -> None:
    stroke = Stroke(((20.0, 20.0),), 5.0)
    touched = region_of([stroke, Box((40, 20, 41, 21))], SIZE)
    assert touched.area_px == region_of([stroke], SIZE).area_px + 1
    nearly_all = [Box((0, 0, 60, 40)), Stroke(((0.0, 20.0), (60.0, 20.0)), 8.0, is_erasing=True)]
    assert region_of(nearly_all, SIZE).area_px == 60 * 24


def test_a_click_is_a_place_and_no_pixels() -> None:
    stroke = Stroke(((20.0, 20.0),), 5.0)
    assert region_of([Click((50, 30)), stroke], SIZE).box_xyxy == (15, 15, 25, 25)
    with pytest.raises(RegionError, match="must have pixels, got none"):
        region_of([Click((50, 30))], SIZE)


@pytest.mark.parametrize(
    ("shapes", "words"),
    [
        ([], "must have pixels, got none; mark the thing"),
        ([Stroke(((200.0, 200.0),), 3.0)], "must have pixels, got none"),
        ([Stroke(((9.0, 9.0),), 3.0), Stroke(((9.0, 9.0),), 3.0, True)], "must have pixels"),
        ([Stroke(((9.5, 9.5),), 0.5)], r"must span 2×2 px or more, got 1×1"),
        ([Box((0, 0, 60, 40))], "at most 90% of the image, got 100%"),
        ([Box((30, 0, 20, 10))], "left < right"),
        ([Box((math.nan, 0, 20, 10))], "a box must be finite"),
        ([Box((0, 0, 61, 10))], "must lie in the image of 60×40"),
        ([Polygon(((5, 5), (30, 30), (30, 5), (5, 30)))], "must not cross itself"),
        ([Polygon(((5, 5), (30, 30)))], "different corners, got 2"),
    ],
)
def test_what_is_no_example_is_refused_in_one_line(shapes: list[Shape], words: str) -> None:
    with pytest.raises(RegionError, match=words) as caught:
        region_of(shapes, SIZE)
    assert "\n" not in str(caught.value)


def test_painting_on_fifty_megapixels_is_quick() -> None:
    size = (5774, 8660)
    way = np.cumsum(np.random.default_rng(0).normal(0, 8, (600, 2)), axis=0) + 3000.0
    across = [Stroke(((10.0, 10.0 + i), (8600.0, 5000.0 + i)), 40.0) for i in range(0, 600, 60)]
    begin = time.perf_counter()
    region = region_of([Stroke(tuple(map(tuple, way.tolist())), 200.0), *across], size)
    assert time.perf_counter() - begin < 3
    assert region.area_px > 1_000_000


# ---- what a browser sends


def test_shapes_are_read_as_they_were_sent() -> None:
    sent = json.loads(
        '[{"kind": "stroke", "points": [[1, 2.5], [-3, 4]], "radius": 8, "erase": true},'
        ' {"kind": "box", "box": [1, 2, 30, 40]}, {"kind": "click", "point": [60, 40]},'
        ' {"kind": "polygon", "points": [[0, 0], [9, 0], [9, 9]]}]'
    )
    assert parse_shapes(sent, SIZE) == (
        Stroke(((1.0, 2.5), (-3.0, 4.0)), 8.0, is_erasing=True),
        Box((1.0, 2.0, 30.0, 40.0)),
        Click((60.0, 40.0)),
        Polygon(((0.0, 0.0), (9.0, 0.0), (9.0, 9.0))),
    )


def stroke(**changes: object) -> list[object]:
    return [{"kind": "stroke", "points": [[1, 2]], "radius": 3, "erase": False} | changes]


@pytest.mark.parametrize(
    ("sent", "words"),
    [
        (None, "shapes must be a list, got None"),
        ({"kind": "box"}, "shapes must be a list"),
        ([7], "a shape must be one of stroke, box, polygon, click, got 7"),
        ([{"kind": ["box"]}], "a shape must be one of"),
        ([{"kind": "spray"}], "got 'spray'"),
        ([{"kind": "box"}], "a box must have box, kind"),
        ([{"kind": "box", "box": [1, 2, 3, 4], "more": 1}], "a box must have box, kind"),
        ([{"kind": "box", "box": [1, 2, 3]}], "a box must be 4 numbers"),
        ([{"kind": "box", "box": [1, 2, 3, 41]}], r"y of a point must be a number in 0 … 40"),
        ([{"kind": "click", "point": ["1", 2]}], "x of a point must be a number"),
        ([{"kind": "click", "point": [True, 2]}], "x of a point must be a number"),
        ([{"kind": "polygon", "points": []}], "a polygon must have 1 … 10000 points, got 0"),
        ([{"kind": "polygon", "points": "1,2"}], "points, got '1,2'"),
        (stroke(points=[[math.nan, 2]]), "got NaN or infinity"),
        (stroke(points=[[1, math.inf]]), "got NaN or infinity"),
        (stroke(points=[[10**400, 2]]), "x of a point must be a number in -60 … 120"),
        (stroke(points=[[1, 2]] * 10_001), "1 … 10000 points, got 10001 of them"),
        (stroke(radius=0), "the radius of a brush must be a number in 0.5 … 400, got 0"),
        (stroke(radius=1e9), "the radius of a brush"),
        (stroke(radius=None), "the radius of a brush"),
        (stroke(erase=0), '"erase" must be true or false, got 0'),
        (stroke() * (MAX_SHAPES + 1), f"at most {MAX_SHAPES} shapes"),
        (stroke(points=[[1, 2]] * 10_000) * 6, f"at most {MAX_POINTS_IN_ALL} points in all"),
    ],
)
def test_what_is_no_shape_is_refused_in_one_line(sent: object, words: str) -> None:
    with pytest.raises(RegionError, match=words) as caught:
        parse_shapes(sent, SIZE)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 250


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["kind", "points", "radius", "erase", "box", "point"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)
NEARLY = st.lists(
    st.fixed_dictionaries(
        {"kind": st.sampled_from(["stroke", "box", "polygon", "click"])},
        optional={
            "points": ANYTHING | st.lists(st.tuples(st.floats(), st.floats()).map(list)),
            "radius": ANYTHING,
            "erase": ANYTHING,
            "box": ANYTHING | st.lists(st.floats(0, 40), min_size=4, max_size=4),
            "point": ANYTHING,
        },
    ),
    max_size=3,
)


@settings(deadline=None, max_examples=100)
@given(ANYTHING | NEARLY)
def test_nothing_that_is_sent_breaks_the_page(sent: object) -> None:
    with contextlib.suppress(RegionError):
        assert region_of(parse_shapes(sent, SIZE), SIZE).area_px > 0
