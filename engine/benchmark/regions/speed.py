"""Speed of recognising regions beside scoring alone.

Each photograph is scored and classified in turn, so that whatever slows the machine down slows
both.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

from engine.benchmark.regions.figures import Speed, Timing
from engine.benchmark.regions.setup import TeachingSession
from engine.benchmark.regions.walkthrough import Roll
from engine.library.records import Example, Features, Kind, NewExample
from engine.synthetic.cloth import DEFECTS, render_cloth
from features.progress import ProgressReporter

MANY = 10_000
N_LESSONS = 3
# photographs to be timed are none of those of the walkthrough
_FIRST_PHOTO = 500_000
# of a copied example's descriptors, as a share of their own spread
_JITTER = 0.05


def measure_speed(roll: Roll, tell: ProgressReporter, n_many: int = MANY) -> Speed:
    """Teach defects and a button, then time photographs; and again with many examples."""
    with TeachingSession(roll.inspector) as station:
        tell("speed: teaching", 0, 3)
        taught = _teach(station, roll)
        tell("speed: classifying", 1, 3)
        few = _paces(station, roll)
        crowd(station, n_many, roll.cloth.seed, tell)
        tell(f"speed: classifying by {n_many} examples", 2, 3)
        many = _paces(station, roll)
        tell("speed: done", 3, 3)
    return Speed(float(np.median(taught)), (*few, *many))


def crowd(station: TeachingSession, n_examples: int, seed: int, tell: ProgressReporter) -> None:
    """Fill the library up to so many examples with slightly altered copies of those taught."""
    rng = np.random.default_rng(seed)
    examples = station.library.examples()
    identity = station.recogniser.identity()
    for number in range(n_examples - len(examples)):
        tell("speed: filling the library", number, n_examples)
        each = examples[number % len(examples)]
        station.library.teach(each.class_name, each.kind, _altered(each, rng), identity)


def _altered(example: Example, rng: np.random.Generator) -> NewExample:
    features: Features = {}
    for name, array in example.features.items():
        noise = rng.normal(0, _JITTER * float(array.std(dtype=np.float64)), array.shape)
        features[name] = (array + noise).astype(array.dtype)
    return NewExample(
        image_sha256=example.image_sha256,
        image_name=example.image_name,
        image_size=example.image_size,
        region=example.region,
        thumbnail=example.thumbnail,
        features=features,
    )


def _teach(station: TeachingSession, roll: Roll) -> list[float]:
    """Teach every kind of thing; returns the seconds of each lesson."""
    button = roll.buttons[0]
    seconds = []
    for item in (*DEFECTS, button):
        kind: Kind = "accepted" if item == button else "defect"
        for shot in roll.lessons(item, N_LESSONS):
            seconds.append(_timed(station.teach, shot, item, item, kind))
    return seconds


def _paces(station: TeachingSession, roll: Roll) -> list[Timing]:
    """Time normal cloth, and cloth with one and three things on it."""
    button = roll.buttons[0]
    n_examples = len(station.recogniser.bank)
    paces = []
    for items in ((), (button,), (button, "contamination", "fleck")):
        numbers = range(_FIRST_PHOTO, _FIRST_PHOTO + roll.counts.of_each)
        images = [render_cloth(roll.cloth, number, items).image for number in numbers]
        station.recogniser.inspect(images[0])  # reads the library
        inspectors = roll.inspector, station.recogniser
        pairs = [[_timed(each.inspect, image) for each in inspectors] for image in images]
        scoring, classifying = np.median(pairs, axis=0)
        ratio = np.median([after / before for before, after in pairs])
        paces.append(
            Timing(n_examples, len(items), float(scoring), float(classifying), float(ratio))
        )
    return paces


def _timed(work: Callable[..., object], *given: object) -> float:
    started = time.perf_counter()
    work(*given)
    return time.perf_counter() - started
