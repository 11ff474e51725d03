from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pytest

from engine.normalisation import (
    OF_NETWORK,
    Normaliser,
    NormaliserConfig,
    learn_normaliser,
    weigh,
)
from engine.report import Calibration
from engine.scores import SCORES, Reading, ScoresConfig
from features.config_fields import problems_of

NAMES = [each.name for each in SCORES]
ACTIVE = ("located_patch", "missing_patch", "class_color")
PLAIN = NormaliserConfig(margin=1.2, margin_self=2.0, margin_validation=1.5)

Readings = dict[str, Reading]


def readings(seed: int, scale: Mapping[str, float] | None = None, size: float = 1.0) -> Readings:
    """Random values of all scores, some in other units."""
    values = np.random.default_rng(seed).uniform(0.5, 1, len(NAMES)) * size
    return {
        name: Reading(float(value) * (scale or {}).get(name, 1.0))
        for name, value in zip(NAMES, values, strict=True)
    }


def learn(
    normal: Sequence[Readings],
    validation: Sequence[Readings] = (),
    *,
    active: Sequence[str] = ACTIVE,
    calibration: Calibration = "leave-one-out",
    config: NormaliserConfig = PLAIN,
    residual: float = 1.0,
) -> Normaliser:
    weights = weigh(config, SCORES_CONFIG, active, residual)
    return learn_normaliser(config, weights, normal, validation, calibration)


SCORES_CONFIG = ScoresConfig()
NORMAL = [readings(seed) for seed in range(4)]
TEST = readings(9, size=3)


class TestTotal:
    @pytest.mark.parametrize("power", [1.0, 0.5, 0.1])
    def test_is_a_mean_of_the_active_scores_in_units_of_their_largest_normal_value(
        self, power: float
    ) -> None:
        normaliser = learn(NORMAL, residual=0.0, config=replace(PLAIN, power=power))
        units = np.array(
            [TEST[name].value / max(each[name].value for each in NORMAL) for name in ACTIVE]
        )
        expected = units.mean() if power == 1 else (units**power).mean() ** (1 / power)
        assert normaliser.total(TEST) == pytest.approx(expected)

    def test_is_a_mean_by_weights(self) -> None:
        active = ("class_color", "network_patch")
        normaliser = learn(NORMAL, active=active, config=replace(PLAIN, power=0.5))
        once, often = (TEST[name].value / normaliser.scales[name] for name in active)
        weight = SCORES_CONFIG.network_patch.weight
        expected = ((once**0.5 + weight * often**0.5) / (1 + weight)) ** 2
        assert normaliser.total(TEST) == pytest.approx(expected)

    def test_the_smaller_the_power_the_less_a_single_score_says(self) -> None:
        even = {name: Reading(1.0) for name in NAMES}
        loud = even | {ACTIVE[0]: Reading(9.0)}
        totals = []
        for power in (1.0, 0.5, 0.1):
            normaliser = learn([even], residual=0.0, config=replace(PLAIN, power=power))
            assert normaliser.total(even) == pytest.approx(1)
            totals.append(normaliser.total(loud))
        assert totals[0] > totals[1] > totals[2] > 1

    def test_is_the_sum_of_the_shares(self) -> None:
        normaliser = learn(NORMAL, active=NAMES)
        shares = normaliser.shares(TEST)
        assert list(shares) == NAMES
        assert normaliser.total(TEST) == pytest.approx(sum(shares.values()))

    def test_scores_that_are_not_active_have_a_scale_but_no_share(self) -> None:
        normaliser = learn(NORMAL)
        assert list(normaliser.scales) == NAMES
        for name, share in normaliser.shares(TEST).items():
            assert (share > 0) == (name in ACTIVE)

    @pytest.mark.parametrize("name", NAMES)
    def test_units_do_not_matter(self, name: str) -> None:
        """A score measured in tenths changes no total and no threshold."""
        tenths = {name: 10.0}
        plain = learn(NORMAL, active=NAMES)
        scaled = learn([readings(seed, tenths) for seed in range(4)], active=NAMES)
        assert scaled.scales[name] == pytest.approx(10 * plain.scales[name])
        assert scaled.threshold == pytest.approx(plain.threshold)
        assert scaled.total(readings(9, tenths, 3)) == pytest.approx(plain.total(TEST))

    def test_order_of_the_normal_images_does_not_matter(self) -> None:
        forward, backward = learn(NORMAL), learn(NORMAL[::-1])
        assert forward.scales == backward.scales
        assert forward.threshold == pytest.approx(backward.threshold)

    def test_the_oddest_normal_image_reaches_one(self) -> None:
        normaliser = learn(NORMAL)
        assert max(normaliser.total(each) for each in NORMAL) <= 1
        oddest = {name: Reading(max(each[name].value for each in NORMAL)) for name in NAMES}
        assert normaliser.total(oddest) == pytest.approx(1)


class TestIdenticalReferences:
    def test_zero_readings_do_not_divide_by_zero(self) -> None:
        nothing = {name: Reading(0.0) for name in NAMES}
        normaliser = learn([nothing, nothing])
        assert normaliser.total(nothing) == 0
        assert np.isfinite(normaliser.total(TEST))
        assert 0 < normaliser.threshold < normaliser.total(TEST)

    def test_the_least_weight_is_the_configured_one(self) -> None:
        nothing = {name: Reading(0.0) for name in NAMES}
        config = NormaliserConfig(min_scale=0.25)
        assert set(learn([nothing], config=config).scales.values()) == {0.25}


class TestThreshold:
    def test_from_leave_one_out(self) -> None:
        normaliser = learn(NORMAL)
        totals = sorted(normaliser.total(each) for each in NORMAL)
        assert normaliser.threshold == pytest.approx(1.2 * np.mean(totals[:-1]))
        assert normaliser.calibration == "leave-one-out"
        assert normaliser.threshold_source.startswith("1.2 × the mean of the leave-one-out totals")
        assert "4" in normaliser.threshold_source

    def test_from_altered_copies(self) -> None:
        normaliser = learn(NORMAL, calibration="self-calibrated")
        totals = [normaliser.total(each) for each in NORMAL]
        assert normaliser.threshold == pytest.approx(2.0 * np.mean(totals))
        assert normaliser.calibration == "self-calibrated"
        assert "altered copies" in normaliser.threshold_source

    def test_from_validation_images(self) -> None:
        validation = [readings(20), readings(21, size=1.7), readings(22)]
        normaliser = learn(NORMAL, validation)
        assert normaliser.scales == learn(NORMAL).scales
        largest = max(normaliser.total(each) for each in validation)
        assert normaliser.threshold == pytest.approx(1.5 * largest)
        assert normaliser.threshold_source == "1.5 × the largest of 3 validation totals"


FREE = ("composition", "instance_count")


class TestWeights:
    def test_amounts_count_by_how_freely_the_product_is_laid_out(self) -> None:
        active = (*ACTIVE, *FREE)
        fixed, loose = (weigh(PLAIN, SCORES_CONFIG, active, residual) for residual in (0.05, 0.9))
        assert loose["composition"] == SCORES_CONFIG.composition.weight
        assert loose["instance_count"] == SCORES_CONFIG.instance_count.weight
        for name in NAMES:
            if name in FREE:
                assert 0 < fixed[name] < loose[name] / 10
            elif name != "located_patch":
                assert fixed[name] == loose[name] == (name in ACTIVE)

    def test_the_composition_counts_if_that_of_references_is_steady(self) -> None:
        active = (*ACTIVE, *FREE)

        def weights(usual: float) -> dict[str, float]:
            normal = [{"composition": Reading(usual * each)} for each in (0.5, 1.0, 9.0)]
            return weigh(PLAIN, SCORES_CONFIG, active, 0.9, normal)

        steady, varied, wild = weights(0.3), weights(1.2), weights(1e6)
        assert steady == weigh(PLAIN, SCORES_CONFIG, active, 0.9)
        assert varied["composition"] == pytest.approx(steady["composition"] / 2**4)
        assert 0 < wild["composition"] < steady["composition"] / 500
        for each in (varied, wild):
            assert {**each, "composition": 0} == {**steady, "composition": 0}
        assert weights(0.0) == steady

    def test_places_count_less_in_a_free_layout(self) -> None:
        active = ("located_patch", "missing_patch")
        fixed, loose = (weigh(PLAIN, SCORES_CONFIG, active, residual) for residual in (0.0, 0.9))
        assert fixed["located_patch"] == 1
        assert loose["located_patch"] == pytest.approx(1 - PLAIN.place_discount)
        assert fixed["missing_patch"] == loose["missing_patch"] == 1

    @pytest.mark.parametrize("name", FREE)
    def test_a_score_alone_always_counts(self, name: str) -> None:
        normaliser = learn(NORMAL, active=[name], residual=0.0)
        assert normaliser.total(NORMAL[0]) > 0

    @pytest.mark.parametrize("residual", [0.0, 0.9])
    def test_what_a_network_saw_weighs_what_it_is_told_to(self, residual: float) -> None:
        weights = weigh(PLAIN, SCORES_CONFIG, (*ACTIVE, *OF_NETWORK), residual)
        for name in OF_NETWORK:
            assert weights[name] == getattr(SCORES_CONFIG, name).weight > 0

    def test_what_a_network_saw_of_normal_images_is_kept_if_it_counts(self) -> None:
        for counted in ((), OF_NETWORK[:1], OF_NETWORK):
            assert learn(NORMAL, active=(*ACTIVE, *counted)).network_readings == {
                name: tuple(each[name].value for each in NORMAL) for name in counted
            }

    def test_what_is_not_active_has_no_weight(self) -> None:
        weights = weigh(PLAIN, SCORES_CONFIG, ACTIVE, 1.0)
        assert {name for name, each in weights.items() if each} == {*ACTIVE}

    def test_shares_are_in_proportion_to_it(self) -> None:
        normaliser = learn(NORMAL, active=(*ACTIVE, *FREE))
        oddest = {name: Reading(normaliser.scales[name]) for name in NAMES}
        shares = normaliser.shares(oddest)
        assert shares["composition"] / shares["class_color"] == pytest.approx(
            SCORES_CONFIG.composition.weight
        )

    @pytest.mark.parametrize("name", FREE)
    def test_amounts_alone_cannot_outvote_all_others(self, name: str) -> None:
        normaliser = learn(NORMAL, active=(*ACTIVE, *FREE))
        most = Reading(normaliser.caps[name] * normaliser.scales[name])
        totals = [normaliser.total(TEST | {name: each}) for each in (Reading(1e9), most)]
        assert totals[0] == pytest.approx(totals[1])


def test_config_names_its_problems() -> None:
    assert problems_of(NormaliserConfig(), "normalisation") == []
    config = NormaliserConfig(margin=0, margin_self=float("nan"), power=1.5, min_scale=0)
    assert problems_of(config, "normalisation") == [
        "normalisation.margin must lie in 0 … 100 without 0, got 0",
        "normalisation.margin_self must lie in 0 … 100 without 0, got nan",
        "normalisation.power must lie in 0 … 1 without 0, got 1.5",
        "normalisation.min_scale must lie in 0 … 1 without 0, got 0",
    ]
