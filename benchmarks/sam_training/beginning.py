"""Initial weights with which training begins.

A small network trained for less than an hour has no time to find out what colour is. It begins as
a network that compares colours: each token carries the colour of the sixteen cells of its patch,
and the upscaling lays them out again. The rest is random, small where it would drown that.
"""

from __future__ import annotations

from itertools import product

import torch
from sam_training.network import WIDTH
from segment_anything.modeling import ImageEncoderViT, MaskDecoder, Sam
from torch import Tensor, nn

CELLS = 4  # along a side of a patch; one cell is one pixel of a low-resolution mask
N_COLORS = CELLS * CELLS * 3 * 2  # each with both signs, since GELU keeps only one
QUIET = 0.3  # factor on what is added to a residual stream


@torch.no_grad()
def initialise(sam: Sam) -> None:
    """Set all weights; the same state of torch's generator gives the same."""
    for module in sam.modules():
        if isinstance(module, nn.Linear | nn.ConvTranspose2d):
            nn.init.xavier_uniform_(module.weight)
            nn.init.zeros_(module.bias)
        elif isinstance(module, nn.Embedding):
            nn.init.normal_(module.weight, std=0.3)
    _initialise_encoder(sam.image_encoder)
    # The encoder tells equal things apart by where they are, as the prompts do.
    places = sam.prompt_encoder.get_dense_pe()[0].permute(1, 2, 0)
    sam.image_encoder.pos_embed.copy_(QUIET * places[..., :: places.shape[-1] // WIDTH])
    _initialise_decoder(sam.mask_decoder)


def _initialise_encoder(encoder: ImageEncoderViT) -> None:
    for block in encoder.blocks:
        block.attn.proj.weight.mul_(QUIET)
        block.mlp.lin2.weight.mul_(QUIET)
    patch = encoder.patch_embed.proj
    size = patch.weight.shape[-1] // CELLS
    patch.weight[:N_COLORS] = 0
    for row, column, color, sign in product(range(CELLS), range(CELLS), range(3), (0, 1)):
        rows, columns = (slice(size * at, size * (at + 1)) for at in (row, column))
        channel = _channel(row, column, color, sign)
        patch.weight[channel, color, rows, columns] = (1 - 2 * sign) / size**2
    # Constants beside the colours let layer norms keep how strong a colour is.
    patch.bias.zero_()
    patch.bias[N_COLORS:] = torch.linspace(-1, 1, len(patch.bias) - N_COLORS)
    narrow, smooth = encoder.neck[0].weight, encoder.neck[2].weight
    width = narrow.shape[1]
    narrow[:width, :, 0, 0] = torch.eye(width)
    nn.init.normal_(narrow[width:], std=width**-0.5)
    nn.init.normal_(smooth, std=QUIET * (9 * len(smooth)) ** -0.5)
    smooth[range(len(smooth)), range(len(smooth)), 1, 1] += 1
    encoder.neck[3].weight.fill_(QUIET)


def _initialise_decoder(decoder: MaskDecoder) -> None:
    transformer = decoder.transformer
    for layer in transformer.layers:
        layer.mlp.lin2.weight.mul_(QUIET)
        for norm in (layer.norm1, layer.norm2, layer.norm3, layer.norm4):
            norm.weight.fill_(QUIET)
        _look_where_you_are(layer.cross_attn_token_to_image)
        _look_where_you_are(layer.cross_attn_image_to_token)
    _look_where_you_are(transformer.final_attn_token_to_image)
    for mlp in (*decoder.output_hypernetworks_mlps, decoder.iou_prediction_head):
        for layer in mlp.layers:
            nn.init.kaiming_uniform_(layer.weight, nonlinearity="relu")
    for mlp in decoder.output_hypernetworks_mlps:
        mlp.layers[-1].weight.mul_(0.5)
    first, second = decoder.output_upscaling[0].weight, decoder.output_upscaling[3].weight
    nn.init.normal_(first, std=QUIET * len(first) ** -0.5)
    nn.init.normal_(second, std=0.5 * len(second) ** -0.5)
    _lay_out_colors(first, second)


def _look_where_you_are(attention: nn.Module) -> None:
    """Equal queries and keys: then a point attends to its own place, of which both tell."""
    nn.init.orthogonal_(attention.q_proj.weight, 2.0)
    attention.k_proj.weight.copy_(attention.q_proj.weight)
    attention.out_proj.weight.mul_(QUIET)


def _lay_out_colors(first: Tensor, second: Tensor) -> None:
    """Two doublings of the size turn the channels of a token into four by four pixels."""
    for y, x, color, sign in product((0, 1), (0, 1), range(3), (0, 1)):
        middle = ((y * 2 + x) * 3 + color) * 2 + sign
        second[middle, color * 2 + sign, y, x] += 1
        for row, column in product((0, 1), (0, 1)):
            first[_channel(2 * row + y, 2 * column + x, color, sign), middle, row, column] += 1


def _channel(row: int, column: int, color: int, sign: int) -> int:
    return ((row * CELLS + column) * 3 + color) * 2 + sign
