"""Which class do parts get when prototypes stand for other classes than their own, or for none?"""

from __future__ import annotations

import numpy as np
import pytest

from alignment.aligned import NO_COUNT_RULE
from alignment.classes import ClassesConfig, PartClasses
from features.parts import Parts

SIZE = (64, 96)
COLORS = [(120, 120, 120), (200, 40, 40), (190, 90, 40), (40, 60, 200)]


def picture() -> tuple[Parts, np.ndarray]:
    """Paint a red, an orange and a blue square on grey: parts 1 to 3."""
    labels = np.zeros(SIZE, dtype=np.int64)
    for part in (1, 2, 3):
        labels[20:40, 30 * part - 20 : 30 * part] = part
    return Parts(labels, np.arange(4) == 0), np.array(COLORS, dtype=np.uint8)[labels]


@pytest.fixture
def classes() -> PartClasses:
    parts, image = picture()
    return PartClasses(ClassesConfig(max_spread=0.1)).fit([parts], [image])


def classes_of(classes: PartClasses) -> list[int]:
    return [int(each) for each in classes.align(*picture()).class_of_part]


def test_unedited_prototypes_stand_for_themselves(classes: PartClasses) -> None:
    np.testing.assert_array_equal(classes.class_of_prototype_, np.arange(4))
    assert (classes.tolerance_ == NO_COUNT_RULE).all()
    assert sorted(classes_of(classes)) == [0, 1, 2, 3]


@pytest.mark.parametrize("method", ["nearest", "hungarian"])
def test_merged_prototypes_stand_for_one_class(classes: PartClasses, method: str) -> None:
    _, red, orange, _ = classes_of(classes)
    classes.config = ClassesConfig(method=method)  # type: ignore[arg-type]
    classes.class_of_prototype_[orange] = red
    assert classes_of(classes)[1:3] == [red, red]
    assert classes.align(*picture()).counts[red] == 2


def test_parts_of_a_removed_class_go_to_what_they_resemble_next(classes: PartClasses) -> None:
    _, red, orange, _ = classes_of(classes)
    classes.class_of_prototype_[orange] = -1
    assert classes_of(classes)[2] == red


def test_models_without_edits_restore_as_they_were(classes: PartClasses) -> None:
    state = classes.state()
    del state["class_of_prototype"], state["tolerance"]
    restored = PartClasses(ClassesConfig()).restore(state)
    assert classes_of(restored) == classes_of(classes)
    assert (restored.tolerance_ == NO_COUNT_RULE).all()
