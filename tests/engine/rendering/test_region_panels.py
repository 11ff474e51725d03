from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from alignment.aligned import AlignedParts
from engine.regions.report import FoundRegion, RegionKind, RegionReport
from engine.regions.wording import found_classes, reason_line, total_line, verdict_line
from engine.rendering import labels
from engine.rendering.colors import EXTRA_COLOR, class_colors
from engine.rendering.labels import badge_size, draw_badge, place_badges
from engine.rendering.region_maps import color_of, draw_classes, draw_error, draw_novelty, error_top
from engine.rendering.region_panels import three_panels
from engine.report import Report
from features.parts import Parts
from features.region import Region

SIZE, UPRIGHT = (240, 360), (120, 180)  # of the image file and of the working image
NAMES = ("button", "string", "Knöpfe groß")
KINDS = ("accepted", "defect", "accepted")
BUTTON, STRING, UNKNOWN = (40, 40, 100, 100), (140, 140, 200, 200), (240, 40, 300, 100)


@pytest.fixture
def photo() -> np.ndarray:
    return np.random.default_rng(1).integers(60, 200, (*SIZE, 3), dtype=np.uint8)


def plain_report(total: float, size: tuple[int, int] = SIZE) -> Report:
    aligned = AlignedParts(
        parts=Parts(np.zeros(UPRIGHT, np.int64), np.array([True])),
        class_of_part=np.array([0]),
        cost=np.zeros(1),
        is_background_class=np.array([True]),
    )
    y, x = np.array(size) / UPRIGHT
    return Report(
        total=total,
        threshold=1.0,
        threshold_source="by hand",
        calibration="leave-one-out",
        scores={},
        normalised={},
        deviations=(),
        anomaly_map=np.zeros((12, 18), np.float32),
        missing_map=np.zeros((12, 18), np.float32),
        aligned=aligned,
        registered=np.zeros((*UPRIGHT, 3), np.uint8),
        nearest_reference=0,
        image_size=size,
        to_image=np.array([[x, 0, (x - 1) / 2], [0, y, (y - 1) / 2]]),
        seconds=0.1,
    )


def found(box: tuple[int, int, int, int], class_index: int, confidence: float = 0.9) -> FoundRegion:
    left, top, right, bottom = box
    name, kind = ("unknown", "unknown") if class_index < 0 else _class(class_index)
    region = Region(box, np.ones((bottom - top, right - left), bool))
    return FoundRegion(region, name, class_index, kind, confidence, 2.0)


def _class(index: int) -> tuple[str, RegionKind]:
    return NAMES[index % 3], ("accepted", "defect")[index % 3 == 1]


def region_report(
    *regions: FoundRegion, total: float = 0.5, size: tuple[int, int] = SIZE
) -> RegionReport:
    """The maps are those of the boxes; novelty is 2 and the error 0.2 in each."""
    novelty, error = np.zeros(UPRIGHT, np.float32), np.zeros(UPRIGHT)
    class_map = np.full(UPRIGHT, -2)
    for each in regions:
        x, y = np.array(size[::-1]) / UPRIGHT[::-1]
        left, top, right, bottom = np.array(each.region.box_xyxy) / (x, y, x, y)
        inside = np.s_[int(top) : int(np.ceil(bottom)), int(left) : int(np.ceil(right))]
        novelty[inside], error[inside], class_map[inside] = 2, 0.2, each.class_index
    return RegionReport(
        report=plain_report(total, size),
        plain=plain_report(2.0, size),
        regions=regions,
        class_names=NAMES,
        class_kinds=KINDS,
        class_colors=(0, 1, 4),
        novelty=novelty,
        class_map=class_map,
        error_map=error,
        max_unknown_novelty=0.0,
        alarm_above=1.15,
        seconds=0.2,
    )


@pytest.fixture
def report() -> RegionReport:
    return region_report(found(BUTTON, 0), found(STRING, 1), found(UNKNOWN, -1))


def grey(image: np.ndarray) -> np.ndarray:
    return np.repeat(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)[..., None], 3, axis=2)


def colored(drawn: np.ndarray) -> np.ndarray:
    return np.asarray(np.ptp(drawn.astype(int), axis=2) > 6)


def inner(box: tuple[int, int, int, int]) -> tuple[slice, slice]:
    left, top, right, bottom = box
    return np.s_[top + 12 : bottom - 12, left + 12 : right - 12]


class TestMaps:
    @pytest.mark.parametrize("draw", [draw_novelty, draw_classes, draw_error])
    def test_input_stays_and_where_nothing_is_new_there_is_only_grey(
        self, draw, photo, report
    ) -> None:
        before = photo.copy()
        drawn = draw(photo, report)
        assert drawn.shape == photo.shape
        assert np.array_equal(photo, before)
        far = np.s_[215:, :120]
        assert np.array_equal(drawn[far], grey(photo)[far])
        assert np.array_equal(draw(photo, region_report()), grey(photo))

    def test_each_region_has_the_color_of_its_class(self, photo, report) -> None:
        drawn = draw_classes(photo, report).astype(int)
        for box, number in ((BUTTON, 0), (STRING, 1)):
            color = class_colors(9)[number].astype(int)
            expected = grey(photo)[inner(box)] * 0.45 + 0.55 * color
            assert np.abs(drawn[inner(box)] - expected).max() <= 1
        assert color_of(report, 2) == tuple(class_colors(5)[4].tolist())
        assert color_of(report, -1) == EXTRA_COLOR

    def test_an_unknown_region_is_hatched_and_only_that(self, photo, report) -> None:
        drawn = draw_classes(photo, report)
        shares = [colored(drawn)[inner(box)].mean() for box in (BUTTON, STRING, UNKNOWN)]
        assert shares[:2] == [1, 1]
        assert 0.3 < shares[2] < 0.7

    def test_kinds_are_told_without_color(self, photo) -> None:
        """All in one colour, a defect has the thicker rim."""
        same = replace(region_report(), class_colors=(0, 0, 0))
        accepted, defect = (
            draw_classes(photo, replace(same, regions=(found(BUTTON, index),))) for index in (0, 1)
        )
        assert np.array_equal(accepted[inner(BUTTON)], defect[inner(BUTTON)])
        rim = [
            int((each != grey(photo)).any(axis=2)[85, 30:40].sum()) for each in (accepted, defect)
        ]
        assert rim[1] > rim[0] > 0

    def test_tokens_of_another_class_show_within_their_region(self, photo, report) -> None:
        class_map = report.class_map.copy()
        class_map[30:40, 30:40] = 1  # working pixels: a part of the button
        seen = draw_classes(photo, replace(report, class_map=class_map))
        other = np.s_[64:76, 64:76]
        expected = grey(photo)[other] * 0.45 + 0.55 * class_colors(2)[1].astype(int)
        assert np.abs(seen[other].astype(int) - expected).max() <= 1
        changed = (seen != draw_classes(photo, report)).any(axis=2)
        assert not changed[:58].any()
        assert not changed[82:].any()

    @pytest.mark.parametrize("draw", [draw_novelty, draw_classes, draw_error])
    def test_a_region_of_a_pixel_gets_a_ring(self, draw, photo) -> None:
        tiny = replace(
            region_report(found((200, 120, 201, 121), 1)), novelty=np.zeros(UPRIGHT, np.float32)
        )
        changed = (draw(photo, tiny) != grey(photo)).any(axis=2)
        assert changed[108:133, 188:213].sum() > 60
        assert not changed[:100, :180].any()

    @pytest.mark.parametrize("draw", [draw_novelty, draw_classes, draw_error])
    def test_a_reduced_photograph_has_its_regions_in_the_same_places(self, draw, photo) -> None:
        large = region_report(found((400, 400, 1000, 1000), 0), size=(2400, 3600))
        drawn = draw(photo, large)
        assert colored(drawn)[inner((40, 40, 100, 100))].all()
        assert np.array_equal(drawn[150:], grey(photo)[150:])

    def test_maps_follow_a_turned_image(self, photo, report) -> None:
        """A working image that lies on its head is brought back to the photograph."""
        turn = np.array([[-2.0, 0, 358.5], [0, -2.0, 238.5]])
        turned = replace(
            report,
            report=replace(report.report, to_image=turn),
            novelty=np.ascontiguousarray(report.novelty[::-1, ::-1]),
            class_map=np.ascontiguousarray(report.class_map[::-1, ::-1]),
            error_map=np.ascontiguousarray(report.error_map[::-1, ::-1]),
        )
        for draw in (draw_novelty, draw_classes, draw_error):
            difference = np.abs(draw(photo, turned).astype(int) - draw(photo, report))
            assert (difference > 2).any(axis=2).mean() < 0.01

    @pytest.mark.parametrize(
        ("error", "top"), [(0, 0.1), (0.1, 0.1), (0.11, 0.25), (0.3, 0.5), (0.6, 1), (1, 1)]
    )
    def test_the_scale_of_errors_holds_them_all(self, report, error, top) -> None:
        assert error_top(replace(report, error_map=np.full(UPRIGHT, float(error)))) == top

    def test_larger_errors_are_lighter(self, photo, report) -> None:
        error = report.error_map.copy()
        error[:, 90:] *= 0.5
        flat = np.full_like(photo, 120)
        drawn = grey(draw_error(flat, replace(report, error_map=error)))
        assert drawn[inner(BUTTON)].mean() > drawn[inner(UNKNOWN)].mean()


class TestPanels:
    def test_three_panels_stand_side_by_side(self, photo, report) -> None:
        picture = three_panels(photo, report)
        assert picture.shape[1] == 2400
        rows = np.s_[160:640]
        for left in (12, 808, 1604):
            assert (picture[rows, left : left + 784] < 250).all(axis=2).mean() > 0.5
            assert (picture[rows, left - 10 : left - 2] == 255).all()

    def test_panels_differ_and_no_region_leaves_them_the_same(self, photo, report) -> None:
        def cut(picture: np.ndarray) -> list[np.ndarray]:
            return [picture[130:600, x : x + 784] for x in (12, 808, 1604)]

        novelty, classes, error = cut(three_panels(photo, report))
        assert (novelty != classes).any()
        assert (classes != error).any()
        novelty, classes, error = cut(three_panels(photo, region_report()))
        assert np.array_equal(novelty, classes)
        assert np.array_equal(classes, error)

    @pytest.mark.parametrize("size", [(1200, 3600), (3000, 300), (40, 900), (6, 6)])
    def test_photographs_of_any_shape(self, size, report) -> None:
        box = (0, 0, max(1, size[1] // 4), max(1, size[0] // 4))
        picture = three_panels(
            np.full((*size, 3), 90, np.uint8), region_report(found(box, 0), size=size)
        )
        assert picture.shape[1] == 2400
        assert picture.shape[0] < 1700

    def test_the_legend_grows_with_the_classes(self, photo) -> None:
        many = tuple(found((10 + 20 * i, 20, 22 + 20 * i, 40), i) for i in range(15))
        wide = replace(
            region_report(*many),
            class_names=tuple(f"class {i}" for i in range(15)),
            class_kinds=("defect",) * 15,
            class_colors=tuple(range(15)),
        )
        few = region_report(*many[:3])
        assert three_panels(photo, wide).shape[0] > three_panels(photo, few).shape[0] + 200

    def test_long_names_do_not_leave_their_column(self, photo, report) -> None:
        endless = "many words " * 40
        named = replace(
            report, regions=tuple(replace(each, class_name=endless) for each in report.regions)
        )
        picture = three_panels(photo, named)
        assert picture.shape == three_panels(photo, report).shape
        assert (picture[:, -10:] == 255).all()


class TestChips:
    def test_marks_differ_by_kind(self) -> None:
        drawn = {}
        for kind in ("accepted", "defect", "unknown"):
            drawn[kind] = np.full((60, 120, 3), 255, np.uint8)
            draw_badge(drawn[kind], (60, 30), 40, "7", kind, (0, 90, 180))
        for one, other in (("accepted", "defect"), ("defect", "unknown"), ("accepted", "unknown")):
            assert (drawn[one] != drawn[other]).any(axis=2).sum() > 50

    def test_plates_stay_inside_and_apart_while_there_is_room(self) -> None:
        boxes = [(5.0, 5.0, 20.0, 20.0)] * 3 + [(380.0, 280.0, 399.0, 299.0)]
        sizes = [badge_size(str(i), 20) for i in range(4)]
        places = place_badges(boxes, sizes, np.zeros((300, 400), bool))
        count = np.zeros((300, 400), int)
        for (x, y), (width, height) in zip(places, sizes, strict=True):
            assert width / 2 < x < 400 - width / 2
            assert height / 2 < y < 300 - height / 2
            count[
                round(y - height / 2) : round(y + height / 2),
                round(x - width / 2) : round(x + width / 2),
            ] += 1
        assert count.max() == 1

    def test_plates_avoid_what_is_taken(self) -> None:
        is_taken = np.zeros((200, 200), bool)
        is_taken[:80, 120:] = True  # where the plate would be else
        ((x, y),) = place_badges([(80, 80, 120, 120)], [(40, 20)], is_taken)
        assert x + 20 <= 120 or y - 10 >= 80


class TestLettering:
    @pytest.mark.parametrize(
        "text", ["button", "Knöpfe groß", "ножницы", "穴 9", "a\nb\t", "", "مفتاح"]
    )
    def test_any_text_can_be_written(self, text) -> None:
        paper = np.full((60, 400, 3), 255, np.uint8)
        written = labels.write(paper, [((5, 5), text, (0, 0, 0))], 24)
        assert (written < 128).any() == bool(text)
        assert (paper == 255).all()

    def test_letters_that_no_font_has_are_replaced(self, monkeypatch) -> None:
        """With the font alone that comes with Pillow."""
        monkeypatch.setattr(labels, "_FILES", ())
        labels._fonts.cache_clear()
        try:
            _, letters = labels._fit("Knöpfe groß 2 × 穴", 21)
        finally:
            labels._fonts.cache_clear()
        assert letters == "Knopfe gross 2 x [U+7A74]"

    @pytest.mark.parametrize("width_px", [40, 100, 300])
    def test_a_text_is_cut_to_its_room_and_no_more(self, width_px) -> None:
        text = "a class with quite some words in its name"
        cut = labels.shortened(text, width_px, 24)
        assert labels.text_width(cut, 24) <= width_px
        assert cut.endswith("…")
        assert text.startswith(cut[:-1])
        longer = text[: len(cut) + 1] + "…"
        assert labels.text_width(longer, 24) > width_px
        assert labels.shortened(text, 2000, 24) == text


class TestWording:
    @pytest.mark.parametrize(
        ("classes", "total", "line"),
        [
            ((), 0.5, "normal"),
            ((0, 0), 0.5, "normal: only accepted novelties (2 × button)"),
            ((1, -1), 0.5, "anomaly: string; 1 unknown region"),
            ((0, 1, 1, -1, -1), 0.5, "anomaly: 2 × string; 2 unknown regions; accepted: button"),
            ((), 1.5, "anomaly: the image as a whole"),
            ((2,), 1.5, "anomaly: the rest of the image as a whole; accepted: Knöpfe groß"),
        ],
    )
    def test_the_verdict_has_its_reason(self, classes, total, line) -> None:
        judged = region_report(*(found(BUTTON, index) for index in classes), total=total)
        assert verdict_line(judged) == line
        assert reason_line(judged) == line.partition(": ")[2]

    def test_totals_with_and_without_accepted_regions(self, report) -> None:
        assert total_line(report) == "0.5 without accepted regions, 2 with them"
        assert total_line(region_report(found(STRING, 1))) == "0.5"

    def test_classes_gather_their_regions_defects_first(self) -> None:
        judged = region_report(
            found(BUTTON, 0, 0.91), found(STRING, 1, 0.8), found(UNKNOWN, 0, 0.999)
        )
        string, button = found_classes(judged)
        assert (string.name, string.numbers, string.confidence) == ("string", (2,), "80 %")
        assert (button.name, button.numbers, button.confidence) == (
            "button",
            (1, 3),
            "91 to 100 %",
        )
