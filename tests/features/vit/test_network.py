from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from inspect import signature
from itertools import product

import numpy as np
import pytest
import timm
import torch
import transformers

from features.vit.architectures import ARCHITECTURES, Architecture, Description, Resampling
from features.vit.network import VitNetwork, dissect

MakeModel = Callable[..., transformers.PreTrainedModel]

TINY = {"embed_dim": 48, "num_heads": 3, "depth": 3}
# what a real DINOv2-S is made of
REAL_SMALL = {
    "hidden_size": 384,
    "num_attention_heads": 6,
    "num_hidden_layers": 12,
    "image_size": 518,
}


TIMM_NAMES = {
    "embeddings.patch_embeddings.projection": "patch_embed.proj",
    "embeddings.position_embeddings": "pos_embed",
    "embeddings.register_tokens": "reg_token",
    "embeddings.": "",
    "encoder.layer": "blocks",
    "layernorm": "norm",
    "layer_scale1.lambda1": "ls1.gamma",
    "layer_scale2.lambda1": "ls2.gamma",
    "attention.o_proj": "attn.proj",
    "mlp.down_proj": "mlp.fc2",
}
TIMM_JOINS = {
    "attn.qkv": ("attention.q_proj", "attention.k_proj", "attention.v_proj"),
    "mlp.fc1": ("mlp.gate_proj", "mlp.up_proj"),
}


def random_images(*size: int) -> torch.Tensor:
    return torch.randint(0, 256, (*size, 3), generator=torch.Generator().manual_seed(1)).byte()


def describe(
    model: transformers.PreTrainedModel,
    images: torch.Tensor,
    *,
    layers: tuple[int, ...] = (-1,),
    is_unit: bool = False,
    resampling: Resampling | None = None,
) -> torch.Tensor:
    """Run our network; with another interpolation than the original's, if one is given."""
    config = model.config
    architecture: Architecture = ARCHITECTURES[config.model_type]
    if resampling is not None:
        architecture = replace(architecture, resampling=resampling)
    description = Description(architecture, config.patch_size, config.num_hidden_layers)
    size = images.shape[1], images.shape[2]
    anatomy = dissect(model, architecture)
    network = VitNetwork(anatomy, description, size, layers=layers, is_unit=is_unit)
    with torch.inference_mode():
        return network.eval()(images)


def normed(images: torch.Tensor) -> torch.Tensor:
    """Scale colours by the statistics of ImageNet, as DINOv2's own transform does."""
    mean, std = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    return ((images / 255 - mean) / std).permute(0, 3, 1, 2)


def as_timm(model: transformers.PreTrainedModel, name: str, **settings: int) -> torch.nn.Module:
    """Give timm's implementation the weights of transformers'."""
    weights = {}
    for key, weight in model.state_dict().items():
        for ours, theirs in TIMM_NAMES.items():
            key = key.replace(ours, theirs)
        weights[key] = weight
    for stem, kind in product(
        (f"blocks.{n}" for n in range(model.config.num_hidden_layers)), ("weight", "bias")
    ):
        for theirs, ours in TIMM_JOINS.items():
            parts = [weights.pop(f"{stem}.{each}.{kind}", None) for each in ours]
            if parts[0] is not None:
                weights[f"{stem}.{theirs}.{kind}"] = torch.cat(parts)
    del weights["mask_token"]
    if "reg_token" in weights:
        # with registers, timm keeps the position of the class token in the token itself
        weights["cls_token"] = weights["cls_token"] + weights["pos_embed"][:, :1]
        weights["pos_embed"] = weights["pos_embed"][:, 1:]
    size = {"img_size": model.config.image_size, "dynamic_img_size": True}
    found = timm.create_model(name, **size, **settings).eval()
    found.load_state_dict(weights)
    return found


@pytest.mark.parametrize("size", [(224, 224), (518, 518), (252, 350)])
def test_real_small_dinov2_is_that_of_timm(size: tuple[int, int], make_model: MakeModel) -> None:
    model = make_model("dinov2", **REAL_SMALL)
    images = random_images(1, *size)
    # timm interpolates antialiased; at 518 there is nothing to interpolate
    resampling = None if size == (518, 518) else Resampling(is_antialiased=True)
    with torch.inference_mode():
        expected = as_timm(model, "vit_small_patch14_dinov2").forward_features(normed(images))
    found = describe(model, images, resampling=resampling)
    torch.testing.assert_close(found, expected[:, 1:], atol=1e-4, rtol=0)


def test_swiglu_and_registers_of_giant_are_those_of_timm(make_model: MakeModel) -> None:
    model = make_model("dinov2_with_registers", num_register_tokens=4)
    theirs = as_timm(model, "vit_giant_patch14_reg4_dinov2", **TINY)
    for size in ((70, 70), (56, 98)):
        images = random_images(2, *size)
        with torch.inference_mode():
            expected = theirs.forward_features(normed(images))[:, 5:]
        torch.testing.assert_close(describe(model, images), expected, atol=1e-4, rtol=0)


def test_layers_are_those_of_timm_side_by_side(make_model: MakeModel) -> None:
    model = make_model("dinov2")
    images = random_images(2, 70, 70)
    theirs = as_timm(model, "vit_small_patch14_dinov2", **TINY)
    with torch.inference_mode():
        first, last = theirs.get_intermediate_layers(normed(images), n=[0, 2], norm=True)
    for layers, expected in (
        ((0, -1), [first, last]),
        ((2, 0), [last, first]),
        ((-3,), [first]),
    ):
        found = describe(model, images, layers=layers)
        torch.testing.assert_close(found, torch.cat(expected, dim=2), atol=1e-4, rtol=0)


@pytest.mark.parametrize("grid", [(5, 5), (16, 16), (8, 3)])
@pytest.mark.parametrize("model_type", ARCHITECTURES)
def test_all_architectures_are_those_of_transformers(
    model_type: str, grid: tuple[int, int], make_model: MakeModel
) -> None:
    model = make_model(model_type)
    patch_px = model.config.patch_size
    images = random_images(2, grid[0] * patch_px, grid[1] * patch_px)
    is_told = "interpolate_pos_encoding" in signature(model.forward).parameters
    options = {"interpolate_pos_encoding": True} if is_told else {}
    with torch.inference_mode():
        expected = model(normed(images), **options).last_hidden_state
    # transformers interpolates plain DINOv2 to the size, unlike the original
    resampling = Resampling() if model_type == "dinov2" else None
    found = describe(model, images, resampling=resampling)
    n_prefix = {"ijepa": 0, "vit": 1, "vit_msn": 1, "dinov2": 1}.get(model_type, 5)
    torch.testing.assert_close(found, expected[:, n_prefix:], atol=1e-4, rtol=0)


def test_the_original_interpolation_makes_a_difference(make_model: MakeModel) -> None:
    model, images = make_model("dinov2"), random_images(1, 112, 42)
    ours, theirs = describe(model, images), describe(model, images, resampling=Resampling())
    assert float((ours - theirs).abs().max()) > 1e-3


def test_blocks_behind_the_last_layer_taken_are_left_out(make_model: MakeModel) -> None:
    model = make_model("dinov2")
    description = Description(ARCHITECTURES["dinov2"], 14, 3)
    anatomy = dissect(model, description.architecture)
    network = VitNetwork(anatomy, description, (70, 70), layers=(-2,), is_unit=True)
    assert len(network.blocks) == 2


def test_descriptors_have_length_one_if_asked(make_model: MakeModel) -> None:
    model, images = make_model("dinov2"), random_images(1, 70, 70)
    found = describe(model, images, layers=(0, 1), is_unit=True)
    np.testing.assert_allclose(found.norm(dim=-1), 1, atol=1e-6)
    expected = describe(model, images, layers=(0, 1))
    torch.testing.assert_close(found, expected / expected.norm(dim=-1, keepdim=True))


def test_images_of_a_batch_do_not_see_each_other(make_model: MakeModel) -> None:
    model, images = make_model("dinov2"), random_images(3, 70, 70)
    alone = torch.cat([describe(model, image[None]) for image in images])
    torch.testing.assert_close(describe(model, images), alone, atol=1e-5, rtol=0)
