from __future__ import annotations

import numpy as np

from alignment.aligned import AlignedParts
from features.parts import Parts

LABELS = np.array([[0, 0, 0, 1, 1], [0, 2, 0, 0, 0], [0, 2, -1, 3, 0]])
ALIGNED = AlignedParts(
    Parts(LABELS, np.array([True, False, False, False])),
    np.array([0, 2, -1, 2]),
    np.zeros(4),
    np.array([True, False, False, False]),
)


def test_every_pixel_has_the_class_of_its_part() -> None:
    for place, label in np.ndenumerate(LABELS):
        expected = -1 if label < 0 else ALIGNED.class_of_part[label]
        assert ALIGNED.class_map[place] == expected


def test_instances_are_counted_and_extra_parts_are_not() -> None:
    assert ALIGNED.n_classes == 4
    np.testing.assert_array_equal(ALIGNED.counts, [1, 0, 2, 0])


def test_touching_parts_of_a_class_are_one_instance() -> None:
    # a pin whose head, waist and foot are told apart by their shading is still one pin
    labels = np.array([[0, 1, 2, 3, 4], [0, 1, 2, 3, 5]])
    parts = Parts(labels, np.zeros(6, dtype=bool))
    aligned = AlignedParts(parts, np.array([1, 1, 0, 1, 1, -1]), np.zeros(6), np.zeros(2, bool))
    np.testing.assert_array_equal(aligned.counts, [1, 2])
    # parts of no pixels touch nothing
    assert len(aligned.instance_of_part) == 6


def test_an_image_without_parts() -> None:
    nothing = AlignedParts(
        Parts(np.full((3, 4), -1), np.zeros(0, dtype=bool)),
        np.zeros(0, dtype=np.int64),
        np.zeros(0),
        np.array([True, False]),
    )
    assert (nothing.class_map == -1).all()
    np.testing.assert_array_equal(nothing.counts, [0, 0])
