"""The first minutes of a newcomer, in a real browser: from nothing to a verdict."""

import pytest

JOB_MS = 180_000


@pytest.fixture(scope="module")
def server(serve, photographs):
    return serve("--root", photographs.root)


@pytest.fixture
def page(tab):
    return tab()


def test_one_click_leads_from_nothing_to_a_verdict(serve, page, screens):
    page.goto(serve().url)
    start = page.get_by_role("button", name="Try it with an example product")
    start.wait_for()
    page.screenshot(path=str(screens / "new-model-first.png"))
    start.click()
    page.get_by_text("Threshold", exact=False).or_(page.get_by_text("Anomaly")).or_(
        page.get_by_text("Normal", exact=True)
    ).first.wait_for(timeout=JOB_MS)
    assert "/new" not in page.url
    page.screenshot(path=str(screens / "first-verdict.png"))


def test_dropped_photographs_become_a_model(page, server, photographs, screens):
    page.goto(f"{server.url}/new")
    drop = page.get_by_test_id("stFileUploaderDropzoneInput")
    drop.wait_for(state="attached")
    drop.set_input_files([str(path) for path in photographs.references])
    page.get_by_text("4 references of at most 8").wait_for()
    page.get_by_label("Name of the model", exact=True).fill("Dropped")
    page.get_by_label("Name of the model", exact=True).press("Enter")
    page.get_by_role("button", name="Learn from 4 photographs").click()
    page.get_by_role("button", name="Cancel").wait_for()
    page.screenshot(path=str(screens / "new-model-learning.png"))
    page.reload()  # what runs is in the station, not in the session
    use = page.get_by_role("button", name="Use this model")
    use.wait_for(timeout=JOB_MS)
    page.get_by_test_id("stVegaLiteChart").wait_for()
    page.get_by_role("heading", name="Parts and their classes").wait_for()
    page.wait_for_load_state("networkidle")
    page.screenshot(path=str(screens / "new-model-learnt.png"), full_page=True)
    use.click()
    page.get_by_text("Drop images here").wait_for()
    assert page.title() == "Inspect · Partwise"


def test_what_is_no_image_is_refused_in_words(page, server, tmp_path):
    fake = tmp_path / "fake.png"
    fake.write_bytes(b"<html>not an image</html>")
    page.goto(f"{server.url}/new")
    drop = page.get_by_test_id("stFileUploaderDropzoneInput")
    drop.wait_for(state="attached")
    drop.set_input_files([str(fake)])
    page.get_by_role("alert").filter(has_text="fake.png").wait_for()
    assert page.get_by_role("button", name="Learn from").count() == 0
