from pathlib import Path

import pytest

from features.weights.errors import WeightsError
from features.weights.locations import HUB, SAM, Site
from features.weights.registry import KNOWN, find


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
    assert site.hub_endpoint == "https://mirror.example/hf"
    assert site.sam_endpoint == "http://mirror.example/sam"
    small, sam = find("dinov2-small", KNOWN), find("sam-vit-b", KNOWN)
    assert site.page(small) == "https://mirror.example/hf/facebook/dinov2-small"
    assert site.page(sam) == "http://mirror.example/sam/sam_vit_b_01ec64.pth"
    assert site.is_offline
    assert site.token == "hf_secret"
    assert "hf_secret" not in repr(site)


def test_a_server_must_be_on_the_web():
    with pytest.raises(WeightsError, match=r"^HF_ENDPOINT must begin with https:// or"):
        Site.from_environment({"HF_ENDPOINT": "file:///etc"})
