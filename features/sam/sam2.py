"""SAM 2 and 2.1 for single images, in the format of transformers.

Its prompt encoder and mask decoder are SAM's, with one token more beside the prompt's, and with
finer features of the image added while a mask is drawn; the image encoder, Hiera, is that of
transformers. Images are stretched to the square. Sources: Ravi et al., "SAM 2: Segment Anything in
Images and Videos", 2024; ``Sam2Model`` of transformers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from segment_anything.modeling import MaskDecoder, PromptEncoder
from torch import nn
from torch.nn.functional import conv2d
from transformers import Sam2Config, Sam2VisionModel

from features.device import MachineConfig, torch_device, torch_dtype
from features.sam.architecture import DECODER_HEADS, read_decoder
from features.sam.checkpoint import fill, official_names
from features.sam.mask_decoder import MaskCandidates, PromptedNetwork
from features.sam.mask_drawing import Fine
from features.sam.network import Prompts
from features.weights.errors import WeightsError

# blocks of the four stages of the published encoders
OFFICIAL = {
    (1, 2, 7, 2): "hiera_t",
    (1, 2, 11, 2): "hiera_s",
    (2, 3, 16, 3): "hiera_b+",
    (2, 6, 36, 4): "hiera_l",
}
# tensors that the modules of segment-anything do not have; the score, of there being an object at
# all, is not asked for
NO_MEMORY, OBJECT_TOKEN = "no_memory_embedding", "mask_decoder.obj_score_token.weight"
LATERAL = ("mask_decoder.conv_s0.", "mask_decoder.conv_s1.")
OBJECT_SCORE = "mask_decoder.pred_obj_score_head."


@dataclass(frozen=True)
class Sam2:
    """The modules, and the settings of the choice of a single mask."""

    vision: Sam2VisionModel
    prompt_encoder: PromptEncoder
    mask_decoder: MaskDecoder
    extra: Mapping[str, torch.Tensor]
    side_px: int
    stability_offset: float
    min_stability: float

    def frame_of(self, image_size: tuple[int, int]) -> tuple[int, int]:
        """Return the whole square, whatever the image's size."""
        return self.side_px, self.side_px

    def encode(
        self, pixels: Float[torch.Tensor, "1 3 side side"]
    ) -> tuple[Float[torch.Tensor, "dim grid grid"], Fine]:
        """Turn pixels into the image's tokens and its finer features."""
        maps = self.vision(pixels.to(self.vision.dtype)).fpn_hidden_states
        quarters, halves = (
            conv2d(features.float(), self.extra[f"{name}weight"], self.extra[f"{name}bias"])[0]
            for features, name in zip(maps[:2], LATERAL, strict=True)
        )
        return maps[2][0].float() + self.extra[NO_MEMORY].view(-1, 1, 1), Fine(quarters, halves)

    def further_tokens(self, prompts: Prompts) -> Float[torch.Tensor, "further dim"]:
        """Return the object's token, and those that stand for no point.

        The prompt encoder adds one of these to points, but none to a box; without either, there are
        two.
        """
        n_empty = 1 if prompts.box_xyxy is not None else 0 if prompts.points_xy is not None else 2
        empty = self.prompt_encoder.not_a_point_embed.weight.expand(n_empty, -1)
        return torch.cat([self.extra[OBJECT_TOKEN], empty])

    def single(self, candidates: MaskCandidates) -> MaskCandidates:
        """Return the candidate trained to be the only one, or the best of the others.

        The others' best (by predicted IoU) where the first is unstable: where its area changes too
        much as its threshold moves.
        """
        first = torch.zeros_like(candidates.iou[:, :1], dtype=torch.int64)
        if self.min_stability <= 0:
            return candidates.pick(first)
        logits = candidates.pick(first).logits(torch.ones_like(first, dtype=torch.bool)).flatten(1)
        inner = (logits > self.stability_offset).sum(dim=1, keepdim=True)
        outer = (logits > -self.stability_offset).sum(dim=1, keepdim=True)
        # as in the reference, an empty mask is stable
        is_stable = torch.where(outer > 0, inner / outer, 1.0) >= self.min_stability
        best = candidates.iou[:, 1:].argmax(dim=1, keepdim=True) + 1
        return candidates.pick(torch.where(is_stable, first, best))


def assemble(
    config: Mapping[str, Any],
    tensors: Mapping[str, torch.Tensor],
    machine: MachineConfig,
    identity: dict[str, str],
    *,
    model_type: str | None = None,
) -> PromptedNetwork:
    """Make the network that config.json describes, of ``Sam2Model`` or ``Sam2VideoModel``.

    Raises:
        WeightsError: The tensors are of no such network, or of another model type.
    """
    settings = _settings(config)
    blocks = tuple(settings.vision_config.backbone_config.blocks_per_stage)
    found = OFFICIAL.get(blocks, f"hiera_{'-'.join(map(str, blocks))}")
    if model_type not in (None, found):
        raise WeightsError(f"expected weights of {model_type}, got {found}")

    named = official_names(tensors)
    extra = _extra_tensors(named)
    whole = _modules(settings, named)
    device = torch_device(machine)
    whole.eval().requires_grad_(False).to(device)
    whole["vision"].to(torch_dtype(machine))
    choice = settings.mask_decoder_config
    is_checked = choice.dynamic_multimask_via_stability
    model = Sam2(
        **whole,
        extra={name: tensor.to(device) for name, tensor in extra.items()},
        side_px=settings.prompt_encoder_config.image_size,
        stability_offset=choice.dynamic_multimask_stability_delta,
        min_stability=choice.dynamic_multimask_stability_thresh if is_checked else 0.0,
    )
    return PromptedNetwork(model, torch_dtype(machine), identity)


def _modules(settings: Any, named: Mapping[str, torch.Tensor]) -> nn.ModuleDict:
    """Make the modules with their weights."""
    prompts = settings.prompt_encoder_config
    # without memory, so that nothing is initialised in vain
    with torch.device("meta"):
        vision = Sam2VisionModel(settings.vision_config)
        prompt_encoder, decoder = read_decoder(named).build(
            prompts.image_size // prompts.patch_size, prompts.image_size
        )
    decoder.iou_prediction_head.sigmoid_output = True
    fill(vision, _below("image_encoder.", named))
    fill(prompt_encoder, _below("prompt_encoder.", named))
    fill(decoder, _below("mask_decoder.", named, without=(OBJECT_TOKEN, *LATERAL, OBJECT_SCORE)))
    return nn.ModuleDict(
        {"vision": vision, "prompt_encoder": prompt_encoder, "mask_decoder": decoder}
    )


def _below(
    stem: str, named: Mapping[str, torch.Tensor], without: tuple[str, ...] = ()
) -> dict[str, torch.Tensor]:
    return {
        name.removeprefix(stem): tensor
        for name, tensor in named.items()
        if name.startswith(stem) and not name.startswith(without)
    }


def _settings(config: Mapping[str, Any]) -> Any:
    """Make a ``Sam2Config``; the config.json of a video model has the same three parts."""
    parts = ("vision_config", "prompt_encoder_config", "mask_decoder_config")
    try:
        settings: Any = Sam2Config(**{part: config[part] for part in parts})
        heads = settings.mask_decoder_config.num_attention_heads
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise WeightsError(f"config.json does not describe SAM 2: {error}") from error
    if heads != DECODER_HEADS:
        raise WeightsError(f"the mask decoder must have {DECODER_HEADS} heads, got {heads}")
    return settings


def _extra_tensors(named: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Pick the tensors that no module takes."""
    lateral = [f"{stem}{kind}" for stem in LATERAL for kind in ("weight", "bias")]
    wanted = [NO_MEMORY, OBJECT_TOKEN, *lateral]
    missing = [name for name in wanted if name not in named]
    if missing:
        raise WeightsError(f"these are no weights of SAM 2: they lack {missing[0]}")
    return {name: named[name] for name in wanted}
