import re
import shutil
from html.parser import HTMLParser

import pytest

from engine.atomic import OutputError
from engine.benchmark.datasets import find_categories
from engine.benchmark.html_report import bench_page, write_page
from engine.benchmark.protocol import Perturbation
from engine.benchmark.runner import run_bench

VOID = {"meta", "br", "image", "use", "rect", "circle", "line", "polyline"}


class Reader(HTMLParser):
    """Collects tags, checks that they nest, and gathers attributes that could load something."""

    def __init__(self):
        super().__init__()
        self.open, self.tags, self.links, self.ids, self.text = [], [], [], [], []

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        self.tags.append((tag, attrs))
        self.links += [attrs[name] for name in ("href", "src", "xlink:href") if name in attrs]
        self.ids += [attrs["id"]] if "id" in attrs else []
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag):
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)


def read(page):
    reader = Reader()
    reader.feed(page)
    assert reader.open == []
    return reader


@pytest.fixture
def run(brightness):
    def bench(root, **changes):
        arguments = {"shots": (1, 2), "seeds": (42, 0), "config": {"name": "<brightness>"}}
        inspector = changes.pop("inspector", brightness.Brightness)
        return run_bench(find_categories(root), inspector, **(arguments | changes))

    return bench


def test_the_page_loads_nothing_from_outside(plain, run):
    page = bench_page(run(plain))
    for link in read(page).links:
        assert link.startswith(("#", "data:image/jpeg;base64,"))
    assert "@import" not in page
    assert not re.search(r"url\(|https?://|fetch\(|XMLHttp", page)


def test_there_is_one_panel_for_each_run_and_one_is_shown(plain, run):
    result = run(plain)
    panels = [attrs for tag, attrs in read(bench_page(result)).tags if tag == "section"]
    assert [panel["data-key"] for panel in panels] == [
        f"{run.category}-{run.shots}-{run.seed}" for run in result.runs
    ]
    assert ["hidden" in panel["class"] for panel in panels] == [False] + [True] * 7


def test_lines_of_the_summary_lead_to_a_panel(plain, run):
    reader = read(bench_page(run(plain)))
    keys = {attrs["data-key"] for tag, attrs in reader.tags if tag == "section"}
    links = [attrs["href"] for tag, attrs in reader.tags if tag == "a"]
    assert len(links) == 4
    assert {link[1:] for link in links} <= keys


def test_the_floor_and_the_figures_of_every_row_are_there(plain, run):
    result = run(plain)
    text = " ".join(read(bench_page(result)).text)
    for row in result.summary.rows + result.summary.means:
        for spread in (row.overall.floor, row.overall.f1_max, row.overall.auroc):
            assert f"{spread.mean:.3f}" in text
    assert f"{10 / 14:.3f}" in text


def test_each_panel_has_its_four_charts_and_two_confusion_matrices(plain, run):
    reader = read(bench_page(run(plain, shots=(1,), seeds=(42,))))
    assert sum(attrs.get("class") == "chart" for _, attrs in reader.tags) == 2 * 4
    assert sum(attrs.get("class") == "matrix" for _, attrs in reader.tags) == 2 * 2


def test_pictures_are_stored_once_and_every_one_shown_is_stored(plain, run):
    reader = read(bench_page(run(plain)))
    stored = [attrs["id"] for tag, attrs in reader.tags if tag == "symbol"]
    shown = [attrs["href"][1:] for tag, attrs in reader.tags if tag == "use"]
    assert len(stored) == len(set(stored)) == 9 + 5
    assert set(shown) == set(stored)
    assert len(shown) > len(stored)


def test_pictures_are_left_out_on_request_or_when_the_files_are_gone(plain, run):
    result = run(plain)
    assert "data:image" not in bench_page(result, has_images=False)
    shutil.rmtree(plain / "soft" / "test" / "dark")
    page = bench_page(result)
    assert "dark/000.png" in page
    assert page.count("<symbol") == 14 - 3


def test_perturbed_images_are_shown_as_they_were_judged(plain, run):
    still = bench_page(run(plain, shots=(1,), seeds=(42,)))
    noisy = Perturbation.of(["noise", "exposure"])
    moved = bench_page(run(plain, shots=(1,), seeds=(42,), perturbation=noisy))
    assert "test images perturbed: exposure, noise; seed 0" in moved
    assert "shot_levels" in moved
    assert "perturbed" not in still
    first = r'<symbol id="t0"><image[^>]*href="([^"]*)"'
    assert re.search(first, still)[1] != re.search(first, moved)[1]


def test_groups_stand_beside_types_where_they_differ(plain, loco, run):
    assert "By group of anomalies" not in bench_page(run(plain))
    page = bench_page(run(loco, shots=(1,), seeds=(42,)))
    assert "By group of anomalies" in page
    for name in ("logical_anomalies", "missing_pin", "scratch"):
        assert f"<td>{name}</td>" in page


def test_images_that_were_not_judged_are_named(plain, run):
    (plain / "soft" / "test" / "dark" / "001.png").write_bytes(b"")
    page = bench_page(run(plain, shots=(1,), seeds=(42,)))
    assert "Not judged, and left out of every figure" in page
    assert "is empty (0 bytes)" in page
    assert "−1</span>" in page


def test_what_was_left_out_is_counted_and_named(plain, run):
    assert "left out</th>" not in bench_page(run(plain, shots=(1,), seeds=(42,)))
    (plain / "soft" / "test" / "dark" / "003.<jp2>").touch()
    page = bench_page(run(plain, shots=(1,), seeds=(42,)))
    assert read(page).open == []
    assert "left out</th>" in page
    assert page.count('<td class="wrong">1</td>') == 2  # of the category, and of the mean
    assert "soft: 1 file left out: 1 .&lt;jp2&gt;" in page


def test_a_run_that_judged_only_one_kind_has_no_charts(plain, run, brightness):
    page = bench_page(run(plain, inspector=brightness.NoNumber, shots=(1,), seeds=(42,)))
    assert read(page).open == []
    assert page.count('class="chart"') == 4  # of the other category
    assert "judged without a finite number" in page


def test_names_from_outside_cannot_become_markup(plain, run):
    name = "<script>alert('&\")"
    (plain / "soft").rename(plain / name)
    page = bench_page(run(plain, shots=(1,), seeds=(42,)))
    reader = read(page)
    assert "<script>alert" not in page
    assert "<brightness>" not in page
    assert any(attrs.get("data-key") == f"{name}-1-42" for _, attrs in reader.tags)


def test_the_same_result_gives_the_same_page(plain, run):
    result = run(plain)
    assert bench_page(result) == bench_page(result)


def test_the_page_is_written_whole_or_not_at_all(plain, run, tmp_path):
    result = run(plain, shots=(1,), seeds=(42,))
    path = tmp_path / "bench.html"
    write_page(result, path)
    assert path.read_text(encoding="utf-8") == bench_page(result)
    with pytest.raises(OutputError, match="the folder does not exist"):
        write_page(result, tmp_path / "no" / "bench.html")
