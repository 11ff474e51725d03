"""Rolls whose figures are made up, by their seed alone; importable by worker processes, too."""

from engine.benchmark.regions.ablation import FIGURES, N_EXAMPLES, STEPS
from engine.benchmark.regions.figures import RollRun, StepFigures
from engine.benchmark.regions.walkthrough import RollResult
from engine.synthetic.cloth import DEFECTS

CHAPTER = "5: 1 taught"


def make_roll(seed, task=None, tell=None):
    """A roll with four normal photographs and a defect of each kind, the last of them missed."""
    confusion = {
        name: {said: int(said == name) for said in (*DEFECTS, "unknown")} for name in DEFECTS
    }
    confusion["hole"] = dict.fromkeys(DEFECTS, 0) | {"fleck": 1, "unknown": 3}
    walked = RollResult(
        seed,
        "plain",
        figures={
            "normal called normal": 0.75,
            "defects called anomaly": 0.75,
            "2: button unknown": 1.0,
            "3: 1 taught, pixel IoU": 0.5 + seed / 100,
            "3: defects called anomaly": 0.75 - seed / 100,
            f"{CHAPTER}, region accuracy": 7 / 8,
        },
        normal_scores=[0.1, 0.2, 0.3, 1.2],
        defect_scores=[3.0, 2.0, 1.5 + seed, 0.25],
        defect_names=list(DEFECTS),
        confusion={CHAPTER: confusion},
    )
    steps = tuple(
        StepFigures(name, n, dict.fromkeys(FIGURES, seed / 100))
        for name in STEPS
        for n in N_EXAMPLES
    )
    return RollRun(walked, steps, seconds=1.0)


def make_roll_once(seed, task, tell):
    """The same, but the user stops the second roll."""
    if seed == 1:
        raise KeyboardInterrupt
    return make_roll(seed)
