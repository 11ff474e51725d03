"""Published walkthrough on a roll of rendered cloth, in figures.

1. Only normal cloth is known. 2. Buttons appear. 3. One button is accepted. 4. A new design
appears, and joins the class. 5. The defects get names; one that nobody has named stays unknown.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from engine.benchmark.regions.setup import ExaminedPhoto, TeachingSession, examine_all, mask_of
from engine.inspector import Inspector
from engine.regions.report import UNKNOWN, RegionReport
from engine.synthetic.cloth import BUTTONS, DEFECTS, UNTAUGHT, Cloth, draw_cloth, render_cloth
from features.progress import ProgressReporter
from features.region import Region

N_REFERENCES, N_VALIDATION = 8, 24
# a found region is about a thing if they overlap by this IoU, or most of it lies on the thing
LEAST_OVERLAP, MOSTLY = 0.25, 0.5


@dataclass(frozen=True)
class Counts:
    """Photographs of each kind that the walkthrough judges on one roll."""

    normal: int = 60
    of_each: int = 15


@dataclass
class RollResult:
    """What one roll of cloth gave; shares and means are 0 … 1."""

    seed: int
    weave: str
    figures: dict[str, float] = field(default_factory=dict)
    normal_scores: list[float] = field(default_factory=list)
    defect_scores: list[float] = field(default_factory=list)
    defect_names: list[str] = field(default_factory=list)
    confusion: dict[str, dict[str, dict[str, int]]] = field(default_factory=dict)


def take_roll(seed: int, inspector: Inspector, counts: Counts, tell: ProgressReporter) -> Roll:
    """Fit an inspector on normal cloth of the roll of this seed."""
    cloth = draw_cloth(seed)
    tell(f"{cloth.weave}: fitting", 0, 5)
    # photographs are numbered so that no two of a roll are ever the same
    references = [render_cloth(cloth, number).image for number in range(N_REFERENCES)]
    more = [render_cloth(cloth, 100 + number).image for number in range(N_VALIDATION)]
    inspector.fit(references, validation=more)
    return Roll(cloth, inspector, counts)


def walk_on(roll: Roll, tell: ProgressReporter) -> RollResult:
    """Go through all chapters on a roll."""
    cloth = roll.cloth
    result = RollResult(cloth.seed, cloth.weave)
    tell(f"{cloth.weave}: normal and defects", 1, 5)
    _detect(roll, result)
    tell(f"{cloth.weave}: buttons", 2, 5)
    _accept(roll, result)
    for number, n_examples in enumerate((1, 5)):
        tell(f"{cloth.weave}: defects by name", 3 + number, 5)
        name_defects(roll, result, n_examples)
    tell(f"{cloth.weave}: done", 5, 5)
    return result


class Roll:
    """Photographs of one roll, each rendered and examined once."""

    def __init__(self, cloth: Cloth, inspector: Inspector, counts: Counts) -> None:
        self.cloth, self.inspector, self.counts = cloth, inspector, counts
        self._shots: dict[tuple[str, ...], list[ExaminedPhoto]] = {}
        self._lessons: dict[str, list[ExaminedPhoto]] = {}

    @property
    def buttons(self) -> tuple[str, str]:
        """The design that is accepted, and the one that appears later."""
        first = self.cloth.seed % len(BUTTONS)
        return BUTTONS[first], BUTTONS[(first + 1) % len(BUTTONS)]

    def judged_by(self, inspector: Inspector) -> Roll:
        """Give the same photographs, as examined, to an inspector that recognises otherwise."""
        other = Roll(self.cloth, inspector, self.counts)
        other._shots, other._lessons = self._shots, self._lessons
        return other

    def shots(self, *items: str) -> list[ExaminedPhoto]:
        """Photographs to be judged with these items on each of them."""
        if items not in self._shots:
            first = 1000 * (2 + len(self._shots))
            n_shots = self.counts.of_each if items else self.counts.normal
            self._shots[items] = self._look(range(first, first + n_shots), items)
        return self._shots[items]

    def lessons(self, item: str, n_examples: int) -> list[ExaminedPhoto]:
        """Photographs to teach a thing from; never among those to be judged."""
        if item not in self._lessons:
            first = 100_000 + 1000 * len(self._lessons)
            self._lessons[item] = self._look(range(first, first + 5), (item,))
        return self._lessons[item][:n_examples]

    def _look(self, numbers: range, items: Sequence[str]) -> list[ExaminedPhoto]:
        photos = [render_cloth(self.cloth, number, items) for number in numbers]
        return examine_all(self.inspector, photos)


def _detect(roll: Roll, result: RollResult) -> None:
    """Chapter 1: tell cloth with a defect from cloth without."""
    with TeachingSession(roll.inspector) as station:
        normal = station.judge(roll.shots())
        result.normal_scores = [each.score for each in normal]
        result.figures["normal called normal"] = _share([not each.is_anomaly for each in normal])
        for name in DEFECTS:
            judged = station.judge(roll.shots(name))
            result.defect_scores += [each.score for each in judged]
            result.defect_names += [name] * len(judged)
            found = [each.is_anomaly for each in judged]
            result.figures[f"{name} called anomaly"] = _share(found)
    result.figures["defects called anomaly"] = _recall(result, list(DEFECTS))


def _accept(roll: Roll, result: RollResult) -> None:
    """Chapters 2 to 4: buttons are unknown, are accepted, and get a second design."""
    old, new = roll.buttons
    figures = result.figures
    with TeachingSession(roll.inspector) as station:
        before = station.judge(roll.shots(old))
        flagged = [
            each.is_anomaly and named(each, shot.photo.items[0].region) == UNKNOWN
            for each, shot in zip(before, roll.shots(old), strict=True)
        ]
        figures["2: button unknown"] = _share(flagged)
        for n_examples in (1, 3):
            shots = roll.lessons(old, n_examples)
            station.teach(shots[0], old, "button", "accepted")
            for shot in shots[1:]:
                station.teach(shot, old, "button", "accepted")
            measure_accepted(station, roll, old, figures, f"3: {n_examples} taught")
            if n_examples == 1:
                _measure_recall(station, roll, figures)
        before = station.judge(roll.shots(new))
        figures["4: new design unknown"] = _share(
            [
                named(each, shot.photo.items[0].region) == UNKNOWN
                for each, shot in zip(before, roll.shots(new), strict=True)
            ]
        )
        station.teach(roll.lessons(new, 1)[0], new, "button", "accepted")
        measure_accepted(station, roll, new, figures, "4: new design taught")
        measure_accepted(station, roll, old, figures, "4: old design still")


def measure_accepted(
    station: TeachingSession, roll: Roll, item: str, figures: dict[str, float], chapter: str
) -> None:
    """Note how well an accepted thing is found, and whether an image with it passes."""
    shots = roll.shots(item)
    judged = station.judge(shots)
    overlaps = []
    for report, shot in zip(judged, shots, strict=True):
        truth = shot.photo.items[0].region.over(report.report.image_size)
        overlaps.append(_iou(mask_of(report, ["button"]) > 0, truth))
    figures[f"{chapter}, pixel IoU"] = float(np.mean(overlaps))
    figures[f"{chapter}, image normal"] = _share([not each.is_anomaly for each in judged])


def _measure_recall(station: TeachingSession, roll: Roll, figures: dict[str, float]) -> None:
    """Judge all defects again, now that something is accepted."""
    found = [each.is_anomaly for name in DEFECTS for each in station.judge(roll.shots(name))]
    figures["3: defects called anomaly"] = _share(found)


def name_defects(roll: Roll, result: RollResult, n_examples: int) -> None:
    """Chapter 5: name the defects, and see one that has no name."""
    chapter = f"5: {n_examples} taught"
    with TeachingSession(roll.inspector) as station:
        for name in DEFECTS:
            for shot in roll.lessons(name, n_examples):
                station.teach(shot, name, name, "defect")
        confusion = {name: dict.fromkeys((*DEFECTS, UNKNOWN), 0) for name in (*DEFECTS, *UNTAUGHT)}
        truths, masks = [], []
        for name in (*DEFECTS, *UNTAUGHT):
            for report, shot in zip(station.judge(roll.shots(name)), roll.shots(name), strict=True):
                truth = shot.photo.items[0].region
                confusion[name][named(report, truth)] += 1
                if name in DEFECTS:
                    number = DEFECTS.index(name) + 1
                    truths.append(truth.over(report.report.image_size) * np.uint8(number))
                    masks.append(mask_of(report, DEFECTS))
    right = [confusion[name][name] for name in DEFECTS]
    n_unknown = sum(confusion[name][UNKNOWN] for name in UNTAUGHT)
    n_untaught = sum(sum(confusion[name].values()) for name in UNTAUGHT)
    n_all = n_untaught + sum(sum(confusion[name].values()) for name in DEFECTS)
    result.figures[f"{chapter}, region accuracy"] = (sum(right) + n_unknown) / n_all
    result.figures[f"{chapter}, pixel macro-F1"] = _macro_f1(truths, masks, len(DEFECTS))
    result.figures[f"{chapter}, untaught unknown"] = n_unknown / n_untaught
    result.confusion[chapter] = confusion


def named(report: RegionReport, truth: Region) -> str:
    """Return what is said of a thing: the class of the region that is about it; else unknown."""
    best, name = 0.0, UNKNOWN
    for each in report.regions:
        overlap = each.region.iou(truth)
        n_both = overlap * (each.region.area_px + truth.area_px) / (1 + overlap)
        share = n_both / each.region.area_px
        # pieces of a thing are about it, too; the largest speaks
        if (overlap >= LEAST_OVERLAP or share >= MOSTLY) and n_both > best:
            best, name = n_both, each.class_name
    return name


def _macro_f1(truths: Sequence[np.ndarray], masks: Sequence[np.ndarray], n_classes: int) -> float:
    """Return the F1 over the pixels of all images together, averaged over the classes."""
    scores = []
    for number in range(1, n_classes + 1):
        n_both = sum(
            int(((truth == number) & (mask == number)).sum())
            for truth, mask in zip(truths, masks, strict=True)
        )
        n_truth = sum(int((truth == number).sum()) for truth in truths)
        n_mask = sum(int((mask == number).sum()) for mask in masks)
        scores.append(2 * n_both / max(1, n_truth + n_mask))
    return float(np.mean(scores))


def _iou(one: np.ndarray, other: np.ndarray) -> float:
    return float((one & other).sum() / max(1, (one | other).sum()))


def _share(found: Sequence[bool]) -> float:
    return float(np.mean(found))


def _recall(result: RollResult, names: list[str]) -> float:
    return float(np.mean([result.figures[f"{name} called anomaly"] for name in names]))
