"""Vision transformer as one module for one size, from a folder of weights.

The blocks and their weights are those of transformers; what surrounds them is computed once for a
size: position embeddings, prefix tokens (class and registers), rotations. So a runtime is handed a
plain chain of operations, and blocks behind the last one that is asked for are never run.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import torch
from jaxtyping import Float32, UInt8
from safetensors import SafetensorError
from torch import nn
from torch.nn.functional import normalize

from features.device import need
from features.files import MAX_WEIGHTS_BYTES, check_regular
from features.vit.architectures import WEIGHTS_FILE, Architecture, Description, resample
from features.weights.errors import WeightsError


@dataclass(frozen=True)
class Anatomy:
    """The parts of a loaded model that dense descriptors need."""

    patches: nn.Conv2d
    blocks: tuple[nn.Module, ...]
    norm: nn.Module
    prefix: Float32[torch.Tensor, "1 prefix dim"]
    """Tokens before those of the patches, with their positions."""
    positions: Float32[torch.Tensor, "1 cells dim"] | None
    """Embeddings of a square grid; None where positions are rotations."""
    rotary: nn.Module | None


class VitNetwork(nn.Module):
    """Describes every cell of images of one size, in the precision of its weights."""

    prefix: torch.Tensor
    positions: torch.Tensor | None
    gain: torch.Tensor
    shift: torch.Tensor

    def __init__(
        self,
        anatomy: Anatomy,
        description: Description,
        size: tuple[int, int],
        *,
        layers: tuple[int, ...],
        is_unit: bool,
    ) -> None:
        super().__init__()
        weight = anatomy.patches.weight
        self.layers = [layer % description.n_blocks for layer in layers]
        self.is_unit = is_unit
        self.patches, self.norm = anatomy.patches, anatomy.norm
        self.blocks = nn.ModuleList(anatomy.blocks[: max(self.layers) + 1])

        # Compute what depends on the size alone
        grid = (size[0] // description.patch_px, size[1] // description.patch_px)
        positions = anatomy.positions
        if positions is not None:
            positions = resample(positions, grid, description.architecture.resampling).to(weight)
        self.register_buffer("prefix", anatomy.prefix.to(weight))
        self.register_buffer("positions", positions)
        self.turns: dict[str, tuple[torch.Tensor, ...]] = {}
        if anatomy.rotary is not None:
            self.turns["position_embeddings"] = anatomy.rotary(weight.new_empty(1, 3, *size))

        # (x / 255 - mean) / std, as one product and sum
        std = 255 * torch.tensor(description.std, device=weight.device)
        self.register_buffer("gain", (1 / std)[:, None, None])
        mean = 255 * torch.tensor(description.mean, device=weight.device)
        self.register_buffer("shift", (-mean / std)[:, None, None])

    def forward(
        self, images: UInt8[torch.Tensor, "batch height width 3"]
    ) -> Float32[torch.Tensor, "batch cells dim"]:
        """Return descriptors row by row; those of several layers side by side."""
        pixels = images.permute(0, 3, 1, 2).float() * self.gain + self.shift
        patches = self.patches(pixels.to(self.prefix.dtype)).flatten(2).transpose(1, 2)
        if self.positions is not None:
            patches = patches + self.positions
        tokens = torch.cat([self.prefix.expand(images.shape[0], -1, -1), patches], dim=1)
        taken = {}
        for number, block in enumerate(self.blocks):
            tokens = block(tokens, **self.turns)
            if number in self.layers:
                taken[number] = self.norm(tokens[:, self.prefix.shape[1] :]).float()
        described = torch.cat([taken[layer] for layer in self.layers], dim=-1)
        return normalize(described, dim=-1) if self.is_unit else described


# of no use to dense descriptors, and so left out of many a folder
SPARE = ("pooler.", "embeddings.mask_token")


def load(folder: Path, architecture: Architecture) -> Anatomy:
    """Read the weights of a network, in fp32 on the processor; nothing is fetched or unpickled.

    Raises:
        WeightsError: The file is missing, broken, or of another network than its config.json.
    """
    path = folder / WEIGHTS_FILE
    if not path.is_file():
        raise WeightsError(f"{path} is missing; fetch or import the weights again")
    transformers = need("transformers", "a vision transformer")
    check_regular(path, max_bytes=MAX_WEIGHTS_BYTES)
    try:
        with _quiet(transformers.utils.logging):
            model, report = transformers.AutoModel.from_pretrained(
                folder,
                local_files_only=True,
                use_safetensors=True,
                attn_implementation="sdpa",
                dtype=torch.float32,
                output_loading_info=True,
            )
    except (OSError, RuntimeError, SafetensorError, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise WeightsError(
            f"{path} does not fit the config.json beside it: {reason}; fetch the weights again"
        ) from error
    missing = sorted(key for key in report["missing_keys"] if not key.startswith(SPARE))
    if missing:
        raise WeightsError(
            f"{path} lacks {len(missing)} tensors, {missing[0]} first; fetch the weights again"
        )
    return dissect(model.requires_grad_(False), architecture)


@contextmanager
def _quiet(logging: ModuleType) -> Iterator[None]:
    """Keep progress and reports of transformers from the terminal; what matters is raised."""
    verbosity, has_bar = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(verbosity)
        if has_bar:
            logging.enable_progress_bar()


def dissect(model: nn.Module, architecture: Architecture) -> Anatomy:
    """Find the parts of a model as transformers builds it.

    Raises:
        WeightsError: Its position embeddings belong to a grid that is not square.
    """
    embeddings = model.get_submodule("embeddings")
    positions = getattr(embeddings, "position_embeddings", None)
    heads = [getattr(embeddings, name, None) for name in ("cls_token", "register_tokens")]
    tokens = [token.detach().clone() for token in heads if token is not None]
    if positions is not None:
        # the class token has a position, registers have none
        n_placed = 1 if heads[0] is not None else 0
        placed, positions = positions.detach().split(
            [n_placed, positions.shape[1] - n_placed], dim=1
        )
        if n_placed:
            tokens[0] += placed
        if math.isqrt(positions.shape[1]) ** 2 != positions.shape[1]:
            raise WeightsError(
                "position embeddings must belong to a square grid, "
                f"got {positions.shape[1]} of them; choose other weights"
            )
    patches = model.get_submodule(architecture.patches)
    blocks = model.get_submodule(architecture.blocks)
    assert isinstance(patches, nn.Conv2d)
    assert isinstance(blocks, nn.ModuleList)
    dim = patches.out_channels
    return Anatomy(
        patches,
        tuple(blocks),
        model.get_submodule(architecture.norm),
        torch.cat(tokens, dim=1) if tokens else torch.empty(1, 0, dim),
        positions,
        model.get_submodule(architecture.rotary) if architecture.rotary else None,
    )
