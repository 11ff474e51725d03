"""What strangers upload: content decides, names are labels, sizes are bounded."""

import pytest

from engine.station import Limits, Station, StationError
from engine.station.photographs import folder_images
from engine.station.records import label, model_name
from features.images import ImageError


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\photos\\a.png", "a.png"),
        ("a\x00b\x1b[31m\n.png", "ab[31m .png"),
        ("x" * 300 + ".png", "x" * 115 + "….png"),
        ("", "image"),
        ("..", "image"),
        ("\u202egnp.exe", "gnp.exe"),
        ("  Größe 3.jpeg ", "Größe 3.jpeg"),
    ],
)
def test_a_name_is_only_a_label(station, model, photograph, given, shown):
    entry = station.entry(station.add_upload(photograph(1), given, model=model))
    assert entry.name == shown == label(given)
    kept = [path for path in station.paths.images.rglob("*") if path.is_file()]
    assert [path.name for path in kept] == [entry.image_sha256]


def test_content_decides_not_the_name(station, model, photograph):
    entry = station.entry(station.add_upload(photograph(1), "table.csv", model=model))
    assert (entry.state, entry.image_size) == ("queued", (320, 480))
    with pytest.raises(ImageError, match=r"^photo\.png is not an image"):
        station.add_upload(b"id;name\n1;a\n", "photo.png", model=model)
    with pytest.raises(ImageError, match=r"^photo\.png is empty \(0 bytes\)"):
        station.add_upload(b"", "photo.png", model=model)
    assert station.tally().total == 1


def test_sizes_are_bounded_in_clear_words(tmp_path, model, photograph):
    limits = Limits(max_upload_bytes=1000)
    with (
        Station(tmp_path / "a", limits=limits) as station,
        pytest.raises(ImageError, match=r"^a\.png is too large: at most 0\.001 MB are taken, got"),
    ):
        station.add_upload(photograph(1), "a.png", model=model)
    with (
        Station(tmp_path / "b", limits=Limits(max_pixels=100_000)) as station,
        pytest.raises(
            ImageError, match=r"^a\.png .* 480×320 = 153,600; reduce the image$"
        ) as error,
    ):
        station.add_upload(photograph(1), "a.png", model=model)
    assert str(tmp_path) not in str(error.value)
    assert [path for path in station.paths.images.rglob("*") if path.is_file()] == []


def test_equal_uploads_are_kept_once_and_removed_with_the_last(station, model, photograph):
    first, second = (station.add_upload(photograph(1), name, model=model) for name in "ab")
    digest = station.entry(first).image_sha256
    assert station.entry(second).image_sha256 == digest
    station.remove([first])
    assert station.image_path(digest).is_file()
    station.remove([second])
    with pytest.raises(StationError, match=r"there is no image .* add it again"):
        station.image_path(digest)


def test_a_damaged_image_becomes_a_failed_entry(station, model, photograph, work):
    whole = photograph(1)
    entry = station.add_upload(whole[: len(whole) // 2], "torn.png", model=model)
    good = station.add_upload(whole, "good.png", model=model)
    assert work(station) == 2
    assert station.entry(entry).state == "failed"
    assert station.entry(entry).error.startswith("torn.png is damaged or truncated")
    assert station.entry(good).state == "done"
    with pytest.raises(StationError, match=r"torn\.png has no result yet: it is failed"):
        station.result(entry)


def test_a_batch_must_be_there(station, model, photograph):
    with pytest.raises(StationError, match="there is no batch 7; make one with new_batch"):
        station.add_upload(photograph(1), "a.png", model=model, batch=7)
    batch = station.new_batch("shift\n1", model=model)
    station.add_upload(photograph(1), "a.png", model=model, batch=batch.id)
    assert (batch.label, station.batch(batch.id).n_entries) == ("shift 1", 1)
    assert station.tally(batch=batch.id).queued == 1


@pytest.mark.parametrize("name", ["", "../x", "a/b", ".hidden", "x" * 81, "a\0b", "a:b"])
def test_a_model_needs_a_safe_name(station, name):
    with pytest.raises(StationError, match="a model's name must have 1 to 80 letters"):
        station.model_path(name)


def test_a_model_may_have_letters_of_any_language(station):
    assert station.model_path("Teil 3 größer.pw").name == "Teil 3 größer.pw"
    assert model_name("a") == "a"
    assert station.models() == []


def test_a_folder_gives_all_that_can_be_read(tmp_path):
    for name in ("a.PNG", "b.heic", "c.dng", "d.txt", "e.svg", ".f.png"):
        (tmp_path / name).touch()
    (tmp_path / "g.png").mkdir()
    assert [each.name for each in folder_images(tmp_path, [tmp_path])] == [
        "a.PNG",
        "b.heic",
        "c.dng",
    ]
