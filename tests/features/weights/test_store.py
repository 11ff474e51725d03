import hashlib
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from features.weights.errors import WeightsError
from features.weights.registry import KNOWN, WeightsFile, find
from features.weights.sidecar import Sidecar
from features.weights.store import copies_of, locate, sha256_of

COMMIT = "0123456789abcdef0123456789abcdef01234567"


def sum_of(content):
    return hashlib.sha256(content).hexdigest()


@pytest.fixture
def in_hub_cache(site, put_folder, model):
    """Lay weights out as the hub's tools do: links to files that are called by their sum."""

    def put(content=model, revision=COMMIT, *, is_main=True):
        folder = site.hub_cache / "models--facebook--dinov2-small"
        snapshot = put_folder(folder / "snapshots" / revision)
        blob = folder / "blobs" / sum_of(model)
        blob.parent.mkdir(exist_ok=True)
        blob.write_bytes(content)
        (snapshot / "model.safetensors").unlink()
        (snapshot / "model.safetensors").symlink_to(Path("../../blobs") / blob.name)
        if is_main:
            (folder / "refs").mkdir(exist_ok=True)
            (folder / "refs" / "main").write_text(revision)
        return snapshot

    return put


@pytest.mark.parametrize("name", ["dinov2-small-reg", "dinov2-with-registers-small"])
def test_a_plain_folder_of_our_or_the_publishers_name_is_found(site, put_folder, name):
    folder = put_folder(site.root / name)
    assert locate("dinov2-small-reg", site=site) == folder


@pytest.mark.parametrize("place", ["sam-vit-b", "."])
def test_an_official_file_is_found(site, sam, checkpoint, place):
    path = site.root / place / "sam_vit_b_01ec64.pth"
    path.parent.mkdir(parents=True)
    path.write_bytes(checkpoint)
    assert locate("sam-vit-b", known=[sam], site=site) == path


def test_the_cache_of_the_hub_is_used(site, in_hub_cache):
    old = in_hub_cache(revision="f" * 40, is_main=False)
    assert locate("dinov2-small", site=site) == old
    snapshot = in_hub_cache()
    os.utime(old)
    assert locate("dinov2-small", site=site) == snapshot
    assert list(copies_of(find("dinov2-small", KNOWN), site)) == [snapshot, old]


def test_our_own_folder_comes_before_the_cache_of_the_hub(site, in_hub_cache, put_folder):
    in_hub_cache()
    folder = put_folder(site.root / "dinov2-small")
    assert locate("dinov2-small", site=site) == folder


def test_a_damaged_file_in_the_cache_of_the_hub_is_refused(site, in_hub_cache, model):
    in_hub_cache(model[:-1] + bytes([model[-1] ^ 1]))
    message = r"model\.safetensors is corrupted: expected SHA-256 .*; run `partwise weights get din"
    with pytest.raises(WeightsError, match=message):
        locate("dinov2-small", site=site)


def test_missing_weights_are_explained_in_one_message(site):
    with pytest.raises(WeightsError) as caught:
        locate("dinov2-small", site=site)
    said = str(caught.value)
    assert said.startswith("dinov2-small is not on this machine; run `partwise weights get dinov2-")
    assert "(88 MB)" in said
    assert f"copy config.json and model.safetensors from {site.hub_endpoint}/facebook/din" in said
    assert f"to {site.root / 'dinov2-small'}, or anywhere" in said
    assert "`partwise weights import PLACE`" in said
    assert "\n" not in said


def test_a_licence_to_be_accepted_is_mentioned(site):
    with pytest.raises(WeightsError, match=r"dinov3-vits16-.*, where its licence must"):
        locate("dinov3-vits16", site=site)


@pytest.mark.parametrize("name", ["config.json", "model.safetensors"])
def test_half_a_folder_is_none(site, put_folder, name):
    (put_folder(site.root / "dinov2-small") / name).unlink()
    with pytest.raises(WeightsError, match="is not on this machine"):
        locate("dinov2-small", site=site)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda content: content[:-7], r"is corrupted: Error while deserializing header"),
        (lambda content: content + b"x", r"is corrupted: Error while deserializing header"),
        (lambda content: b"", r"is corrupted: Error while deserializing header"),
        (lambda content: b"<html>no</html>" * 99, r"is corrupted: Error while deserializing"),
    ],
)
def test_tensors_that_nobody_vouches_for_must_be_whole(site, put_folder, model, change, message):
    put_folder(site.root / "dinov2-small", **{"model.safetensors": change(model)})
    with pytest.raises(WeightsError, match=message):
        locate("dinov2-small", site=site)


@pytest.mark.parametrize("content", [b"", b"[]", b"{", b"\xff\xfe"])
def test_a_config_must_be_json(site, put_folder, content):
    put_folder(site.root / "dinov2-small", **{"config.json": content})
    with pytest.raises(WeightsError, match=r"config\.json is corrupted: .*; run `partwise weights"):
        locate("dinov2-small", site=site)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda content: content[:-1], r"is corrupted: expected [\d,]+ bytes, got [\d,]+; run"),
        (
            lambda content: content[:-1] + bytes([content[-1] ^ 1]),
            r"is corrupted: expected SHA-256 [0-9a-f]{64}, got [0-9a-f]{64}; run",
        ),
    ],
)
def test_a_wrong_official_file_is_refused_wherever_it_lies(
    site, sam, checkpoint, tmp_path, change, message
):
    path = site.root / "sam_vit_b_01ec64.pth"
    path.parent.mkdir(parents=True)
    path.write_bytes(change(checkpoint))
    with pytest.raises(WeightsError, match=message):
        locate("sam-vit-b", known=[sam], site=site)
    elsewhere = tmp_path / path.name
    elsewhere.write_bytes(path.read_bytes())
    with pytest.raises(WeightsError, match=r"is corrupted: .*; copy it again"):
        locate(elsewhere, known=[sam], site=site)


def test_a_file_that_changes_after_it_was_found_sound_is_noticed(site, put_folder, model):
    folder = put_folder(site.root / "dinov2-small")
    files = tuple(
        WeightsFile(path.name, path.stat().st_size, sum_of(path.read_bytes()))
        for path in sorted(folder.iterdir())
    )
    Sidecar("dinov2-small", "here", None, files).write(folder)
    assert locate("dinov2-small", site=site) == folder
    (folder / "model.safetensors").write_bytes(model[:-1] + bytes([model[-1] ^ 1]))
    with pytest.raises(WeightsError, match="is corrupted: expected SHA-256"):
        locate("dinov2-small", site=site)


def test_sums_in_the_code_win_over_those_beside_a_file(site, sam, checkpoint):
    folder = site.root / "sam-vit-b"
    folder.mkdir(parents=True)
    wrong = checkpoint[:-1] + bytes([checkpoint[-1] ^ 1])
    (folder / "sam_vit_b_01ec64.pth").write_bytes(wrong)
    file = WeightsFile("sam_vit_b_01ec64.pth", len(wrong), sum_of(wrong))
    Sidecar("sam-vit-b", "a forger", None, (file,)).write(folder)
    with pytest.raises(WeightsError, match="is corrupted: expected SHA-256"):
        locate("sam-vit-b", known=[sam], site=site)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        '{"schema": 1}',
        '{"schema": 1, "name": "a", "source": "", "commit": null, "made_from": null, "files": 3}',
        '{"schema": 1, "name": "a", "source": "", "commit": null, "made_from": null,'
        ' "files": {"../x": {"size": 1, "sha256": ""}}}',
    ],
)
def test_a_damaged_record_is_refused(site, put_folder, text):
    folder = put_folder(site.root / "dinov2-small")
    (folder / "partwise.json").write_text(text)
    with pytest.raises(WeightsError, match=r"partwise\.json is damaged .*fetch or import"):
        locate("dinov2-small", site=site)


def test_paths_are_taken_as_they_are(site, put_folder, tmp_path, checkpoint, monkeypatch):
    folder = put_folder(tmp_path / "mine")
    file = tmp_path / "mine.pth"
    file.write_bytes(checkpoint)
    for given in (folder, str(folder), file, folder / "model.safetensors"):
        assert locate(given, site=site) == Path(given)
    monkeypatch.chdir(tmp_path)
    assert locate("mine", site=site) == Path("mine")
    assert locate("./mine.pth", site=site) == Path("mine.pth")


def test_a_folder_with_a_single_file_stands_for_it(site, tmp_path, checkpoint):
    file = tmp_path / "mine.pt"
    file.write_bytes(checkpoint)
    (tmp_path / "notes.txt").touch()
    assert locate(tmp_path, site=site) == file
    (tmp_path / "other.pth").touch()
    with pytest.raises(WeightsError, match=r"a single weights file; found 2 weights files"):
        locate(tmp_path, site=site)


def test_a_config_without_tensors_is_said(site, put_folder, tmp_path):
    folder = put_folder(tmp_path / "mine", **{"pytorch_model.pt": b""})
    (folder / "model.safetensors").unlink()
    with pytest.raises(WeightsError, match=r"has config\.json but lacks model\.safetensors"):
        locate(folder, site=site)


def test_a_known_name_wins_over_a_folder_here(site, put_folder, tmp_path, monkeypatch):
    put_folder(tmp_path / "dinov2-small")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(WeightsError, match="is not on this machine"):
        locate("dinov2-small", site=site)
    assert locate("./dinov2-small", site=site) == Path("dinov2-small")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("dinov2-smalll", r"unknown weights 'dinov2-smalll'; did you mean dinov2-small\?"),
        ("none/here", r"^none/here does not exist"),
        ("none.pth", r"^none\.pth does not exist"),
        ("~nobody-of-this-name/a", r"^~nobody-of-this-name/a does not exist"),
    ],
)
def test_a_mistyped_name_is_told_from_a_path(site, text, message):
    with pytest.raises(WeightsError, match=message):
        locate(text, site=site)


def test_other_files_are_no_weights(site, tmp_path):
    (tmp_path / "image.png").touch()
    with pytest.raises(WeightsError, match=r"image\.png must be a file of \.safetensors, \.pth"):
        locate(tmp_path / "image.png", site=site)


def test_the_sum_identifies_a_file_or_the_tensors_of_a_folder(site, put_folder, model, tmp_path):
    folder = put_folder(tmp_path / "mine")
    assert sha256_of(folder, site=site) == sum_of(model)
    assert sha256_of(str(folder / "model.safetensors"), site=site) == sum_of(model)
    with pytest.raises(WeightsError, match="does not exist"):
        sha256_of(tmp_path / "none.pth", site=site)


def test_a_converted_file_counts_as_the_one_it_was_made_from(site, tmp_path):
    path = tmp_path / "a.safetensors"
    save_file({"a": np.zeros(3)}, path)
    file = WeightsFile(path.name, path.stat().st_size, sum_of(path.read_bytes()))
    Sidecar("a", "here", None, (file,), WeightsFile("a.pth", 1, "f" * 64)).write(tmp_path)
    assert sha256_of(path, site=site) == "f" * 64
    save_file({"a": np.ones(3)}, path)
    assert sha256_of(path, site=site) == sum_of(path.read_bytes()) != file.sha256


def test_nothing_is_written_beside_what_is_found(site, put_folder, tmp_path):
    folder = put_folder(tmp_path / "mine")
    before = sorted(tmp_path.rglob("*"))
    locate(folder, site=replace(site, cache=tmp_path / "mine" / "model.safetensors" / "x"))
    assert sorted(tmp_path.rglob("*")) == before
