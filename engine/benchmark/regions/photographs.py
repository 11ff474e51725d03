"""Few-shot recognition of things on photographs whose boxes are known.

Two modes. *Given the box*: what is in it is to be named. *End to end*: it is to be found, too.

For each seed, groups of photographs are drawn to learn from, as many of each class as the most
shots; all others are judged. Where a set has no normal photograph, those to learn from become
normal by covering their boxes: they are the references, and what the threshold is set by.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from engine.benchmark.datasets import DatasetError
from engine.benchmark.regions.box_judging import BoxVerdict, DescribedPhoto, Teacher
from engine.benchmark.regions.inpainting import normal_photos
from engine.benchmark.regions.labels import BoxedPhoto, BoxedSet, LabelledBox, find_boxes
from engine.benchmark.regions.setup import TeachingSession
from engine.inspector import Inspector
from engine.regions.report import UNKNOWN
from features.progress import ProgressReporter, silent

__all__ = ["BoxedResult", "BoxedSet", "find_boxes", "measure"]

N_REFERENCES = 8

Mode = Literal["given the box", "end to end"]
Confusion = Mapping[str, Mapping[str, int]]


@dataclass(frozen=True)
class BoxedResult:
    """What one mode gave with one draw; ``confusion[truth][said]`` counts boxes.

    All ``figures`` but "false regions an image" are shares of the judged boxes, 0 … 1.
    """

    n_shots: int
    seed: int
    mode: Mode
    figures: Mapping[str, float]
    confusion: Confusion


@dataclass(frozen=True)
class LessonSplit:
    """Photographs to learn from and others; ``lessons[i]`` teaches one example of each class."""

    lessons: tuple[tuple[tuple[BoxedPhoto, LabelledBox], ...], ...]
    learnt: tuple[BoxedPhoto, ...]
    judged: tuple[BoxedPhoto, ...]


def measure(
    boxed: BoxedSet,
    make_inspector: Callable[[], Inspector],
    shots: Sequence[int] = (1, 3, 5),
    seeds: Sequence[int] = (0, 1, 2, 3, 4),
    tell: ProgressReporter = silent,
) -> list[BoxedResult]:
    """Teach and judge in both modes, for every seed and every number of examples a class.

    Photographs without a box have no part in it.

    Raises:
        DatasetError: A class is on too few photographs, or hardly any can be made normal.
        ImageError: A photograph cannot be read.
    """
    _check(boxed, max(shots))
    results = []
    for number, seed in enumerate(seeds):
        tell(f"seed {seed}: fitting", number, len(seeds))
        drawn = draw_split(boxed, max(shots), np.random.default_rng([seed, 6]))
        normal = normal_photos(drawn.learnt)
        inspector = make_inspector().fit(normal[:N_REFERENCES], validation=normal[N_REFERENCES:])
        tell(f"seed {seed}: judging", number, len(seeds))
        results += _judged(boxed, drawn, inspector, sorted(set(shots)), seed)
    tell("done", len(seeds), len(seeds))
    return results


def draw_split(boxed: BoxedSet, n_shots: int, rng: np.random.Generator) -> LessonSplit:
    """Draw groups to learn from, an example on each; copies of a photograph go together."""
    examples, taken = [], set[str]()
    for class_index in range(len(boxed.class_names)):
        free = [each for each in boxed.groups_of(class_index) if each not in taken]
        groups = [free[i] for i in rng.permutation(len(free))[:n_shots]]
        taken |= set(groups)
        examples.append([_example(boxed, group, class_index, rng) for group in groups])
    learnt = tuple(photo for photo in boxed.photos if photo.group in taken)
    judged = tuple(photo for photo in boxed.photos if photo.group not in taken)
    return LessonSplit(tuple(zip(*examples, strict=True)), learnt, judged)


def _example(
    boxed: BoxedSet, group: str, class_index: int, rng: np.random.Generator
) -> tuple[BoxedPhoto, LabelledBox]:
    """Draw a box of a class from the photographs of a group."""
    every = [
        (photo, box)
        for photo in boxed.photos
        for box in photo.boxes
        if photo.group == group and box.class_index == class_index
    ]
    return every[rng.integers(len(every))]


def _judged(
    boxed: BoxedSet, drawn: LessonSplit, inspector: Inspector, shots: Sequence[int], seed: int
) -> list[BoxedResult]:
    results, n_taught = [], 0
    with TeachingSession(inspector) as station:
        teacher = Teacher(station.recogniser, boxed.class_names)
        subjects = [teacher.subject(photo) for photo in drawn.judged if photo.boxes]
        for n_shots in shots:
            for lesson in drawn.lessons[n_taught:n_shots]:
                for photo, box in lesson:
                    teacher.teach(photo, box)
            n_taught = n_shots
            verdicts = [teacher.judge(each) for each in subjects]
            results += [
                BoxedResult(n_shots, seed, "given the box", *_given(boxed, subjects, verdicts)),
                BoxedResult(n_shots, seed, "end to end", *_found(boxed, subjects, verdicts)),
            ]
    return results


def _given(
    boxed: BoxedSet, subjects: Sequence[DescribedPhoto], verdicts: Sequence[BoxVerdict]
) -> tuple[dict[str, float], Confusion]:
    truth = _truth(subjects)
    shares = np.concatenate([each.shares for each in verdicts])
    plain = np.concatenate([each.plain_shares for each in verdicts])
    said = shares.argmax(axis=1)
    is_sure = shares.max(axis=1) >= verdicts[0].same_above
    figures = {
        "accuracy": _mean(said == truth),
        "accuracy, mean of classes": _mean_of_classes(said == truth, truth),
        "accuracy with reject": _mean((said == truth) & is_sure),
        "rejected": _mean(~is_sure),
        "k-NN of step 1": _mean(plain.argmax(axis=1) == truth),
        "chance: the commonest": float(np.bincount(truth).max() / len(truth)),
        "chance: any": 1 / len(boxed.class_names),
    }
    return figures, _confusion(boxed.class_names, truth, [boxed.class_names[i] for i in said])


def _found(
    boxed: BoxedSet, subjects: Sequence[DescribedPhoto], verdicts: Sequence[BoxVerdict]
) -> tuple[dict[str, float], Confusion]:
    truth = _truth(subjects)
    said = [name for each in verdicts for name in each.named]
    right = [name == boxed.class_names[i] for name, i in zip(said, truth, strict=True)]
    figures = {
        "found": _mean([name is not None for name in said]),
        "right": _mean(right),
        "right, mean of classes": _mean_of_classes(np.array(right), truth),
        "found and unknown": _mean([name == UNKNOWN for name in said]),
        "false regions an image": _mean([each.n_false for each in verdicts]),
    }
    return figures, _confusion(boxed.class_names, truth, [name or "not found" for name in said])


def _truth(subjects: Sequence[DescribedPhoto]) -> np.ndarray:
    return np.array([box.class_index for each in subjects for box in each.photo.boxes])


def _confusion(names: Sequence[str], truth: np.ndarray, said: Sequence[str]) -> Confusion:
    columns = [*names, *sorted(set(said) - set(names))]
    table = {name: dict.fromkeys(columns, 0) for name in names}
    for index, answer in zip(truth, said, strict=True):
        table[names[index]][answer] += 1
    return table


def _mean(values: Sequence[float] | np.ndarray) -> float:
    return float(np.mean(values))


def _mean_of_classes(is_right: np.ndarray, truth: np.ndarray) -> float:
    return _mean([_mean(is_right[truth == each]) for each in np.unique(truth)])


def _check(boxed: BoxedSet, n_shots: int) -> None:
    """Refuse a set that leaves no group of a class to be judged."""
    every = [set(boxed.groups_of(index)) for index in range(len(boxed.class_names))]
    for index, (name, own) in enumerate(zip(boxed.class_names, every, strict=True)):
        # a photograph that shows several classes may be drawn for another one
        shared = own & set[str]().union(*every[:index], *every[index + 1 :])
        if len(own) - min(len(shared), (len(every) - 1) * n_shots) <= n_shots:
            raise DatasetError(
                f"class '{name}' is on {len(own)} photographs that are no copies of each other "
                f"({len(shared)} with other classes), expected more than {n_shots}; "
                "add photographs of it, best without other classes"
            )
