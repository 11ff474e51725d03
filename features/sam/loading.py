"""Which network do these weights make?"""

from __future__ import annotations

import re
from pathlib import Path

from features.machine import MachineConfig, need
from features.sam.network import MaskNetwork
from features.weights.store import locate


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
    from features.sam import hub

    return hub.load(path, machine, model_type=model_type, side_px=side_px)


def _told(path: Path) -> str | None:
    """Return the model type in the name of a file that is called like an official one."""
    found = re.match(r"sam_(vit_[bhl])_", path.name)
    return found and found[1]
