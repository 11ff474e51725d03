from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np
import pytest

from alignment.pose import PoseConfig, PoseEstimator, RegisteredImage
from alignment.transforms import IDENTITY, Affine, about_center, apply, compose, invert, warp_image
from engine.synthetic.scenes import render
from features.config_fields import problems_of
from features.embedded.backbone import EmbeddedBackbone
from features.images import fit_size, resize

N_REFERENCES = 4
# degrees, factor, share of the width and height
MOVES = [
    (0.0, 1.0, (0.06, 0.05)),
    (6.0, 1.05, (0.02, -0.03)),
    (-10.0, 0.95, (-0.03, 0.03)),
    (14.0, 1.0, (0.0, 0.0)),
    (0.0, 1.1, (0.0, 0.0)),
    (-15.0, 1.08, (0.04, 0.04)),
]


@dataclass(frozen=True)
class Product:
    """References of a product with their estimator, and one image more."""

    references: list[np.ndarray]
    other: np.ndarray
    backbone: EmbeddedBackbone
    pose: PoseEstimator

    @property
    def anchor(self) -> np.ndarray:
        return self.references[self.pose.anchor_]


def learn(images: list[np.ndarray], config: PoseConfig | None = None) -> Product:
    references = images[:N_REFERENCES]
    backbone = EmbeddedBackbone().fit(references)
    pose = PoseEstimator(config or PoseConfig(), backbone).fit(references)
    return Product(references, images[-1], backbone, pose)


@cache
def photographs(category: str) -> list[np.ndarray]:
    images = [render(category, np.random.default_rng(seed)).image for seed in range(5)]
    size = fit_size(*images[0].shape[:2], area_px=65_536, multiple=8)
    return [resize(image, size) for image in images]


@cache
def product(category: str) -> Product:
    return learn(photographs(category))


@cache
def blobs() -> list[np.ndarray]:
    """Textures that have nothing in common but their statistics."""
    rng = np.random.default_rng(0)
    images = []
    for _ in range(5):
        coarse = [rng.integers(0, 256, (side, side, 3), dtype=np.uint8) for side in (5, 12, 40)]
        layers = [cv2.resize(each, (256, 256), interpolation=cv2.INTER_CUBIC) for each in coarse]
        images.append(np.mean(layers, axis=0).astype(np.uint8))
    return images


def moved_by(size: tuple[int, int], move: tuple[float, float, tuple[float, float]]) -> Affine:
    degrees, scale, (right, down) = move
    shift_xy = right * size[1], down * size[0]
    return about_center(size, angle_rad=np.radians(degrees), scale=scale, shift_xy=shift_xy)


def error_of(found: Affine, true: Affine, size: tuple[int, int]) -> tuple[float, float, float]:
    """Degrees, per cent and pixels at the image's centre between two transforms."""
    rest = compose(invert(found), true)
    center = np.array([[(size[1] - 1) / 2, (size[0] - 1) / 2]])
    return (
        abs(float(np.degrees(np.arctan2(rest[1, 0], rest[0, 0])))),
        abs(float(np.hypot(rest[0, 0], rest[1, 0])) - 1) * 100,
        float(np.linalg.norm(apply(rest, center) - center)),
    )


class TestRegisteredImage:
    @pytest.mark.parametrize("category", ["pins", "bottle"])
    @pytest.mark.parametrize("move", MOVES)
    def test_the_hub_is_turned_back(
        self, category: str, move: tuple[float, float, tuple[float, float]]
    ) -> None:
        pose, anchor = product(category).pose, product(category).anchor
        size = anchor.shape[0], anchor.shape[1]
        known = moved_by(size, move)
        registered = pose.register(warp_image(anchor, known)[0])
        degrees, percent, pixels = error_of(registered.to_original, known, size)
        assert degrees < 1
        assert percent < 2
        assert pixels < 2

        # and the picture shows it: what is valid looks like the anchor again
        gap = np.abs(registered.image.astype(int) - anchor).mean(axis=-1)
        apart = np.abs(warp_image(anchor, known)[0].astype(int) - anchor).mean()
        assert 0.5 < registered.is_valid.mean() <= 1
        assert gap[registered.is_valid].mean() < apart / 2

    @pytest.mark.parametrize("category", ["pins", "bottle"])
    def test_another_image_is_turned_back_to_where_it_would_lie_unturned(
        self, category: str
    ) -> None:
        known_to, image = product(category).pose, product(category).other
        size = image.shape[0], image.shape[1]
        unturned = known_to.register(image).to_original
        for move in MOVES[:3]:
            known = moved_by(size, move)
            turned = known_to.register(warp_image(image, known)[0]).to_original
            degrees, percent, pixels = error_of(turned, compose(known, unturned), size)
            assert degrees < 1
            assert percent < 2
            assert pixels < 3

    def test_light_does_not_move_the_object(self) -> None:
        pose, anchor = product("bottle").pose, product("bottle").anchor
        size = anchor.shape[0], anchor.shape[1]
        for move in MOVES[:3]:
            known = moved_by(size, move)
            moved = warp_image(anchor, known)[0]
            tinted = np.clip(moved * np.array([0.8, 0.85, 0.9]), 0, 255).astype(np.uint8)
            error = error_of(pose.register(tinted).to_original, known, size)
            assert max(error) < 2

    def test_a_defect_does_not_pull_the_alignment(self) -> None:
        pose, anchor = product("bottle").pose, product("bottle").anchor
        size = anchor.shape[0], anchor.shape[1]
        known = moved_by(size, MOVES[1])
        damaged = warp_image(anchor, known)[0]
        damaged[size[0] // 2 :, : size[1] // 2] = (20, 120, 30)
        assert max(error_of(pose.register(damaged).to_original, known, size)) < 2

    def test_the_hub_itself_is_not_moved(self) -> None:
        pose, anchor = product("pins").pose, product("pins").anchor
        registered = pose.register(anchor)
        np.testing.assert_array_equal(registered.image, anchor)
        np.testing.assert_array_equal(registered.to_original, IDENTITY)
        assert registered.is_valid.all()


class TestWithoutPose:
    def test_a_product_that_cannot_be_aligned_is_left_as_it_is(self) -> None:
        loose = learn(blobs())
        assert not loose.pose.has_pose_
        registered = loose.pose.register(loose.other)
        np.testing.assert_array_equal(registered.image, loose.other)
        np.testing.assert_array_equal(registered.to_original, IDENTITY)
        assert registered.is_valid.all()

    def test_an_image_of_something_else_is_left_as_it_is(self) -> None:
        pose, anchor = product("pins").pose, product("pins").anchor
        stranger = resize(blobs()[0], (anchor.shape[0], anchor.shape[1]))
        registered = pose.register(stranger)
        np.testing.assert_array_equal(registered.image, stranger)
        np.testing.assert_array_equal(registered.to_original, IDENTITY)

    def test_switched_off(self) -> None:
        still = learn(photographs("pins"), PoseConfig(is_searched=False))
        moved = warp_image(still.anchor, moved_by((208, 312), MOVES[1]))[0]
        np.testing.assert_array_equal(still.pose.register(moved).image, moved)


class TestFit:
    def test_twice_equals_once(self) -> None:
        known = product("pins")
        again = PoseEstimator(PoseConfig(), known.backbone).fit(known.references[:2])
        again.fit(known.references)
        for name, array in known.pose.state().items():
            np.testing.assert_array_equal(again.state()[name], array)
        ours, theirs = (pose.register(known.other) for pose in (known.pose, again))
        np.testing.assert_array_equal(ours.image, theirs.image)

    def test_one_reference_is_its_own_frame(self) -> None:
        image = photographs("bottle")[0]
        backbone = EmbeddedBackbone().fit([image])
        pose = PoseEstimator(PoseConfig(), backbone).fit([image])
        assert pose.has_pose_
        size = image.shape[0], image.shape[1]
        known = moved_by(size, MOVES[2])
        registered = pose.register(warp_image(image, known)[0])
        assert max(error_of(registered.to_original, known, size)) < 2

    @pytest.mark.parametrize("has_pose", [True, False])
    def test_restored_from_its_state(self, has_pose: bool) -> None:
        known = product("pins") if has_pose else learn(blobs())
        restored = PoseEstimator(PoseConfig(), known.backbone).restore(known.pose.state())
        assert restored.has_pose_ == known.pose.has_pose_ == has_pose
        ours, theirs = (pose.register(known.other) for pose in (known.pose, restored))
        np.testing.assert_array_equal(ours.image, theirs.image)
        np.testing.assert_array_equal(ours.to_original, theirs.to_original)
        for name, array in known.pose.state().items():
            np.testing.assert_array_equal(restored.state()[name], array)

    def test_images_of_one_colour(self) -> None:
        flat = [np.full((64, 96, 3), 90, dtype=np.uint8)] * 5
        known = learn(flat)
        np.testing.assert_array_equal(known.pose.register(flat[0]).to_original, IDENTITY)


def test_config_names_its_problems() -> None:
    assert problems_of(PoseConfig(), "pose") == []
    config = PoseConfig(max_rotation_deg=-1, max_scale=3, max_shift=float("nan"))
    assert problems_of(config, "pose") == [
        "pose.max_rotation_deg must lie in 0 … 180, got -1",
        "pose.max_scale must lie in 1 … 2, got 3",
        "pose.max_shift must lie in 0 … 0.5, got nan",
    ]


class TestSameOf:
    def test_another_size_of_the_photograph_moves_alike(self) -> None:
        rng = np.random.default_rng(0)
        photo = cv2.GaussianBlur(rng.integers(0, 256, (240, 320, 3), dtype=np.uint8), (0, 0), 6)
        small = resize(photo, (120, 160))
        to_registered = about_center((120, 160), angle_rad=0.2, scale=1.1, shift_xy=(7, -4))
        registered = RegisteredImage(*warp_image(small, to_registered), invert(to_registered))
        image, is_valid = registered.warp(photo)
        assert image.shape == photo.shape
        differing = np.abs(resize(image, (120, 160)).astype(int) - registered.image)
        assert differing[registered.is_valid].mean() < 1
        shrunk = is_valid.reshape(120, 2, 160, 2).all(axis=(1, 3))
        assert (shrunk == registered.is_valid).mean() > 0.98

    def test_what_was_not_moved_stays_as_it_is(self) -> None:
        photo = np.random.default_rng(1).integers(0, 256, (60, 80, 3), dtype=np.uint8)
        still = RegisteredImage(resize(photo, (30, 40)), np.ones((30, 40), dtype=bool), IDENTITY)
        image, is_valid = still.warp(photo)
        assert image is photo
        assert is_valid.all()


@pytest.mark.parametrize(
    ("config", "n_poses"),
    [
        (
            PoseConfig(max_rotation_deg=180, rotation_step_deg=0.5, max_scale=2, scale_step=1.01),
            "100,219",
        ),
        (
            PoseConfig(
                max_rotation_deg=180, rotation_step_deg=0.5, max_scale=1.19, scale_step=1.09
            ),
            None,
        ),
        (PoseConfig(rotation_step_deg=0.0), None),
        (PoseConfig(scale_step=1.0), None),
    ],
)
def test_poses_that_nobody_could_wait_for_are_refused(
    config: PoseConfig, n_poses: str | None
) -> None:
    found = [each for each in problems_of(config) if "poses to try" in each]
    assert [f"got {n_poses}: " in each for each in found] == ([True] if n_poses else [])
