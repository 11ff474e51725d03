import numpy as np
import pytest

from engine.synthetic.cloth.placement import LooseItem, arrange
from engine.synthetic.cloth.record import NoRoomError
from engine.synthetic.scenes.canvas import Canvas
from engine.synthetic.scenes.primitives import Pose, place, rectangle


def leave(canvas: Canvas, part: int, pose: Pose) -> None:
    """Paint nothing: only the place is of interest."""


def box(width: float, height: float) -> LooseItem:
    return LooseItem(rectangle(width, height), rectangle(width + 4, height + 4), leave)


def distance(first: np.ndarray, second: np.ndarray) -> float:
    """Between two convex outlines, by their points and many on their sides."""
    dense = [
        np.concatenate([np.linspace(a, b, 30) for a, b in zip(p, np.roll(p, 1, 0), strict=True)])
        for p in (first, second)
    ]
    return float(np.linalg.norm(dense[0][:, None] - dense[1][None], axis=2).min())


def test_things_lie_inside_and_apart() -> None:
    things = [box(60, 10), box(20, 20), box(5, 5), box(40, 30)]
    for seed in range(5):
        poses = arrange(np.random.default_rng(seed), things, 256)
        outlines = [place(t.reach, *pose) for t, pose in zip(things, poses, strict=True)]
        for i, outline in enumerate(outlines):
            assert outline.min() >= 0
            assert outline.max() <= 256
            assert all(distance(outline, other) > 3.5 for other in outlines[:i])


def test_things_keep_clear_of_what_lies_there_and_leave_it_alone() -> None:
    left_half = np.zeros((128, 128), dtype=bool)
    left_half[:, :64] = True
    ((x, _), _), *_ = arrange(np.random.default_rng(0), [box(10, 10)], 128, [left_half])
    assert x > 64 + 5 + 5
    assert left_half.sum() == 128 * 64


def test_touching_things_overlap_and_stay_mostly_visible() -> None:
    things = [box(60, 20), box(30, 30), box(24, 6), box(10, 10)]
    for seed in range(5):
        poses = arrange(np.random.default_rng(seed), things, 256, is_touching=True)
        rows, columns = np.mgrid[:256, :256]
        masks = []
        for thing, ((x, y), angle) in zip(things, poses, strict=True):
            half = np.abs(thing.core).max(axis=0)
            turn = np.deg2rad(angle)
            along = (columns - x) * np.cos(turn) + (rows - y) * np.sin(turn)
            across = (rows - y) * np.cos(turn) - (columns - x) * np.sin(turn)
            masks.append((np.abs(along) <= half[0] + 0.7) & (np.abs(across) <= half[1] + 0.7))
        for i, mask in enumerate(masks):
            if i:
                assert (mask & np.any(masks[:i], axis=0)).any()
            above = np.any([*masks[i + 1 :], np.zeros_like(mask)], axis=0)
            assert (mask & ~above).sum() > 0.5 * mask.sum()


def test_the_first_touches_what_lies_there_before() -> None:
    stripe = np.zeros((128, 128), dtype=bool)
    stripe[60:66] = True
    ((_, y), _), *_ = arrange(
        np.random.default_rng(0), [box(20, 20)], 128, [stripe], is_touching=True
    )
    assert 60 - 15 <= y <= 66 + 15


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(NoRoomError, match=r"1 loose items must fit into 64×64 px.*enlarge size_px"):
        arrange(np.random.default_rng(0), [box(80, 80)], 64)
    with pytest.raises(NoRoomError, match="name fewer"):
        arrange(np.random.default_rng(0), [box(30, 30)] * 9, 64)
