"""What may be read: only what lies below the folders that were opened."""

import os
import time

import pytest

from engine.station import Station, StationError
from features.images import ImageError


def test_paths_outside_are_refused_alike_whether_they_are_there_or_not(station, pictures, tmp_path):
    (tmp_path / "secret.png").write_bytes(b"x")
    for name in ("secret.png", "none.png", "pictures/../secret.png"):
        with pytest.raises(StationError, match="is not below a folder that is open here") as error:
            station.allowed(tmp_path / name)
        assert str(error.value).endswith("choose one of these, or start with another --root")
    assert station.allowed(pictures / "a.png") == (pictures / "a.png").resolve()
    with pytest.raises(StationError, match="no such file or folder"):
        station.allowed(pictures / "none.png")
    with pytest.raises(StationError, match="is not below a folder"):
        station.allowed("a\0b")


def test_without_roots_only_samples_are_open(tmp_path):
    with Station(tmp_path / "s") as station, pytest.raises(StationError, match="is not below"):
        station.allowed(tmp_path)
    station.paths.samples.mkdir()
    assert station.allowed(station.paths.samples) == station.paths.samples


def test_links_are_resolved(station, pictures, tmp_path, model):
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "x.png").write_bytes((pictures / "a.png").read_bytes())
    (pictures / "way").symlink_to(outside)
    with pytest.raises(StationError, match="is not below a folder"):
        station.add_folder(pictures / "way", model=model)
    (pictures / "x.png").symlink_to(outside / "x.png")
    (pictures / "y.png").symlink_to(pictures / "a.png")
    batch = station.add_folder(pictures, model=model)
    assert sorted(each.name for each in station.entries(batch=batch.id)) == [
        "a.png",
        "b.png",
        "c.png",
        "y.png",
    ]


def test_a_folder_is_judged_where_it_is(station, pictures, model, work):
    batch = station.add_folder(pictures, model=model)
    assert (batch.label, batch.n_entries) == ("pictures", 3)
    assert work(station) == 3
    assert not list(station.paths.images.iterdir())
    worst = station.entries(order="worst", limit=1)[0]
    assert (worst.name, worst.verdict, worst.path) == ("c.png", "anomaly", pictures / "c.png")
    assert len(worst.image_sha256) == 64
    assert station.photo(worst.id).shape == (320, 480, 3)


def test_an_image_that_has_gone_or_changed_is_said_to(station, pictures, model, work):
    station.add_folder(pictures, model=model)
    work(station)
    ids = {each.name: each.id for each in station.entries()}
    os.utime(pictures / "a.png", ns=(1, 1))  # the same content may be read
    assert station.photo(ids["a.png"]).shape == (320, 480, 3)
    (pictures / "a.png").write_bytes((pictures / "b.png").read_bytes())
    with pytest.raises(ImageError, match=r"a\.png has changed since it was judged; judge it again"):
        station.photo(ids["a.png"])
    (pictures / "b.png").unlink()
    with pytest.raises(ImageError, match=r"b\.png is no longer there; bring it back"):
        station.photo(ids["b.png"])
    station.rejudge([ids["b.png"]])
    work(station)
    assert station.entry(ids["b.png"]).error.endswith("b.png is no longer there; bring it back")


def test_a_link_put_in_the_way_later_leads_nowhere(station, pictures, model, work, tmp_path):
    station.add_folder(pictures, model=model)
    (tmp_path / "secret.png").write_bytes((pictures / "a.png").read_bytes())
    (pictures / "a.png").unlink()
    (pictures / "a.png").symlink_to(tmp_path / "secret.png")
    work(station)
    (failed,) = station.entries(states=("failed",))
    assert "now leads elsewhere by a link" in failed.error


def test_a_folder_without_images_is_refused(station, pictures, model):
    (pictures / "empty").mkdir()
    with pytest.raises(StationError, match="has no images: expected files such as"):
        station.add_folder(pictures / "empty", model=model)


def test_one_image_is_a_batch_of_one(station, pictures, model):
    batch = station.add_folder(pictures / "b.png", model=model)
    assert [each.name for each in station.entries(batch=batch.id)] == ["b.png"]


def test_five_hundred_files_are_queued_within_a_second(tmp_path, model):
    folder = tmp_path / "many"
    folder.mkdir()
    for number in range(500):
        (folder / f"{number:03d}.png").write_bytes(b"not read yet")
    with Station(tmp_path / "s", roots=[folder]) as station:
        started = time.thread_time()
        assert station.add_folder(folder, model=model).n_entries == 500
        assert time.thread_time() - started < 1
