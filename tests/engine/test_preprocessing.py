from __future__ import annotations

import numpy as np
import pytest

from alignment.pose import PoseConfig, PoseEstimator
from engine.preprocessing import altered_copies
from engine.synthetic.scenes import render
from features.embedded.backbone import EmbeddedBackbone
from features.images import fit_size, resize


@pytest.fixture(scope="module")
def image() -> np.ndarray:
    photograph = render("bottle", np.random.default_rng(0)).image
    return resize(photograph, fit_size(*photograph.shape[:2], area_px=65_536, multiple=8))


def test_copies_are_images_of_the_same_size_and_all_different(image: np.ndarray) -> None:
    copies = altered_copies(image, 5, np.random.default_rng(0))
    assert len({copy.tobytes() for copy in [image, *copies]}) == 6
    for copy in copies:
        assert copy.shape == image.shape
        assert copy.dtype == np.uint8


def test_the_generator_settles_them(image: np.ndarray) -> None:
    one, same, other = (altered_copies(image, 2, np.random.default_rng(seed)) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, same)
    assert not np.array_equal(one, other)


def test_none_are_asked_for(image: np.ndarray) -> None:
    assert altered_copies(image, 0, np.random.default_rng(0)) == []


def test_the_image_itself_is_left_alone(image: np.ndarray) -> None:
    before = image.copy()
    altered_copies(image, 1, np.random.default_rng(0))
    np.testing.assert_array_equal(image, before)


def test_copies_are_moved_a_little(image: np.ndarray) -> None:
    """The pose of each copy is within some degrees, per cent and pixels of the image's own."""
    pose = PoseEstimator(PoseConfig(), EmbeddedBackbone().fit([image])).fit([image])
    degrees, scales = [], []
    for copy in altered_copies(image, 6, np.random.default_rng(0)):
        turn = pose.register(copy).to_original
        degrees.append(np.degrees(np.arctan2(turn[1, 0], turn[0, 0])))
        scales.append(np.hypot(turn[0, 0], turn[1, 0]))
    assert 0.5 < np.abs(degrees).max() < 4
    assert 0.95 < min(scales) < max(scales) < 1.05
    assert np.ptp(scales) > 0.01


def test_copies_differ_in_light_and_colour(image: np.ndarray) -> None:
    means = np.array(
        [copy.mean(axis=(0, 1)) for copy in altered_copies(image, 8, np.random.default_rng(0))]
    )
    gains = means / image.mean(axis=(0, 1))
    assert 0.75 < gains.min() < 0.95 < 1.0 < gains.max() < 1.25
    assert (np.ptp(gains / gains.mean(axis=1, keepdims=True), axis=0) > 0.01).all()
