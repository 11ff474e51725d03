"""SAM as published: the checkpoints and modules of segment-anything.

Source: Kirillov et al., "Segment Anything", 2023. The architecture is read from the tensors, so
that a smaller network of the same classes is loaded like ViT-B, L and H.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from jaxtyping import Float
from segment_anything.modeling import ImageEncoderViT, MaskDecoder, PromptEncoder
from torch import nn
from torch.nn.functional import interpolate

from features.device import MachineConfig, torch_device, torch_dtype
from features.sam import network
from features.sam.architecture import EncoderShape, read_decoder, read_encoder
from features.sam.checkpoint import fill, read_tensors
from features.sam.mask_decoder import MaskCandidates, PromptedNetwork
from features.sam.network import Prompts
from features.weights.errors import WeightsError
from features.weights.store import sha256_of


@dataclass(frozen=True)
class Sam:
    """The three modules; the image encoder computes in its own precision."""

    image_encoder: ImageEncoderViT
    prompt_encoder: PromptEncoder
    mask_decoder: MaskDecoder

    @property
    def side_px(self) -> int:
        """Side of the square that the network works in."""
        side_px: int = self.image_encoder.img_size
        return side_px

    def frame_of(self, image_size: tuple[int, int]) -> tuple[int, int]:
        """Return height and width that an image takes up in the square, its ratio kept."""
        return network.frame_of(image_size, self.side_px)

    def encode(
        self, pixels: Float[torch.Tensor, "1 3 side side"]
    ) -> tuple[Float[torch.Tensor, "dim grid grid"], None]:
        """Turn pixels into the image's tokens."""
        dtype = self.image_encoder.pos_embed.dtype
        tokens: torch.Tensor = self.image_encoder(pixels.to(dtype))[0]
        return tokens.float(), None

    def further_tokens(self, prompts: Prompts) -> Float[torch.Tensor, "0 dim"]:
        """Return no tokens: the prompt encoder's are all."""
        table: torch.Tensor = self.prompt_encoder.no_mask_embed.weight
        return table[:0]

    def single(self, candidates: MaskCandidates) -> MaskCandidates:
        """Return the candidate that was trained to be the only one."""
        return candidates.pick(torch.zeros_like(candidates.iou[:, :1], dtype=torch.int64))


def load(
    path: Path,
    machine: MachineConfig,
    *,
    model_type: str | None = None,
    side_px: int | None = None,
) -> PromptedNetwork:
    """Load an official ``.pth`` checkpoint, or a ``.safetensors`` file of the same tensors.

    ``model_type`` says what the file must hold (``vit_b``, ``vit_l`` or ``vit_h``). Another
    ``side_px`` than the weights were trained for interpolates their positions.

    Raises:
        WeightsError: The file is no such checkpoint, is damaged, or is of another model type.
        MachineError: The device asked for is not there.
    """
    tensors = read_tensors(path)
    name = path.stem if side_px is None else f"{path.stem} at {side_px} px"
    identity = {"name": name, "sha256": sha256_of(path)}
    try:
        return assemble(tensors, machine, identity, model_type=model_type, side_px=side_px)
    except WeightsError as error:
        raise WeightsError(f"{path} cannot be loaded: {error}") from error


def assemble(
    tensors: Mapping[str, torch.Tensor],
    machine: MachineConfig,
    identity: dict[str, str],
    *,
    model_type: str | None = None,
    side_px: int | None = None,
) -> PromptedNetwork:
    """Make the network of tensors that have the official names.

    Raises:
        WeightsError: They are of no such network, or of another model type.
        ValueError: ``side_px`` is no multiple of the patch size.
    """
    shape = read_encoder(tensors)
    if model_type not in (None, shape.model_type):
        raise WeightsError(f"expected weights of {model_type}, got {shape.model_type}")
    if side_px not in (None, shape.side_px):
        tensors, shape = _at_side(tensors, shape, side_px)
    # without memory, so that nothing is initialised in vain
    with torch.device("meta"):
        prompt_encoder, decoder = read_decoder(tensors).build(shape.grid, shape.side_px)
        modules = {
            "image_encoder": shape.build(),
            "prompt_encoder": prompt_encoder,
            "mask_decoder": decoder,
        }
        whole = nn.ModuleDict(modules)
    fill(whole, tensors)
    device = torch_device(machine)
    whole.eval().requires_grad_(False).to(device)
    whole["image_encoder"].to(torch_dtype(machine))
    return PromptedNetwork(Sam(**whole), torch_dtype(machine), identity)


def _at_side(
    tensors: Mapping[str, torch.Tensor], shape: EncoderShape, side_px: int
) -> tuple[dict[str, torch.Tensor], EncoderShape]:
    """Interpolate absolute positions, and the relative ones of blocks that see the whole image."""
    grid, remainder = divmod(side_px, shape.patch_px)
    if remainder or grid < 1:
        raise ValueError(f"side_px must be a multiple of {shape.patch_px}, got {side_px}")
    changed = dict(tensors)
    positions = tensors["image_encoder.pos_embed"].permute(0, 3, 1, 2)
    resized = interpolate(positions, (grid, grid), mode="bicubic", antialias=grid < shape.grid)
    changed["image_encoder.pos_embed"] = resized.permute(0, 2, 3, 1)
    for block in shape.global_blocks:
        for axis in "hw":
            name = f"image_encoder.blocks.{block}.attn.rel_pos_{axis}"
            relative = tensors[name].T[None]
            # as the encoder itself does for an image of another size
            changed[name] = interpolate(relative, 2 * grid - 1, mode="linear")[0].T
    return changed, replace(shape, grid=grid)
