import pytest

from engine.benchmark.datasets import find_categories
from engine.benchmark.runner import run_bench
from engine.benchmark.summary import Spread
from engine.benchmark.text_report import number, tables_text, with_spread


@pytest.fixture
def lines_of(brightness):
    def run(root, **arguments):
        result = run_bench(find_categories(root), brightness.Brightness, **arguments)
        return result, tables_text(result.summary).splitlines()

    return run


def test_each_category_and_shots_has_a_line_with_its_figures(plain, lines_of):
    result, lines = lines_of(plain, shots=(1, 2), seeds=(42, 0))
    for row in result.summary.rows + result.summary.means:
        expected = [with_spread(row.overall.f1_max), with_spread(row.overall.aupr)]
        start = str(row.shots)
        assert any(start in line and all(cell in line for cell in expected) for line in lines)
    assert "area under F1-max over k:" in lines
    assert any("mean of categories" in line for line in lines)


def test_a_category_is_named_in_its_first_line_only(plain, lines_of):
    _, lines = lines_of(plain, shots=(1, 2, 4), seeds=(42,))
    top = lines[: lines.index("area under F1-max over k:")]
    assert sum("sharp" in line for line in top) == 1


def test_groups_have_a_table_where_they_are_not_the_types(plain, loco, lines_of):
    assert not any("By group" in line for line in lines_of(plain, shots=(1,), seeds=(1,))[1])
    _, lines = lines_of(loco, shots=(1,), seeds=(1,))
    assert "By group of anomalies (F1-max / AUROC)" in lines
    assert any("missing_pin" in line for line in lines)


def test_every_single_score_has_a_line(plain, lines_of):
    result, lines = lines_of(plain, shots=(1,), seeds=(1,))
    table = lines[lines.index("Each score alone (F1-max / AUROC)") :]
    soft = result.summary.rows[1].scores["darkness"]
    pair = f"{soft.f1_max.mean:.3f} / {soft.auroc.mean:.3f}"
    assert any("darkness" in line and pair in line for line in table)


def test_errors_have_a_column_where_there_are_any(plain, lines_of):
    _, lines = lines_of(plain, shots=(1,), seeds=(1,))
    assert not any("errors" in line for line in lines)
    (plain / "soft" / "test" / "dark" / "001.png").write_bytes(b"")
    _, lines = lines_of(plain, shots=(1,), seeds=(1,))
    assert any(line.endswith("errors") for line in lines)
    soft = next(line for line in lines if line.strip().startswith("soft"))
    assert soft.split()[-1] == "1"


def test_no_line_is_cut_and_none_ends_in_blanks(plain, lines_of):
    (plain / "soft").rename(plain / ("s" + "o" * 80 + "ft"))
    _, lines = lines_of(plain, shots=(1,), seeds=(1,))
    assert any("s" + "o" * 80 + "ft" in line for line in lines)
    assert all(line == line.rstrip() for line in lines)


def test_colour_is_only_there_when_asked_for(plain, lines_of):
    result, lines = lines_of(plain, shots=(1,), seeds=(1,))
    assert "\x1b" not in "".join(lines)
    assert "\x1b" in tables_text(result.summary, is_colored=True)


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ((0.5,), "0.500"),
        ((0.25, 0.75), "0.500 ±.250"),
        ((0.0, 4.0), "2.000 ±2.000"),
        ((float("nan"), 0.5), "–"),
    ],
)
def test_a_spread_reads_as_mean_and_deviation(values, text):
    assert with_spread(Spread(values)) == text


def test_a_figure_that_is_not_defined_is_a_dash():
    assert number(float("nan")) == "–"
    assert number(2.345, digits=1) == "2.3"
