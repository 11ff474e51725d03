"""What tensors lie in a weights file, and do they fit a network?

Nothing is ever unpickled: a PyTorch file is read with ``weights_only=True``, which admits tensors
and refuses objects, and a safetensors file cannot hold anything else.
"""

from __future__ import annotations

import pickle
import zipfile
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import nn

from features.weights.errors import WeightsError


def read_tensors(path: Path) -> dict[str, torch.Tensor]:
    """Read a ``.safetensors`` file, or a PyTorch file of any other name; weights become fp32.

    Raises:
        WeightsError: The file is absent, cut short, or holds something else than named tensors.
    """
    try:
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
