import hashlib
import time
from pathlib import Path

import pytest

from features.weights.checksums import remembered_hash
from features.weights.download import obtain
from features.weights.errors import WeightsError
from features.weights.sidecar import read_json, write_json
from features.weights.store import locate, verify

COMMIT = "0123456789abcdef0123456789abcdef01234567"


def altered(content):
    return content[:-1] + bytes([content[-1] ^ 1])


@pytest.fixture
def fetched(small, site, retry):
    return obtain(small, site, retry=retry)


def test_nothing_is_said_of_nothing(small, site):
    assert list(verify(small, site)) == []


def test_what_is_sound_stays(small, site, fetched):
    (verdict,) = verify(small, site)
    assert (verdict.path, verdict.problem, verdict.has_sum) == (fetched, None, True)
    assert locate("dinov2-small", site=site) == fetched


def test_what_is_corrupted_is_renamed_and_no_longer_found(small, site, fetched, model):
    (fetched / "model.safetensors").write_bytes(altered(model))
    (verdict,) = verify(small, site)
    assert "is corrupted: expected SHA-256" in verdict.problem
    assert verdict.moved_to == fetched / "model.safetensors.corrupted"
    assert verdict.moved_to.read_bytes() == altered(model)
    with pytest.raises(WeightsError, match="is not on this machine"):
        locate("dinov2-small", site=site)


def test_memory_is_not_trusted(small, site, fetched, model):
    path, memory = fetched / "model.safetensors", site.cache / "hashes.json"
    path.write_bytes(altered(model))
    time.sleep(0.03)
    remembered_hash(path, memory, settled_s=0.02)
    entries = read_json(memory)
    entries[str(path)]["sha256"] = hashlib.sha256(model).hexdigest()
    write_json(memory, entries)
    assert locate("dinov2-small", site=site) == fetched  # it does trust
    (verdict,) = verify(small, site)
    assert "is corrupted" in verdict.problem


def test_of_a_link_the_content_is_renamed(small, site, put_folder, model):
    """Or else the hub's tools would make the link again, and believe it."""
    folder = site.hub_cache / "models--facebook--dinov2-small"
    snapshot = put_folder(folder / "snapshots" / COMMIT)
    blob = folder / "blobs" / hashlib.sha256(model).hexdigest()
    blob.parent.mkdir()
    blob.write_bytes(altered(model))
    (snapshot / "model.safetensors").unlink()
    (snapshot / "model.safetensors").symlink_to(Path("../../blobs") / blob.name)
    (verdict,) = verify(small, site)
    assert verdict.moved_to == blob.with_name(f"{blob.name}.corrupted")
    assert not blob.exists()
    assert list(verify(small, site)) == []


def test_all_copies_are_read(small, site, fetched, put_folder, model):
    snapshot = put_folder(site.hub_cache / "models--facebook--dinov2-small" / "snapshots" / COMMIT)
    (fetched / "model.safetensors").write_bytes(altered(model))
    first, second = verify(small, site)
    assert (first.path, second.path) == (fetched, snapshot)
    assert first.problem
    assert second.problem is None
    assert not second.has_sum
    assert locate("dinov2-small", site=site) == snapshot


def test_a_damaged_record_is_a_problem_but_no_reason_to_rename(small, site, fetched):
    (fetched / "partwise.json").write_text("{")
    (verdict,) = verify(small, site)
    assert "partwise.json is damaged" in verdict.problem
    assert verdict.moved_to is None
    assert (fetched / "model.safetensors").exists()
