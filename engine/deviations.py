"""Deviations from the references, in words that a person at the line understands.

Counts, sizes, colours and places of the classes are compared with what the references showed, and
the maps of what is missing and what was never seen are read for their worst places. Each finding
has a severity: 1 is the most that the references themselves deviate.

Counts say that there are too few or too many of a class, not which. So the image is laid over the
reference that is most like it: what one of the two shows, and the other does not show there, it is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Literal

import cv2
import numpy as np
from jaxtyping import Bool, Float

from alignment.comparison import Comparison
from alignment.sample import Sample
from alignment.transforms import Affine, apply
from engine.report import Deviation
from engine.scores import Reading, score_of_map
from engine.scores.instance_count import beyond_tolerance
from engine.scores.reading import CellMapKind
from features.images import Mask

# a class whose count differs this much among the references themselves is not counted
MAX_COUNT_SPREAD = 1
# shares of area and distances, relative to the references', that nobody would call different
SIZE_TOLERANCE, COLOR_TOLERANCE, PLACE_TOLERANCE = 0.15, 6.0, 0.05
# classes smaller than this share of the image come and go with the segmentation
MIN_CLASS_SHARE = 0.002
# a place belongs to a class if it fills this share of it on the references
CLEAR_SHARE = 0.3
# what is hidden by less than this share of itself is not the same part
MIN_SHARED = 0.5
# of the diagonal of the image: parts may lie so far from where the reference has them
PLAY = 0.02


def find_deviations(
    nearest: Comparison,
    references: Sequence[Sample],
    names: Sequence[str],
    readings: Mapping[str, Reading],
    scales: Mapping[str, float],
    to_image: Affine,
) -> tuple[Deviation, ...]:
    """Return everything that exceeds what the references showed, the worst first.

    Before all else come counts beyond a tolerance that was set by hand: that is a rule. ``nearest``
    is the image beside the reference that is most like it, which shows where things should be.
    """
    test = nearest.test
    ruled = [_placed(each, nearest, to_image) for each in _ruled_counts(test, references, names)]
    counts = [_placed(each, nearest, to_image) for each in _counts(test, references, names)]
    counts, sizes = _once(counts, ruled, _sizes(test, references, names))
    found = [
        *counts,
        *sizes,
        *_colors(test, references, names),
        *_places(test, references, names),
        *_missing_here(test, references, names, readings, scales, to_image),
        *_unseen_here(test, readings, scales, to_image),
        *_unlike("unlike", test, readings, scales, to_image),
        *_unlike("detail", test, readings, scales, to_image),
    ]
    worst = max((deviation.severity for deviation in found), default=0.0)
    found += [replace(each, severity=each.severity + worst) for each in ruled]
    return tuple(sorted(found, key=lambda deviation: -deviation.severity))


def _counts(test: Sample, references: Sequence[Sample], names: Sequence[str]) -> list[Deviation]:
    expected = np.stack([reference.aligned.counts for reference in references])
    low, high = expected.min(axis=0), expected.max(axis=0)
    is_counted = ~test.aligned.is_background_class & ~test.aligned.is_ruled
    found = []
    for index in np.flatnonzero(is_counted).tolist():
        n_found, n_low, n_high = int(test.aligned.counts[index]), int(low[index]), int(high[index])
        if n_high - n_low > MAX_COUNT_SPREAD or n_low <= n_found <= n_high:
            continue
        found.append(_count(index, names[index], n_found, n_low, n_high))
    return found


def _ruled_counts(
    test: Sample, references: Sequence[Sample], names: Sequence[str]
) -> list[Deviation]:
    aligned = [reference.aligned for reference in references]
    beyond = beyond_tolerance(test.aligned, aligned)
    usual = np.stack([each.counts for each in aligned])
    return [
        _count(
            index,
            names[index],
            int(test.aligned.counts[index]),
            int(usual[:, index].min()),
            int(usual[:, index].max()),
        )
        for index in np.flatnonzero(beyond).tolist()
    ]


def _count(index: int, name: str, n_found: int, n_low: int, n_high: int) -> Deviation:
    n_expected = n_low if n_found < n_low else n_high
    kind = "missing" if n_found < n_low else "extra"
    wanted = f"{n_low}" if n_low == n_high else f"{n_low} to {n_high}"
    text = f"{name}: {n_found} found, {wanted} expected"
    severity = 1 + abs(n_found - n_expected) / (1 + n_high - n_low)
    return Deviation(index, name, kind, n_expected, n_found, text, severity)


def _placed(count: Deviation, nearest: Comparison, to_image: Affine) -> Deviation:
    """Frame what is missing or too many, where that is clear."""
    n_off = round(abs(count.found - count.expected))
    look = _missing_from if count.kind == "missing" else _extra_in
    region = look(nearest, count.class_id, n_off)
    if region is None:
        return count
    return replace(count, box_xyxy=_box(region, nearest.test, to_image))


def _missing_from(comparison: Comparison, class_id: int, n_missing: int) -> Mask | None:
    """Return where the reference shows parts of a class that the test image lacks there.

    At most ``n_missing`` of them, in working pixels of the test image; None if all are there.
    """
    shown = [_moved(each, comparison) for each in _instances(comparison.reference, class_id)]
    return _not_covered(shown, _mask(comparison.test, class_id), n_missing)


def _extra_in(comparison: Comparison, class_id: int, n_extra: int) -> Mask | None:
    """Return where the test image shows parts of a class that the reference lacks there.

    At most ``n_extra`` of them; None if the reference shows something of the class in each place.
    """
    usual = _moved(_mask(comparison.reference, class_id), comparison)
    return _not_covered(_instances(comparison.test, class_id), usual, n_extra)


def _not_covered(instances: list[Mask], cover: Mask, n_most: int) -> Mask | None:
    """Join those that are covered least, if less than half of each is."""
    radius_px = max(1, round(PLAY * float(np.hypot(*cover.shape))))
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius_px + 1,) * 2)
    wide = cv2.dilate(cover.astype(np.uint8), kernel) > 0
    shared = [(float(wide[each].mean()), i) for i, each in enumerate(instances) if each.any()]
    chosen = [instances[i] for share, i in sorted(shared)[:n_most] if share < MIN_SHARED]
    return np.any(chosen, axis=0) if chosen else None


def _instances(sample: Sample, class_id: int) -> list[Mask]:
    aligned = sample.aligned
    is_own = aligned.class_of_part == class_id
    instance_map = np.append(aligned.instance_of_part, -1)[aligned.parts.labels]
    return [
        (instance_map == instance) & sample.is_valid
        for instance in np.unique(aligned.instance_of_part[is_own]).tolist()
    ]


def _mask(sample: Sample, class_id: int) -> Mask:
    return np.asarray(sample.valid_class_map == class_id)


def _moved(mask: Mask, comparison: Comparison) -> Mask:
    """Bring a mask of the reference to where it lies on the test image."""
    size = mask.shape[::-1]
    moved = cv2.warpAffine(mask.astype(np.uint8), comparison.to_test, size, flags=cv2.INTER_NEAREST)
    return np.asarray(moved > 0)


def _once(
    counts: list[Deviation], ruled: list[Deviation], sizes: list[Deviation]
) -> tuple[list[Deviation], list[Deviation]]:
    """Let the count alone speak for a class that is not there at all, as severe as its size."""
    absent = {each.class_id for each in counts + ruled if not each.found}
    severity_of = {each.class_id: each.severity for each in sizes if each.class_id in absent}
    counts = [
        replace(each, severity=max(each.severity, severity_of.get(each.class_id, 0.0)))
        for each in counts
    ]
    return counts, [each for each in sizes if each.class_id not in absent]


def _sizes(test: Sample, references: Sequence[Sample], names: Sequence[str]) -> list[Deviation]:
    found = []
    shares, expected = _share(test), np.stack([_share(reference) for reference in references])
    for index in np.flatnonzero(expected.mean(axis=0) >= MIN_CLASS_SHARE).tolist():
        usual, now = expected[:, index], shares[index]
        spread = max(np.ptp(usual) / 2, SIZE_TOLERANCE * usual.mean())
        center = (usual.max() + usual.min()) / 2
        severity = abs(now - center) / spread / 2
        if severity > 1:
            word = "larger" if now > center else "smaller"
            text = f"{names[index]}: covers {now:.1%} of the image, {center:.1%} expected: {word}"
            values = float(center), float(now)
            found.append(
                Deviation(int(index), names[index], "size", *values, text, float(severity))
            )
    return found


def _colors(test: Sample, references: Sequence[Sample], names: Sequence[str]) -> list[Deviation]:
    found = []
    usual = np.stack([reference.class_color[:, :2] for reference in references])
    for index in np.flatnonzero(_share(test) >= MIN_CLASS_SHARE).tolist():
        distances = np.linalg.norm(usual[:, index] - test.class_color[index, :2], axis=1)
        if not np.isfinite(distances).any():
            continue
        distance = float(np.nanmin(distances))
        severity = distance / (COLOR_TOLERANCE + _spread(usual[:, index]))
        if severity > 1:
            text = f"{names[index]}: colour differs by {distance:.0f} CIELAB units"
            found.append(
                Deviation(int(index), names[index], "color", 0.0, distance, text, severity)
            )
    return found


def _places(test: Sample, references: Sequence[Sample], names: Sequence[str]) -> list[Deviation]:
    found = []
    diagonal = float(np.hypot(*test.image.shape[:2]))
    usual = np.stack([reference.class_centroid_yx for reference in references]) / diagonal
    now = test.class_centroid_yx / diagonal
    is_shown = (_share(test) >= MIN_CLASS_SHARE) & ~test.aligned.is_background_class
    for index in np.flatnonzero(is_shown).tolist():
        distances = np.linalg.norm(usual[:, index] - now[index], axis=1)
        if not np.isfinite(distances).any():
            continue
        distance = float(np.nanmin(distances))
        spread = _spread(usual[:, index])
        severity = distance / (PLACE_TOLERANCE + spread)
        # a class that the references show all over the image has no place to be away from
        if severity > 1 and spread <= PLACE_TOLERANCE:
            text = f"{names[index]}: {distance:.0%} of the image's diagonal away from its place"
            found.append(
                Deviation(int(index), names[index], "place", 0.0, distance, text, severity)
            )
    return found


def _missing_here(
    test: Sample,
    references: Sequence[Sample],
    names: Sequence[str],
    readings: Mapping[str, Reading],
    scales: Mapping[str, float],
    to_image: Affine,
) -> list[Deviation]:
    """Say where something that the references show is not, and what it is if that is clear."""
    severity, region = _strongest_place("missing_here", readings, scales)
    if region is None:
        return []
    box = _box(region, test, to_image)
    usual = np.stack([reference.cell_class[region] for reference in references])
    is_background = np.append(test.aligned.is_background_class, True)
    shown = usual[(usual != test.cell_class[region]) & ~is_background[usual]]
    index, name = -1, ""
    if len(shown) >= CLEAR_SHARE * np.count_nonzero(region) * len(references):
        index = int(np.bincount(shown).argmax())
        name = names[index]
    text = f"missing {_where(region)}: {name or 'something that the references show'}"
    return [Deviation(index, name, "missing_here", 1.0, severity, text, severity, box)]


def _unseen_here(
    test: Sample,
    readings: Mapping[str, Reading],
    scales: Mapping[str, float],
    to_image: Affine,
) -> list[Deviation]:
    """Say where something is that no reference shows at that place."""
    severity, region = _strongest_place("unseen_here", readings, scales)
    if region is None:
        return []
    text = f"new {_where(region)}: something that no reference shows there"
    box = _box(region, test, to_image)
    return [Deviation(-1, "", "unseen_here", 1.0, severity, text, severity, box)]


def _unlike(
    kind: Literal["unlike", "detail"],
    test: Sample,
    readings: Mapping[str, Reading],
    scales: Mapping[str, float],
    to_image: Affine,
) -> list[Deviation]:
    """Say where something is that a network finds in no reference, at first or closer look."""
    severity, region = _strongest_place(kind, readings, scales)
    if region is None:
        return []
    what = "a small difference from" if kind == "detail" else "unlike"
    text = f"{what} the references {_where(region)}"
    box = _box(region, test, to_image)
    return [Deviation(-1, "", kind, 1.0, severity, text, severity, box)]


def _strongest_place(
    kind: CellMapKind, readings: Mapping[str, Reading], scales: Mapping[str, float]
) -> tuple[float, Bool[np.ndarray, "rows columns"] | None]:
    """Return a score in units of its scale, and the cells it comes from where that exceeds 1."""
    name = score_of_map(kind).name
    reading, scale = readings[name], scales[name]
    severity = reading.value / scale
    if reading.cells is None or severity <= 1:
        return severity, None
    return severity, _region_around_peak(reading.cells / scale)


def _region_around_peak(heat: Float[np.ndarray, "rows columns"]) -> np.ndarray:
    peak = np.unravel_index(int(np.argmax(heat)), heat.shape)
    is_hot = heat >= max(1.0, float(heat[peak]) / 2)
    _, regions = cv2.connectedComponents(is_hot.astype(np.uint8), connectivity=8)
    region: np.ndarray = regions == regions[peak]
    return region


def _box(
    region: Bool[np.ndarray, "rows columns"], test: Sample, to_image: Affine
) -> tuple[int, int, int, int]:
    """Bounding box of a region of cells, in pixels of the image file."""
    rows, columns = np.nonzero(region)
    cell_y, cell_x = test.image.shape[0] / region.shape[0], test.image.shape[1] / region.shape[1]
    left, right = columns.min() * cell_x, (columns.max() + 1) * cell_x
    top, bottom = rows.min() * cell_y, (rows.max() + 1) * cell_y
    corners = np.array([[left, top], [right, top], [right, bottom], [left, bottom]]) - 0.5
    moved = apply(to_image, corners)
    x0, y0 = np.floor(moved.min(axis=0)).astype(int).tolist()
    x1, y1 = np.ceil(moved.max(axis=0)).astype(int).tolist()
    return max(0, x0), max(0, y0), max(0, x1), max(0, y1)


def _where(region: Bool[np.ndarray, "rows columns"]) -> str:
    """Say in which ninth of the image the middle of a region lies."""
    rows, columns = np.nonzero(region)
    y, x = rows.mean() / region.shape[0], columns.mean() / region.shape[1]
    side = "left" if x < 1 / 3 else "right" if x > 2 / 3 else ""
    if 1 / 3 <= y <= 2 / 3:
        return f"at the {side}" if side else "in the centre"
    if not side:
        return "at the top" if y < 1 / 3 else "at the bottom"
    return f"in the {'upper' if y < 1 / 3 else 'lower'} {side}"


def _share(sample: Sample) -> Float[np.ndarray, " classes"]:
    return sample.class_area_px / max(1, int(sample.is_valid.sum()))


def _spread(values: Float[np.ndarray, "references dim"]) -> float:
    """Largest distance from the references' mean, over those that show the class."""
    shown = values[np.isfinite(values).all(axis=1)]
    if not len(shown):
        return 0.0
    return float(np.linalg.norm(shown - shown.mean(axis=0), axis=1).max())
