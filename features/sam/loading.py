"""Networks of the family from weights, official or in the format of transformers.

A folder in the format of transformers holds config.json and model.safetensors. SAM's tensors get
their official names and go the way of an official checkpoint, so that there is one implementation
of it, ours, and both sources give the same masks; ``SamModel`` itself differs in the epsilon of the
decoder's layer norms (1e-6), with which SAM was not trained (1e-5).
"""

from __future__ import annotations

import re
from pathlib import Path

from features.device import MachineConfig, need
from features.sam import official, sam2
from features.sam.checkpoint import official_names, read_tensors
from features.sam.mask_decoder import PromptedNetwork
from features.sam.network import MaskNetwork
from features.weights.errors import WeightsError
from features.weights.sidecar import read_json
from features.weights.store import locate, sha256_of


def load_network(
    weights: str,
    machine: MachineConfig,
    *,
    model_type: str | None = None,
    side_px: int | None = None,
) -> MaskNetwork:
    """Load a network of the Segment Anything family by a known name or a path.

    A file is an official checkpoint of SAM, a folder is in the format of transformers. What it must
    hold is ``model_type`` or, without that, what an official name says (``sam_vit_h_4b8939.pth``).
    ``side_px`` is the side of the square that the network works in, unless it is the one that its
    weights were trained for.

    Raises:
        WeightsError: There is no such name or path, or no such network in what lies there.
        MachineError: The device asked for, or a library, is not there.
        ValueError: ``side_px`` does not suit the network.
    """
    path = locate(weights)
    need("segment_anything", "SAM")
    if path.is_file():
        from features.sam import official

        expected = model_type or _told(path)
        return official.load(path, machine, model_type=expected, side_px=side_px)
    need("transformers", f"SAM in {path}")

    return load(path, machine, model_type=model_type, side_px=side_px)


def _told(path: Path) -> str | None:
    """Return the model type in the name of a file that is called like an official one."""
    found = re.match(r"sam_(vit_[bhl])_", path.name)
    return found and found[1]


CONFIG, MODEL = "config.json", "model.safetensors"


def load(
    folder: Path,
    machine: MachineConfig,
    *,
    model_type: str | None = None,
    side_px: int | None = None,
) -> PromptedNetwork:
    """Load SAM, SAM 2 or SAM 2.1; nothing but the folder is looked at.

    ``model_type`` says what it must hold: ``vit_b`` and so on, or ``hiera_t``, ``hiera_s``,
    ``hiera_b+``, ``hiera_l``. Another ``side_px`` than trained for is for SAM alone.

    Raises:
        WeightsError: The folder holds no such network, is damaged, or is of another model type.
        MachineError: The device asked for is not there.
        ValueError: ``side_px`` does not suit the network.
    """
    name = folder.name if side_px is None else f"{folder.name} at {side_px} px"
    try:
        config = read_json(folder / CONFIG)
    except (OSError, ValueError) as error:
        raise WeightsError(f"{folder / CONFIG} cannot be read ({error}); fetch it again") from error
    identity = {"name": name, "sha256": sha256_of(folder)}
    tensors = read_tensors(folder / MODEL)
    try:
        if config.get("model_type") == "sam":
            return official.assemble(
                official_names(tensors), machine, identity, model_type=model_type, side_px=side_px
            )
        # videos' models, as published, hold one for images
        if config.get("model_type") in ("sam2", "sam2_video"):
            if side_px is not None:
                raise ValueError("side_px can only be set for SAM, SAM 2 has one")
            return sam2.assemble(config, tensors, machine, identity, model_type=model_type)
    except WeightsError as error:
        raise WeightsError(f"{folder} cannot be loaded: {error}") from error
    raise WeightsError(
        f'{folder / CONFIG} must have model_type "sam", "sam2" or "sam2_video", '
        f"got {config.get('model_type')!r}"
    )
