"""Two results side by side: which verdicts changed, and by how much the figures did."""

import pytest

from engine.benchmark.comparison import compare, compare_runs
from engine.benchmark.records import Judgement, Run
from ui.bench_page.compare_view import (
    changed_rows,
    changed_text,
    difference_rows,
    differences_chart,
    pair_title,
    pairs_chart,
    verdict_text,
)
from ui.charts import LIGHT

TOTALS = {"g1": 0.2, "g2": 1.5, "g3": 0.9, "b1": 3.0, "b2": 0.5, "b3": 1.2, "b4": None}


def make_run(totals=TOTALS, *, category="cup", shots=2, seed=42, threshold=1.0):
    """Judge images: a name that begins with "g" is normal, every other one anomalous."""
    images = tuple(
        Judgement(name, name[0] != "g", "bad", ("dent",), total, {"one": total or 0.0}, 0.02)
        for name, total in totals.items()
    )
    return Run(category, shots, seed, ("a.png",), threshold, "references", "", 1.0, images)


RUN = make_run()


def drawn(chart):
    """Return the values of each layer, after Altair has checked the whole against its schema."""
    spec = chart.to_dict()
    return [spec["datasets"][(spec | layer)["data"]["name"]] for layer in spec["layer"]]


CHANGED = make_run(TOTALS | {"g2": 0.5, "b3": 0.8, "b4": 5.0})


def test_a_comparison_says_in_words_what_became_of_the_verdicts():
    pair = compare_runs(RUN, CHANGED)
    assert verdict_text(pair) == (
        "1 became right, 1 became wrong, 4 as before. Left out, for not both have judged them: 1."
    )
    rows = changed_rows(pair)
    assert [(row["verdict"], row["image"]) for row in rows] == [
        ("✕ missed now", "b3"),
        ("✓ passed now", "g2"),
    ]
    assert [changed_text(image) for image in pair.changed] == [
        ":orange[:material/close: 1.200 → **0.800** missed now]",
        ":blue[:material/check: 1.500 → **0.500** passed now]",
    ]
    assert pair_title(pair) == "cup · 2 shots · seed 42"
    other = compare_runs(RUN, make_run(shots=4))
    assert pair_title(other) == "cup · 2 shots · seed 42 → cup · 4 shots · seed 42"


def test_rows_of_differences_name_only_what_there_is_more_of():
    (first, *rest) = difference_rows(compare([RUN], [CHANGED]))
    assert first.keys() == {"figure", "old", "new", "change"}
    assert len(rest) == 3
    several = [make_run(category=name, seed=seed) for name in "ab" for seed in (0, 1)]
    rows = difference_rows(compare(several, several))
    assert [row["category"] for row in rows[::4]] == ["a", "b", "mean of categories"]
    assert rows[0]["seeds"] == "up in 0 of 2"
    assert rows[0]["change"] == "+0.000 ±0.000"


def test_the_picture_of_a_pair_shows_every_image_by_its_own_threshold():
    pair = compare_runs(RUN, make_run(TOTALS, threshold=2.0))
    values = drawn(pairs_chart(pair, LIGHT))[3]
    assert {value["path"] for value in values} == {image.path for image in pair.images}
    for value in values:
        assert value["new"] == pytest.approx(value["old"] / 2)
    assert [value["change"] for value in values][-1] != "as before"  # drawn over the others


def test_the_picture_of_differences_has_a_bar_for_each_mean_and_a_dot_for_each_seed():
    old = [make_run(seed=seed) for seed in (0, 1)]
    new = [make_run({**TOTALS, "b2": 2.0}, seed=seed) for seed in (0, 1)]
    (means, _, seeds) = drawn(differences_chart(compare(old, new), LIGHT))
    assert (len(means), len(seeds)) == (4, 8)
    assert {value["way"] for value in means} == {"up"}
    nothing = make_run(dict.fromkeys(TOTALS), threshold=None)
    assert drawn(differences_chart(compare([RUN], [nothing]), LIGHT))[0] == []
