"""Folders of labelled boxes: reading, covering, drawing, and measuring both modes."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from engine.benchmark.datasets import DatasetError
from engine.benchmark.regions.box_judging import box_iou, is_about
from engine.benchmark.regions.inpainting import cover, normal_photos
from engine.benchmark.regions.labels import LabelledBox, group_of
from engine.benchmark.regions.photographs import BoxedResult, draw_split, find_boxes, measure
from engine.config import Config
from engine.inspector import Inspector
from features.region import Region

SIZE = 96
COLORS = {"bright": (250, 250, 250), "dark": (10, 10, 10)}


def weave(rng: np.random.Generator) -> np.ndarray:
    """Cloth: two directions of threads, noise, and light that falls off."""
    rows, columns = np.mgrid[:SIZE, :SIZE]
    threads = 10 * np.sin(rows * 1.3) + 10 * np.sin(columns * 1.1)
    grey = 110 + threads + 0.3 * columns + rng.normal(0, 3, (SIZE, SIZE))
    return np.repeat(np.clip(grey, 0, 255).astype(np.uint8)[..., None], 3, axis=2)


def write_set(root: Path, n_groups: int = 3, n_copies: int = 2) -> Path:
    """Write photographs of cloth, each with one square, in copies as an export names them."""
    rng = np.random.default_rng(0)
    (root / "classes.txt").write_text("\n".join(COLORS))
    for kind in ("images", "labels"):
        (root / "part" / kind).mkdir(parents=True)
    for index, (name, color) in enumerate(COLORS.items()):
        for group in range(n_groups):
            image = weave(rng)
            x, y = rng.integers(16, SIZE - 32, 2).tolist()
            image[y : y + 12, x : x + 12] = color
            for copy in range(n_copies):
                stem = f"{name}{group}_jpg.rf.{group}{copy}abcdef"
                turned = np.rot90(image, 2 * copy)
                cx, cy = ((each + 6) / SIZE for each in (x, y))
                if copy % 2:
                    cx, cy = 1 - cx, 1 - cy
                Image.fromarray(turned).save(root / "part" / "images" / f"{stem}.png")
                line = f"{index} {cx} {cy} {12 / SIZE} {12 / SIZE}"  # ends without a newline
                (root / "part" / "labels" / f"{stem}.txt").write_text(line)
    return root


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_set(tmp_path)


def small_inspector() -> Inspector:
    return Inspector(Config(working_area_px=96 * 96))


class TestFindBoxes:
    def test_reads_what_was_written(self, folder: Path) -> None:
        found = find_boxes(folder)
        assert found.class_names == ("bright", "dark")
        assert len(found.photos) == 12
        assert [photo.path for photo in found.photos] == sorted(p.path for p in found.photos)
        assert found.groups_of(0) == ["bright0", "bright1", "bright2"]
        for photo in found.photos:
            box = photo.boxes[0].region((SIZE, SIZE))
            assert box.area_px == 144
            pixels = np.asarray(Image.open(photo.path))[box.over((SIZE, SIZE))]
            assert np.all(pixels == COLORS[found.class_names[photo.boxes[0].class_index]])

    @pytest.mark.parametrize(
        ("stem", "group"),
        [
            ("a1_jpg.rf.09ab", "a1"),
            ("a1_PNG.rf.09ab", "a1"),
            ("a1 (2)_jpg.rf.09ab", "a1"),
            ("a1 - Copy (3)", "a1"),
            ("a1_copy2", "a1"),
            ("a1_2", "a1_2"),
            ("a_jpg.rf.xyz", "a_jpg.rf.xyz"),
        ],
    )
    def test_groups_copies_but_not_numbers(self, stem: str, group: str) -> None:
        assert group_of(stem) == group

    def test_an_empty_file_says_that_nothing_is_there(self, folder: Path) -> None:
        first = find_boxes(folder).photos[0].path
        (folder / "part" / "labels" / f"{first.stem}.txt").write_text("\n")
        assert find_boxes(folder).photos[0].boxes == ()

    @pytest.mark.parametrize(
        ("line", "problem"),
        [
            ("0 .5 .5 .1", "4 fields"),
            ("2 .5 .5 .1 .1", "there are 2 classes"),
            ("-1 .5 .5 .1 .1", "there are 2 classes"),
            ("x .5 .5 .1 .1", "invalid literal"),
            ("0 .5 .5 nan .1", "positive numbers"),
            ("0 .5 .5 0 .1", "positive numbers"),
            ("0 .95 .5 .2 .1", "within 0 … 1"),
        ],
    )
    def test_names_a_line_that_is_no_box(self, folder: Path, line: str, problem: str) -> None:
        path = next((folder / "part" / "labels").iterdir())
        path.write_text("0 .5 .5 .1 .1\n" + line)
        with pytest.raises(DatasetError, match=f"{path.name}, entry 2.*{problem}"):
            find_boxes(folder)

    def test_refuses_folders_that_are_no_such_set(self, folder: Path, tmp_path: Path) -> None:
        with pytest.raises(DatasetError, match="no such folder"):
            find_boxes(tmp_path / "nowhere")
        with pytest.raises(DatasetError, match="no list of classes"):
            find_boxes(folder / "part")
        some = next((folder / "part" / "labels").iterdir())
        image = folder / "part" / "images" / f"{some.stem}.png"
        image.rename(tmp_path / "away.png")
        with pytest.raises(DatasetError, match=r"no image for .*\.txt"):
            find_boxes(folder)
        (folder / "classes.txt").write_text("a\na\n")
        with pytest.raises(DatasetError, match="none twice"):
            find_boxes(folder)

    def test_a_box_has_a_pixel_however_small_and_wherever(self) -> None:
        for edges in ((0.0, 0.0, 1e-6, 1e-6), (1 - 1e-6, 1 - 1e-6, 1.0, 1.0)):
            assert LabelledBox(0, edges).region((40, 30)).area_px == 1


class TestCover:
    def test_the_thing_is_gone_and_nothing_else_changed(self) -> None:
        plain = weave(np.random.default_rng(3))
        for x, y in ((20, 16), (0, 0), (SIZE - 14, 50)):
            marked = plain.copy()
            marked[y : y + 14, x : x + 14] = 255
            box = Region((x, y, x + 14, y + 14), np.ones((14, 14), dtype=bool))
            covered = cover(marked, [box])
            assert covered is not None
            inside = covered[y : y + 14, x : x + 14].astype(float)
            assert abs(inside.mean() - plain[y : y + 14, x : x + 14].mean()) < 8
            assert 0.6 < inside.std() / plain[y : y + 14, x : x + 14].std() < 1.6
            far = np.ones((SIZE, SIZE), dtype=bool)
            far[max(0, y - 17) : y + 31, max(0, x - 17) : x + 31] = False
            np.testing.assert_array_equal(covered[far], marked[far])

    def test_no_patch_of_another_thing_is_used(self) -> None:
        image = weave(np.random.default_rng(4))
        boxes = []
        for x, y in ((10, 10), (60, 20), (30, 65)):
            image[y : y + 10, x : x + 10] = 255
            boxes.append(Region((x, y, x + 10, y + 10), np.ones((10, 10), dtype=bool)))
        covered = cover(image, boxes)
        assert covered is not None
        assert covered.max() < 200

    def test_nothing_can_cover_nearly_all(self) -> None:
        image = weave(np.random.default_rng(5))
        for side in (60, SIZE):
            box = Region((0, 0, side, side), np.ones((side, side), dtype=bool))
            assert cover(image, [box]) is None


class TestNormalPhotos:
    def test_leaves_out_what_stands_out_without_a_box(self, folder: Path) -> None:
        photos = find_boxes(folder).photos
        image = np.asarray(Image.open(photos[4].path)).copy()
        image[44:52, 44:52] = (250, 0, 0)
        Image.fromarray(image).save(photos[4].path)
        normal = normal_photos(photos)
        assert len(normal) == 9  # three quarters of twelve
        assert not any((each[..., 0].astype(int) - each[..., 1] > 100).any() for each in normal)
        assert max(int(each.max()) for each in normal) < 220

    def test_refuses_when_hardly_any_can_be_covered(self, folder: Path) -> None:
        with pytest.raises(DatasetError, match="only 1 of 1 photographs can be made normal"):
            normal_photos(find_boxes(folder).photos[:1])


class TestDraw:
    def test_copies_are_on_one_side_and_lessons_cover_all_classes(self, folder: Path) -> None:
        found = find_boxes(folder)
        for seed in range(5):
            drawn = draw_split(found, 2, np.random.default_rng(seed))
            learnt = {photo.group for photo in drawn.learnt}
            judged = {photo.group for photo in drawn.judged}
            assert not learnt & judged
            assert len(drawn.learnt) + len(drawn.judged) == len(found.photos)
            taught = [photo.group for lesson in drawn.lessons for photo, _ in lesson]
            assert sorted(taught) == sorted(learnt)
            for lesson in drawn.lessons:
                assert [box.class_index for _, box in lesson] == [0, 1]

    def test_a_photograph_of_two_classes_is_drawn_once(self, folder: Path) -> None:
        labels = folder / "part" / "labels"
        for path in labels.glob("dark0*"):
            path.write_text(path.read_text() + "\n0 .1 .1 .05 .05")
        found = find_boxes(folder)
        assert found.groups_of(0) == ["bright0", "bright1", "bright2", "dark0"]
        for seed in range(8):
            drawn = draw_split(found, 2, np.random.default_rng(seed))
            taught = [photo.group for lesson in drawn.lessons for photo, _ in lesson]
            assert len(set(taught)) == 4
            for lesson in drawn.lessons:
                for photo, box in lesson:
                    assert box in photo.boxes


class TestIsAbout:
    BOX = Region((10, 10, 50, 30), np.ones((20, 40), dtype=bool))

    @pytest.mark.parametrize(
        ("box_xyxy", "expected"),
        [
            ((10, 10, 50, 30), True),
            ((10, 10, 20, 20), True),  # all within, over an eighth
            ((10, 10, 18, 18), False),  # all within, over less than a tenth
            ((45, 10, 90, 30), False),  # mostly elsewhere
            ((60, 10, 90, 30), False),
            ((0, 0, 60, 40), True),  # a third of it
            ((0, 0, 96, 96), False),
        ],
    )
    def test_by_overlap_or_by_part(
        self, box_xyxy: tuple[int, int, int, int], expected: bool
    ) -> None:
        left, top, right, bottom = box_xyxy
        region = Region(box_xyxy, np.ones((bottom - top, right - left), dtype=bool))
        assert is_about(region, self.BOX) is expected

    def test_overlap_is_that_of_filled_masks(self) -> None:
        rng = np.random.default_rng(1)
        for _ in range(20):
            boxes = []
            for _ in range(2):
                x, y = rng.integers(0, 20, 2).tolist()
                width, height = rng.integers(1, 20, 2).tolist()
                mask = np.ones((height, width), dtype=bool)
                boxes.append(Region((x, y, x + width, y + height), mask))
            naive = boxes[0].iou(boxes[1])
            assert math.isclose(box_iou(boxes[0].box_xyxy, boxes[1].box_xyxy), naive)


class TestMeasure:
    def test_plain_squares_are_found_and_named(self, folder: Path) -> None:
        told: list[str] = []
        results = measure(
            find_boxes(folder),
            small_inspector,
            shots=(2, 1),
            seeds=(3,),
            tell=lambda text, done, total: told.append(text),
        )
        assert told == ["seed 3: fitting", "seed 3: judging", "done"]
        assert [(each.n_shots, each.mode) for each in results] == [
            (n_shots, mode) for n_shots in (1, 2) for mode in ("given the box", "end to end")
        ]
        for each in results:
            self._check(each)

    def _check(self, result: BoxedResult) -> None:
        counts = result.confusion
        assert {name: sum(row.values()) for name, row in counts.items()} == {"bright": 2, "dark": 2}
        right = sum(row[name] for name, row in counts.items()) / 4
        if result.mode == "given the box":
            assert result.figures["accuracy"] == right == 1.0
            assert result.figures["accuracy with reject"] <= 1.0
            assert result.figures["chance: any"] == result.figures["chance: the commonest"] == 0.5
        else:
            assert result.figures["found"] == 1.0
            assert result.figures["right"] == right
            assert result.figures["found"] >= right + result.figures["found and unknown"]

    def test_refuses_more_shots_than_leave_something_to_judge(self, folder: Path) -> None:
        with pytest.raises(DatasetError, match=r"'bright' is on 3 .* more than 3; add photographs"):
            measure(find_boxes(folder), small_inspector, shots=(1, 3))
