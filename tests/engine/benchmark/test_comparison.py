import json
from dataclasses import replace

import numpy as np
import pytest

from engine.benchmark.comparison import compare, compare_runs
from engine.benchmark.datasets import DatasetError
from engine.benchmark.metrics import auroc, f1_at, f1_max
from engine.benchmark.records import Judgement, Run
from engine.benchmark.summary import MEAN
from engine.benchmark.text_report import comparison_text

LABELS = (False, False, False, True, True, True)


def make_run(totals, *, category="cup", shots=2, seed=42, threshold=1.0, labels=LABELS):
    """Give images 0, 1, … these totals; None is an image that could not be judged."""
    images = tuple(
        Judgement(
            path=f"test/{'bad' if label else 'good'}/{index}.png",
            is_anomalous=label,
            group="bad" if label else "good",
            types=("dent",) if label else (),
            total=total,
            scores={},
            seconds=0.1,
            error="broken" if total is None else None,
        )
        for index, (label, total) in enumerate(zip(labels, totals, strict=True))
    )
    return Run(category, shots, seed, ("a.png",), threshold, "references", "", 1.0, images)


OLD = make_run((0.5, 1.2, 0.8, 2.0, 0.9, 3.0))
NEW = make_run((0.5, 0.7, 1.1, 2.0, 1.5, 0.2))


def test_a_run_compared_with_itself_changes_nothing():
    pair = compare_runs(OLD, OLD)
    assert pair.changed == ()
    assert pair.old_figures == pair.new_figures
    (row,) = compare([OLD], [OLD]).rows
    assert all(figure.change.values == (0.0,) for figure in row.figures.values())


def test_images_with_another_verdict_are_found_and_those_that_became_worse_come_first():
    changed = compare_runs(OLD, NEW).changed
    assert [(image.path[-5], image.is_better) for image in changed] == [
        ("5", False),
        ("2", False),
        ("4", True),
        ("1", True),
    ]
    assert all(image.is_better != image.is_worse for image in changed)


def test_swapping_the_sides_turns_better_into_worse_and_changes_the_sign():
    there, back = compare([OLD], [NEW]).rows[0], compare([NEW], [OLD]).rows[0]
    better = {image.path for image in there.pairs[0].images if image.is_better}
    assert better == {image.path for image in back.pairs[0].images if image.is_worse}
    for name, figure in there.figures.items():
        assert figure.change.mean == -back.figures[name].change.mean


def test_each_run_uses_its_own_threshold():
    doubled = make_run([2 * image.total for image in OLD.images], threshold=2.0)
    assert compare_runs(OLD, doubled).changed == ()
    assert compare_runs(OLD, replace(doubled, threshold=1.0)).changed != ()


def test_figures_are_those_of_the_metrics_on_the_images_that_both_judged():
    torn = make_run((0.5, None, 1.1, 2.0, 1.5, None))
    pair = compare_runs(OLD, torn)
    kept = [0, 2, 3, 4]
    labels = np.array(LABELS)[kept]
    before = np.array([OLD.images[index].total for index in kept])
    assert pair.n_unpaired == 2
    assert pair.old_figures["auroc"] == auroc(labels, before)
    assert pair.old_figures["f1_max"] == f1_max(labels, before)[0]
    assert pair.old_figures["f1_at_threshold"] == f1_at(labels, before, 1.0)


def test_runs_without_a_common_image_have_no_figures_and_no_changes():
    (row,) = compare([OLD], [make_run((None,) * 6, threshold=None)]).rows
    assert np.isnan(row.figures["auroc"].change.mean)
    assert row.pairs[0].images == ()
    assert row.pairs[0].n_unpaired == 6
    assert "–" in comparison_text(compare([OLD], [make_run((None,) * 6, threshold=None)]))


def test_an_image_whose_truth_was_relabelled_is_not_paired():
    other = make_run((0.5, 0.7, 1.1, 2.0, 1.5, 0.2), labels=(False, False, True, True, True, True))
    renamed = replace(
        other,
        images=tuple(
            replace(new, path=old.path) for new, old in zip(other.images, OLD.images, strict=True)
        ),
    )
    assert compare_runs(OLD, renamed).n_unpaired == 1


def test_the_spread_is_that_of_paired_differences():
    """Seeds that differ much, but by the same on both sides, spread not at all."""
    easy, hard = (0.1, 0.2, 0.3, 2.0, 3.0, 4.0), (0.1, 2.5, 0.3, 0.2, 3.0, 4.0)
    old = [make_run(easy, seed=0), make_run(hard, seed=1)]
    new = [make_run(easy, seed=1), make_run(easy, seed=0)]
    (same,) = compare(old, [make_run(hard, seed=1), make_run(easy, seed=0)]).rows
    assert same.figures["auroc"].old.std > 0
    assert same.figures["auroc"].change.values == (0.0, 0.0)
    (row,) = compare(old, new).rows
    gains = (0.0, 1.0 - auroc(np.array(LABELS), np.array(hard)))
    assert row.figures["auroc"].change.values == pytest.approx(gains)
    assert row.figures["auroc"].change.std == pytest.approx(np.std(gains))


def test_runs_are_paired_by_category_shots_and_seed():
    old = [make_run(range(6), seed=seed, shots=k) for k in (1, 2) for seed in (0, 1)]
    new = [make_run(range(6), seed=seed, shots=k) for k in (2, 4) for seed in (1, 2)]
    (row,) = compare(old, new).rows
    assert (row.shots, row.seeds) == ((2, 2), ((1, 1),))


def test_runs_within_one_benchmark_are_paired_over_shots_or_seeds():
    runs = [make_run(range(6), seed=seed, shots=k) for k in (1, 4) for seed in (0, 1)]
    (row,) = compare(runs, runs, shots=(1, 4)).rows
    assert (row.shots, row.seeds) == ((1, 4), ((0, 0), (1, 1)))
    rows = compare(runs, runs, seeds=(0, 1)).rows
    assert [(row.shots, row.seeds) for row in rows] == [((1, 1), ((0, 1),)), ((4, 4), ((0, 1),))]


def test_the_mean_is_taken_over_categories_seed_by_seed():
    def side(*totals):
        return [make_run(each, category=name) for name, each in zip("ab", totals, strict=True)]

    good, bad = (0, 0, 0, 2, 2, 2), (2, 2, 2, 0, 0, 0)
    comparison = compare(side(bad, good), side(good, good))
    (mean,) = comparison.means
    assert mean.category == MEAN
    assert mean.figures["auroc"].change.values == (0.5,)
    assert compare(side(bad, good)[:1], side(good, good)).means == ()


def test_without_a_common_run_the_message_says_what_each_side_has():
    message = (
        r"no run has a partner: expected the same category, shots and seed on both sides, "
        r"got cup \(shots 2; seeds 42\) and mug \(shots 2; seeds 42\)"
    )
    with pytest.raises(DatasetError, match=message):
        compare([OLD], [make_run(range(6), category="mug")])
    with pytest.raises(DatasetError, match=r"cup .* and no run"):
        compare([OLD], [])


def test_the_json_form_holds_only_numbers_that_json_has():
    comparison = compare([OLD], [make_run((None, None, None, 1.0, 2.0, 3.0))])
    content = json.loads(json.dumps(comparison.as_dict(), allow_nan=False))
    (row,) = content["rows"]
    assert row["figures"]["auroc"]["change"]["mean"] is None
    assert row["pairs"][0]["n_images"] == 3
    assert [image["is_better"] for image in row["pairs"][0]["changed"]] == [False, True]


def test_the_table_names_every_image_with_another_verdict():
    text = comparison_text(compare([OLD], [NEW]))
    for image in compare_runs(OLD, NEW).changed:
        assert image.path in text
    assert "better: normal now" in text
    assert "worse: anomaly now" in text
    assert "−0." in text


def test_runs_and_images_without_a_partner_are_counted_and_named():
    old = [make_run((None, *range(5)), seed=seed) for seed in (0, 1)]
    new = [make_run(range(6), seed=seed) for seed in (1, 2, 3)]
    comparison = compare(old, new)
    assert comparison.remarks == (
        "1 run only on the old side, left out: cup, k = 2, seed 0",
        "2 runs only on the new side, left out: cup, k = 2, seed 2; cup, k = 2, seed 3",
        "1 image left out of all runs: not both sides judged them",
    )
    text = comparison_text(comparison)
    assert all(remark in text for remark in comparison.remarks)
    assert comparison.as_dict()["alone"]["old"] == ["cup, k = 2, seed 0"]
    assert compare([OLD], [NEW]).remarks == ()


def test_runs_that_were_not_asked_for_are_not_alone():
    runs = [make_run(range(6), shots=shots, seed=0) for shots in (1, 2, 4)]
    assert compare(runs, runs, shots=(1, 4)).alone == ((), ())
