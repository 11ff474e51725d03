import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
from safetensors.numpy import save

from features.weights.download import obtain
from features.weights.errors import WeightsError
from features.weights.importing import import_weights
from features.weights.registry import KNOWN, find
from features.weights.store import locate, sha256_of

SAM2_TINY = {
    "model_type": "sam2_video",
    "vision_config": {"backbone_config": {"blocks_per_stage": [1, 2, 7, 2]}},
}


def names(folder):
    return sorted(each.name for each in folder.rglob("*") if each.is_file())


def test_a_folder_is_known_by_its_config(site, put_folder, tmp_path, model):
    source = put_folder(tmp_path / "stick", **{"notes.txt": b"mine"})
    weights, place = import_weights(source, site)
    assert weights.name == "dinov2-small"
    assert place == site.root / "dinov2-small" == locate("dinov2-small", site=site)
    assert names(place) == [".lock", "config.json", "model.safetensors", "partwise.json"]
    described = json.loads((place / "partwise.json").read_text())
    assert described["source"] == f"imported from {source}"
    assert described["files"]["model.safetensors"]["size"] == len(model)


@pytest.mark.parametrize(
    ("config", "name"),
    [
        ({"model_type": "dinov2", "hidden_size": 1536}, "dinov2-giant"),
        ({"model_type": "dinov2_with_registers", "hidden_size": 768}, "dinov2-base-reg"),
        (
            {"model_type": "dinov3_vit", "hidden_size": 1024, "use_gated_mlp": False},
            "dinov3-vitl16",
        ),
        ({"model_type": "sam", "vision_config": {"hidden_size": 1280}}, "sam-vit-huge-hf"),
    ],
)
def test_every_kind_of_config_is_known(site, put_folder, tmp_path, config, name):
    source = put_folder(tmp_path / "stick", **{"config.json": json.dumps(config).encode()})
    assert import_weights(source, site)[0].name == name


def test_configs_of_the_library_are_known(site, put_folder, tmp_path):
    from transformers import Dinov2Config, DINOv3ViTConfig, Sam2VideoConfig, SamConfig

    expected = {
        "dinov2-small": Dinov2Config(hidden_size=384, num_attention_heads=6),
        "dinov3-vits16": DINOv3ViTConfig(hidden_size=384),
        "sam-vit-base-hf": SamConfig(),
        "sam2.1-hiera-tiny": Sam2VideoConfig(),
    }
    for name, config in expected.items():
        source = put_folder(tmp_path / name, **{"config.json": config.to_json_string().encode()})
        assert import_weights(source, site)[0].name == name


def test_a_name_decides_where_the_config_leaves_a_choice(site, put_folder, tmp_path):
    source = put_folder(tmp_path / "stick", **{"config.json": json.dumps(SAM2_TINY).encode()})
    with pytest.raises(WeightsError, match=r"may be sam2-hiera-tiny or sam2\.1-hiera-tiny"):
        import_weights(source, site)
    assert import_weights(source, site, name="sam2-hiera-tiny")[0].name == "sam2-hiera-tiny"
    with pytest.raises(WeightsError, match=r"is not sam2-hiera-large, but sam2-hiera-tiny or sam2"):
        import_weights(source, site, name="sam2-hiera-large")


@pytest.mark.parametrize(
    "folder", ["sam2.1-hiera-tiny", "models--facebook--sam2.1-hiera-tiny/snapshots/abc"]
)
def test_so_does_the_name_of_the_folder(site, put_folder, tmp_path, folder):
    source = put_folder(tmp_path / folder, **{"config.json": json.dumps(SAM2_TINY).encode()})
    assert import_weights(source, site)[0].name == "sam2.1-hiera-tiny"


@pytest.mark.parametrize("name", ["sam_vit_b_01ec64.pth", "renamed.pt"])
def test_an_official_file_is_known_by_name_or_sum(site, sam, checkpoint, tmp_path, name):
    source = tmp_path / name
    source.write_bytes(checkpoint)
    _, place = import_weights(source, site, known=[sam])
    assert place == site.root / "sam-vit-b" / "sam_vit_b_01ec64.pth"
    assert place.read_bytes() == checkpoint
    assert source.exists()


@pytest.mark.parametrize("name", ["sam_vit_b_01ec64.pth", "renamed.pt"])
def test_a_folder_with_an_official_file_is_taken_too(site, sam, checkpoint, tmp_path, name):
    (tmp_path / "stick").mkdir()
    (tmp_path / "stick" / name).write_bytes(checkpoint)
    _, place = import_weights(tmp_path / "stick", site, known=[sam])
    assert place.name == "sam_vit_b_01ec64.pth"


def test_an_official_name_with_another_content_is_refused(site, sam, checkpoint, tmp_path):
    source = tmp_path / "sam_vit_b_01ec64.pth"
    source.write_bytes(checkpoint[:-1] + bytes([checkpoint[-1] ^ 1]))
    with pytest.raises(WeightsError, match="is corrupted: expected SHA-256"):
        import_weights(source, site, known=[sam])
    assert not site.root.exists()


def test_conversion_on_the_way(site, sam, checkpoint, tmp_path):
    source = tmp_path / "sam_vit_b_01ec64.pth"
    source.write_bytes(checkpoint)
    _, place = import_weights(source, site, known=[sam], is_converted=True)
    assert names(place.parent) == [".lock", "partwise.json", "sam_vit_b_01ec64.safetensors"]
    assert sha256_of(place, site=site) == sam.model_file.sha256
    assert source.exists()


@pytest.mark.parametrize("is_converted", [True, False])
def test_what_another_machine_fetched_keeps_its_record(
    site, sam, small, retry, tmp_path, is_converted
):
    for weights in (sam, small):
        stick = replace(site, root=tmp_path / "stick")
        fetched = obtain(weights, stick, known=[sam, small], is_converted=is_converted, retry=retry)
        _, place = import_weights(stick.root / weights.name, site, known=[sam, small])
        here, there = (
            json.loads((root / weights.name / "partwise.json").read_text())
            for root in (site.root, stick.root)
        )
        assert here == there
        assert sha256_of(place, site=site) == sha256_of(fetched, site=site)


def test_a_copy_that_was_damaged_on_the_way_is_refused(site, small, retry, tmp_path, model):
    obtain(small, site, retry=retry)
    stick = tmp_path / "stick"
    shutil.copytree(site.root / "dinov2-small", stick)
    (stick / "model.safetensors").write_bytes(model[:-1] + bytes([model[-1] ^ 1]))
    shutil.rmtree(site.root)
    with pytest.raises(WeightsError, match="is corrupted: expected SHA-256"):
        import_weights(stick, site)
    assert not site.root.exists()


def test_what_is_in_its_place_stays_there(site, small, retry):
    folder = obtain(small, site, retry=retry)
    before = names(folder)
    assert import_weights(folder, site)[1] == folder
    assert names(folder) == before


def test_weights_are_replaced(site, put_folder, tmp_path, model):
    import_weights(put_folder(tmp_path / "stick"), site)
    other = save({"tokens": np.zeros(5)})
    _, place = import_weights(put_folder(tmp_path / "stick", **{"model.safetensors": other}), site)
    assert (place / "model.safetensors").read_bytes() == other


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"config.json": b'{"model_type": "vit"}'}, "is none of the known weights"),
        ({"config.json": b"{"}, r"config\.json is corrupted"),
        ({"model.safetensors": b"short"}, r"model\.safetensors is corrupted"),
        ({"partwise.json": b"{"}, r"partwise\.json is damaged"),
    ],
)
def test_other_folders_are_refused(site, put_folder, tmp_path, files, message):
    with pytest.raises(WeightsError, match=message):
        import_weights(put_folder(tmp_path / "stick", **files), site)
    assert not site.root.exists()


def test_what_is_not_there_is_said(site, put_folder, tmp_path):
    with pytest.raises(WeightsError, match="none does not exist; check the path"):
        import_weights(tmp_path / "none", site)
    with pytest.raises(WeightsError, match=r"or a single weights file; found 0 weights files"):
        import_weights(tmp_path, site)
    folder = put_folder(tmp_path / "stick")
    (folder / "model.safetensors").unlink()
    with pytest.raises(WeightsError, match=r"lacks model\.safetensors, which dinov2-small needs"):
        import_weights(folder, site)
    with pytest.raises(WeightsError, match=r"unknown weights 'dinov2'; did you mean dinov2-"):
        import_weights(folder, site, name="dinov2")


def test_a_lone_file_of_tensors_is_refused(site, put_folder, tmp_path):
    path = put_folder(tmp_path / "stick") / "model.safetensors"
    with pytest.raises(WeightsError, match=r"is none of the known weights .* name their path in"):
        import_weights(path, site)


def test_a_disk_too_small_is_said(site, put_folder, tmp_path):
    with pytest.raises(WeightsError, match=r"is full: \d+ bytes more are needed, 3 are free"):
        import_weights(put_folder(tmp_path / "stick"), site, free=lambda folder: 3)
    with pytest.raises(WeightsError, match="is not on this machine"):
        locate("dinov2-small", site=site)


def test_known_weights_of_the_hub_all_have_marks():
    for each in KNOWN:
        assert bool(each.marks) == (each.repository is not None)
    assert find("dinov2-small", KNOWN).marks
