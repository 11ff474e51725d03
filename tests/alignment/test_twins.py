"""Which photographs are the same one, written twice?"""

import cv2
import numpy as np
import pytest

from alignment.twins import find_copies, find_twins
from engine.synthetic.scenes import render


def photographs(category, seed, n):
    return [render(category, np.random.default_rng([seed, index])).image for index in range(n)]


def jpeg(image, quality):
    return cv2.imdecode(cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])[1], 1)


def turned(image, degrees, scale=1.0):
    height, width = image.shape[:2]
    move = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, scale)
    return cv2.warpAffine(
        image, move, (width, height), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
    )


def shrunk(image, factor):
    height, width = image.shape[:2]
    size = round(width * factor), round(height * factor)
    return cv2.resize(image, size, interpolation=cv2.INTER_AREA)


def cropped(image, share):
    rows, columns = (round(side * share) for side in image.shape[:2])
    return image[rows:-rows, columns:-columns].copy()


COPIES = {
    "the same bytes": lambda image: image.copy(),
    "JPEG of quality 95": lambda image: jpeg(image, 95),
    "JPEG of quality 60": lambda image: jpeg(image, 60),
    "JPEG of a JPEG": lambda image: jpeg(jpeg(image, 70), 85),
    "half as large": lambda image: shrunk(image, 0.5),
    "three quarters as large": lambda image: shrunk(image, 0.75),
    "enlarged": lambda image: cv2.resize(image, None, fx=1.5, fy=1.5),
    "moved": lambda image: np.roll(image, (3, -5), (0, 1)),
    "turned by 2 degrees": lambda image: turned(image, 2),
    "2 per cent cut off": lambda image: cropped(image, 0.02),
    "5 per cent cut off": lambda image: cropped(image, 0.05),
    "turned by a quarter": lambda image: np.rot90(image).copy(),
    "upside down": lambda image: image[::-1, ::-1].copy(),
    "mirrored": lambda image: image[:, ::-1].copy(),
    "darker": lambda image: (image * 0.8).astype(np.uint8),
    "another gamma": lambda image: (255 * (image / 255) ** 0.8).astype(np.uint8),
}


@pytest.mark.parametrize("kind", COPIES)
@pytest.mark.parametrize("category", ["pins", "bottle", "cable"])
def test_copies_are_found(category, kind):
    first, second, third = photographs(category, 6, 3)
    found = find_twins([first, second, COPIES[kind](first), third])
    assert {frozenset(pair) for pair in found.items()} == {frozenset({0, 2})}, kind


@pytest.mark.parametrize("kind", ["JPEG of quality 60", "half as large", "2 per cent cut off"])
def test_a_pair_alone_is_found(kind):
    (image,) = photographs("bag", 3, 1)
    assert len(find_twins([image, COPIES[kind](image)])) == 1


@pytest.mark.parametrize("category", ["pins", "meal", "bag", "cable", "bottle"])
def test_photographs_of_one_product_are_none(category):
    assert find_twins(photographs(category, 1, 6)) == {}


def test_pieces_that_lie_alike_are_none_as_their_noise_differs():
    """A steady line: nothing but the noise of the camera tells its photographs apart."""
    (scene,) = photographs("cable", 4, 1)
    clean = cv2.GaussianBlur(scene, (0, 0), 4).astype(float)
    rng = np.random.default_rng(0)
    shots = [
        np.clip(clean + rng.normal(0, 2, clean.shape), 0, 255).astype(np.uint8) for _ in range(4)
    ]
    assert find_twins(shots) == {}
    assert set(find_twins([*shots, shots[1].copy()])) in ({1}, {4})


def piece(backdrop, rng, hole=False):
    """A piece that lies before a backdrop a little differently each time, with fresh noise."""
    image = np.stack([backdrop] * 3, axis=-1)
    x, y = (int(each) for each in rng.normal((150, 110), 3))
    cv2.rectangle(image, (x - 70, y - 50), (x + 70, y + 50), (200, 60, 40), -1)
    cv2.circle(image, (x - 30 + int(rng.normal(0, 3)), y), 22, (30, 200, 60), -1)
    if hole:
        cv2.circle(image, (x + 45, y), 5, (10, 10, 10), -1)
    return np.clip(image + rng.normal(0, 2, image.shape), 0, 255).astype(np.uint8)


@pytest.mark.parametrize("seed", range(3))
def test_pieces_before_one_backdrop_are_none(seed):
    """The backdrop's own detail is in all photographs, as the noise of a copy would be."""
    rng = np.random.default_rng(seed)
    backdrop = 120 + 6 * cv2.GaussianBlur(rng.normal(0, 1, (240, 320)), (0, 0), 0.8)
    shots = [piece(backdrop, rng) for _ in range(4)]
    assert find_twins(shots) == {}
    assert set(find_twins([*shots, jpeg(shots[0], 90)])) in ({0}, {4})


def test_a_defect_is_no_loss_of_a_copy():
    backdrop = np.full((240, 320), 120.0)
    good, bad = (piece(backdrop, np.random.default_rng(3), hole) for hole in (False, True))
    assert find_twins([good, bad]) == {}


def test_a_copy_that_is_brighter_than_white_allows_is_found():
    first, second = photographs("cable", 12, 2)
    bright = np.clip(first * 1.08, 0, 255).astype(np.uint8)
    assert find_twins([first, second, bright]) == {2: 0}


@pytest.mark.parametrize("kind", ["mirrored", "upside down", "turned by 2 degrees"])
def test_the_copy_that_is_like_the_others_is_kept(kind):
    images = photographs("bottle", 13, 4)
    assert find_twins([COPIES[kind](images[0]), *images]) == {0: 1}


def test_the_copy_of_most_pixels_is_kept_in_whatever_order():
    image, other = photographs("pins", 5, 2)
    small = shrunk(image, 0.5)
    assert find_twins([small, other, image]) == {0: 2}
    assert find_twins([image, small, other]) == {1: 0}


def test_several_copies_have_one_original():
    image, other = photographs("cable", 8, 2)
    half, third = shrunk(image, 0.5), jpeg(shrunk(image, 0.7), 90)
    assert find_twins([half, other, image, third]) == {0: 2, 3: 2}
    pairs = find_twins([image, other, shrunk(other, 0.5), shrunk(image, 0.5)])
    assert pairs == {2: 1, 3: 0}


@pytest.mark.parametrize("n", [0, 1])
def test_too_few_have_none(n):
    assert find_twins(photographs("pins", 9, n)) == {}


def test_pictures_of_one_colour_are_the_same():
    grey, same = np.full((40, 60, 3), 90, np.uint8), np.full((40, 60, 3), 90, np.uint8)
    assert len(find_twins([grey, same])) == 1


def test_copies_of_given_originals_are_found():
    one, other, fresh = photographs("bottle", 10, 3)
    assert find_copies([fresh, jpeg(other, 80), other], [one, other]) == {1: 1, 2: 1}
    assert find_copies([], [one]) == {}
    assert find_copies([fresh], []) == {}
