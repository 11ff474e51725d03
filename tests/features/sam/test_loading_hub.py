"""SAM and SAM 2 in the format of transformers, against its own models with the same weights."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import (
    Sam2Config,
    Sam2Model,
    Sam2VideoConfig,
    Sam2VideoModel,
    SamConfig,
    SamModel,
)

from features.device import MachineConfig
from features.sam.loading import load
from features.sam.network import Embedding, Prompts, in_square
from features.weights.errors import WeightsError

MACHINE = MachineConfig(device="cpu", n_threads=1)
POINT = np.array([[[30.0, 12.5]]])
BOX = np.array([[4.0, 8.0, 40.0, 60.5]])
ROUGH = torch.randn(1, 32, 32, generator=torch.Generator().manual_seed(2))
PROMPTS = {
    "point": Prompts(points_xy=np.array([[[30.0, 12.5]], [[7.0, 50.0]]])),
    "points": Prompts(np.array([[[30.0, 12.5], [5.0, 6.0]]]), np.array([[True, False]])),
    "box": Prompts(box_xyxy=np.array([[4.0, 8.0, 40.0, 60.5], [0.0, 0.0, 9.0, 9.0]])),
    "box and point": Prompts(points_xy=POINT, box_xyxy=BOX),
    "mask and box": Prompts(box_xyxy=BOX, logits=ROUGH),
}

PROMPT_ENCODER = {"hidden_size": 32, "image_size": 128, "patch_size": 16, "mask_input_channels": 8}
MASK_DECODER = {"hidden_size": 32, "mlp_dim": 40, "iou_head_hidden_dim": 24}
VIT = {
    "hidden_size": 24,
    "output_channels": 32,
    "num_hidden_layers": 3,
    "num_attention_heads": 2,
    "image_size": 128,
    "patch_size": 16,
    "window_size": 3,
    "global_attn_indexes": [1],
    "mlp_dim": 50,
    "num_pos_feats": 16,
}
HIERA = {
    "model_type": "sam2_vision_model",
    "backbone_config": {
        "model_type": "sam2_hiera_det_model",
        "hidden_size": 8,
        "image_size": [128, 128],
        "blocks_per_stage": [1, 1, 2, 1],
        "embed_dim_per_stage": [8, 16, 32, 64],
        "num_attention_heads_per_stage": [1, 2, 4, 8],
        "window_size_per_stage": [4, 2, 4, 2],
        "global_attention_blocks": [3],
    },
    "backbone_channel_list": [64, 32, 16, 8],
    "backbone_feature_sizes": [[32, 32], [16, 16], [8, 8]],
    "fpn_hidden_size": 32,
}
# at which some single masks are stable and others are not
UNSTABLE = {"dynamic_multimask_stability_delta": 0.02, "dynamic_multimask_stability_thresh": 0.9}


@pytest.fixture
def sam(tmp_path: Path, enliven) -> SamModel:
    config = SamConfig(
        vision_config=VIT, prompt_encoder_config=PROMPT_ENCODER, mask_decoder_config=MASK_DECODER
    )
    model = enliven(SamModel(config))
    model.save_pretrained(tmp_path / "sam")
    return model


@pytest.fixture
def sam2(tmp_path: Path, enliven) -> Sam2Model:
    config = Sam2Config(
        vision_config=HIERA,
        prompt_encoder_config=PROMPT_ENCODER,
        mask_decoder_config=MASK_DECODER | UNSTABLE,
    )
    model = enliven(Sam2Model(config))
    # one table in the published weights, too
    table = model.shared_image_embedding.positional_embedding
    model.prompt_encoder.shared_embedding.positional_embedding.copy_(table)
    model.save_pretrained(tmp_path / "sam2")
    return model


@pytest.fixture
def sam2_video(tmp_path: Path, sam2) -> Sam2VideoModel:
    """What the publisher's repositories hold."""
    config = Sam2VideoConfig(
        vision_config=HIERA,
        prompt_encoder_config=PROMPT_ENCODER,
        mask_decoder_config=MASK_DECODER,
        memory_attention_hidden_size=32,
        memory_encoder_hidden_size=32,
    )
    model = Sam2VideoModel(config)
    model.load_state_dict(sam2.state_dict(), strict=False)
    model.save_pretrained(tmp_path / "sam2_video")
    return model


def ask_directly(model, image, embedding: Embedding, prompts: Prompts, *, is_multimask: bool):
    """Ask the model of transformers, with coordinates in its square."""
    scale = np.divide(embedding.frame_px[::-1], embedding.image_size[::-1])
    given = {}
    if prompts.points_xy is not None:
        given["input_points"] = torch.tensor(prompts.points_xy * scale)[None].float()
        given["input_labels"] = torch.tensor(prompts.positive)[None].int()
    if prompts.box_xyxy is not None:
        given["input_boxes"] = torch.tensor(prompts.box_xyxy * np.tile(scale, 2))[None].float()
    if prompts.logits is not None:
        given["input_masks"] = prompts.logits[:, None]
    pixels = in_square(image, embedding.frame_px, embedding.side_px)
    with torch.no_grad():
        found = model(pixel_values=pixels, multimask_output=is_multimask, **given)
    return found.iou_scores[0], found.pred_masks[0].flatten(0, 1)


@pytest.mark.parametrize("is_multimask", [True, False])
@pytest.mark.parametrize("name", ["sam", "sam2"])
def test_masks_are_those_of_transformers(name, is_multimask, request, tmp_path, noise_image):
    model = request.getfixturevalue(name)
    network = load(tmp_path / name, MACHINE)
    embedding = network.embed(noise_image)
    for kind, prompts in PROMPTS.items():
        found = network.decode(embedding, prompts, is_multimask=is_multimask)
        logits = found.logits(torch.ones_like(found.iou, dtype=torch.bool))
        iou, expected = ask_directly(
            model, noise_image, embedding, prompts, is_multimask=is_multimask
        )
        assert (found.iou - iou).abs().max() < 1e-3, kind
        assert (logits - expected).abs().max() < 1e-3 * expected.std(), kind


def test_sam2_replaces_an_unstable_single_mask(sam2, tmp_path, noise_image):
    network = load(tmp_path / "sam2", MACHINE)
    embedding = network.embed(noise_image)
    points = np.random.default_rng(3).uniform(0, 70, (24, 1, 2))
    single = network.decode(embedding, Prompts(points), is_multimask=False).iou[:, 0]
    best = network.decode(embedding, Prompts(points)).iou.max(dim=1).values
    expected, _ = ask_directly(sam2, noise_image, embedding, Prompts(points), is_multimask=False)
    assert torch.allclose(single, expected[:, 0], atol=1e-5)
    assert 0 < (single == best).float().mean() < 1


def test_the_image_part_of_a_video_model_is_loaded(sam2, sam2_video, tmp_path, noise_image):
    found = [
        network.decode(network.embed(noise_image), PROMPTS["box"]).iou
        for network in (load(tmp_path / name, MACHINE) for name in ("sam2", "sam2_video"))
    ]
    assert torch.equal(*found)


def test_identity_names_folder_and_file(sam, tmp_path):
    identity = load(tmp_path / "sam", MACHINE).identity()
    digest = hashlib.sha256((tmp_path / "sam" / "model.safetensors").read_bytes()).hexdigest()
    assert identity == {"name": "sam", "sha256": digest}
    assert load(tmp_path / "sam", MACHINE, side_px=64).identity()["name"] == "sam at 64 px"


@pytest.mark.parametrize(("name", "found"), [("sam", "vit_24x3"), ("sam2", "hiera_1-1-2-1")])
def test_another_model_type_is_refused(name, found, request, tmp_path):
    request.getfixturevalue(name)
    with pytest.raises(WeightsError, match=f"{name}.*expected weights of vit_h, got {found}"):
        load(tmp_path / name, MACHINE, model_type="vit_h")


def test_sam2_works_at_one_size_only(sam2, tmp_path):
    with pytest.raises(ValueError, match="side_px can only be set for SAM"):
        load(tmp_path / "sam2", MACHINE, side_px=64)


def test_other_folders_are_refused(tmp_path):
    with pytest.raises(WeightsError, match=r"config.json cannot be read.*fetch it again"):
        load(tmp_path, MACHINE)
    (tmp_path / "config.json").write_text('{"model_type": "bert"}')
    save_file({"a": torch.zeros(1)}, tmp_path / "model.safetensors")
    with pytest.raises(WeightsError, match=r'must have model_type "sam".*got \'bert\''):
        load(tmp_path, MACHINE)
    for kind in ("sam", "sam2"):
        (tmp_path / "config.json").write_text(f'{{"model_type": "{kind}"}}')
        with pytest.raises(WeightsError, match=f"{tmp_path.name} cannot be loaded: .*SAM"):
            load(tmp_path, MACHINE)


def test_tensors_that_do_not_fit_are_refused(sam2, tmp_path):
    path = tmp_path / "sam2" / "model.safetensors"
    tensors = load_file(path)
    for change, match in {
        "no_memory_embedding": "they lack no_memory_embedding",
        "mask_decoder.transformer.layers.0.self_attn.q_proj.bias": "Missing key.*q_proj.bias",
        "vision_encoder.backbone.pos_embed": "Missing key.*pos_embed",
    }.items():
        save_file({name: t for name, t in tensors.items() if name != change}, path)
        with pytest.raises(WeightsError, match=match):
            load(tmp_path / "sam2", MACHINE)
    table = "shared_image_embedding.positional_embedding"
    save_file(tensors | {table: tensors[table] + 1}, path)
    with pytest.raises(WeightsError, match=r"must equal another tensor.*gaussian_matrix"):
        load(tmp_path / "sam2", MACHINE)
    save_file(tensors, path)
    config = tmp_path / "sam2" / "config.json"
    settings = json.loads(config.read_text())
    settings["mask_decoder_config"]["num_attention_heads"] = 4
    config.write_text(json.dumps(settings))
    with pytest.raises(WeightsError, match="must have 8 heads, got 4"):
        load(tmp_path / "sam2", MACHINE)
