"""Architectures of vision transformers: what a folder holds, and its input.

Learnt position embeddings follow a grid that they were not learnt on by bicubic interpolation, of
which there are two kinds. DINOv2 (Oquab et al., 2023) enlarges by a factor of (cells + 0.1) /
native cells, which shifts the samples by a fraction of a cell; its models with registers (Darcet et
al., 2023) interpolate to the size itself, antialiased. The first differs from what transformers and
timm do, the second from neither.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from torch.nn.functional import interpolate

from features.device import need
from features.vit import VitConfig
from features.weights.errors import WeightsError
from features.weights.sidecar import read_json


@dataclass(frozen=True)
class Resampling:
    """How a model's own code interpolates."""

    offset: float = 0.0
    """Added to the number of cells when the scale factor is formed; 0 interpolates to the size."""
    is_antialiased: bool = False
    """Whether neighbours are averaged where the grid shrinks."""


def resample(
    positions: Float[torch.Tensor, "1 cells dim"], grid: tuple[int, int], resampling: Resampling
) -> Float[torch.Tensor, "1 new_cells dim"]:
    """Interpolate the embeddings of a square grid to one of (rows, columns)."""
    side = math.isqrt(positions.shape[1])
    if grid == (side, side):
        return positions
    planes = positions.float().reshape(1, side, side, -1).permute(0, 3, 1, 2)
    if resampling.offset:
        factors = tuple((cells + resampling.offset) / side for cells in grid)
        planes = interpolate(
            planes, scale_factor=factors, mode="bicubic", antialias=resampling.is_antialiased
        )
    else:
        planes = interpolate(planes, size=grid, mode="bicubic", antialias=resampling.is_antialiased)
    assert planes.shape[2:] == grid
    return planes.flatten(2).transpose(1, 2).contiguous()


WEIGHTS_FILE = "model.safetensors"
# of ImageNet's photographs; what nearly all networks were trained with
IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)

Color = tuple[float, float, float]


@dataclass(frozen=True)
class Architecture:
    """Where the parts of a model of transformers lie; None for parts that it does not have."""

    patches: str
    blocks: str
    norm: str
    resampling: Resampling = field(default_factory=Resampling)
    rotary: str | None = None


_VIT = Architecture("embeddings.patch_embeddings.projection", "layers", "layernorm")
_DINOV2 = {"patches": _VIT.patches, "blocks": "encoder.layer", "norm": "layernorm"}

# by the name that config.json gives as model_type; "vit" has many authors, whose ways of
# interpolating differ, and gets that of transformers
ARCHITECTURES = {
    "dinov2": Architecture(**_DINOV2, resampling=Resampling(offset=0.1)),
    "dinov2_with_registers": Architecture(**_DINOV2, resampling=Resampling(is_antialiased=True)),
    "dinov3_vit": Architecture(
        "embeddings.patch_embeddings", "model.layer", "norm", rotary="rope_embeddings"
    ),
    "ijepa": _VIT,
    "vit": _VIT,
    "vit_msn": _VIT,
}


@dataclass(frozen=True)
class Description:
    """What is known of a network before its weights are read."""

    architecture: Architecture
    patch_px: int
    n_blocks: int
    mean: Color = IMAGENET_MEAN
    std: Color = IMAGENET_STD
    """Of the red, green and blue that it was trained on, where they run from 0 to 1."""


def describe(folder: Path) -> Description:
    """Read the JSON files of a folder in the format of transformers.

    Raises:
        WeightsError: They are missing or broken, or of a network that gives no dense descriptors.
    """
    if not folder.is_dir():
        raise WeightsError(
            f"{folder} must be a folder with config.json and {WEIGHTS_FILE}, got a file; "
            "name a folder in the format of transformers"
        )
    config = _read(folder / "config.json")
    name = config.get("model_type")
    if name not in ARCHITECTURES:
        raise WeightsError(
            f"{folder / 'config.json'} must name a plain vision transformer as model_type "
            f"({', '.join(ARCHITECTURES)}), got {name!r}; choose other weights"
        )
    values = need("transformers", "a vision transformer").AutoConfig.for_model(**config)
    if not isinstance(values.patch_size, int):
        raise WeightsError(
            f"{folder / 'config.json'} must have square patches, got {values.patch_size}; "
            "choose other weights"
        )
    return Description(
        ARCHITECTURES[name], values.patch_size, values.num_hidden_layers, *_colors(folder)
    )


def _colors(folder: Path) -> tuple[Color, Color]:
    """Return mean and spread of the training images, ImageNet's where the folder says nothing."""
    path = folder / "preprocessor_config.json"
    values = _read(path) if path.exists() else {}
    mean, std = values.get("image_mean", IMAGENET_MEAN), values.get("image_std", IMAGENET_STD)
    try:
        (red, green, blue), (red_std, green_std, blue_std) = map(float, mean), map(float, std)
    except (TypeError, ValueError) as error:
        raise WeightsError(
            f"{path} must give image_mean and image_std as three numbers each, "
            f"got {mean} and {std}; fetch it again"
        ) from error
    return (red, green, blue), (red_std, green_std, blue_std)


def _read(path: Path) -> dict[str, Any]:
    try:
        return read_json(path)
    except (OSError, ValueError) as error:
        raise WeightsError(
            f"{path} must be a readable JSON object, as fetched with {WEIGHTS_FILE}, "
            f"but {error}; fetch it again"
        ) from error


def check_fit(config: VitConfig, description: Description) -> None:
    """Make sure that settings and network go together.

    Raises:
        ValueError: The input is no multiple of the patch size, or a block is not there.
    """
    patch_px, n_blocks = description.patch_px, description.n_blocks
    if config.input_px % patch_px:
        below = config.input_px // patch_px * patch_px
        nearest = f"{below} and {below + patch_px}" if below else f"{patch_px}"
        raise ValueError(
            f"vit.input_px must be a multiple of {patch_px}, the patch size of {config.weights}, "
            f"got {config.input_px}; the nearest are {nearest}"
        )
    missing = [layer for layer in config.layers if not -n_blocks <= layer < n_blocks]
    if missing:
        raise ValueError(
            f"vit.layers must lie in {-n_blocks} … {n_blocks - 1}, for {config.weights} has "
            f"{n_blocks} blocks, got {', '.join(map(str, missing))}"
        )
