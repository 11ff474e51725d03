from types import SimpleNamespace

import numpy as np
import pytest

from engine.regions.report import FoundRegion
from engine.regions.suggestion import distance, suggest
from engine.regions_config import GroupingConfig
from features.region import Region


class Colours:
    """Describes a region by its mean colour; the same within 30 levels."""

    def describe(self, image, regions):
        return np.stack(
            [image[each.over(image.shape[:2])].mean(axis=0)[None] for each in regions]
        ).astype(np.float32)

    def same(self, asked, taught):
        far = np.abs(asked[:, None, 0] - taught[None, :, 0]).max(axis=2)
        # lopsided on purpose: whoever asks second is a little less sure
        sure = 0.9 - 0.1 * (np.arange(len(asked))[:, None] > np.arange(len(taught)))
        return np.where(far < 30, sure, 0.0).astype(np.float32)


class FakeRecogniser:
    """Finds the left and the right half of an image, if they are not black."""

    def __init__(self, known=()):
        self.embedder, self.known = Colours(), known
        self.config = SimpleNamespace(grouping=GroupingConfig())

    def inspect(self, image):
        found = []
        for left in (2, 12):
            region = Region((left, 2, left + 6, 18), np.ones((16, 6), bool))
            if image[2, left].any() and tuple(image[2, left]) not in self.known:
                found.append(FoundRegion(region, "unknown", -1, "unknown", 1.0, float(left)))
        return SimpleNamespace(unknown=tuple(found))


def picture(left=None, right=None):
    image = np.zeros((20, 20, 3), np.uint8)
    for place, color in ((slice(0, 10), left), (slice(10, 20), right)):
        if color:
            image[:, place] = color
    return image


RED, BLUE, GREEN = (250, 0, 0), (0, 0, 250), (0, 250, 0)
IMAGES = [
    ("a", picture(RED, BLUE)),
    ("b", picture()),
    ("c", picture(BLUE, BLUE)),
    ("d", picture(RED, GREEN)),
]


def test_what_looks_alike_is_a_group_the_biggest_first_and_the_lone_is_in_none():
    blue, red = suggest(FakeRecogniser(), IMAGES)
    assert sorted((each.image_name, each.box_xyxy[0]) for each in blue.members) == [
        ("a", 12),
        ("c", 2),
        ("c", 12),
    ]
    assert sorted((each.image_name, each.box_xyxy[0]) for each in red.members) == [
        ("a", 2),
        ("d", 2),
    ]
    assert (blue.n_images, red.n_images) == (2, 2)
    assert blue.central is blue.members[0]


def test_members_say_what_json_holds():
    blue, _ = suggest(FakeRecogniser(), IMAGES)
    facts = next(each for each in blue.members if each.image_name == "a").as_dict()
    assert facts == {
        "image": "a",
        "box_xyxy": [12, 2, 18, 18],
        "area_px": 96,
        "novelty": 12.0,
    }


def test_images_are_looked_at_one_after_the_other():
    asked, done = [], []

    def images():
        for name, image in IMAGES:
            assert len(done) == len(asked)  # the one before is finished with
            asked.append(name)
            yield name, image

    suggest(FakeRecogniser(), images(), done.append)
    assert done == [1, 2, 3, 4]


@pytest.mark.parametrize("images", [[], [("b", picture())]])
def test_where_nothing_is_unknown_nothing_is_suggested(images):
    assert suggest(FakeRecogniser(), images) == []
    assert suggest(FakeRecogniser(known={RED, BLUE, GREEN}), IMAGES) == []


def test_the_distance_has_no_direction_and_is_a_probability():
    views = np.random.default_rng(0).uniform(0, 60, (7, 1, 3)).astype(np.float32)
    found = distance(Colours(), views)
    same = Colours().same(views, views)
    for i in range(7):
        assert found[i, i] == 0
        for j in range(i):
            assert found[i, j] == found[j, i] == pytest.approx(1 - (same[i, j] + same[j, i]) / 2)
