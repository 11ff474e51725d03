"""The journey of an engineer in a real browser: measure, look at the worst, compare."""

from __future__ import annotations

import json
import re
import shutil
import time

import pytest

pytest.importorskip("playwright")

from playwright.sync_api import expect

from engine.benchmark import read_result
from engine.station import Station

PATIENCE_MS, SOON_MS = 180_000, 90_000
SIZES = {"light": (1280, 800), "dark": (1024, 768)}


@pytest.fixture(scope="module")
def cables(tmp_path_factory, photographs):
    """A small part of the photographs, as a data set of its own."""
    root = tmp_path_factory.mktemp("bench") / "product"
    splits = {
        "train/good": photographs.references,
        "test/good": photographs.good[:4],
        "test/bad": photographs.anomalies[:6],
    }
    for split, paths in splits.items():
        (root / split).mkdir(parents=True)
        for index, path in enumerate(paths):
            shutil.copy(path, root / split / f"{index:02d}{path.suffix}")
    return root


@pytest.fixture(scope="module")
def server(serve, cables, tmp_path_factory):
    station = tmp_path_factory.mktemp("bench-station") / "station"
    server = serve("--station", station, "--root", cables.parent)
    server.station = station
    return server


@pytest.fixture
def measured(server, cables):
    """The server with a benchmark that is done, whichever tests came before."""
    with Station(server.station, roots=[cables.parent]) as station:
        if not any(job.state == "done" for job in station.jobs("bench")):
            job = station.start_job("bench", {"root": str(cables), "shots": [1, 2], "seeds": [42]})
            wait_for(lambda: not station.job(job).is_active)
            assert station.job(job).state == "done"
    return server


def wait_for(is_reached):
    until = time.monotonic() + PATIENCE_MS / 1000
    while not is_reached():
        assert time.monotonic() < until, "it took too long"
        time.sleep(0.1)


@pytest.fixture(params=["light"])
def visitor(tab, request):
    return tab(SIZES[request.param], theme=request.param)


@pytest.fixture
def keep_screen(settle, screens):
    """Keep a picture of the page once it stands still."""

    def keep(page, name):
        settle(page)
        page.screenshot(path=screens / f"benchmark-{name}.png")

    return keep


def start(page, shots):
    page.get_by_text("New benchmark", exact=True).click()
    pills = page.locator(".st-key-bench_shots")
    pills.get_by_role("button", name="4", exact=True).click()
    for number in shots:
        pills.get_by_role("button", name=str(number), exact=True).click()
    begin = page.get_by_role("button", name="Start benchmark")
    expect(begin).to_be_enabled(timeout=SOON_MS)
    expect(page.get_by_text(f"{10 * len(shots)} images will be judged")).to_be_visible(
        timeout=SOON_MS
    )
    begin.click()


def test_a_benchmark_fills_survives_a_reload_and_leads_to_its_worst_miss(
    server, visitor, settle, keep_screen, tmp_path
):
    page = visitor
    page.goto(f"{server.url}/benchmark")
    start(page, (1, 2))
    expect(page.get_by_role("button", name="Cancel")).to_be_visible(timeout=SOON_MS)
    keep_screen(page, "running")
    page.reload()
    expect(page.get_by_text("Worst misses")).to_be_visible(timeout=PATIENCE_MS)
    download = page.get_by_role("button", name="JSON")
    expect(download).to_be_visible(timeout=PATIENCE_MS)
    with Station(server.station) as station:
        wait_for(lambda: not station.jobs("bench", is_active=True))
    expect(page.get_by_role("button", name="Cancel")).to_have_count(0, timeout=SOON_MS)
    settle(page)
    with page.expect_download() as coming:
        download.click()
    coming.value.save_as(tmp_path / "result.json")
    runs = {(run.shots, run.seed): run for run in read_result(tmp_path / "result.json").runs}
    assert list(runs) == [(1, 42), (2, 42)]
    expect(page.get_by_test_id("stVegaLiteChart").first).to_be_visible(timeout=SOON_MS)
    keep_screen(page, "result")
    with page.expect_download() as coming:
        page.get_by_role("button", name="HTML page").click()
    coming.value.save_as(tmp_path / "page.html")
    assert "<svg" in (tmp_path / "page.html").read_text(encoding="utf-8")

    run = runs[1, 42]
    worst = min((image for image in run.images if image.is_anomalous), key=lambda it: it.total)
    first = page.locator("[class*=st-key-bench_open_misses]").first
    first.scroll_into_view_if_needed()
    keep_screen(page, "worst")
    first.get_by_role("button", name="Inspect").first.click()
    page.wait_for_url(re.compile(r"entry=\d+"), timeout=PATIENCE_MS)
    expect(page.get_by_text("Worst misses")).to_have_count(0, timeout=SOON_MS)
    total = page.get_by_text(f"{worst.total:.3g}", exact=True)
    expect(total.first).to_be_visible(timeout=PATIENCE_MS)
    keep_screen(page, "worst-inspected")


def test_two_runs_are_compared_and_a_cancelled_benchmark_goes_on(measured, visitor, keep_screen):
    server, page = measured, visitor
    n_before = len(list((server.station / "bench").glob("*.json")))
    page.goto(f"{server.url}/benchmark?view=compare")
    expect(page.get_by_text("Differences").first).to_be_visible(timeout=SOON_MS)
    expect(page.get_by_text(re.compile(r"\d+ became right, \d+ became wrong"))).to_be_visible(
        timeout=SOON_MS
    )
    keep_screen(page, "compared")
    start(page, (1, 2, 3))
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_text("was cancelled")).to_be_visible(timeout=SOON_MS)
    page.get_by_role("button", name="Go on").click()
    page.wait_for_url(re.compile(r"result=job-(?!1\b)\d+"))
    with Station(server.station) as station:
        wait_for(lambda: station.jobs("bench")[0].state == "done")
    expect(page.get_by_role("button", name="JSON")).to_be_visible(timeout=PATIENCE_MS)
    results = sorted((server.station / "bench").glob("*.json"))
    assert len(results) == n_before + 1
    assert len(json.loads(results[-1].read_text())["runs"]) == 3


@pytest.mark.parametrize("visitor", ["dark"], indirect=True)
def test_a_tablet_in_the_dark_shows_everything_without_scrolling_sideways(
    measured, visitor, settle, keep_screen
):
    page = visitor
    page.goto(f"{measured.url}/benchmark")
    expect(page.get_by_text("Worst misses")).to_be_visible(timeout=SOON_MS)
    settle(page)
    main = page.get_by_test_id("stMain")
    assert main.evaluate("e => e.scrollWidth <= e.clientWidth")
    broken = "e => [...e.querySelectorAll('img')].filter(i => i.complete && !i.naturalWidth).length"
    assert main.evaluate(broken) == 0
    keep_screen(page, "dark")
