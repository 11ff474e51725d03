"""Examples of docs/foundation.md are run as they stand, on weights from a hub here."""

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from engine.synthetic.scenes import render

torch = pytest.importorskip("torch", reason="torch is not installed")
transformers = pytest.importorskip("transformers", reason="transformers is not installed")

PAGE = (Path(__file__).parents[3] / "docs" / "foundation.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"^```sh\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    """What the examples call good and new."""
    root = tmp_path_factory.mktemp("photos")
    for seed, name in enumerate(["good/0.png", "good/1.png", "new/board.png"]):
        (root / name).parent.mkdir(exist_ok=True)
        image = Image.fromarray(render("cable", np.random.default_rng(seed)).image)
        image.resize((160, 120)).save(root / name)
    return root


def contents(model, folder):
    model.save_pretrained(folder)
    return {path.name.replace(".", "__"): path.read_bytes() for path in folder.iterdir()}


@pytest.fixture
def published(hub, tmp_path):
    """Publish small networks under the names of the large ones."""
    torch.manual_seed(0)
    vit = transformers.Dinov2Config(
        hidden_size=32, num_attention_heads=2, num_hidden_layers=2, image_size=518
    )
    hub.put("facebook/dinov2-small", **contents(transformers.Dinov2Model(vit), tmp_path / "vit"))
    vision = transformers.SamVisionConfig(
        hidden_size=32,
        output_channels=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        image_size=256,
        patch_size=16,
        window_size=8,
        global_attn_indexes=[1],
        num_pos_feats=16,
        mlp_dim=64,
    )
    prompts = transformers.SamPromptEncoderConfig(
        hidden_size=32, image_size=256, patch_size=16, mask_input_channels=16
    )
    decoder = transformers.SamMaskDecoderConfig(
        hidden_size=32, mlp_dim=64, num_attention_heads=4, iou_head_hidden_dim=32
    )
    sam = transformers.SamConfig(
        vision_config=vision, prompt_encoder_config=prompts, mask_decoder_config=decoder
    )
    hub.put("facebook/sam-vit-base", **contents(transformers.SamModel(sam), tmp_path / "sam"))
    return hub


def test_there_is_one_for_each_kind_of_machine():
    assert len(EXAMPLES) == 2


@pytest.mark.parametrize("text", EXAMPLES)
def test_the_examples_run(published, photos, tmp_path, text):
    environment = os.environ | {
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
        "HF_ENDPOINT": published.url,
        "XDG_CACHE_HOME": str(tmp_path / "cache"),
        "OMP_NUM_THREADS": "1",
    }
    for name in ("PARTWISE_WEIGHTS", "HF_HOME", "HF_HUB_CACHE", "HF_HUB_OFFLINE"):
        environment.pop(name, None)
    work = tmp_path / "work"
    work.mkdir()
    for folder in photos.iterdir():
        (work / folder.name).symlink_to(folder)
    ended = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", text],
        cwd=work,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "board.pw written" in ended.stdout
