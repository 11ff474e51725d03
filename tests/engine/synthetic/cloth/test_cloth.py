import cv2
import numpy as np
import pytest

from engine.synthetic import cloth as package
from engine.synthetic.cloth import (
    BUTTONS,
    DEFECTS,
    UNTAUGHT,
    WEAVES,
    ClothPhoto,
    draw_cloth,
    render_cloth,
)

EVERYTHING = (*DEFECTS, *UNTAUGHT, *BUTTONS)


def masks_of(photo: ClothPhoto) -> list[np.ndarray]:
    return [item.region.over(photo.image.shape[:2]) for item in photo.items]


def grown(mask: np.ndarray, radius_px: int) -> np.ndarray:
    side = 2 * radius_px + 1
    return cv2.dilate(mask.view(np.uint8), np.ones((side, side), np.uint8)) > 0


def change(photo: ClothPhoto, other: ClothPhoto) -> np.ndarray:
    return np.abs(photo.image.astype(int) - other.image).max(axis=2)


def test_the_package_names_what_it_offers() -> None:
    assert all(hasattr(package, name) for name in package.__all__)
    assert DEFECTS == ("contamination", "fleck", "line", "string")
    assert UNTAUGHT == ("hole",)
    assert package.__all__ == sorted(package.__all__, key=lambda name: (not name.isupper(), name))
    assert len(BUTTONS) == 4
    assert all(name.startswith("button-") for name in BUTTONS)
    assert len(WEAVES) >= 4


def test_the_same_seeds_give_the_same_photograph() -> None:
    first, again = (render_cloth(draw_cloth(3), 7, EVERYTHING) for _ in range(2))
    np.testing.assert_array_equal(first.image, again.image)
    for item, same in zip(first.items, again.items, strict=True):
        assert item.name == same.name
        assert item.region.box_xyxy == same.region.box_xyxy
        np.testing.assert_array_equal(item.region.mask, same.region.mask)


def test_photographs_of_a_roll_differ_but_are_of_one_cloth() -> None:
    cloths = [draw_cloth(seed) for seed in (0, 5, 8)]
    colors = np.array(
        [
            [render_cloth(c, s, size_px=128).image.mean(axis=(0, 1)) for s in range(6)]
            for c in cloths
        ]
    )
    within = np.linalg.norm(colors - colors.mean(axis=1, keepdims=True), axis=2).max()
    means = colors.mean(axis=1)
    between = min(np.linalg.norm(means[i] - means[j]) for i in range(3) for j in range(i))
    assert 0.5 < within < between / 2
    first, second = (render_cloth(cloths[0], seed, size_px=128) for seed in (0, 1))
    assert change(first, second).mean() > 3


@pytest.mark.parametrize("size_px", [64, 200, 512, 1300])
def test_any_size_is_woven(size_px: int) -> None:
    photo = render_cloth(draw_cloth(1), 0, ["fleck"], size_px=size_px)
    assert photo.image.shape == (size_px, size_px, 3)
    left, top, right, bottom = photo.items[0].region.box_xyxy
    assert 0 <= left < right <= size_px
    assert 0 <= top < bottom <= size_px


@pytest.mark.parametrize("name", EVERYTHING)
def test_the_mask_is_where_the_photograph_differs_from_the_bare_cloth(name: str) -> None:
    for seed in range(3):
        cloth = draw_cloth(seed)
        photo, bare = (render_cloth(cloth, seed, items, size_px=384) for items in ([name], []))
        ((mask,), (item,)) = masks_of(photo), photo.items
        assert item.name == name
        difference = change(photo, bare)
        assert (difference[mask] >= 3).mean() > (0.8 if name == "line" else 0.93)
        shadow_px = {"line": 5, "contamination": 30, "fleck": 12, "hole": 20}.get(name, 16)
        assert (difference[~grown(mask, shadow_px)] == 0).all()
        if name == "line":
            assert difference[~mask].mean() < 0.2 * difference[mask].mean()


def test_every_item_has_its_name_and_nothing_overlaps() -> None:
    for seed in range(4):
        photo = render_cloth(draw_cloth(seed), seed, (*EVERYTHING, "fleck", "fleck"))
        assert tuple(item.name for item in photo.items) == (*EVERYTHING, "fleck", "fleck")
        masks = masks_of(photo)
        for i, mask in enumerate(masks):
            assert not any((grown(mask, 2) & other).any() for other in masks[:i])


def test_touching_items_share_borders_but_no_pixels() -> None:
    names = ["button-toggle", "string", "button-two_holes", "fleck"]
    for seed in range(4):
        photo = render_cloth(draw_cloth(seed), seed, names, is_touching=True)
        assert [item.name for item in photo.items] == names
        masks = masks_of(photo)
        assert np.sum(masks, axis=0).max() == 1
        for i, mask in enumerate(masks[1:], 1):
            assert (grown(mask, 3) & np.any(masks[:i], axis=0)).any()


def test_the_last_named_lies_on_top() -> None:
    def area(names: list[str], which: str) -> list[int]:
        photos = [render_cloth(draw_cloth(s), s, names, is_touching=True) for s in range(6)]
        return [i.region.area_px for p in photos for i in p.items if i.name == which]

    # a button on top is whole: its area depends on nothing but its size
    on_top = area(["line", "button-shank"], "button-shank")
    below = area(["button-shank", "button-toggle"], "button-shank")
    assert min(on_top) >= np.pi * (31 * 0.92) ** 2 * 0.97
    assert min(below) < min(on_top)


def test_a_line_lies_under_everything() -> None:
    for seed in range(4):
        cloth = draw_cloth(seed)
        names = ["string", "line"]
        photo = render_cloth(cloth, seed, names, is_touching=True)
        thread, line = masks_of(photo)
        assert not (thread & line).any()
        assert (grown(thread, 2) & line).any()
        hidden = cv2.morphologyEx(line.view(np.uint8), cv2.MORPH_CLOSE, np.ones((9, 9))) > 0
        assert (hidden & thread).any()  # the thread interrupts the line, not the other way


def test_a_hole_lies_under_things_and_goes_through_lines() -> None:
    for seed in range(4):
        cloth = draw_cloth(seed)
        for names in (["button-shank", "hole"], ["hole", "button-shank"]):
            photo = render_cloth(cloth, seed, names, is_touching=True)
            button = masks_of(photo)[names.index("button-shank")]
            _, radius = cv2.minEnclosingCircle(np.argwhere(button).astype(np.float32))
            assert button.sum() > 0.97 * np.pi * radius**2  # it is round and whole
        torn, line = masks_of(render_cloth(cloth, seed, ["hole", "line"], is_touching=True))
        assert not (torn & line).any()
        assert (grown(torn, 16) & line).any()


def test_the_same_item_may_be_named_often() -> None:
    photo = render_cloth(draw_cloth(2), 1, ["button-shank"] * 3 + ["fleck"] * 3)
    boxes = {item.region.box_xyxy for item in photo.items}
    assert len(boxes) == 6


def test_places_and_turns_vary() -> None:
    cloth = draw_cloth(0)
    photos = [render_cloth(cloth, seed, ["button-toggle"], size_px=256) for seed in range(8)]
    boxes = np.array([photo.items[0].region.box_xyxy for photo in photos])
    assert np.ptp(boxes[:, :2], axis=0).min() > 50
    widths, heights = (boxes[:, 2:] - boxes[:, :2]).T
    assert np.ptp(widths / heights) > 0.5


def test_unknown_names_and_tiny_sizes_are_refused() -> None:
    with pytest.raises(ValueError, match=r"items must be of contamination.*hole.*got 'hail'"):
        render_cloth(draw_cloth(0), 0, ["hail"])
    with pytest.raises(ValueError, match="size_px must be at least 64, got 10; enlarge it"):
        render_cloth(draw_cloth(0), 0, size_px=10)
    with pytest.raises(ValueError, match="name fewer"):
        render_cloth(draw_cloth(0), 0, ["button-four_holes"] * 9, size_px=128)
