"""Steps and speed, on one small roll that is fitted once."""

import pytest

from engine.benchmark.regions.ablation import (
    FIGURES,
    N_EXAMPLES,
    STEPS,
    measure_steps,
    with_regions,
)
from engine.benchmark.regions.setup import TeachingSession
from engine.benchmark.regions.speed import measure_speed
from engine.benchmark.regions.walkthrough import Counts, take_roll, walk_on
from engine.config import Config
from engine.inspector import Inspector
from engine.regions_config import RegionsConfig
from engine.synthetic.cloth import BUTTONS, DEFECTS
from features.config_fields import problems_of


def silent(stage, done, total):
    pass


@pytest.fixture(scope="module")
def roll():
    """Normal cloth is known; one photograph of each kind."""
    inspector = Inspector(Config(working_area_px=16_384))
    return take_roll(2, inspector, Counts(normal=2, of_each=1), silent)


def test_steps_leave_out_what_they_have_not():
    configs = {name: change(RegionsConfig()) for name, change in STEPS.items()}
    assert [each.micro.n_scales for each in configs.values()] == [1, 3, 3, 3]
    assert [each.object_weight > 0 for each in configs.values()] == [False, False, True, True]
    roughly = [each.segmentation.method == "rough" for each in configs.values()]
    assert roughly == [True, True, True, False]
    assert configs["+ segmentation"] == RegionsConfig()
    assert not any(problems_of(each, "regions") for each in configs.values())


def test_other_settings_leave_the_inspector_as_it_is(roll):
    before = roll.inspector.config
    other = with_regions(roll.inspector, STEPS["micro"])
    assert roll.inspector.config is before
    assert other.config.regions == STEPS["micro"](before.regions)
    with TeachingSession(other) as station:
        assert station.recogniser.config.object_weight == 0


def test_every_step_is_measured_on_the_same_photographs(roll):
    walked = walk_on(roll, silent)
    shots = dict(roll._shots)
    found = measure_steps(roll, silent)
    assert [(each.step, each.n_examples) for each in found] == [
        (name, n) for name in STEPS for n in N_EXAMPLES
    ]
    assert all(set(FIGURES) <= set(each.figures) for each in found)
    assert roll._shots == shots
    # the last step is the whole recogniser
    for each in found[-2:]:
        for name in ("region accuracy", "pixel macro-F1", "untaught unknown"):
            assert each.figures[name] == walked.figures[f"5: {each.n_examples} taught, {name}"]


def test_speed_is_measured_with_few_and_many_examples(roll):
    speed = measure_speed(roll, silent, n_many=20)
    assert speed.teaching_seconds > 0
    n_few = 3 * (len(DEFECTS) + 1)
    assert [(each.n_examples, each.n_things) for each in speed.paces] == [
        (n, k) for n in (n_few, 20) for k in (0, 1, 3)
    ]
    for each in speed.paces:  # of one photograph, the medians are its own
        assert each.ratio == pytest.approx(each.classifying_seconds / each.scoring_seconds)


def test_the_accepted_button_goes_round_with_the_rolls(roll):
    first, second = roll.buttons
    assert (first, second) == (BUTTONS[2], BUTTONS[3])
