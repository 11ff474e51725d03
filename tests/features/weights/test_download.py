import io
import json
import subprocess
import sys
import threading
from dataclasses import replace

import pytest
import torch
from safetensors import safe_open

from features.weights.download import obtain
from features.weights.errors import WeightsError
from features.weights.registry import KNOWN, find
from features.weights.store import locate, sha256_of

COMMIT = "0123456789abcdef0123456789abcdef01234567"


def names(folder):
    return sorted(each.name for each in folder.rglob("*") if each.is_file())


@pytest.fixture
def get(site, retry):
    def run(weights, at=site, **options):
        return obtain(weights, at, retry=retry, **options)

    return run


def test_a_folder_is_fetched_checked_and_described(get, small, site, hub, model, config):
    folder = get(small)
    assert folder == site.root / "dinov2-small" == locate("dinov2-small", site=site)
    assert names(folder) == [".lock", "config.json", "model.safetensors", "partwise.json"]
    described = json.loads((folder / "partwise.json").read_text())
    assert described["source"] == f"{hub.url}/facebook/dinov2-small"
    assert described["commit"] == COMMIT
    assert described["files"]["model.safetensors"]["size"] == len(model)
    assert described["files"]["model.safetensors"]["sha256"] == sha256_of(folder, site=site)
    assert (folder / "config.json").read_bytes() == config


def test_all_files_are_of_one_revision(get, small, hub):
    get(small)
    revisions = [
        each["path"].split("/resolve/")[1].split("/")[0]
        for each in hub.asked("HEAD", storage=False)
    ]
    assert revisions == ["main", COMMIT, COMMIT]


def test_what_may_be_there_is_fetched_if_it_is(get, small, hub):
    hub.put("facebook/dinov2-small", preprocessor_config__json=b"{}")
    assert "preprocessor_config.json" in names(get(small))


def test_what_is_here_is_not_asked_for(get, small, hub):
    folder = get(small)
    hub.log = []
    assert get(small) == folder
    assert hub.log == []
    get(small, is_forced=True)
    assert len(hub.asked()) == 1


def test_what_is_in_the_cache_of_the_hub_is_left_there(get, small, site, hub, put_folder):
    snapshot = put_folder(site.hub_cache / "models--facebook--dinov2-small" / "snapshots" / COMMIT)
    assert get(small) == snapshot
    assert hub.log == []
    assert not site.root.exists()


def test_what_is_corrupted_is_fetched_again(get, small, hub, model):
    folder = get(small)
    (folder / "model.safetensors").write_bytes(model[:-1] + bytes([model[-1] ^ 1]))
    assert get(small) == folder
    assert (folder / "model.safetensors").read_bytes() == model
    (folder / "partwise.json").write_text("{")
    assert get(small) == folder


def test_a_failure_of_the_hub_is_tried_again(get, small, hub):
    hub.head_faults = [503, 503]
    hub.faults = [500]
    get(small)


def test_after_a_cut_the_next_call_goes_on(get, small, site, hub, model):
    hub.faults = [("cut", 1_000_000)] + [503] * 10
    with pytest.raises(WeightsError, match=r"HTTP 503; gave up .*; without a network, copy"):
        get(small)
    with pytest.raises(WeightsError, match="is not on this machine"):
        locate("dinov2-small", site=site)
    hub.faults, hub.log = [], []
    folder = get(small)
    assert [each["range"] for each in hub.asked()] == ["bytes=1000000-"]
    assert (folder / "model.safetensors").read_bytes() == model
    assert not (folder / ".part").exists()


def test_a_wrong_sum_leaves_nothing_in_place(get, small, site, hub, model):
    hub.published_sums["facebook/dinov2-small/model.safetensors"] = "0" * 64
    with pytest.raises(WeightsError, match=r"gave a wrong file, which was deleted: .*SHA-256 0000"):
        get(small)
    assert "model.safetensors" not in names(site.root)
    assert "model.safetensors.part" not in names(site.root)


def test_without_a_published_sum_the_structure_must_do(get, small, hub, model, site):
    hub.has_sums = False
    folder = get(small)
    described = json.loads((folder / "partwise.json").read_text())
    assert described["files"]["model.safetensors"]["sha256"] == sha256_of(folder, site=site)
    hub.files["facebook/dinov2-small/model.safetensors"] = b"<html>"
    with pytest.raises(WeightsError, match="wrong file"):
        get(small, is_forced=True)
    assert locate("dinov2-small", site=site) == folder  # the old ones stay


def test_a_folder_that_is_not_there_is_said(get, small, hub):
    hub.files.clear()
    message = r"config\.json answers HTTP 404; it is not there: it has moved, or the mirror"
    with pytest.raises(WeightsError, match=message):
        get(small)


def test_a_licence_to_accept_is_said(get, hub, model, config, site):
    gated = find("dinov3-vits16", KNOWN)
    hub.put(gated.repository, config__json=config, model__safetensors=model)
    hub.token = "hf_right"
    message = r"HTTP 401; sign in at http.*lvd1689m, accept the licence, and set HF_TOKEN to a"
    with pytest.raises(WeightsError, match=message) as caught:
        get(gated)
    assert "not accepted" not in str(caught.value)
    with pytest.raises(WeightsError, match=r"the present one is not accepted") as caught:
        get(gated, replace(site, token="hf_wrong"))
    assert "hf_wrong" not in str(caught.value)
    assert get(gated, replace(site, token="hf_right")).is_dir()


def test_a_user_who_has_signed_in_needs_no_variable(get, small, hub, tmp_path):
    hub.token = "hf_right"
    (tmp_path / "token").write_text("hf_right\n")  # where the hub's own tools keep it
    assert get(small).is_dir()


def test_only_the_files_are_asked_for(get, small, hub):
    get(small)
    prefix = "/facebook/dinov2-small/resolve/"
    assert all(each["path"].startswith(prefix) for each in hub.log if not each["storage"])
    assert {each["agent"] for each in hub.log} == {"partwise"}


def test_a_closed_repository_is_said(get, small, hub):
    hub.token = "hf_right"
    with pytest.raises(WeightsError, match="HTTP 401; the repository may have moved, or need a"):
        get(small)


def test_offline_nothing_is_asked_for(get, small, site, hub):
    message = r"^HF_HUB_OFFLINE is set, so dinov2-small is not fetched; without a network, copy"
    with pytest.raises(WeightsError, match=message):
        get(small, replace(site, is_offline=True))
    assert hub.log == []


def test_an_official_file_is_compared_with_what_is_known(get, sam, site, hub, checkpoint):
    path = get(sam, known=[sam])
    assert path == site.root / "sam-vit-b" / "sam_vit_b_01ec64.pth"
    assert path.read_bytes() == checkpoint
    assert {each["authorization"] for each in hub.log} == {None}


def test_an_official_file_of_another_size_is_not_even_fetched(get, sam, hub):
    hub.files["segment_anything/sam_vit_b_01ec64.pth"] += b"x"
    with pytest.raises(WeightsError, match=r"is a wrong file, and not fetched: expected size 2\d+"):
        get(sam, known=[sam])
    assert hub.asked() == []


def test_an_official_file_with_another_sum_is_deleted(get, sam, site, hub, checkpoint):
    altered = checkpoint[:-1] + bytes([checkpoint[-1] ^ 1])
    hub.files["segment_anything/sam_vit_b_01ec64.pth"] = altered
    with pytest.raises(WeightsError, match=r"gave a wrong file, which was deleted: .*SHA-256"):
        get(sam, known=[sam])
    assert names(site.root) == [".lock"]


def test_the_token_of_the_hub_is_not_shown_to_others(get, sam, site, hub):
    get(sam, replace(site, token="hf_secret"), known=[sam])
    assert {each["authorization"] for each in hub.log} == {None}


def test_a_disk_too_small_is_said(get, small, site):
    with pytest.raises(WeightsError, match="is full: 3,000,080 bytes more are needed, 9 are free"):
        get(small, free=lambda folder: 9 if (folder / "config.json").exists() else 10**9)


def test_a_place_that_cannot_be_written_is_said(get, small, site, tmp_path):
    (tmp_path / "file").touch()
    message = r"^cannot write to .*file/dinov2-small \(Not a directory\); set PARTWISE_WEIGHTS"
    with pytest.raises(WeightsError, match=message):
        get(small, replace(site, root=tmp_path / "file"))


def test_conversion_leaves_safetensors_alone(get, sam, site, checkpoint):
    path = get(sam, known=[sam], is_converted=True)
    assert names(path.parent) == [".lock", "partwise.json", "sam_vit_b_01ec64.safetensors"]
    assert sha256_of(path, site=site) == sam.model_file.sha256  # the same weights as before
    with safe_open(path, framework="pt") as stream:
        assert stream.metadata() == {
            "format": "pt",
            "source": "sam_vit_b_01ec64.pth",
            "source_sha256": sam.model_file.sha256,
        }
        expected = torch.load(io.BytesIO(checkpoint), weights_only=True)
        assert set(stream.keys()) == set(expected)
        for name, tensor in expected.items():
            assert torch.equal(stream.get_tensor(name), tensor)
            assert stream.get_tensor(name).dtype == tensor.dtype


def test_what_is_here_is_converted_without_fetching(get, sam, site, hub):
    get(sam, known=[sam])
    hub.log = []
    path = get(sam, known=[sam], is_converted=True)
    assert path.suffix == ".safetensors"
    assert hub.log == []
    assert names(path.parent) == [".lock", "partwise.json", "sam_vit_b_01ec64.safetensors"]
    assert get(sam, known=[sam]) == get(sam, known=[sam], is_converted=True) == path
    assert get(sam, known=[sam], is_forced=True).suffix == ".pth"
    assert names(path.parent) == [".lock", "partwise.json", "sam_vit_b_01ec64.pth"]


def test_a_converted_file_that_was_deleted_is_made_again(get, sam, site, checkpoint):
    path = get(sam, known=[sam], is_converted=True)
    path.unlink()
    path.with_suffix(".pth").write_bytes(checkpoint)
    assert locate("sam-vit-b", known=[sam], site=site) == path.with_suffix(".pth")
    assert get(sam, known=[sam], is_converted=True) == path
    assert sha256_of(path, site=site) == sam.model_file.sha256


def test_a_converted_file_is_guarded_too(get, sam, site):
    path = get(sam, known=[sam], is_converted=True)
    content = path.read_bytes()
    path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    with pytest.raises(WeightsError, match="is corrupted: expected SHA-256"):
        locate("sam-vit-b", known=[sam], site=site)


def test_conversion_means_nothing_to_safetensors(get, small):
    assert (get(small, is_converted=True) / "model.safetensors").is_file()


def test_two_threads_fetch_once(get, small, hub):
    hub.faults = [("slow", 0.2)]
    said, places = [], []
    threads = [
        threading.Thread(
            target=lambda: places.append(get(small, tell=lambda stage, *_: said.append(stage)))
        )
        for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert places[0] == places[1]
    assert len(hub.asked()) == 1
    assert "waiting for another process that fetches the same" in said


TWIN = """
import sys
from pathlib import Path
from features.weights.download import obtain
from features.weights.registry import KNOWN, find
from features.weights.locations import Site
root = Path(sys.argv[1])
site = Site(root, root / "cache", root / "hub", hub_endpoint=sys.argv[2])
obtain(find("dinov2-small", KNOWN), site, is_forced=True)
"""


def test_two_processes_do_not_spoil_each_others_files(small, hub, tmp_path, model):
    hub.faults = [("slow", 0.5), ("cut", 1_000_000)]
    run = [sys.executable, "-c", TWIN, str(tmp_path), hub.url]
    twins = [subprocess.Popen(run) for _ in range(2)]
    assert [twin.wait(60) for twin in twins] == [0, 0]
    assert (tmp_path / "dinov2-small" / "model.safetensors").read_bytes() == model
