import pytest


@pytest.fixture
def page(tmp_path):
    return tmp_path / "report.html"


def test_all_images_are_on_one_page_that_needs_no_other_file(partwise, model, photos, page):
    ended = partwise("explain", model, photos / "new", "-o", page)
    assert (ended.code, ended.out) == (0, f"{page}: 2 of 2 images explained\n")
    html = page.read_text(encoding="utf-8")
    for name in ("good.png", "stained.png"):
        assert name in html
    assert "data:image/" in html
    assert "http://" not in html.replace("http://www.w3.org/", "")
    assert "https://" not in html
    assert "<link" not in html


def test_a_broken_image_is_named_and_the_others_are_explained(partwise, model, photos, page):
    (page.parent / "zero.png").touch()
    ended = partwise("explain", model, page.parent / "zero.png", photos / "new", "-o", page)
    assert (ended.code, ended.out) == (1, f"{page}: 2 of 3 images explained\n")
    assert ended.err.startswith(f"Error: {page.parent / 'zero.png'} is empty (0 bytes)")
    assert ended.err.count("\n") == 1
    assert "zero.png" not in page.read_text(encoding="utf-8")


def test_without_any_sound_image_there_is_no_page(partwise, model, page):
    ended = partwise("explain", model, "nothing.png", "-o", page)
    assert (ended.code, ended.out) == (1, "")
    assert "nothing.png: no such file or folder" in ended.err
    assert not page.exists()


def test_the_page_uses_a_threshold_set_by_hand(partwise, model, photos, page):
    good = photos / "new" / "good.png"
    assert partwise("explain", model, good, "-o", page, "--threshold", -1).code == 0
    assert "set by hand" in page.read_text(encoding="utf-8")


def test_bad_output_and_bad_models_are_refused(refused, model, photos, page):
    good = photos / "new" / "good.png"
    assert "it is one of the inputs" in refused("explain", model, photos / "new", "-o", good)
    assert "it is one of the inputs" in refused("explain", model, good, "-o", model)
    assert "create it first" in refused("explain", model, good, "-o", page / "x.html")
    assert "is not a partwise model" in refused("explain", good, good, "-o", page)


def test_what_is_new_is_shown_with_regions_only(partwise, model, photos, page):
    stained = photos / "new" / "stained.png"
    assert partwise("explain", model, stained, "-o", page).code == 0
    assert "Regions that are new" not in page.read_text(encoding="utf-8")
    ended = partwise("explain", model, stained, "-o", page, "--regions")
    assert (ended.code, ended.out) == (0, f"{page}: 1 of 1 images explained\n")
    html = page.read_text(encoding="utf-8")
    assert "Regions that are new" in html
    assert "of no class" in html


def test_a_library_is_refused_without_regions(partwise, model, photos, page, tmp_path):
    ended = partwise(
        "explain", model, photos / "new", "-o", page, "--library", tmp_path / "regions.db"
    )
    assert ended.code == 2
    assert "a library is used only with --regions" in ended.err
    assert not page.exists()
