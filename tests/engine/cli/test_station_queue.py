"""``partwise station``: what the app does, at a terminal."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time

import pytest

from engine.station import Station


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "shift.station"


@pytest.fixture
def judged(partwise, folder, photos, model):
    """A station in which the new photographs were judged."""
    ended = partwise("station", "add", folder, photos / "new", "--model", model)
    assert (ended.code, ended.out) == (0, f"batch 1: 2 images of {photos / 'new'} queued\n")
    ended = partwise("station", "run", folder)
    assert (ended.code, ended.err) == (0, "")
    assert ended.out == "2 images judged, 0 of them without a verdict\n"
    return folder


def test_images_are_queued_judged_and_listed(partwise, judged):
    out = partwise("station", "list", judged, "--order", "name").out.splitlines()
    assert "good.png" in out[0]
    assert out[0].startswith("normal ")
    assert "like the references" in out[0]
    assert out[1].startswith("anomaly")
    assert out[2] == "2 images: 1 anomaly, 1 normal"
    ended = partwise("station", "list", judged, "--verdict", "anomaly", "--jsonl")
    (found,) = [json.loads(line) for line in ended.out.splitlines()]
    assert (found["name"], found["verdict"]) == ("stained.png", "anomaly")


def test_what_is_not_judged_is_said(partwise, folder, photos, model, tmp_path):
    mixed = tmp_path / "mixed"
    (mixed / "deep").mkdir(parents=True)
    for name in ("a.png", "deep/b.png"):
        shutil.copy(photos / "new" / "good.png", mixed / name)
    (mixed / "c.jpf").touch()
    (mixed / "d.png").symlink_to(photos / "new" / "good.png")
    (mixed / "notes.txt").touch()
    ended = partwise("station", "add", folder, mixed, "--model", model)
    assert (ended.code, ended.out) == (0, f"batch 1: 1 images of {mixed} queued\n")
    said = (
        f"{mixed}: 3 files left out: 1 .jpf, 1 no file, or a link that leads elsewhere or nowhere, "
        "1 in the folder deep\n"
    )
    assert ended.err == said
    ended = partwise("station", "watch", folder, mixed, "--model", model)
    assert (ended.code, ended.err) == (0, said)


def test_verdicts_are_reviewed(partwise, judged):
    assert partwise("station", "review", judged, 1, "--accepted", "--author", "Ann").out == (
        "1 good.png: accepted by Ann\n"
    )
    assert "accepted by Ann" in partwise("station", "list", judged, "--review", "accepted").out
    assert partwise("station", "list", judged, "--review", "none").out.count("\n") == 2
    assert partwise("station", "review", judged, 1, "--none").out == "1 good.png: no review\n"


def test_verdicts_are_exported(partwise, judged, tmp_path):
    files = [tmp_path / f"out.{ending}" for ending in ("csv", "jsonl", "html")]
    ended = partwise(
        "station", "export", judged, "--csv", files[0], "--jsonl", files[1], "--html", files[2]
    )
    assert ended.out.endswith("2 images explained\n")
    assert files[0].read_text().count("\n") == 3
    assert len(files[1].read_text().splitlines()) == 2
    assert "stained.png" in files[2].read_text()


def test_images_are_judged_again_and_taken_out_again(partwise, judged):
    assert partwise("station", "rejudge", judged, 1).out == "1 images queued again\n"
    assert partwise("station", "rejudge", judged, "--verdict", "anomaly").out.startswith("1 images")
    assert "2 queued" in partwise("station", "list", judged).out
    assert partwise("station", "cancel", judged).out == "2 images taken out of the queue\n"
    assert "1 anomaly, 1 normal" in partwise("station", "list", judged).out


def test_copies_outlive_their_originals(partwise, folder, photos, model, tmp_path):
    image = tmp_path / "mine.png"
    image.write_bytes((photos / "new" / "good.png").read_bytes())
    ended = partwise("station", "add", folder, image, "--model", model, "--copy")
    assert ended.out == f"batch 1: copies of 1 images of {image} queued\n"
    image.unlink()
    assert partwise("station", "run", folder).code == 0


def test_a_broken_image_ends_with_1_and_the_others_are_judged(
    partwise, folder, photos, model, tmp_path
):
    mixed = tmp_path / "mixed"
    mixed.mkdir()
    (mixed / "broken.png").write_bytes(b"no image")
    (mixed / "good.png").write_bytes((photos / "new" / "good.png").read_bytes())
    partwise("station", "add", folder, mixed, "--model", model)
    ended = partwise("station", "run", folder)
    assert (ended.code, ended.out) == (1, "2 images judged, 1 of them without a verdict\n")
    assert ended.err.startswith("Error: broken.png is not an image")
    assert partwise("station", "list", folder, "--state", "failed").out.startswith("error ")


def test_a_folder_is_watched_and_no_longer(partwise, folder, photos, model):
    assert partwise("station", "watch", folder).out == "no folder is watched\n"
    out = partwise("station", "watch", folder, photos / "new", "--model", model).out
    assert out == f"1  {photos / 'new'}  by {model}\n"
    ended = partwise("station", "run", folder)
    assert (ended.code, ended.out) == (0, "0 images judged, 0 of them without a verdict\n")
    assert ended.err == "watched folders are looked at with --keep-on\n"
    assert partwise("station", "watch", folder, "--stop", 1).out == "no folder is watched\n"
    assert partwise("station", "run", folder).err == ""


def test_ctrl_c_ends_watching_after_the_image_at_hand(partwise, folder, photos, model):
    partwise("station", "watch", folder, photos / "new", "--model", model)
    words = [sys.executable, "-m", "engine", "station", "run", str(folder), "--keep-on"]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
    with Station(folder) as station:
        end = time.monotonic() + 300
        while station.tally().done < 2:
            assert time.monotonic() < end
            time.sleep(0.05)
    os.kill(process.pid, signal.SIGINT)
    out, _ = process.communicate(timeout=300)
    assert (process.returncode, out) == (0, "2 images judged, 0 of them without a verdict\n")


def test_a_job_is_ended(partwise, folder):
    with Station(folder) as station:
        number = station.start_job("samples", {})
    assert partwise("station", "cancel", folder, "--job", number).out == "job 1 was asked to end\n"
    with Station(folder) as station:
        assert station.job(number).state == "cancelled"


def test_refusals(refused, folder, photos, tmp_path, model):
    none = tmp_path / "none.pw"
    words = refused("station", "add", folder, photos / "new", "--model", none)
    assert words.startswith(f"{none}: no such model file")
    none.write_bytes(model.read_bytes()[:40])
    picture = photos / "new" / "good.png"
    for command in ("add", "watch"):
        words = refused("station", command, folder, photos / "new", "--model", picture)
        assert words.startswith(f"{picture} is not a partwise model: expected a file written by")
        words = refused("station", command, folder, photos / "new", "--model", none)
        assert words.startswith(f"{none} is truncated or damaged")
    assert not folder.exists()
    words = refused("station", "add", folder, tmp_path / "gone", "--model", model)
    assert words.endswith("gone: no such file or folder; check the path")
    words = refused("station", "review", folder, 7, "--accepted")
    assert words == "there is no entry 7 in this station; nothing was reviewed"
    (tmp_path / "file").write_text("x")
    assert "cannot be used as a station" in refused("station", "list", tmp_path / "file")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("review", 1), "say --accepted, --rejected or --none"),
        (("export",), "say --csv, --jsonl or --html"),
        (("rejudge",), "name entries by their IDs or by an option"),
        (("watch", "folder"), "say by --model what judges the images"),
    ],
)
def test_bad_usage_is_explained(partwise, folder, words, message):
    ended = partwise("station", words[0], folder, *words[1:])
    assert ended.code == 2
    assert message in ended.err
