from pathlib import Path

import pytest

from features.weights.errors import WeightsError
from features.weights.registry import KNOWN, find


def test_names_are_unique_and_say_what_they_are():
    names = [each.name for each in KNOWN]
    assert len(set(names)) == len(names) == 25
    for each in KNOWN:
        assert each.name.startswith(each.kind.removesuffix("-hf"))
        assert each.size_bytes > 80_000_000
        assert each.licence
        assert each.is_gated == (each.kind == "dinov3")


def test_meta_names_carry_digits_of_the_md5_which_are_none_of_the_sha256():
    official = [each.model_file for each in KNOWN if each.kind == "sam"]
    assert len(official) == 3
    for file in official:
        digits = Path(file.name).stem.rpartition("_")[2]
        assert len(digits) == 6
        assert len(file.sha256) == 64
        assert not file.sha256.startswith(digits)


def test_hub_weights_are_a_config_and_tensors():
    for each in KNOWN:
        if each.repository is not None:
            assert [file.name for file in each.files if file.is_needed] == [
                "config.json",
                "model.safetensors",
            ]
            assert each.model_file.name == "model.safetensors"


@pytest.mark.parametrize(
    ("mistyped", "meant"),
    [
        ("dinov2-smal", "dinov2-small"),
        ("DINOv2-Giant-reg", "dinov2-giant-reg"),
        ("sam_vit_h", "sam-vit-h"),
        ("sam2.1-hiera-tinny", "sam2.1-hiera-tiny"),
    ],
)
def test_the_nearest_name_is_suggested(mistyped, meant):
    with pytest.raises(
        WeightsError, match=rf"unknown weights '{mistyped}'; did you mean {meant}\?"
    ):
        find(mistyped, KNOWN)


def test_nothing_is_suggested_where_nothing_is_near():
    with pytest.raises(WeightsError, match=r"^unknown weights 'zzz'; `partwise weights list`"):
        find("zzz", KNOWN)
