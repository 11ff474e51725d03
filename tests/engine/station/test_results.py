"""What a page shows of an image: pictures that lie on each other, and the words beside them."""

import io
from dataclasses import replace

import cv2
import numpy as np
import pytest
from PIL import Image

from alignment.transforms import about_center, apply, warp_image
from engine.inspector import Inspector
from engine.rendering import overlays
from engine.rendering.layers import View, draw_heat_layer, draw_parts_layer, matte
from engine.station import StationError
from engine.station.entries import all_ids
from engine.station.result_view import draw_result
from engine.station.results import sweep
from engine.synthetic.scenes import render


def decoded(data):
    return np.asarray(Image.open(io.BytesIO(data)))


@pytest.fixture(scope="module")
def moved(model):
    """A photograph turned by 8° and shifted, and how its pixels moved."""
    scene = render("pins", np.random.default_rng([30, 4]))
    move = about_center(scene.image.shape[:2], angle_rad=np.deg2rad(8), shift_xy=(9.0, -6.0))
    return warp_image(scene.image, move)[0], move, scene


@pytest.fixture(scope="module")
def judged(moved, model):
    from engine.station.judge import Judge

    return Judge().judge(moved[0], model)


def test_a_page_has_all_it_needs(station, model, photograph, work):
    entry = station.add_upload(photograph(31, "missing_pin"), "pin.png", model=model)
    work(station)
    result = station.result(entry)
    assert result.entry == station.entry(entry)
    assert (result.image_size, result.view_size) == ((320, 480), (320, 480))
    assert set(result.layers) - {"regions"} == {"parts", "anomaly", "missing"}
    assert {decoded(each).shape for each in result.layers.values()} == {(320, 480, 4)}
    assert decoded(result.photo).shape == decoded(result.reference).shape == (320, 480, 3)
    assert result.reference_name in {"0.png", "1.png", "2.png", "3.png"}
    assert result.report["score"] == pytest.approx(result.entry.total)
    assert ("regions" in result.layers) == bool(result.regions["regions"])
    assert result.regions["verdict"] == result.entry.verdict
    inspector = Inspector.load(model)
    assert sorted(each["id"] for each in result.classes if each["id"] >= 0) == list(
        range(len(inspector.fitted.class_names))
    )
    assert all(each["color"].startswith("#") and len(each["color"]) == 7 for each in result.classes)
    assert sum(each["share"] for each in result.scores) == pytest.approx(1)
    assert {each["name"] for each in result.scores} == set(result.report["scores"])


def test_parts_lie_over_what_they_are(judged, moved):
    layer = decoded(draw_result(judged).layers["parts"])
    report = judged.report
    view = View.of(judged.examination)
    shown = np.append(report.aligned.class_of_part, overlays.NO_PART)[report.aligned.parts.labels]
    for class_id in np.flatnonzero(~report.aligned.is_background_class).tolist():
        # where the middle of a part lies in the photograph, the layer has its colour
        room = cv2.distanceTransform((shown == class_id).astype(np.uint8), cv2.DIST_L2, 5)
        if room.max() < 3:
            continue
        y, x = np.unravel_index(int(room.argmax()), room.shape)
        at = apply(view.registered_to_view, np.array([[float(x), float(y)]]))[0].round().astype(int)
        assert layer[at[1], at[0], 3] > 0


def test_the_reference_lies_over_the_photograph(judged, moved):
    drawn = draw_result(judged)
    photo, reference = decoded(drawn.photo), decoded(drawn.reference)
    inner = np.s_[60:-60, 80:-80]
    turned = np.abs(photo[inner].astype(int) - reference[inner]).mean()
    image = judged.inspector.fitted.samples[judged.report.nearest_reference].image
    straight = cv2.resize(image, photo.shape[1::-1])
    assert turned < 0.7 * np.abs(photo[inner].astype(int) - straight[inner]).mean()


def test_heat_lies_where_the_pin_is_missing(model):
    from engine.station.judge import Judge

    scene = render("pins", np.random.default_rng([32, 11]), "missing_pin")
    move = about_center(scene.image.shape[:2], angle_rad=np.deg2rad(-6), shift_xy=(5.0, 4.0))
    judged = Judge().judge(warp_image(scene.image, move)[0], model)
    cover = decoded(draw_result(judged).layers["missing"])[..., 3].astype(float)
    (_, mask), *_ = scene.masks
    y, x = np.nonzero(mask)
    where = apply(move, np.array([[x.mean(), y.mean()]], dtype=float))[0]
    hot = np.argwhere(cover >= 0.5 * cover.max()).mean(axis=0)[::-1]
    assert np.hypot(*(hot - where)) < 40


def test_a_large_photograph_is_shown_smaller_with_its_own_coordinates(judged, moved, model):
    from engine.station.judge import Judge

    large = cv2.resize(moved[0], None, fx=5, fy=5)
    drawn = draw_result(Judge().judge(large, model))
    assert drawn.facts["image_size"] == [1600, 2400]
    assert drawn.facts["view_size"] == [1067, 1600]
    assert decoded(drawn.layers["parts"]).shape == (1067, 1600, 4)


def test_matting_finds_colour_and_cover():
    def draw_on(ground):
        drawn = ground.copy()
        drawn[2:4] = (drawn[2:4] * 0.25 + np.array([200, 100, 40]) * 0.75).round().astype(np.uint8)
        drawn[5] = (10, 20, 30)
        return drawn

    sheet = matte(draw_on, (8, 6))
    assert sheet[2, 0].tolist() == pytest.approx([200, 100, 40, 191], abs=2)
    assert sheet[5, 0].tolist() == [10, 20, 30, 255]
    assert sheet[0, 0].tolist() == [0, 0, 0, 0]


def test_cold_maps_cover_nothing_and_hot_ones_are_outlined():
    move = np.array([[10.0, 0, 4.5], [0, 10.0, 4.5]])
    assert not draw_heat_layer(np.full((4, 6), 0.4), move, (40, 60)).any()
    cells = np.zeros((4, 6))
    cells[1:3, 2:4] = 2.0
    sheet = draw_heat_layer(cells, move, (40, 60))
    assert sheet[20, 30, 3] > 128
    assert (sheet[..., 3] == 255).any()  # the line around it
    assert not sheet[:5].any()


def test_background_stays_bare_and_extra_parts_are_hatched():
    classes = np.zeros((20, 20), dtype=np.int64)
    classes[5:15, 2:8] = 1
    classes[5:15, 12:18] = overlays.EXTRA
    is_background = np.array([True, False])
    move = np.array([[10.0, 0, 4.5], [0, 10.0, 4.5]])
    cover = draw_parts_layer(classes, is_background, move, (200, 200))[..., 3]
    assert (cover[100, 30:35] > 0).all()
    assert cover[20, 100] == 0
    assert 0 < (cover[60:140, 135:145] == 0).mean() < 1


def test_a_result_is_waited_for_while_it_is_drawn(station, model, photograph, work, monkeypatch):
    entry = station.add_upload(photograph(33), "a.png", model=model)
    with pytest.raises(StationError, match=r"a\.png has no result yet: it is queued; wait for it"):
        station.result(entry)
    work(station)
    with station.database.change() as connection:
        connection.execute("UPDATE entries SET is_drawn = 0")
    monkeypatch.setattr("engine.station.results._TIMEOUT_S", 0.1)
    with pytest.raises(StationError, match="its pictures are being drawn"):
        station.result(entry)


def test_a_result_whose_files_are_gone_says_so(station, model, photograph, work, monkeypatch):
    entry = station.add_upload(photograph(33), "a.png", model=model)
    work(station)
    monkeypatch.setattr("engine.station.results._TIMEOUT_S", 0.0)
    (station.paths.results / str(entry) / "photo.jpg").unlink()
    with pytest.raises(
        StationError, match=r"the result of a\.png cannot be read .* judge it again"
    ):
        station.result(entry)
    station.rejudge([entry])
    work(station)
    assert station.result(replace(station.entry(entry)).id).photo


def test_results_of_entries_that_are_gone_are_swept(station, model, photograph, work, tmp_path):
    kept, removed = (station.add_upload(photograph(seed), "a.png", model=model) for seed in (1, 2))
    work(station)
    folder = station.paths.results
    with station.database.change() as connection:  # killed before the pictures were deleted
        connection.execute("DELETE FROM entries WHERE id = ?", (removed,))
    (folder / f".{kept}-0123").mkdir()
    (folder / "notes").mkdir()
    sweep(folder, lambda: all_ids(station.database))
    assert sorted(each.name for each in folder.iterdir()) == [str(kept), "notes"]
