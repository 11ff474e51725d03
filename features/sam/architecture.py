"""Architecture of a SAM checkpoint, read from the shapes of its tensors.

A checkpoint of SAM (Kirillov et al., "Segment Anything", 2023) says nothing of its architecture,
but the shapes of its tensors do, all but the number of the mask decoder's heads. Read from them,
the three official sizes and any other network of the same classes load by the same code.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

import torch
from segment_anything.modeling import (
    ImageEncoderViT,
    MaskDecoder,
    PromptEncoder,
    TwoWayTransformer,
)

from features.weights.errors import WeightsError

# widths and depths of the official encoders (build_sam.py of segment-anything)
OFFICIAL = {"vit_b": (768, 12), "vit_l": (1024, 24), "vit_h": (1280, 32)}
# of the mask decoder in every published SAM; no tensor's shape tells
DECODER_HEADS = 8
# of the encoder's layer norms, likewise
ENCODER_EPS = 1e-6

Tensors = Mapping[str, torch.Tensor]


@dataclass(frozen=True)
class EncoderShape:
    """Sizes of a ViT image encoder; ``grid`` and ``window`` count patches along a side."""

    dim: int
    depth: int
    heads: int
    mlp_dim: int
    out_dim: int
    has_qkv_bias: bool
    patch_px: int
    grid: int
    window: int
    global_blocks: tuple[int, ...]

    @property
    def side_px(self) -> int:
        """Side of the square that the network works in."""
        return self.grid * self.patch_px

    @property
    def model_type(self) -> str:
        """Official name, or width and depth."""
        names = [name for name, shape in OFFICIAL.items() if shape == (self.dim, self.depth)]
        return names[0] if names else f"vit_{self.dim}x{self.depth}"

    def build(self) -> ImageEncoderViT:
        """Make the module."""
        return ImageEncoderViT(
            depth=self.depth,
            embed_dim=self.dim,
            img_size=self.side_px,
            # the module rounds the product down
            mlp_ratio=(self.mlp_dim + 0.5) / self.dim,
            norm_layer=partial(torch.nn.LayerNorm, eps=ENCODER_EPS),
            num_heads=self.heads,
            patch_size=self.patch_px,
            qkv_bias=self.has_qkv_bias,
            use_rel_pos=True,
            global_attn_indexes=self.global_blocks,
            window_size=self.window,
            out_chans=self.out_dim,
        )


@dataclass(frozen=True)
class DecoderShape:
    """Sizes of a prompt encoder and its mask decoder."""

    dim: int
    mask_dim: int
    depth: int
    mlp_dim: int
    downsampling: int
    n_multimask: int
    iou_depth: int
    iou_dim: int

    def build(self, grid: int, side_px: int) -> tuple[PromptEncoder, MaskDecoder]:
        """Make the modules for an embedding of ``grid`` tokens a side."""
        transformer = TwoWayTransformer(
            depth=self.depth,
            embedding_dim=self.dim,
            mlp_dim=self.mlp_dim,
            num_heads=DECODER_HEADS,
            attention_downsample_rate=self.downsampling,
        )
        decoder = MaskDecoder(
            num_multimask_outputs=self.n_multimask,
            transformer=transformer,
            transformer_dim=self.dim,
            iou_head_depth=self.iou_depth,
            iou_head_hidden_dim=self.iou_dim,
        )
        return PromptEncoder(self.dim, (grid, grid), (side_px, side_px), self.mask_dim), decoder


def read_encoder(tensors: Tensors) -> EncoderShape:
    """Tell the image encoder's sizes from the tensors called ``image_encoder.…``.

    Raises:
        WeightsError: Tensors are missing that each such encoder has, or their shapes disagree.
    """
    stem = "image_encoder"
    dim, _, patch_px, _ = _shape(tensors, f"{stem}.patch_embed.proj.weight")
    depth = _count(tensors, rf"{stem}\.blocks\.(\d+)\.")
    grid = _shape(tensors, f"{stem}.pos_embed")[1]
    # relative positions number 2 n - 1 for n patches along a side, and are as wide as a head
    positions = [_shape(tensors, f"{stem}.blocks.{i}.attn.rel_pos_h") for i in range(depth)]
    spans = [(n_positions + 1) // 2 for n_positions, _ in positions]
    windows = {span for span in spans if span != grid}
    if not depth or dim % positions[0][1] or len(windows) > 1:
        raise WeightsError(
            "these are no weights of SAM: its encoder has blocks, its width is a multiple of its "
            f"heads', and its windows have one size; got {depth} blocks, width {dim}, windows of "
            f"{sorted(windows)} patches"
        )
    return EncoderShape(
        dim=dim,
        depth=depth,
        heads=dim // positions[0][1],
        mlp_dim=_shape(tensors, f"{stem}.blocks.0.mlp.lin1.weight")[0],
        out_dim=_shape(tensors, f"{stem}.neck.0.weight")[0],
        has_qkv_bias=f"{stem}.blocks.0.attn.qkv.bias" in tensors,
        patch_px=patch_px,
        grid=grid,
        window=max(windows, default=0),
        global_blocks=tuple(i for i, span in enumerate(spans) if span == grid),
    )


def read_decoder(tensors: Tensors) -> DecoderShape:
    """Tell the sizes of the tensors called ``prompt_encoder.…`` and ``mask_decoder.…``.

    Raises:
        WeightsError: Tensors are missing that each mask decoder has, or their shapes disagree.
    """
    stem = "mask_decoder"
    attention_dim, dim = _shape(
        tensors, f"{stem}.transformer.final_attn_token_to_image.q_proj.weight"
    )
    if attention_dim % DECODER_HEADS or dim % attention_dim:
        raise WeightsError(
            f"these are no weights of SAM: its decoder has {DECODER_HEADS} heads, "
            f"got attention of width {attention_dim} in tokens of {dim}"
        )
    return DecoderShape(
        dim=dim,
        mask_dim=_shape(tensors, "prompt_encoder.mask_downscaling.3.weight")[0],
        depth=_count(tensors, rf"{stem}\.transformer\.layers\.(\d+)\."),
        mlp_dim=_shape(tensors, f"{stem}.transformer.layers.0.mlp.lin1.weight")[0],
        downsampling=dim // attention_dim,
        n_multimask=_shape(tensors, f"{stem}.mask_tokens.weight")[0] - 1,
        iou_depth=_count(tensors, rf"{stem}\.iou_prediction_head\.layers\.(\d+)\."),
        iou_dim=_shape(tensors, f"{stem}.iou_prediction_head.layers.0.weight")[0],
    )


def _shape(tensors: Tensors, name: str) -> tuple[int, ...]:
    if name not in tensors:
        raise WeightsError(f"these are no weights of SAM: they lack {name}")
    return tuple(tensors[name].shape)


def _count(tensors: Tensors, pattern: str) -> int:
    """Count the modules of a list."""
    found = [re.match(pattern, name) for name in tensors]
    return len({match[1] for match in found if match})
