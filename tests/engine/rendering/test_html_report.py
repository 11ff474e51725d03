from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest

from alignment.aligned import AlignedParts
from alignment.transforms import about_center, compose
from engine.regions.report import FoundRegion, RegionReport
from engine.rendering.html_report import explain_page
from engine.report import Calibration, Deviation, ReferenceView, Report
from features.parts import Parts
from features.region import Region

SCORES = ("located_patch", "missing_patch", "class_histogram", "class_color", "instance_count")
NAMES = ("background", "board", "screw")
EVIL = "<script>alert('x')</script>"


def deviation(severity: float, **changes: object) -> Deviation:
    plain = Deviation(2, "screw", "missing", 4, 3, "", severity, (20, 30, 60, 70))
    return replace(plain, text=f"deviation of {severity}", **changes)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def report() -> Report:
    """A board with three screws of four, on a background, at half the photograph's size."""
    labels = np.zeros((96, 128), np.int64)
    labels[8:88, 12:116] = 1
    for part, (row, column) in enumerate([(16, 20), (16, 90), (64, 90)], start=2):
        labels[row : row + 16, column : column + 16] = part
    aligned = AlignedParts(
        parts=Parts(labels, np.array([True, False, False, False, False])),
        class_of_part=np.array([0, 1, 2, 2, 2]),
        cost=np.zeros(5),
        is_background_class=np.array([True, False, False]),
    )
    heat = np.zeros((12, 16), np.float32)
    heat[8:10, 3:5] = 2.4
    return Report(
        total=2.0,
        threshold=1.05,
        threshold_source="1.05 × the worst of 4 references",
        calibration="leave-one-out",
        scores=dict(zip(SCORES, (0.31, 0.87, 0.021, 0.4, 1.0), strict=True)),
        normalised=dict(zip(SCORES, (0.25, 1.1, 0.15, 0.0, 0.5), strict=True)),
        deviations=(deviation(1.2, kind="size", box_xyxy=None), deviation(3.4)),
        anomaly_map=heat / 4,
        missing_map=heat,
        aligned=aligned,
        registered=np.random.default_rng(3).integers(0, 256, (96, 128, 3), dtype=np.uint8),
        nearest_reference=1,
        image_size=(192, 256),
        to_image=np.array([[2, 0, 0.5], [0, 2, 0.5]]),
        seconds=0.0613,
    )


@pytest.fixture(scope="module")
def photo() -> np.ndarray:
    return np.random.default_rng(4).integers(0, 256, (192, 256, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def references(report: Report) -> list[ReferenceView]:
    class_map = report.aligned.class_map.copy()
    class_map[64:80, 20:36] = 2
    return [ReferenceView(f"good/{i}.png", report.registered, class_map) for i in range(3)]


@pytest.fixture(scope="module")
def page(photo: np.ndarray, report: Report, references: list[ReferenceView]) -> str:
    return explain_page([("test/a.png", photo, report)], references, NAMES)


class Elements(HTMLParser):
    """All start tags with their attributes, and whether every one is closed in order."""

    VOID = frozenset({"meta", "img", "link", "br", "input", "image", "use"})

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self._open: list[str] = []
        self.feed(page)
        assert not self._open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if not (self._open and self._open[-1] in ("style", "script")):
            self.texts.append(" ".join(data.split()))

    def attributes(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.found if name == tag]

    @property
    def text(self) -> str:
        return " ".join(text for text in self.texts if text)


def test_page_needs_nothing_from_elsewhere(page: str) -> None:
    elements = Elements(page)
    for _, attributes in elements.found:
        for name in ("src", "href", "srcset", "action", "data"):
            assert (attributes.get(name) or "#").startswith(("#", "data:image/"))
    assert not elements.attributes("link")
    assert not re.search(r"https?:|@import|url\(", page)


def test_every_picture_says_what_it_shows(page: str) -> None:
    elements = Elements(page)
    images = elements.attributes("img")
    assert len(images) == 4
    assert all("test/a.png" in (image["alt"] or "") for image in images)
    assert "A: deviation of 3.4" in (images[0]["alt"] or "")
    labelled = [svg for svg in elements.attributes("svg") if svg.get("role") == "img"]
    assert "good/1.png" in (labelled[0]["aria-label"] or "")


def test_every_picture_can_be_enlarged_by_keyboard(page: str) -> None:
    buttons = [each for each in Elements(page).attributes("button") if each["class"] == "zoom"]
    assert len(buttons) == 5
    assert all((button["aria-label"] or "").startswith("Enlarge: ") for button in buttons)


def test_every_target_of_a_link_exists(
    photo: np.ndarray, report: Report, references: list[ReferenceView]
) -> None:
    page = explain_page([(name, photo, report) for name in "abc"], references, NAMES)
    elements = Elements(page)
    ids = [attributes["id"] for _, attributes in elements.found if "id" in attributes]
    assert len(ids) == len(set(ids))
    links = [each["href"] or "" for tag in ("a", "use") for each in elements.attributes(tag)]
    assert {link[1:] for link in links} <= set(ids)


def test_names_cannot_become_markup(
    photo: np.ndarray, report: Report, references: list[ReferenceView]
) -> None:
    evil = replace(
        report,
        threshold_source=EVIL,
        scores={EVIL: 1.0},
        normalised={EVIL: 2.0},
        deviations=(deviation(2.0, class_name=EVIL), replace(deviation(1.0), text=EVIL)),
    )
    evil_references = [replace(reference, name=EVIL) for reference in references]
    items = [(f'"{EVIL}', photo, evil), (EVIL, photo, evil)]
    page = explain_page(items, evil_references, [EVIL] * 3, title=EVIL)
    assert EVIL not in page
    assert len(Elements(page).attributes("script")) == 1  # the page's own
    assert EVIL in Elements(page).text


def test_every_score_appears_with_its_share_and_shares_sum_to_all(page: str) -> None:
    rows = re.findall(r'<tr class="(idle|)">(.*?)</tr>', page, re.DOTALL)
    names = [re.findall(r"<code>(.*?)</code>", row)[0] for _, row in rows]
    shares = [re.findall(r">([\d.]+) %<", row) for _, row in rows]
    assert names == [SCORES[index] for index in (1, 4, 0, 2, 3)]
    assert shares == [["55.0"], ["25.0"], ["12.5"], ["7.5"], []]
    assert [name for name, (state, _) in zip(names, rows, strict=True) if state] == ["class_color"]
    assert "inactive" in rows[-1][1]
    assert re.search(r"Total</th>.*?>2<.*?>100 %<", page, re.DOTALL)


def test_page_says_verdict_threshold_calibration_and_time(page: str) -> None:
    text = Elements(page).text
    for expected in (
        "1 image judged against 3 references: 1 anomaly, 0 normal",
        "Anomaly test/a.png",
        "2 total, threshold 1.05 (1.9 ×)",
        "1.05 × the worst of 4 references",
        "each reference was judged by the others",
        "256 × 192 px, judged in 0.0613 s",
        "3 found, 4 expected",
        "board 1 found, 1 in the reference",
    ):
        assert expected in text


def test_page_says_how_the_object_lies_if_it_was_turned(
    page: str, photo: np.ndarray, report: Report, references: list[ReferenceView]
) -> None:
    assert "relative to the references" not in page
    turn = about_center((192, 256), angle_rad=np.radians(137), scale=0.92)
    turned = replace(report, to_image=compose(turn, report.to_image))
    told = Elements(explain_page([("a.png", photo, turned)], references, NAMES)).text
    assert "Pose turned by 137°, ×0.92 relative to the references" in told


def test_deviations_come_worst_first(page: str) -> None:
    text = Elements(page).text
    assert text.index("A deviation of 3.4 missing 3.4 ×") < text.index("B deviation of 1.2 size")


@pytest.mark.parametrize(
    ("calibration", "words"),
    [
        ("leave-one-out", "judged by the others"),
        ("self-calibrated", "changed copies"),
        ("uncalibrated", "fixed scales"),
    ],
)
def test_calibration_is_put_in_words(
    calibration: Calibration,
    words: str,
    photo: np.ndarray,
    report: Report,
    references: list[ReferenceView],
) -> None:
    item = ("a", photo, replace(report, calibration=calibration))
    assert words in Elements(explain_page([item], references, NAMES)).text


@pytest.mark.parametrize(
    ("total", "words"), [(0.2, "Nothing. Whatever differs"), (1.2, "No single deviation stands")]
)
def test_without_deviations_the_page_says_so(
    total: float,
    words: str,
    photo: np.ndarray,
    report: Report,
    references: list[ReferenceView],
) -> None:
    item = ("a", photo, replace(report, total=total, deviations=()))
    assert words in Elements(explain_page([item], references, NAMES)).text


def test_several_images_keep_their_order_and_share_reference_pictures(
    photo: np.ndarray, report: Report, references: list[ReferenceView]
) -> None:
    normal = replace(report, total=0.4, deviations=())
    items = [(f"{i}.png", photo, normal if i % 2 else report) for i in (3, 1, 2)]
    page = explain_page(items, references, NAMES, title="Line 4")
    elements = Elements(page)
    assert "3 images judged against 3 references: 1 anomaly, 2 normal" in elements.text
    assert re.findall(r'<h2 id="name-\d">(.*?)</h2>', page) == ["3.png", "1.png", "2.png"]
    assert len(elements.attributes("symbol")) == 1
    assert len(elements.attributes("use")) == 3
    assert page.count("<title>Line 4</title>") == 1


def test_page_is_the_same_every_time(
    page: str, photo: np.ndarray, report: Report, references: list[ReferenceView]
) -> None:
    assert explain_page([("test/a.png", photo, report)], references, NAMES) == page


@pytest.mark.parametrize("shape", [(3000, 4000), (16, 900), (900, 16)])
def test_photographs_of_any_shape_are_reduced(
    shape: tuple[int, int], report: Report, references: list[ReferenceView]
) -> None:
    scale = np.array([[shape[1] / 128, 0, 0], [0, shape[0] / 96, 0]])
    item = ("a", np.zeros((*shape, 3), np.uint8), replace(report, image_size=shape, to_image=scale))
    assert len(explain_page([item], references, NAMES)) < 1_500_000


def test_zero_everywhere_divides_nothing(
    photo: np.ndarray, report: Report, references: list[ReferenceView]
) -> None:
    zero = dict.fromkeys(SCORES, 0.0)
    calm = replace(report, total=0.0, threshold=0.0, scores=zero, normalised=zero, deviations=())
    text = Elements(explain_page([("a", photo, calm)], references, NAMES)).text
    assert "Normal" in text
    assert "nan" not in text


def test_what_does_not_fit_together_is_refused(
    photo: np.ndarray, report: Report, references: list[ReferenceView]
) -> None:
    item = ("a.png", photo, report)
    with pytest.raises(ValueError, match="at least one image"):
        explain_page([], references, NAMES)
    with pytest.raises(ValueError, match=r"number 1, the nearest to a\.png, got 1 of them"):
        explain_page([item], references[:1], NAMES)
    with pytest.raises(ValueError, match=r"each of the 3 classes in the report on a\.png, got 2"):
        explain_page([item], references, NAMES[:2])


class TestRegions:
    @pytest.fixture
    def regions(self, report: Report) -> RegionReport:
        """An accepted screw, a defect and something unknown; without the screw all is normal."""
        square = np.ones((30, 40), bool)
        found = (
            FoundRegion(Region((20, 30, 60, 60), square), "screw", 0, "accepted", 0.93, 4.0),
            FoundRegion(Region((120, 30, 160, 60), square), EVIL, 1, "defect", 0.81, 2.5),
            FoundRegion(Region((20, 130, 60, 160), square), "unknown", -1, "unknown", 0.6, 1.5),
        )
        shape = report.registered.shape[:2]
        return RegionReport(
            report=replace(report, total=0.4, deviations=()),
            plain=report,
            regions=found,
            class_names=("screw", EVIL, "nut"),
            class_kinds=("accepted", "defect", "defect"),
            class_colors=(0, 1, 2),
            novelty=np.ones(shape, np.float32),
            class_map=np.full(shape, -2),
            error_map=np.zeros(shape),
            max_unknown_novelty=0.0,
            alarm_above=1.15,
            seconds=0.1,
        )

    @staticmethod
    def explained(
        photo: np.ndarray, regions: RegionReport, references: list[ReferenceView]
    ) -> Elements:
        page = explain_page([("a.png", photo, regions.report)], references, NAMES, [regions])
        assert EVIL not in page
        return Elements(page)

    def test_pictures_legend_and_table_are_on_the_page(
        self, photo: np.ndarray, regions: RegionReport, references: list[ReferenceView]
    ) -> None:
        elements = self.explained(photo, regions, references)
        alts = [image["alt"] or "" for image in elements.attributes("img")]
        assert len(alts) == 7
        assert all("a.png" in alt for alt in alts)
        (alt,) = (alt for alt in alts if alt.startswith("Classes of the regions"))
        assert " ".join(alt.split()) == (
            f"Classes of the regions of a.png; 1: screw, accepted, 2: {EVIL}, defect, "
            "3: unknown, of no class"
        )
        for expected in (
            "1 ✓ screw accepted 93 % 4 × 40 × 30 px at 20, 30",
            f"2 ✕ {EVIL} defect 81 % 2.5 × 40 × 30 px at 120, 30",
            "3 ? unknown of no class 60 % 1.5 ×",
            "✓ screw accepted, 1 found, 93 % sure",
            "Taught, but not found here: nut",
        ):
            assert expected in elements.text

    def test_their_verdict_holds_and_totals_are_told_apart(
        self, photo: np.ndarray, regions: RegionReport, references: list[ReferenceView]
    ) -> None:
        text = self.explained(photo, regions, references).text
        assert f"Anomaly : {EVIL}; 1 unknown region; accepted: screw a.png" in text
        assert "1 anomaly, 0 normal" in text
        assert "0.4 without accepted regions, 2 with them" in text
        assert "No part. What is new is shown by the regions below." in text

        calm = replace(regions, regions=regions.regions[:1])
        text = self.explained(photo, calm, references).text
        assert "Normal : only accepted novelties (screw) a.png" in text
        assert "0 anomalies, 1 normal" in text

    def test_an_image_without_regions_has_its_maps_and_says_so(
        self, photo: np.ndarray, regions: RegionReport, references: list[ReferenceView]
    ) -> None:
        elements = self.explained(photo, replace(regions, regions=()), references)
        assert len(elements.attributes("img")) == 7
        assert "Nothing is new here." in elements.text
        assert f"Taught, but not found here: screw, {EVIL}, nut" in elements.text

    def test_only_images_with_regions_show_them(
        self, photo: np.ndarray, regions: RegionReport, references: list[ReferenceView]
    ) -> None:
        items = [(name, photo, regions.report) for name in "ab"]
        elements = Elements(explain_page(items, references, NAMES, [None, regions]))
        assert elements.text.count("Regions that are new") == 1
        with pytest.raises(ValueError, match="each of the 2 images, got 1; give None"):
            explain_page(items, references, NAMES, [regions])
