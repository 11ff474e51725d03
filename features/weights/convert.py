"""How does a PyTorch file become one that cannot hold anything but tensors?"""

from __future__ import annotations

import pickle
import warnings
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from features.device import need
from features.weights.errors import WeightsError
from features.weights.hashes import hash_file
from features.weights.registry import Known, WeightsFile
from features.weights.room import FreeBytes, free_bytes, room_for
from features.weights.sidecar import Sidecar

if TYPE_CHECKING:
    import torch


def needs_conversion(path: Path) -> bool:
    """Whether a file is one of PyTorch."""
    return path.suffix in (".pth", ".pt")


def check_can_convert(known: Sequence[Known]) -> None:
    """Find out before long work that there is no library to convert with.

    Raises:
        MachineError: It is not installed.
    """
    if any(needs_conversion(Path(each.model_file.name)) for each in known):
        need("torch", "conversion to safetensors")


def convert(
    source: Path, folder: Path, sidecar: Sidecar, *, free: FreeBytes = free_bytes
) -> Sidecar:
    """Write the tensors of ``source`` into a safetensors file of the same name in ``folder``.

    Names, types and values stay as they are. Returns the sidecar of the new file.

    Raises:
        WeightsError: The file holds something else than named tensors, or the disk is full.
        MachineError: PyTorch is not installed.
    """
    tensors = _read_tensors(source)
    published = sidecar.facts(source.name) or WeightsFile(
        source.name, source.stat().st_size, hash_file(source)
    )
    target = folder / f"{source.stem}.safetensors"
    metadata = {"format": "pt", "source": source.name, "source_sha256": str(published.sha256)}
    with room_for(source.stat().st_size, folder, free):
        need("safetensors.torch", "conversion").save_file(tensors, target, metadata)
    made = WeightsFile(target.name, target.stat().st_size, hash_file(target))
    return Sidecar(sidecar.name, sidecar.source, sidecar.commit, (made,), published)


def _read_tensors(path: Path) -> dict[str, torch.Tensor]:
    """Read a state dict; nothing that would run code is unpickled."""
    torch = need("torch", "conversion to safetensors")
    try:
        with warnings.catch_warnings():  # of old formats
            warnings.simplefilter("ignore")
            # mapped into memory where the format allows, so that gigabytes are not held twice
            is_mapped = zipfile.is_zipfile(path)
            found = torch.load(path, map_location="cpu", weights_only=True, mmap=is_mapped)
    except (pickle.UnpicklingError, RuntimeError, EOFError, ValueError) as error:
        reason = str(error).partition("\n")[0]
        raise WeightsError(
            f"{path} is no plain state dict, it is not unpickled and not converted ({reason})"
        ) from error
    if not isinstance(found, dict) or not all(
        isinstance(name, str) and isinstance(tensor, torch.Tensor) for name, tensor in found.items()
    ):
        raise WeightsError(f"{path} is no plain state dict: it must hold named tensors only")
    return _apart(found)


def _apart(tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Give each tensor memory of its own, which safetensors asks for."""
    taken: set[int] = set()
    result = {}
    for name, tensor in tensors.items():
        packed = tensor.contiguous()
        memory = packed.untyped_storage().data_ptr()
        result[name] = packed.clone() if memory in taken else packed
        taken.add(memory)
    return result
