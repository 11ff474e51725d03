from pathlib import Path

import pytest

from features.weights.errors import WeightsError
from features.weights.registry import KNOWN, find
from features.weights.site import HUB, SAM, Site


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


def test_places_without_any_variable():
    site = Site.from_environment({})
    assert site.root == Path.home() / ".cache" / "partwise" / "weights"
    assert site.hub_cache == Path.home() / ".cache" / "huggingface" / "hub"
    assert (site.hub_endpoint, site.sam_endpoint) == (HUB, SAM)
    assert not site.is_offline
    assert site.token is None


@pytest.mark.parametrize(
    ("variables", "root", "hub_cache"),
    [
        ({"XDG_CACHE_HOME": "/c"}, "/c/partwise/weights", "/c/huggingface/hub"),
        ({"HF_HOME": "/h"}, "/h/partwise/weights", "/h/hub"),
        ({"HF_HOME": "/h", "HF_HUB_CACHE": "/x"}, "/h/partwise/weights", "/x"),
        ({"PARTWISE_WEIGHTS": "/w", "HF_HOME": "/h"}, "/w", "/h/hub"),
        ({"PARTWISE_WEIGHTS": ""}, str(Path.home() / ".cache/partwise/weights"), None),
        ({"PARTWISE_WEIGHTS": "~/w"}, str(Path.home() / "w"), None),
    ],
)
def test_places_with_variables(variables, root, hub_cache):
    site = Site.from_environment(variables)
    assert site.root == Path(root)
    assert hub_cache is None or site.hub_cache == Path(hub_cache)


def test_servers_rules_and_token():
    site = Site.from_environment(
        {
            "HF_ENDPOINT": "https://mirror.example/hf/",
            "PARTWISE_SAM_ENDPOINT": "http://mirror.example/sam",
            "HF_HUB_OFFLINE": "1",
            "HF_TOKEN": " hf_secret\n",
        }
    )
    small, sam = find("dinov2-small", KNOWN), find("sam-vit-b", KNOWN)
    assert (
        site.url(small, "config.json", "abc")
        == "https://mirror.example/hf/facebook/dinov2-small/resolve/abc/config.json"
    )
    assert site.url(sam, "x.pth") == "http://mirror.example/sam/x.pth"
    assert site.is_offline
    assert site.token == "hf_secret"
    assert "hf_secret" not in repr(site)


def test_a_server_must_be_on_the_web():
    with pytest.raises(WeightsError, match=r"^HF_ENDPOINT must begin with https:// or"):
        Site.from_environment({"HF_ENDPOINT": "file:///etc"})
