"""Comparison of an image with one reference, place by place.

All that the patch scores need of a pair of images, computed once and shared: distances of each test
cell to its nearest reference cell anywhere, within the same class, and within the foreground; and,
after registration, distances at the same place in both directions.

The lookup behind it needs the descriptors of the two and the classes of the reference, but not
those of the image: these may be found from it (``alignment.propagation``).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Annotated, Literal

import numpy as np
from jaxtyping import Bool, Float32, Int
from numpy.lib.stride_tricks import sliding_window_view
from scipy.ndimage import binary_erosion

from alignment.classes import PartClasses
from alignment.frame import Frame
from alignment.nearest_neighbours import Neighbours, find_neighbours
from alignment.propagation import PropagationConfig, class_distance, propagate
from alignment.registration import Spectrum, register_shift
from alignment.sample import Sample
from alignment.transforms import Affine
from features.config_fields import Range
from features.dense import DenseMap
from features.images import Image
from features.parts import Parts

Distance = Literal["cosine", "euclidean"]

CellMap = Float32[np.ndarray, "rows columns"]
Tokens = Float32[np.ndarray, "_cells dim"]


@dataclass(frozen=True)
class ComparisonConfig:
    """How descriptors are compared."""

    distance: Distance = "euclidean"
    """Published: cosine. Measured better for standardised hand-made descriptors: euclidean."""
    window_cells: Annotated[int, Range(0, 16)] = 2
    """Half-width of the search around the registered place; ±2 measured better than ±1 and ±3."""
    max_shift: Annotated[float, Range(0, 0.5)] = 0.25
    """Largest registered shift, as a share of the grid's longer side."""
    is_framed: bool = True
    """Whether distances near the frame count less, as much as references differ more there."""


@dataclass(frozen=True)
class Lookup:
    """The descriptors of an image beside those of one reference, and which go together."""

    cells: Int[np.ndarray, " queries"]
    """Flat indices of the valid test cells."""
    shift: tuple[int, int]
    """Registered shift (dy, dx): test cell p lies on reference cell p + shift."""
    places: Int[np.ndarray, "queries places"]
    """Reference cells around the registered place of each query; -1 beyond the grid."""
    neighbours: Neighbours


def _look_up(
    dense: DenseMap, spectrum: Spectrum, reference: Sample, config: ComparisonConfig
) -> Lookup:
    """Find what the reference offers to each valid cell; ``spectrum`` is that of the image."""
    query, key = _tokens(dense, config), _tokens(reference.dense, config)
    cells = np.flatnonzero(dense.is_valid)
    radius = round(config.max_shift * max(dense.is_valid.shape))
    shift = register_shift(spectrum, reference.spectrum, radius)
    places = places_around(cells, dense.is_valid.shape, shift, config.window_cells)
    neighbours = find_neighbours(query[cells], key, reference.cell_order, places)
    return Lookup(cells, shift, places, neighbours)


def _tokens(dense: DenseMap, config: ComparisonConfig) -> Tokens:
    """One row a cell, of length one where cosine is asked for."""
    tokens = dense.tokens.reshape(-1, dense.tokens.shape[-1])
    if config.distance == "euclidean":
        return tokens
    norm = np.linalg.norm(tokens, axis=-1, keepdims=True)
    unit: np.ndarray = tokens / np.maximum(norm, np.float32(1e-6))
    return unit


def places_around(
    cells: Int[np.ndarray, " queries"],
    grid: tuple[int, ...],
    shift: tuple[int, int],
    window_cells: int,
) -> Int[np.ndarray, "queries places"]:
    """Return the cells around the place of each cell after a shift; -1 beyond the grid."""
    # a grid of indices in a frame so wide that no window leaves it
    (rows, columns), n_steps = grid, 2 * window_cells + 1
    wide = window_cells + max(map(abs, shift))
    index = np.pad(np.arange(rows * columns).reshape(rows, columns), wide, constant_values=-1)
    first_row, first_column = (wide - window_cells + step for step in shift)
    windows = sliding_window_view(index, (n_steps, n_steps))[first_row:, first_column:]
    return windows[np.divmod(cells, columns)].reshape(len(cells), n_steps**2)


@dataclass(frozen=True)
class Comparison:
    """A test image beside one reference. Distances are infinite where nothing can be compared."""

    test: Sample
    reference: Sample
    config: ComparisonConfig
    looked_up: Lookup | None = None
    """The test image looked up in this reference, where that has been done before."""
    frame: Frame = field(default_factory=Frame)
    """What distances near the frame of an image count, but for ``reverse``."""

    @cached_property
    def anywhere(self) -> CellMap:
        """Distance of each test cell to its nearest reference cell."""
        return self._nearest(np.ones(self.lookup.neighbours.nearest.shape, dtype=bool))

    @cached_property
    def in_foreground(self) -> CellMap:
        """Distance of each foreground test cell to its nearest foreground reference cell."""
        is_background = np.append(self.reference.aligned.is_background_class, False)
        is_foreground = ~is_background[self.reference.cell_order.classes]
        is_asked = self.test.is_foreground.ravel()[self.lookup.cells]
        return self._nearest(is_asked[:, None] & is_foreground)

    @cached_property
    def in_class(self) -> CellMap:
        """Distance of each test cell to its nearest reference cell of the same class.

        Infinite where the reference has no cell of that class, or the class is not known.
        """
        classes = self.test.cell_class.ravel()[self.lookup.cells, None]
        return self._nearest((classes == self.reference.cell_order.classes) & (classes >= 0))

    @property
    def forward(self) -> CellMap:
        """Distance of each test cell to the reference at the same place, give or take a window."""
        return self._in_place[0]

    @property
    def reverse(self) -> CellMap:
        """Distance of each *reference* cell to the test image at the same place, on its grid."""
        return self._in_place[1]

    @cached_property
    def unlike(self) -> CellMap | None:
        """One minus the largest cosine of each cell with any that a network saw of the reference.

        On the cells of the photograph as it lies; None in profiles without such a network.
        """
        if self.test.view is None or self.reference.view is None:
            return None
        return self.frame.weighted("unlike", self.test.view.nearest(self.reference.view))

    @cached_property
    def in_detail(self) -> CellMap | None:
        """One minus the largest cosine of each cell of the second look with one of the reference.

        On a finer grid over the registered image; None where there is no second look.
        """
        if self.test.view is None or self.reference.view is None:
            return None
        cells = self.test.view.nearest_in_detail(self.reference.view)
        return None if cells is None else self.frame.weighted("detail", cells)

    @property
    def shift(self) -> tuple[int, int]:
        """Registered shift (dy, dx): test cell p lies on reference cell p + shift."""
        return self.lookup.shift

    @property
    def to_test(self) -> Affine:
        """Affine from (x, y) of the reference's working pixels to those of the test image."""
        rows, columns = self.reference.dense.is_valid.shape
        height, width = self.reference.image.shape[:2]
        dy, dx = self.shift
        return np.array([[1.0, 0, -dx * width / columns], [0, 1.0, -dy * height / rows]])

    @cached_property
    def lookup(self) -> Lookup:
        """Which cells of the two go together."""
        test = self.test
        return self.looked_up or _look_up(test.dense, test.spectrum, self.reference, self.config)

    def _nearest(self, is_asked: Bool[np.ndarray, "queries groups"]) -> CellMap:
        """Distance of each valid test cell to the nearest cell of the groups it asks."""
        nearest = np.where(is_asked, self.lookup.neighbours.nearest, np.inf)
        squared = np.full(self.test.dense.is_valid.size, np.inf, dtype=np.float32)
        squared[self.lookup.cells] = nearest.min(axis=1, initial=np.inf)
        distance = self._finish(squared.reshape(self.test.dense.is_valid.shape))
        return self.frame.weighted("anywhere", distance)

    @cached_property
    def _in_place(self) -> tuple[CellMap, CellMap]:
        lookup, window = self.lookup, self.lookup.neighbours.window
        shape = self.test.dense.is_valid.shape
        forward = np.full(shape[0] * shape[1], np.inf, dtype=np.float32)
        forward[lookup.cells] = window.min(axis=1)
        # the window of a reference cell holds the same pairs: each place once at most
        back = np.full((shape[0] * shape[1], window.shape[1]), np.inf, dtype=np.float32)
        row, place = np.nonzero(lookup.places >= 0)
        back[lookup.places[row, place], place] = window[row, place]
        forward, reverse = forward.reshape(shape), back.min(axis=1).reshape(shape)

        # Only what both photographs show can be new or missing
        dy, dx = self.shift
        forward[~moved(_inner(self.reference.dense.is_valid), (-dy, -dx))] = np.inf
        reverse[~moved(_inner(self.test.dense.is_valid), (dy, dx))] = np.inf
        return self.frame.weighted("in_place", self._finish(forward)), self._finish(reverse)

    def _finish(self, squared: CellMap) -> CellMap:
        """Turn squared distances into distances: |a − b|, or 1 − cos for unit vectors."""
        is_euclidean = self.config.distance == "euclidean"
        distance: np.ndarray = np.sqrt(squared) if is_euclidean else squared / 2
        return distance


def overlap(
    shape: tuple[int, int], shift: tuple[int, int]
) -> tuple[tuple[slice, slice], tuple[slice, slice]]:
    """Return the slices of two equal grids that lie on each other after the shift."""
    here, there = [], []
    for side, step in zip(shape, shift, strict=True):
        first, last = max(0, -step), min(side, side - step)
        last = max(first, last)
        here.append(slice(first, last))
        there.append(slice(first + step, last + step))
    return (here[0], here[1]), (there[0], there[1])


def moved(
    mask: Bool[np.ndarray, "rows columns"], shift: tuple[int, int]
) -> Bool[np.ndarray, "rows columns"]:
    """Shift a mask by whole cells; what comes in from outside is false."""
    result = np.zeros_like(mask)
    here, there = overlap((mask.shape[0], mask.shape[1]), shift)
    result[there] = mask[here]
    return result


def _inner(is_valid: Bool[np.ndarray, "rows columns"]) -> Bool[np.ndarray, "rows columns"]:
    """Leave out the cells beside an edge of the photograph: their window is cut in half."""
    inner: np.ndarray = binary_erosion(is_valid, np.ones((3, 3), dtype=bool), border_value=1)
    return inner


def nearest_reference(comparisons: Sequence[Comparison]) -> int:
    """Return the reference of which the image shows most."""
    means = [
        np.mean(each.reverse, where=np.isfinite(each.reverse))
        if np.isfinite(each.reverse).any()
        else np.inf
        for each in comparisons
    ]
    return int(np.argmin(means))


def compare_all(
    test: Sample,
    references: Sequence[Sample],
    config: ComparisonConfig,
    n_threads: int = 1,
    frame: Frame | None = None,
) -> list[Comparison]:
    """Lay an image beside each reference."""
    known = frame or Frame()
    spectrum = test.spectrum
    with ThreadPoolExecutor(n_threads) as pool:
        each_by = map if n_threads == 1 else pool.map
        looked_up = each_by(lambda each: _look_up(test.dense, spectrum, each, config), references)
        return [
            Comparison(test, reference, config, found, known)
            for reference, found in zip(references, looked_up, strict=True)
        ]


def learn_frame(
    frame: Frame, compared: Sequence[Sequence[Comparison]], *, is_usual: bool
) -> list[list[Comparison]]:
    """Learn from references beside the others how they differ near the frame; compare by that.

    It is as usual of a single reference, which is compared with copies of itself.
    """

    def nearest(distances: Callable[[Comparison], CellMap | None]) -> list[CellMap]:
        found = [[distances(each) for each in comparisons] for comparisons in compared]
        known = [[cells for cells in each if cells is not None] for each in found]
        return [np.minimum.reduce(each) for each in known if each]

    if is_usual:
        frame.fit({})
    else:
        frame.fit(
            {
                "anywhere": nearest(lambda each: each.anywhere),
                "in_place": nearest(lambda each: each.forward),
                "unlike": nearest(lambda each: each.unlike),
                "detail": nearest(lambda each: each.in_detail),
            },
            is_placed=all(_is_placed(each[0]) for each in compared),
        )
    return [[replace(each, frame=frame) for each in comparisons] for comparisons in compared]


def _is_placed(comparison: Comparison) -> bool:
    view = comparison.test.view
    return view is not None and view.is_placed


def with_propagated_parts(
    comparisons: Sequence[Comparison],
    config: PropagationConfig,
    refine: Callable[[Image, Parts], Parts],
    classes: PartClasses | None = None,
) -> list[Comparison]:
    """Return the same comparisons of an image that takes its parts from the references.

    ``refine`` sharpens the borders of the parts, which keep their numbers, if so configured.
    ``classes`` find the painted ones, which are not propagated.
    """
    test = comparisons[0].test
    lookups = [each.lookup for each in comparisons]
    distance = class_distance(
        [
            (each.neighbours, pair.reference.cell_order)
            for each, pair in zip(lookups, comparisons, strict=True)
        ],
        test.aligned.n_classes,
    )
    for painted in classes.painted_ if classes else ():
        distance[painted.class_id] = np.inf
    aligned = propagate(
        distance, test.dense.is_valid, test.is_valid, test.aligned.is_background_class, config
    )
    if config.is_refined:
        aligned = replace(aligned, parts=refine(test.image, aligned.parts))
    if classes is not None:
        aligned = classes.aligned_parts(aligned.parts, aligned.class_of_part, aligned.cost)
        aligned = classes.find_painted(aligned, test.image, test.is_valid)
    test = replace(test, aligned=aligned)
    return [replace(each, test=test, looked_up=each.lookup) for each in comparisons]
