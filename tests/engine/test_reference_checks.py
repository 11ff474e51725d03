"""Which references are doubles, and which one shows something else?"""

import time

import cv2
import numpy as np
import pytest

from engine.reference_checks import check_references, difference
from engine.synthetic.scenes import render


def photographs(category, seed, n):
    return [render(category, np.random.default_rng([seed, index])).image for index in range(n)]


def kinds(images):
    found = check_references(images, [f"{index}.png" for index in range(len(images))])
    return [(each.kind, each.indices) for each in found]


@pytest.mark.parametrize("category", ["pins", "meal", "bag", "cable"])
@pytest.mark.parametrize(("seed", "n"), [(1, 1), (2, 2), (3, 3), (4, 5), (5, 8)])
def test_photographs_of_one_product_are_fine(category, seed, n):
    assert kinds(photographs(category, seed, n)) == []


@pytest.mark.parametrize("category", ["pins", "bottle", "cable"])
def test_doubles_are_found_even_if_compressed_moved_or_scaled(category):
    images = photographs(category, 6, 3)
    image = images[0]
    height, width = image.shape[:2]
    packed = cv2.imdecode(cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 60])[1], 1)
    doubles = {
        "itself": image,
        "compressed": packed,
        "moved": np.roll(image, (3, -5), (0, 1)),
        "smaller": cv2.resize(image, (width // 2, height // 2), interpolation=cv2.INTER_AREA),
    }
    for name, double in doubles.items():
        assert kinds([*images, double]) == [("near-duplicate", (0, 3))], name


@pytest.mark.parametrize(
    ("category", "other"), [("pins", "meal"), ("meal", "bag"), ("cable", "pins"), ("bag", "bottle")]
)
@pytest.mark.parametrize("n", [2, 3, 7])
def test_another_product_is_found(category, other, n):
    images = [*photographs(category, 7, n), photographs(other, 7, 1)[0]]
    assert kinds(images) == [("outlier", (n,))]


def test_the_words_name_the_files():
    images = photographs("pins", 8, 2)
    (warning,) = check_references([*images, images[1]], ["a.png", "b.png", "b copy.png"])
    assert warning.names == ("b.png", "b copy.png")
    assert warning.text.startswith("b.png and b copy.png are nearly the same photograph")
    odd = photographs("meal", 8, 1)[0]
    (warning,) = check_references([*images, odd], ["a.png", "b.png", "odd.png"])
    assert warning.text == "odd.png looks unlike all others; does it show the same product?"


def test_a_double_does_not_vouch_for_an_outlier():
    odd = photographs("meal", 9, 1)[0]
    assert kinds([*photographs("pins", 9, 3), odd, odd]) == [
        ("near-duplicate", (3, 4)),
        ("outlier", (3,)),
    ]


def test_the_difference_is_symmetric_and_none_to_itself():
    one, other = photographs("cable", 10, 2)
    assert difference(one, one) == pytest.approx(0, abs=1e-4)
    assert difference(one, other) == pytest.approx(difference(other, one), abs=0.02)
    even = np.full((40, 40, 3), 128, np.uint8)
    assert difference(even, even) == 0


def test_eight_photographs_take_less_than_half_a_second():
    images = photographs("cable", 11, 8)
    seconds = []
    for _ in range(3):
        started = time.thread_time()
        check_references(images, list("abcdefgh"))
        seconds.append(time.thread_time() - started)
    assert min(seconds) < 0.5


def test_a_set_of_few_levels_is_told_as_a_whole():
    images = [image // 32 + 3 for image in photographs("cable", 9, 3)]
    assert kinds(images)[0] == ("few-levels", ())
