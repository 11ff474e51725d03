"""Checkpoints: tensors of a weights file, under the official names of SAM.

Nothing is ever unpickled: a PyTorch file is read with ``weights_only=True``, which admits tensors
and refuses objects, and a safetensors file cannot hold anything else.

SAM's modules are the same in the format of transformers but for names, and so are SAM 2's prompt
encoder and mask decoder; with names translated, one implementation of ours serves them all. Source
of the names: the modules of segment-anything and transformers (``modeling_sam``,
``modeling_sam2``).
"""

from __future__ import annotations

import pickle
import re
import zipfile
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import nn

from features.files import MAX_WEIGHTS_BYTES, check_regular
from features.weights.errors import WeightsError


def read_tensors(path: Path) -> dict[str, torch.Tensor]:
    """Read a ``.safetensors`` file, or a PyTorch file of any other name; weights become fp32.

    Raises:
        WeightsError: The file is absent, cut short, or holds something else than named tensors.
    """
    try:
        check_regular(path, max_bytes=MAX_WEIGHTS_BYTES)
        tensors = load_file(path) if path.suffix == ".safetensors" else _load_pytorch(path)
    except FileNotFoundError as error:
        raise WeightsError(f"{path} does not exist") from error
    except pickle.UnpicklingError as error:
        raise WeightsError(
            f"{path} must hold named tensors and nothing else, got other objects or no weights"
        ) from error
    except (SafetensorError, RuntimeError, EOFError, OSError, ValueError, KeyError) as error:
        reason = str(error).partition("\n")[0] or type(error).__name__
        raise WeightsError(
            f"{path} cannot be read, perhaps it is cut short ({reason}); fetch it again"
        ) from error
    if not isinstance(tensors, dict) or not all(
        isinstance(name, str) and isinstance(tensor, torch.Tensor)
        for name, tensor in tensors.items()
    ):
        raise WeightsError(f"{path} must hold named tensors, got other things")
    return {
        name: tensor.float() if tensor.is_floating_point() else tensor
        for name, tensor in tensors.items()
    }


def fill(module: nn.Module, tensors: Mapping[str, torch.Tensor]) -> None:
    """Give all parameters and buffers of a module their values, without copying.

    Raises:
        WeightsError: A tensor is missing or has another shape, or there are some too many.
    """
    try:
        module.load_state_dict(tensors, assign=True)
    except RuntimeError as error:
        _, first, *others = [line.strip() for line in str(error).splitlines()]
        more = f" (and {len(others)} more)" if others else ""
        raise WeightsError(f"the tensors do not fit the network: {first}{more}") from error


def _load_pytorch(path: Path) -> object:
    # mapped into memory where the format allows, so that gigabytes are not held twice
    return torch.load(
        path, map_location="cpu", weights_only=True, mmap=zipfile.is_zipfile(path) or None
    )


_MLP = r"(mask_decoder\.(?:output_hypernetworks_mlps\.\d+|iou_prediction_head))"
_LAYER = r"(transformer\.layers\.\d+)"

# applied one after the other
RULES = (
    # image encoder
    (r"^vision_encoder\.patch_embed\.projection\.", "image_encoder.patch_embed.proj."),
    (r"^vision_encoder\.layers\.(\d+)\.layer_norm", r"image_encoder.blocks.\1.norm"),
    (r"^vision_encoder\.layers\.", "image_encoder.blocks."),
    (r"^vision_encoder\.neck\.conv1\.", "image_encoder.neck.0."),
    (r"^vision_encoder\.neck\.layer_norm1\.", "image_encoder.neck.1."),
    (r"^vision_encoder\.neck\.conv2\.", "image_encoder.neck.2."),
    (r"^vision_encoder\.neck\.layer_norm2\.", "image_encoder.neck.3."),
    (r"^vision_encoder\.", "image_encoder."),
    # prompt encoder
    (
        r"^(shared_image_embedding|prompt_encoder\.shared_embedding)\.positional_embedding$",
        "prompt_encoder.pe_layer.positional_encoding_gaussian_matrix",
    ),
    (r"^prompt_encoder\.point_embed\.", "prompt_encoder.point_embeddings."),
    (r"\.mask_embed\.conv1\.", ".mask_downscaling.0."),
    (r"\.mask_embed\.layer_norm1\.", ".mask_downscaling.1."),
    (r"\.mask_embed\.conv2\.", ".mask_downscaling.3."),
    (r"\.mask_embed\.layer_norm2\.", ".mask_downscaling.4."),
    (r"\.mask_embed\.conv3\.", ".mask_downscaling.6."),
    # mask decoder
    (_LAYER + r"\.layer_norm", r"\1.norm"),
    (_LAYER + r"\.mlp\.proj_in\.", r"\1.mlp.lin1."),
    (_LAYER + r"\.mlp\.proj_out\.", r"\1.mlp.lin2."),
    (r"\.layer_norm_final_attn\.", ".norm_final_attn."),
    (r"\.o_proj\.", ".out_proj."),
    (r"\.upscale_conv1\.", ".output_upscaling.0."),
    (r"\.upscale_layer_norm\.", ".output_upscaling.1."),
    (r"\.upscale_conv2\.", ".output_upscaling.3."),
)


def official_names(tensors: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Give tensors the names that segment-anything has for them.

    Raises:
        WeightsError: Two that are one there have different values.
    """
    renamed: dict[str, torch.Tensor] = {}
    for name, tensor in tensors.items():
        official = _official_name(name, tensors)
        if not torch.equal(renamed.setdefault(official, tensor), tensor):
            raise WeightsError(f"{name} must equal another tensor that stands for {official}")
    # SAM 2's four kinds of points are rows of one table
    table = renamed.pop("prompt_encoder.point_embeddings.weight", torch.empty(0))
    for i, row in enumerate(table):
        renamed[f"prompt_encoder.point_embeddings.{i}.weight"] = row[None]
    return renamed


def _official_name(name: str, tensors: Mapping[str, torch.Tensor]) -> str:
    for pattern, replacement in RULES:
        name = re.sub(pattern, replacement, name)
    # first, further and last layer of a perceptron are numbered through
    found = re.match(_MLP + r"\.(proj_in|layers\.(\d+)|proj_out)\.(weight|bias)$", name)
    if found is None:
        return name
    stem, place, further, kind = found.groups()
    n_further = sum(
        re.match(rf"{re.escape(stem)}\.layers\.\d+\.{kind}$", n) is not None for n in tensors
    )
    number = {"proj_in": 0, "proj_out": n_further + 1}.get(place, int(further or 0) + 1)
    return f"{stem}.layers.{number}.{kind}"
