"""Discrimination of regions of kinds that were never trained on.

How well are regions of kinds that were never trained on told apart?

Pairs are of one group (kinds that lie side by side, half of which hardly differ) and of different
sheets. Their grounds are drawn anew, but of the same photographs. The logistic curve is fitted to
the groups of even number, and judged on the others.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from siamese_training.sheets import Samples

from engine.regions.canonical import N_TURNS, Views, turned
from engine.regions.similarity import Curve, squared_distance

Rows = np.ndarray  # (samples, views, dim), with half norms
N_TAUGHT = 3  # of the kinds of a group; the others are unknown


def views_of(samples: Samples) -> Views:
    """The views that a photograph would give, without distortion."""
    pixels = [
        [turned(planes.astype(np.float32) / 127, turn) for turn in range(N_TURNS)]
        for planes in samples.planes
    ]
    return Views(np.array(pixels, np.float32), samples.measures)


def fit_curve(samples: Samples, rows: Rows) -> Curve:
    """Fit the probability of being the same to pairs, both outcomes weighing alike."""
    distance, is_same, group = _pairs(samples, rows)
    chosen = group % 2 == 0
    return logistic(distance[chosen], is_same[chosen])


def logistic(distance: np.ndarray, is_same: np.ndarray) -> Curve:
    """Maximise the likelihood by Newton's method."""
    x = np.stack([np.ones_like(distance), -distance / distance.mean()], axis=1).astype(np.float64)
    weight = np.where(is_same, 0.5 / is_same.sum(), 0.5 / (~is_same).sum())
    theta = np.array([1.0, 1.0])
    for _ in range(30):
        p = 1 / (1 + np.exp(-(x @ theta)))
        slope = x.T @ (weight * (is_same - p))
        curvature = (x * (weight * p * (1 - p))[:, None]).T @ x
        theta += np.linalg.solve(curvature + 1e-9 * np.eye(2), slope)
    return Curve(round(float(theta[0]), 4), round(float(theta[1] / distance.mean()), 5))


def figures(samples: Samples, rows: Rows, curve: Curve) -> dict[str, float]:
    """Judge pairs and one-shot lessons of the groups of odd number."""
    distance, is_same, group = _pairs(samples, rows)
    chosen = group % 2 == 1
    p = 1 / (1 + np.exp(np.clip(curve.slope * distance[chosen] - curve.bias, -50, 50)))
    is_same = is_same[chosen]
    closed, known, unknown = (
        np.array(each) for each in zip(*_lessons(samples, rows, curve), strict=True)
    )
    return {
        "pairs": len(p),
        "pair_auroc": round(auroc(p, is_same), 4),
        "pair_accuracy": round(
            float(((p >= 0.5)[is_same].mean() + (p < 0.5)[~is_same].mean()) / 2), 4
        ),
        "pair_calibration_error": round(calibration_error(p, is_same), 4),
        "one_shot_accuracy_of_6": round(float(closed.mean()), 4),
        "one_shot_known_accuracy": round(float(known.mean()), 4),
        "one_shot_unknown_accuracy": round(float(unknown.mean()), 4),
    }


def auroc(score: np.ndarray, is_positive: np.ndarray) -> float:
    """Area under the ROC curve; ties count half."""
    _, inverse, counts = np.unique(score, return_inverse=True, return_counts=True)
    rank = (np.cumsum(counts) - (counts - 1) / 2)[inverse]
    n = int(is_positive.sum())
    return float((rank[is_positive].sum() - n * (n + 1) / 2) / (n * (len(score) - n)))


def calibration_error(p: np.ndarray, is_same: np.ndarray) -> float:
    """Mean gap between stated and found probability over ten bins, both outcomes weighing alike."""
    weight = np.where(is_same, 0.5 / is_same.sum(), 0.5 / (~is_same).sum())
    number = np.minimum((10 * p).astype(int), 9)
    stated, found = (np.bincount(number, weight * each, 10) for each in (p, is_same))
    return float(np.abs(stated - found).sum())


def _pairs(samples: Samples, rows: Rows) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Squared distance, whether of one kind, and group, of all pairs of different sheets."""
    found = []
    for group in np.unique(samples.group):
        own = np.flatnonzero(samples.group == group)
        distance = squared_distance(rows[own], rows[own])
        is_apart = samples.sheet[own][:, None] != samples.sheet[own]
        is_same = samples.kind[own][:, None] == samples.kind[own]
        found.append((distance[is_apart], is_same[is_apart], np.full(is_apart.sum(), group)))
    distance, is_same, groups = (np.concatenate(each) for each in zip(*found, strict=True))
    return distance, is_same, groups


def _lessons(samples: Samples, rows: Rows, curve: Curve) -> Iterator[tuple[float, float, float]]:
    """Teach from one sheet, ask the others: all kinds; then some, the others being unknown."""
    rng = np.random.default_rng(0)
    for group in np.unique(samples.group)[1::2]:
        own = np.flatnonzero(samples.group == group)
        same = curve.same(rows[own], rows[own])
        kind, sheet = samples.kind[own], samples.sheet[own]
        for taught_sheet in np.unique(sheet):
            there = sheet == taught_sheet
            kinds = np.unique(kind[there])
            if len(kinds) <= N_TAUGHT:
                continue
            taught = np.array([rng.choice(np.flatnonzero(there & (kind == k))) for k in kinds])
            asked = np.flatnonzero(~there & np.isin(kind, kinds))
            best = kinds[same[asked][:, taught].argmax(axis=1)]
            some = rng.permutation(len(kinds))[:N_TAUGHT]
            sure = same[asked][:, taught[some]]
            answer = np.where(sure.max(axis=1) >= 0.5, kinds[some][sure.argmax(axis=1)], -1)
            is_known = np.isin(kind[asked], kinds[some])
            yield (
                float((best == kind[asked]).mean()),
                float((answer == kind[asked])[is_known].mean()),
                float((answer == -1)[~is_known].mean()),
            )
