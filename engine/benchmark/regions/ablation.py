"""Ablation of the recogniser: what each of its steps adds.

The same examined photographs are judged by one token's nearest neighbours; by those of all scales;
with the whole object compared as well; and with every region outlined exactly.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import replace

from engine.benchmark.regions.figures import StepFigures
from engine.benchmark.regions.setup import TeachingSession
from engine.benchmark.regions.walkthrough import (
    Roll,
    RollResult,
    measure_accepted,
    name_defects,
)
from engine.inspector import Inspector
from engine.regions_config import RegionsConfig
from features.progress import ProgressReporter

N_EXAMPLES = (1, 5)
FIGURES = ("region accuracy", "pixel macro-F1", "untaught unknown", "pixel IoU")

ConfigChange = Callable[[RegionsConfig], RegionsConfig]


def _outlined_roughly(config: RegionsConfig) -> RegionsConfig:
    return replace(config, segmentation=replace(config.segmentation, method="rough"))


def _multi_scale(config: RegionsConfig) -> RegionsConfig:
    return replace(_outlined_roughly(config), object_weight=0.0)


def _micro(config: RegionsConfig) -> RegionsConfig:
    return replace(_multi_scale(config), micro=replace(config.micro, n_scales=1))


STEPS: dict[str, ConfigChange] = {
    "micro": _micro,
    "+ multi-scale": _multi_scale,
    "+ siamese": _outlined_roughly,
    "+ segmentation": lambda config: config,
}


def measure_steps(roll: Roll, tell: ProgressReporter) -> tuple[StepFigures, ...]:
    """Teach and judge the things of a roll with every step, from one and from five examples."""
    found = []
    for number, (name, change) in enumerate(STEPS.items()):
        tell(f"{roll.cloth.weave}: {name}", number, len(STEPS))
        other = roll.judged_by(with_regions(roll.inspector, change))
        found += [StepFigures(name, n, _figures(other, n)) for n in N_EXAMPLES]
    return tuple(found)


def with_regions(inspector: Inspector, change: ConfigChange) -> Inspector:
    """Return the same fitted inspector with other settings of its recogniser."""
    other = copy.copy(inspector)
    other.config = replace(inspector.config, regions=change(inspector.config.regions))
    return other


def _figures(roll: Roll, n_examples: int) -> dict[str, float]:
    result = RollResult(roll.cloth.seed, roll.cloth.weave)
    name_defects(roll, result, n_examples)
    button = roll.buttons[0]
    with TeachingSession(roll.inspector) as station:
        for shot in roll.lessons(button, n_examples):
            station.teach(shot, button, "button", "accepted")
        measure_accepted(station, roll, button, result.figures, "3")
    return {name.rpartition(", ")[2]: value for name, value in result.figures.items()}
