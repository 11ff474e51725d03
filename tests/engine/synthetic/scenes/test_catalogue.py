from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from engine.synthetic.scenes import CATEGORIES, Scene, anomaly_types, class_names, render

KINDS = [
    (category, group, kind)
    for category in CATEGORIES
    for group, names in anomaly_types(category).items()
    for kind in names
]
ANOMALIES = [each for each in KINDS if each[1] != "good"]

# What a logical anomaly does to the number of parts of a class; kinds that only move things,
# or swap their looks, are absent.
EXPECTED = [
    ("pins", "missing_pin", {"pin": -1}),
    ("pins", "two_pins", {"pin": 1}),
    ("meal", "missing_orange", {"orange": -1}),
    ("meal", "missing_peach", {"peach": -1}),
    ("meal", "extra_orange", {"orange": 1}),
    ("meal", "two_peaches", {"orange": -1, "peach": 1}),
    ("meal", "missing_cereal", {"cereal": -1}),
    ("bottle", "missing_label", {"label": -1}),
    ("bottle", "missing_text_label", {"text_label": -1}),
    ("bottle", "missing_cap", {"cap": -1}),
    ("bag", "missing_washer", {"washer": -1}),
    ("bag", "missing_nut", {"nut": -1}),
    ("bag", "missing_long_screw", {"long_screw": -1}),
    ("bag", "missing_short_screw", {"short_screw": -1}),
    ("bag", "extra_nut", {"nut": 1}),
    ("bag", "extra_washer", {"washer": 1}),
    ("bag", "two_long_screws", {"long_screw": 1, "short_screw": -1}),
    ("bag", "two_short_screws", {"long_screw": -1, "short_screw": 1}),
    ("cable", "extra_cable", {"cable": 1}),
    ("cable", "missing_cable", {"cable": -1}),
]
CLAMPS = {"yellow": 2, "blue": 3, "red": 5}


@cache
def scene(category: str, kind: str = "good", seed: int = 3) -> Scene:
    return render(category, np.random.default_rng(seed), kind)


def counts(one: Scene, category: str) -> dict[str, int]:
    return {
        name: len(np.unique(one.part_map[one.class_map == number]))
        for number, name in enumerate(class_names(category))
    }


def area(one: Scene, category: str, name: str) -> int:
    return int(np.sum(one.class_map == class_names(category).index(name)))


def cable_color(one: Scene) -> str:
    red, green, blue = one.image[one.class_map == 3].mean(axis=0)
    if blue > red:
        return "blue"
    return "yellow" if green > 0.6 * red else "red"


def test_each_category_has_enough_kinds() -> None:
    for category in CATEGORIES:
        groups = anomaly_types(category)
        assert groups["good"] == ("good",)
        assert len(groups["logical_anomalies"]) >= 4
        assert len(groups["structural_anomalies"]) >= 3


@pytest.mark.parametrize("category", CATEGORIES)
def test_same_seed_gives_the_same_scene_and_another_seed_another(category: str) -> None:
    first, again = scene(category), render(category, np.random.default_rng(3))
    assert first.image.tobytes() == again.image.tobytes()
    assert first.part_map.tobytes() == again.part_map.tobytes()
    assert first.image.tobytes() != scene(category, seed=4).image.tobytes()


@pytest.mark.parametrize(("category", "group", "kind"), KINDS)
def test_truth_is_consistent(category: str, group: str, kind: str) -> None:
    one = scene(category, kind)
    assert (one.anomaly_type, one.group) == (kind, group)
    assert one.image.dtype == np.uint8
    assert one.image.shape == (*one.part_map.shape, 3)
    assert one.class_map.shape == one.part_map.shape
    assert one.class_map.max() < len(class_names(category))
    for part in np.unique(one.part_map):
        assert len(np.unique(one.class_map[one.part_map == part])) == 1
    assert np.array_equal(one.class_map == 0, one.part_map == 0)
    assert {name for name, _ in one.masks} == (set() if kind == "good" else {kind})
    for _, mask in one.masks:
        assert mask.dtype == bool
        assert mask.shape == one.part_map.shape
        assert 20 <= mask.sum() <= 0.6 * mask.size


@pytest.mark.parametrize(("category", "group", "kind"), ANOMALIES)
def test_foreign_parts_appear_in_contamination_alone(category: str, group: str, kind: str) -> None:
    one = scene(category, kind)
    is_foreign = one.class_map == class_names(category).index("foreign")
    assert is_foreign.any() == (kind == "contamination")
    if kind == "contamination":
        assert np.array_equal(is_foreign, one.masks[0][1])


@pytest.mark.parametrize(("category", "kind", "change"), EXPECTED)
def test_logical_anomalies_change_the_number_of_parts(
    category: str, kind: str, change: dict[str, int]
) -> None:
    normal, found = counts(scene(category), category), counts(scene(category, kind), category)
    loose = ("banana_chip", "almond", "lever")  # their number varies in normal scenes too
    expected = {name: n + change.get(name, 0) for name, n in normal.items() if name not in loose}
    assert {name: found[name] for name in expected} == expected


def test_normal_counts() -> None:
    assert counts(scene("pins"), "pins")["pin"] == 15
    bag = counts(scene("bag"), "bag")
    assert bag == {"washer": 2, "nut": 2, "long_screw": 1, "short_screw": 1} | {
        "background": 1,
        "bag": 1,
        "foreign": 0,
    }


@pytest.mark.parametrize("seed", range(4))
def test_cable_color_says_how_many_clamps(seed: int) -> None:
    normal = scene("cable", seed=seed)
    assert counts(normal, "cable")["lever"] == 2 * CLAMPS[cable_color(normal)]
    wrong = scene("cable", "wrong_clamp_count", seed)
    assert counts(wrong, "cable")["lever"] != 2 * CLAMPS[cable_color(wrong)]
    assert counts(wrong, "cable")["lever"] % 2 == 0


def test_mix_is_missing_and_proportions_are_wrong_by_area() -> None:
    share = {}
    for kind in ("good", "missing_mix", "wrong_proportion"):
        cereal = area(scene("meal", kind), "meal", "cereal")
        mix = sum(area(scene("meal", kind), "meal", name) for name in ("banana_chip", "almond"))
        share[kind] = cereal / (cereal + mix)
    assert share["missing_mix"] == 1
    assert share["wrong_proportion"] < 0.45 < share["good"] < 0.75


def test_fill_level_shows_in_the_area_of_juice() -> None:
    juice = {
        kind: area(scene("bottle", kind), "bottle", "juice")
        for kind in ("good", "underfilled", "overfilled")
    }
    assert juice["underfilled"] < 0.85 * juice["good"]
    assert juice["overfilled"] > 1.02 * juice["good"]


@pytest.mark.parametrize(
    ("category", "colorful", "grey"),
    [("pins", "pin", "tray"), ("meal", "orange", "box"), ("cable", "lever", "block")],
)
def test_class_map_lies_on_the_things_in_the_picture(
    category: str, colorful: str, grey: str
) -> None:
    one = scene(category)
    chroma = np.ptp(one.image.astype(int), axis=2)
    names = class_names(category)
    inside = chroma[one.class_map == names.index(colorful)]
    outside = chroma[one.class_map == names.index(grey)]
    assert np.median(inside) > 3 * np.median(outside)
    assert np.mean(inside > 60) > 0.7
    assert np.mean(outside > 60) < 0.02


def test_free_layouts_differ_from_image_to_image() -> None:
    middles = []
    for seed in range(3, 7):
        one = scene("bag", seed=seed)
        is_screw = one.class_map == class_names("bag").index("long_screw")
        middles.append(np.argwhere(is_screw).mean(axis=0))
    assert np.ptp(np.array(middles), axis=0).max() > 40


def test_unknown_names_are_refused() -> None:
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match="category must be one of pins, meal, bottle, bag, cable"):
        render("tins", rng)
    with pytest.raises(ValueError, match=r"pins has kinds good, missing_pin.*got 'missing_cap'"):
        render("pins", rng, "missing_cap")


def test_maps_of_another_size_are_refused() -> None:
    one = scene("bottle")
    with pytest.raises(ValueError, match=r"size of the image \(480, 260\), got \(479, 260\)"):
        replace(one, part_map=one.part_map[1:])
