"""One door to all networks of the family."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from segment_anything.modeling import Sam
from transformers import SamConfig, SamModel

from features.device import MachineConfig, MachineError
from features.sam.loading import load_network
from features.sam.mask_decoder import to_image
from features.sam.network import Candidates, MaskNetwork, Prompts
from features.weights.errors import WeightsError

MACHINE = MachineConfig(device="cpu", n_threads=1)
ASSET = Path(__file__).parents[2] / "assets" / "sam-mini.safetensors"


def test_files_and_folders_are_told_apart(tiny_sam: Sam, tmp_path, noise_image):
    save_file(tiny_sam.state_dict(), tmp_path / "tiny.safetensors")
    sizes = {"hidden_size": 32, "image_size": 64, "patch_size": 16}
    config = SamConfig(
        vision_config={
            "hidden_size": 16,
            "output_channels": 32,
            "num_hidden_layers": 2,
            "num_attention_heads": 2,
            "image_size": 64,
            "window_size": 3,
            "global_attn_indexes": [1],
            "num_pos_feats": 16,
        },
        prompt_encoder_config=sizes,
        mask_decoder_config={"hidden_size": 32, "mlp_dim": 8},
    )
    SamModel(config).save_pretrained(tmp_path / "folder")
    for name, side_px in {"tiny.safetensors": 128, "folder": 64}.items():
        network = load_network(str(tmp_path / name), MACHINE)
        embedding = network.embed(noise_image)
        candidates = network.decode(embedding, Prompts(np.ones((1, 1, 2))))
        assert isinstance(network, MaskNetwork)
        assert isinstance(candidates, Candidates)
        assert embedding.side_px == side_px


@pytest.mark.parametrize("side_px", [256, 512])
def test_a_trained_network_segments_at_its_size_and_at_others(side_px):
    rows, columns = np.indices((192, 256))
    is_disc = (rows - 80) ** 2 + (columns - 150) ** 2 < 45**2
    image = np.where(is_disc[..., None], (200, 180, 60), (40, 50, 60)).astype(np.uint8)
    network = load_network(str(ASSET), MACHINE, side_px=side_px)
    embedding = network.embed(image)
    assert embedding.side_px == side_px
    candidates = network.decode(embedding, Prompts(np.array([[[150.0, 80.0]]])))
    mask = to_image(candidates.logits(candidates.iou == candidates.iou.max()), embedding)[0] > 0
    assert (mask & is_disc).sum() / (mask | is_disc).sum() > 0.8


def test_official_names_tell_what_a_file_must_hold(tiny_sam: Sam, tmp_path):
    path = tmp_path / "sam_vit_l_mine.pth"
    torch.save(tiny_sam.state_dict(), path)
    with pytest.raises(WeightsError, match=r"sam_vit_l_mine.pth.*expected weights of vit_l, got"):
        load_network(str(path), MACHINE)
    load_network(str(path), MACHINE, model_type="vit_24x3")


def test_what_lies_nowhere_is_refused(tmp_path):
    with pytest.raises(WeightsError, match=r"nothing.pth does not exist"):
        load_network(str(tmp_path / "nothing.pth"), MACHINE)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_device_that_is_not_there_is_refused(tiny_sam: Sam, tmp_path):
    save_file(tiny_sam.state_dict(), tmp_path / "tiny.safetensors")
    with pytest.raises(MachineError, match=r'machine.device is "cuda"'):
        load_network(str(tmp_path / "tiny.safetensors"), MachineConfig(device="cuda"))
