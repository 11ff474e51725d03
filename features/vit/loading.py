"""How does a network get out of a folder in the format of transformers?"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

import torch
from safetensors import SafetensorError
from torch import nn

from features.machine import need
from features.vit.architectures import WEIGHTS_FILE, Architecture
from features.vit.network import Anatomy
from features.weights.errors import WeightsError

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
