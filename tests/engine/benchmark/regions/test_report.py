"""What is said of a benchmark of regions in a terminal and on a page."""

import re
from html.parser import HTMLParser

import numpy as np

from engine.benchmark.regions.ablation import STEPS
from engine.benchmark.regions.figures import RegionsBench, RollRun
from engine.benchmark.regions.report import regions_page, roc_chart, tables_text, write_page


def cells(text, name):
    row = next(line for line in text.splitlines() if line.strip().startswith(name))
    return re.split(r"\s{2,}", row.strip())[1:]


def test_a_line_a_figure_with_floor_mean_worst_and_aim(bench):
    text = tables_text(bench)
    assert cells(text, "3: 1 taught, pixel IoU") == ["0.000", "0.550", "0.500", "≥ 0.8", "✗"]
    assert cells(text, "2: button unknown") == ["1.000", "1.000", "1.000", "≥ 0.99"]
    assert cells(text, "normal called normal") == ["0.000", "0.750", "0.750"]


def test_confusions_steps_speed_and_boxes_have_tables(bench):
    text = tables_text(bench)
    assert cells(text, "hole") == ["0", "2", "0", "0", "6"]
    assert cells(text, "defect ") == ["2", "6"]
    for name in STEPS:
        assert cells(text, name) == ["1", "0.050", "0.050", "0.050", "0.050"]
    assert cells(text, "teaching one example")[0] == "0.200 s"
    assert cells(text, "10000 examples, 0 on") == ["100", "250", "2.50", "≤ 2", "✗"]
    assert cells(text, "given the box") == ["accuracy", "0.650", "0.850"]
    assert cells(text, "aim for accuracy") == ["≥ 0.6", "≥ 0.7"]


def test_what_was_not_measured_has_no_table(bench):
    run = bench.runs[0]
    bare = RegionsBench(
        bench.config, bench.counts, (RollRun(run.walked, (), run.seconds),), None, {}
    )
    for text in (tables_text(bare), regions_page(bare)):
        assert "1 roll" in text
        for word in ("step adds", "teaching", "Boxes of"):
            assert word not in text


def test_the_page_holds_every_figure_and_escapes_names(bench, tmp_path):
    write_page(bench, tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text()
    HTMLParser().feed(page)
    assert "a &lt;folder&gt;" in page
    assert "a <folder>" not in page
    assert page.count('class="chart"') == 2
    for text in ("0.550", "≥ 0.8", *STEPS, "10000", "0.850"):
        assert text in page
    assert "http" not in page.replace("http://www.w3.org", "")


def test_what_was_left_out_of_a_folder_is_said(bench):
    assert "2 photographs have <no> labels: background.\n" in tables_text(bench)
    assert "2 photographs have &lt;no&gt; labels: background." in regions_page(bench)
    assert bench.as_dict()["notes"] == {
        "a <folder>": ["2 photographs have <no> labels: background"]
    }


def test_curves_end_at_the_right_end_of_the_axis(bench):
    rolls = [run.walked for run in bench.runs]
    whole, left = roc_chart(rolls), roc_chart(rolls, most_false=0.1)
    ends = []
    for chart in (whole, left):
        curves = re.findall(r'polyline class="(roll|total)" points="([^"]+)"', chart)
        assert [style for style, _ in curves] == ["roll", "roll", "total"]
        points = np.array([p.split(",") for _, each in curves for p in each.split()], dtype=float)
        ends.append(points[:, 0].max())
        assert (points[:, 1] >= 12).all()
    assert ends[0] == ends[1]


def test_one_roll_is_drawn_once(bench):
    assert 'class="roll"' not in roc_chart([bench.runs[0].walked])
