"""A small network of Segment Anything's architecture, at any side.

The modules are those of ``segment_anything.modeling``, hence so are the names of the weights.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path

import torch
import torch.nn.functional as F  # noqa: N812
from safetensors.torch import save_file
from segment_anything.modeling import (
    ImageEncoderViT,
    MaskDecoder,
    PromptEncoder,
    Sam,
    TwoWayTransformer,
)
from torch import Tensor

SIDE, PATCH = 256, 16  # px
WIDTH, DEPTH, HEADS, WINDOW = 128, 6, 4, 8
GLOBAL_BLOCKS = (2, 5)
PROMPT_WIDTH = 256


def build() -> Sam:
    """The architecture, at side 256, with weights as PyTorch initialises them."""
    norm = partial(torch.nn.LayerNorm, eps=1e-6)
    grid = SIDE // PATCH
    return Sam(
        image_encoder=ImageEncoderViT(
            img_size=SIDE,
            patch_size=PATCH,
            embed_dim=WIDTH,
            depth=DEPTH,
            num_heads=HEADS,
            out_chans=PROMPT_WIDTH,
            norm_layer=norm,
            use_rel_pos=True,
            window_size=WINDOW,
            global_attn_indexes=GLOBAL_BLOCKS,
        ),
        prompt_encoder=PromptEncoder(
            embed_dim=PROMPT_WIDTH,
            image_embedding_size=(grid, grid),
            input_image_size=(SIDE, SIDE),
            mask_in_chans=16,
        ),
        mask_decoder=MaskDecoder(
            transformer_dim=PROMPT_WIDTH,
            transformer=TwoWayTransformer(
                depth=2, embedding_dim=PROMPT_WIDTH, num_heads=8, mlp_dim=256
            ),
        ),
    )


def set_side(sam: Sam, side: int) -> None:
    """Tell the prompt encoder for which size of image its coordinates are."""
    prompts, grid = sam.prompt_encoder, side // PATCH
    prompts.image_embedding_size = (grid, grid)
    prompts.mask_input_size = (4 * grid, 4 * grid)
    prompts.input_image_size = (side, side)


def encode(sam: Sam, images: Tensor) -> Tensor:
    """Embed images of any side; position embeddings are interpolated to it."""
    encoder = sam.image_encoder
    tokens = encoder.patch_embed(images)
    grid = tokens.shape[1:3]
    places = encoder.pos_embed
    if places.shape[1:3] != grid:
        places = F.interpolate(places.permute(0, 3, 1, 2), grid, mode="bicubic", antialias=True)
        places = places.permute(0, 2, 3, 1)
    tokens = tokens + places
    for block in encoder.blocks:
        tokens = block(tokens)
    return encoder.neck(tokens.permute(0, 3, 1, 2))


def draw_pixels(sam: Sam, embeddings: Tensor) -> Tensor:
    """What the decoder would multiply to make masks, had there been no prompt."""
    return sam.mask_decoder.output_upscaling(embeddings)


@dataclass(frozen=True)
class Prompts:
    """What is asked, all of one sort; as many for each image, those of the first image first."""

    points: tuple[Tensor, Tensor] | None = None
    boxes: Tensor | None = None
    masks: Tensor | None = None


def decode(sam: Sam, embeddings: Tensor, prompts: Prompts) -> tuple[Tensor, Tensor]:
    """Low-resolution logits and predicted IoU of all four masks of each prompt.

    As ``MaskDecoder.predict_masks``, which takes one image at a time.
    """
    decoder = sam.mask_decoder
    sparse, dense = sam.prompt_encoder(prompts.points, prompts.boxes, prompts.masks)
    own = torch.cat([decoder.iou_token.weight, decoder.mask_tokens.weight])
    tokens = torch.cat([own.expand(len(sparse), -1, -1), sparse], dim=1)
    source = embeddings.repeat_interleave(len(sparse) // len(embeddings), dim=0) + dense
    places = sam.prompt_encoder.get_dense_pe().expand(len(sparse), -1, -1, -1)
    tokens, seen = decoder.transformer(source, places, tokens)
    pixels = decoder.output_upscaling(seen.transpose(1, 2).reshape(source.shape))
    weights = [mlp(tokens[:, 1 + i]) for i, mlp in enumerate(decoder.output_hypernetworks_mlps)]
    logits = torch.einsum("pmc,pchw->pmhw", torch.stack(weights, dim=1), pixels)
    return logits.float(), decoder.iou_prediction_head(tokens[:, 0]).float()


def save_weights(sam: Sam, path: Path) -> None:
    """Write half-precision weights, whole or not at all."""
    halves = {name: value.half().contiguous() for name, value in sam.state_dict().items()}
    save_file(halves, path.with_suffix(".part"))
    path.with_suffix(".part").rename(path)
