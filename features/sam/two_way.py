"""How do a prompt's tokens become those from which its masks are drawn?

The two-way transformer of segment-anything (``TwoWayTransformer``), with its own weights; only the
image's side of each attention is ours.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from segment_anything.modeling import TwoWayTransformer
from segment_anything.modeling.transformer import Attention

from features.sam.image_tokens import ImageTokens


def transform(
    transformer: TwoWayTransformer,
    tokens: Float[torch.Tensor, "prompts tokens dim"],
    image: ImageTokens,
) -> Float[torch.Tensor, "prompts tokens dim"]:
    """Pass the prompts' tokens through all layers, which change the image's, too."""
    queries = tokens
    for layer in transformer.layers:
        # tokens attend to each other
        if layer.skip_first_layer_pe:
            queries = layer.self_attn(queries, queries, queries)
        else:
            placed = queries + tokens
            queries = queries + layer.self_attn(placed, placed, queries)
        queries = layer.norm1(queries)
        # to the image
        read = _read(layer.cross_attn_token_to_image, queries + tokens, image)
        queries = layer.norm2(queries + read)
        queries = layer.norm3(queries + layer.mlp(queries))
        # and the image to them
        attention = layer.cross_attn_image_to_token
        keys = _by_heads(attention.k_proj(queries + tokens), attention)
        image.write(keys, _by_heads(attention.v_proj(queries), attention))
    read = _read(transformer.final_attn_token_to_image, queries + tokens, image)
    found: torch.Tensor = transformer.norm_final_attn(queries + read)
    return found


def _read(
    attention: Attention, queries: Float[torch.Tensor, "prompts tokens dim"], image: ImageTokens
) -> Float[torch.Tensor, "prompts tokens dim"]:
    values = image.read(_by_heads(attention.q_proj(queries), attention))
    read: torch.Tensor = attention.out_proj(values.flatten(2))
    return read


def _by_heads(
    projected: Float[torch.Tensor, "prompts tokens inner"], attention: Attention
) -> Float[torch.Tensor, "prompts tokens heads head"]:
    return torch.unflatten(projected, 2, (attention.num_heads, -1))
