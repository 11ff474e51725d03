"""Which references are doubles, and which one shows something else?"""

import time

import cv2
import numpy as np
import pytest

from engine.reference_checks import check_references, odd_references
from engine.scores import SCORES
from engine.scores.reading import Reading
from engine.synthetic.scenes import render


def photographs(category, seed, n):
    return [render(category, np.random.default_rng([seed, index])).image for index in range(n)]


def kinds(images):
    found = check_references(images, [f"{index}.png" for index in range(len(images))])
    return [(each.kind, tuple(int(name[:-4]) for name in each.names)) for each in found]


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
        ((kind, pair),) = kinds([*images, double])
        assert (kind, set(pair)) == ("near-duplicate", {0, 3}), name


@pytest.mark.parametrize(
    ("category", "other"), [("pins", "meal"), ("meal", "bag"), ("cable", "pins"), ("bag", "bottle")]
)
@pytest.mark.parametrize("n", [2, 3, 7])
def test_another_product_is_found(category, other, n):
    images = [*photographs(category, 7, n), photographs(other, 7, 1)[0]]
    # of other shape, too
    assert [each for each in kinds(images) if each[0] != "shape"] == [("outlier", (n,))]


def test_the_words_name_the_files():
    images = photographs("pins", 8, 2)
    (warning,) = check_references([*images, images[1]], ["a.png", "b.png", "b copy.png"])
    assert warning.names == ("b.png", "b copy.png")
    assert warning.text.startswith("b copy.png is the same photograph as b.png, and does not count")
    odd = photographs("meal", 8, 1)[0]
    *_, warning = check_references([*images, odd], ["a.png", "b.png", "odd.png"])
    assert warning.text == "odd.png looks unlike all others; does it show the same product?"


def test_a_double_does_not_vouch_for_an_outlier():
    odd = photographs("meal", 9, 1)[0]
    found = dict(kinds([*photographs("pins", 9, 3), odd, odd]))
    assert found["near-duplicate"] == (3, 4)
    assert found["outlier"] == (3,)


def test_eight_photographs_take_less_than_a_second():
    images = photographs("cable", 11, 8)
    seconds = []
    for _ in range(3):
        started = time.thread_time()
        check_references(images, list("abcdefgh"))
        seconds.append(time.thread_time() - started)
    assert min(seconds) < 1


def reading(value):
    return {each.name: Reading(value) for each in SCORES}


def test_a_reference_that_the_others_find_odd_is_named():
    values = [1.0, 1.1, 1.9, 0.9]
    (warning,) = odd_references([reading(value) for value in values], list("abcd"))
    assert (warning.kind, warning.names) == ("odd", ("c",))
    assert "1.9 times as much as they do from each other" in warning.text


@pytest.mark.parametrize("values", [[1.0, 1.5, 1.0], [1.0, 9.0], [1.0], [0.0, 0.0, 0.0]])
def test_those_that_differ_alike_or_are_too_few_are_not(values):
    names = [str(index) for index in range(len(values))]
    assert odd_references([reading(value) for value in values], names) == []


def test_one_of_another_shape_is_named():
    images = photographs("pins", 12, 3)
    upright = np.rot90(photographs("pins", 13, 1)[0]).copy()
    found = check_references([*images, upright], ["a.png", "b.png", "c.png", "upright.png"])
    (warning,) = [each for each in found if each.kind == "shape"]
    assert warning.names == ("upright.png",)
    assert "is 320×480 px while most others are 480×320" in warning.text
    assert warning.text.endswith("was it turned?")
    narrow = images[0][:, :400].copy()
    (warning,) = check_references([*images[1:], narrow], list("abc"))
    assert warning.text.endswith("was it cropped?")
    same = [image[: 300 + index] for index, image in enumerate(images)]
    assert check_references(same, list("abc")) == []


def test_a_set_of_few_levels_is_told_as_a_whole():
    images = [image // 32 + 3 for image in photographs("cable", 9, 3)]
    assert kinds(images)[0] == ("few-levels", ())


def test_a_copy_of_another_shape_is_no_matter():
    images = photographs("pins", 14, 3)
    turned = np.rot90(images[0]).copy()
    assert [kind for kind, _ in kinds([*images, turned])] == ["near-duplicate"]
