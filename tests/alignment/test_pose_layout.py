"""Objects that lie at any turn, anywhere and nearer or farther; and what is none of these."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import cv2
import numpy as np
import pytest

from alignment.pose import Placement, PoseConfig, PoseEstimator, RegisteredImage
from alignment.transforms import IDENTITY, Affine, about_center, apply, compose, invert
from features.config_fields import problems_of
from features.embedded.backbone import CELL_PX, EmbeddedBackbone

SIZE = (216, 304)
GROUND = (120, 130, 125)
OUTLINE = [(-60, -34), (16, -34), (16, -8), (58, -8), (58, 22), (-8, 22), (-8, 48), (-60, 48)]
SPOTS = [
    ((-40, -14), 9, (40, 60, 200)),
    ((40, 6), 8, (230, 220, 60)),
    ((-34, 30), 11, (30, 30, 30)),
]


def drawn(
    to_image: Affine | None = None,
    *,
    seed: int = 0,
    outline: list[tuple[int, int]] = OUTLINE,
    spots: list[tuple[tuple[int, int], int, tuple[int, int, int]]] = SPOTS,
) -> np.ndarray:
    """An object on a plain ground, moved from the middle by a transform, with noise."""
    middle = np.array([(SIZE[1] - 1) / 2, (SIZE[0] - 1) / 2])
    canvas = np.full((*SIZE, 3), GROUND, dtype=np.uint8)
    corners = np.rint((np.array(outline) + middle) * 16).astype(np.int32)
    cv2.fillPoly(canvas, [corners], (190, 90, 60), cv2.LINE_AA, shift=4)
    for at, radius, color in spots:
        x, y = np.rint((middle + at) * 16).astype(int).tolist()
        cv2.circle(canvas, (x, y), radius * 16, color, -1, cv2.LINE_AA, shift=4)
    if to_image is not None:
        canvas = cv2.warpAffine(canvas, to_image, SIZE[::-1], borderValue=GROUND)
    noise = np.random.default_rng(seed).normal(0, 2, canvas.shape)
    return np.clip(np.rint(canvas + noise), 0, 255).astype(np.uint8)


def any_move(rng: np.random.Generator, turn_deg: float) -> Affine:
    return about_center(
        SIZE,
        angle_rad=np.radians(turn_deg),
        scale=float(np.exp(rng.uniform(np.log(0.7), np.log(1.4)))),
        shift_xy=(rng.uniform(-0.25, 0.25) * SIZE[1], rng.uniform(-0.25, 0.25) * SIZE[0]),
    )


def a_dozen_turns(seed: int) -> list[Affine]:
    rng = np.random.default_rng(seed)
    return [any_move(rng, 30 * i + rng.uniform(0, 30)) for i in range(12)]


def mirrored(image: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(image[:, ::-1])


def is_found(found: Affine, true: Affine) -> bool:
    """Whether two transforms agree to 2°, 2 % and a cell in the middle."""
    rest = compose(invert(found), true)
    middle = np.array([[(SIZE[1] - 1) / 2, (SIZE[0] - 1) / 2]])
    return bool(
        abs(np.degrees(np.arctan2(rest[1, 0], rest[0, 0]))) < 2
        and abs(np.hypot(rest[0, 0], rest[1, 0]) - 1) < 0.02
        and np.linalg.norm(apply(rest, middle) - middle) < CELL_PX
    )


def learn(references: list[np.ndarray], config: PoseConfig | None = None) -> PoseEstimator:
    backbone = EmbeddedBackbone().fit(references)
    return PoseEstimator(config or PoseConfig(), backbone).fit(references, anchor=0)


@cache
def fixed() -> PoseEstimator:
    """A product that lies still, but for some pixels."""
    shifts = [(0, 0), (5, 3), (-4, 6), (3, -5)]
    moves = [about_center(SIZE, shift_xy=shift) for shift in shifts]
    return learn([drawn(move, seed=seed) for seed, move in enumerate(moves)])


@cache
def turned() -> PoseEstimator:
    """A product that lies at any turn; the anchor is drawn as it is."""
    moves = [about_center(SIZE, angle_rad=angle) for angle in (0.0, 2.2, -1.9, 1.2)]
    return learn([drawn(move, seed=seed) for seed, move in enumerate(moves)])


@cache
def single() -> PoseEstimator:
    return learn([drawn()])


class TestAnyTurn:
    @pytest.mark.parametrize("product", [turned, single])
    def test_is_turned_back(self, product: object) -> None:
        assert callable(product)
        pose = product()
        moves = [*a_dozen_turns(1), *a_dozen_turns(2)]
        if product is single:  # of one reference, the narrow search may be 5 % off unnoticed
            moves = [move for move in moves if abs(Placement.of(move, SIZE).turn_deg) > 20]
        found = [is_found(pose.register(drawn(move, seed=9)).to_original, move) for move in moves]
        assert np.mean(found) >= 0.95

    def test_is_told_by_the_placement(self) -> None:
        move = about_center(SIZE, angle_rad=np.radians(137), scale=0.8, shift_xy=(30, -20))
        placement = turned().register(drawn(move, seed=3)).placement
        assert placement.turn_deg == pytest.approx(137, abs=2)
        assert placement.scale == pytest.approx(0.8, abs=0.02)
        assert placement.shift_xy == pytest.approx((30 / 304, -20 / 216), abs=0.02)

    def test_pixels_from_outside_are_not_valid(self) -> None:
        move = about_center(SIZE, angle_rad=np.pi / 2)
        registered = turned().register(drawn(move, seed=3))
        shown = registered.is_valid.mean()
        assert shown == pytest.approx(SIZE[0] / SIZE[1], abs=0.03)
        anchor = drawn().astype(int)
        gap = np.abs(registered.image - anchor).mean(axis=-1)[registered.is_valid]
        assert gap.mean() < 5

    def test_an_object_of_some_symmetry_lies_in_one_of_its_poses(self) -> None:
        square = [(-50, -50), (50, -50), (50, 50), (-50, 50)]
        nut = {"outline": square, "spots": [((0, 0), 22, GROUND)]}
        moves = [about_center(SIZE, angle_rad=angle) for angle in (0.0, 2.2, -1.9, 1.2)]
        pose = learn([drawn(move, seed=i, **nut) for i, move in enumerate(moves)])  # type: ignore[arg-type]
        anchor = drawn(**nut).astype(int)  # type: ignore[arg-type]
        for degrees in (40, 133, 250):
            move = about_center(SIZE, angle_rad=np.radians(degrees), shift_xy=(20, 10))
            registered = pose.register(drawn(move, seed=5, **nut))  # type: ignore[arg-type]
            gap = np.abs(registered.image - anchor).mean(axis=-1)[registered.is_valid]
            assert gap.mean() < 5

    def test_what_always_lies_alike_is_not_turned_back(self) -> None:
        for degrees in (90, 180, 270):
            move = about_center(SIZE, angle_rad=np.radians(degrees))
            assert not is_found(fixed().register(drawn(move, seed=9)).to_original, move)

    @pytest.mark.parametrize("product", [turned, single])
    def test_a_mirror_image_is_not_matched(self, product: object) -> None:
        assert callable(product)
        pose, anchor = product(), drawn().astype(int)

        def gap(image: np.ndarray) -> float:
            """Mean difference to the anchor where one of them shows the object."""
            registered = pose.register(image)
            assert np.linalg.det(registered.to_original[:, :2]) > 0
            is_object = np.zeros(SIZE, dtype=bool)
            for each in (anchor, registered.image.astype(int)):
                is_object |= np.abs(each - GROUND).max(axis=-1) > 20
            apart = np.abs(registered.image - anchor).mean(axis=-1)
            return float(apart[is_object & registered.is_valid].mean())

        for move in a_dozen_turns(3)[1::3]:
            image = drawn(move, seed=4)
            assert gap(mirrored(image)) > 3 * gap(image)


class TestLayout:
    def test_is_what_the_references_show(self) -> None:
        assert (fixed().layout_, turned().layout_, single().layout_) == ("fixed", "turned", "fixed")
        assert turned().residual_ < 0.2

    def test_references_turned_by_many_degrees_lie_at_any_turn(self) -> None:
        """All of them are found by a narrow search, and yet the next may be anywhere."""
        angles = [0.0, 14.0, -6.0]
        moves = [about_center(SIZE, angle_rad=np.radians(angle)) for angle in angles]
        pose = learn([drawn(move, seed=seed) for seed, move in enumerate(moves)])
        assert pose.layout_ == "turned"
        move = about_center(SIZE, angle_rad=np.radians(130))
        assert is_found(pose.register(drawn(move, seed=7)).to_original, move)

    def test_references_turned_by_a_few_degrees_lie_alike(self) -> None:
        moves = [about_center(SIZE, angle_rad=np.radians(angle)) for angle in (0.0, 5.0, -6.0)]
        assert learn([drawn(move, seed=i) for i, move in enumerate(moves)]).layout_ == "fixed"

    def test_an_image_of_something_else_is_not_aligned(self) -> None:
        assert fixed().register(drawn(seed=3)).is_aligned
        noise = np.random.default_rng(0).integers(0, 256, (*SIZE, 3), dtype=np.uint8)
        registered = fixed().register(noise)
        assert not registered.is_aligned
        np.testing.assert_array_equal(registered.image, noise)

    def test_references_at_any_turn_are_laid_on_one_another(self) -> None:
        for angle in (2.2, -1.9, 1.2):
            move = about_center(SIZE, angle_rad=angle)
            assert is_found(turned().register(drawn(move, seed=8)).to_original, move)

    def test_a_fixed_product_pays_nothing_and_moves_as_before(self) -> None:
        moves = [
            about_center(SIZE, angle_rad=np.radians(degrees), scale=scale, shift_xy=(12, -9))
            for degrees, scale in ((0, 1), (3, 1.02), (-4, 0.98))
        ]
        images = [drawn(move, seed=6) for move in moves]
        references = [drawn(seed=seed) for seed in range(3)]
        pose = learn(references)
        narrow = learn(references, PoseConfig(is_wide=False))
        for image in images:
            ours, theirs = pose.register(image), narrow.register(image)
            np.testing.assert_array_equal(ours.to_original, theirs.to_original)
            np.testing.assert_array_equal(ours.image, theirs.image)
        assert pose._wide_search is None

    def test_without_the_wide_search_turned_objects_stay_as_they_are(self) -> None:
        pose = learn([drawn(seed=seed) for seed in range(3)], PoseConfig(is_wide=False))
        move = about_center(SIZE, angle_rad=np.pi)
        assert not is_found(pose.register(drawn(move, seed=5)).to_original, move)

    @pytest.mark.parametrize("product", [fixed, turned, single])
    def test_is_restored(self, product: object) -> None:
        assert callable(product)
        known = product()
        restored = PoseEstimator(PoseConfig(), known.backbone).restore(known.state())
        assert restored.layout_ == known.layout_
        for move in a_dozen_turns(5)[::4]:
            image = drawn(move, seed=7)
            np.testing.assert_array_equal(
                restored.register(image).to_original, known.register(image).to_original
            )

    def test_of_a_model_of_before_follows_from_whether_there_was_a_pose(self) -> None:
        state = fixed().state()
        old = {key: state[key] for key in ("hub_image", "basis", "has_pose")}
        move = about_center(SIZE, angle_rad=0.1)
        image = drawn(move, seed=5)
        restored = PoseEstimator(PoseConfig(), fixed().backbone).restore(old)
        assert restored.layout_ == "fixed"
        assert is_found(restored.register(image).to_original, move)
        old["has_pose"] = np.array([False])
        free = PoseEstimator(PoseConfig(), fixed().backbone).restore(old)
        assert free.layout_ == "free"
        np.testing.assert_array_equal(free.register(image).to_original, IDENTITY)


def odd_images() -> list[np.ndarray]:
    """Of one colour, of nothing but ground, of two objects, of one cut by the frame, of noise."""
    left, right = (
        drawn(about_center(SIZE, angle_rad=angle, scale=0.7, shift_xy=(shift, 0)))
        for angle, shift in ((1.0, -75), (3.0, 75))
    )
    half = SIZE[1] // 2
    return [
        np.full((*SIZE, 3), 90, dtype=np.uint8),
        drawn(about_center(SIZE, shift_xy=(2000, 0))),
        np.concatenate([left[:, :half], right[:, half:]], axis=1),
        drawn(about_center(SIZE, angle_rad=2.5, scale=1.4, shift_xy=(120, 80))),
        np.random.default_rng(0).integers(0, 256, (*SIZE, 3), dtype=np.uint8),
    ]


@pytest.mark.parametrize("product", [fixed, turned, single])
def test_whatever_is_on_an_image_it_has_a_finite_pose(product: object) -> None:
    assert callable(product)
    for image in odd_images():
        registered = product().register(image)
        assert np.isfinite(registered.to_original).all()
        assert 0.4 < registered.placement.scale < 2.5
        assert np.linalg.det(registered.to_original[:, :2]) > 0


def test_an_image_of_one_colour_is_left_as_it_is() -> None:
    flat = odd_images()[0]
    for product in (fixed(), turned(), single()):
        np.testing.assert_array_equal(product.register(flat).to_original, IDENTITY)


def test_references_of_one_colour_are_no_problem() -> None:
    flat = [np.full((64, 96, 3), 90, dtype=np.uint8)] * 3
    pose = learn(flat)
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 256, (64, 96, 3), dtype=np.uint8)
    assert np.isfinite(pose.register(noise).to_original).all()


class TestPlacement:
    def test_says_what_is_more_than_a_little(self) -> None:
        placement = Placement(137.2, 0.92, (0.0, 0.01))
        assert placement.text == "turned by 137°, ×0.92 relative to the references"
        assert replace(placement, turn_deg=3.0, scale=1.03).text == ""
        assert replace(placement, turn_deg=-90.0, scale=1.0, shift_xy=(-0.1, 0.004)).text == (
            "turned by -90°, shifted by -10 % of the width and +0 % of the height relative to the "
            "references"
        )

    def test_as_json(self) -> None:
        assert Placement.of(IDENTITY, SIZE).as_dict() == {
            "turn_deg": 0.0,
            "scale": 1.0,
            "shift_xy": [0.0, 0.0],
            "text": "",
        }

    def test_of_an_image_is_that_of_its_way_back(self) -> None:
        to_original = about_center(SIZE, angle_rad=1.0, scale=1.2, shift_xy=(30.4, 21.6))
        image = drawn()
        registered = RegisteredImage(image, np.ones(SIZE, dtype=bool), to_original)
        placement = registered.placement
        assert placement.turn_deg == pytest.approx(np.degrees(1.0))
        assert placement.scale == pytest.approx(1.2)
        assert placement.shift_xy == pytest.approx((0.1, 0.1))


def test_wide_poses_that_nobody_could_wait_for_are_refused() -> None:
    config = PoseConfig(wide_rotation_step_deg=2, wide_scale=2, wide_scale_step=1.02)
    (problem,) = problems_of(config, "pose")
    assert problem.startswith("pose.wide_rotation_step_deg must leave at most 4,000 poses to try")
