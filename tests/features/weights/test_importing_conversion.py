import os
import pickle

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from features.weights.errors import WeightsError
from features.weights.importing import check_can_convert, convert
from features.weights.registry import KNOWN
from features.weights.sidecar import Sidecar

SIDECAR = Sidecar("any", "here", None, ())


class Trap:
    """Runs a command when it is unpickled."""

    def __init__(self, command):
        self.command = command

    def __reduce__(self):
        return os.system, (self.command,)


@pytest.mark.parametrize("is_zipped", [True, False])
def test_tensors_stay_as_they_are(tmp_path, is_zipped):
    tensors = {
        "half": torch.rand(3, 4).half(),
        "whole": torch.arange(5),
        "transposed": torch.rand(2, 3).T,
        "scalar": torch.tensor(2.0),
    }
    torch.save(tensors, tmp_path / "a.pth", _use_new_zipfile_serialization=is_zipped)
    folder = tmp_path / "to"
    folder.mkdir()
    made = convert(tmp_path / "a.pth", folder, SIDECAR)
    assert made.files[0].name == "a.safetensors"
    assert made.made_from.name == "a.pth"
    found = load_file(folder / "a.safetensors")
    assert set(found) == set(tensors)
    for name, tensor in tensors.items():
        assert found[name].dtype == tensor.dtype
        assert torch.equal(found[name], tensor)


def test_tensors_that_share_memory_are_kept_apart(tmp_path):
    shared = torch.rand(4)
    torch.save({"a": shared, "b": shared}, tmp_path / "a.pth")
    convert(tmp_path / "a.pth", tmp_path, SIDECAR)
    found = load_file(tmp_path / "a.safetensors")
    assert torch.equal(found["a"], found["b"])


@pytest.mark.parametrize("is_zipped", [True, False])
def test_code_is_never_run(tmp_path, is_zipped):
    witness = tmp_path / "witness"
    torch.save(
        {"a": Trap(f"touch {witness}")},
        tmp_path / "a.pth",
        _use_new_zipfile_serialization=is_zipped,
    )
    with pytest.raises(WeightsError, match=r"a\.pth is no plain state dict, it is not unpickled"):
        convert(tmp_path / "a.pth", tmp_path, SIDECAR)
    assert not witness.exists()
    assert not (tmp_path / "a.safetensors").exists()


@pytest.mark.parametrize(
    "content",
    [[torch.zeros(2)], {"a": 1}, {"model": {"a": torch.zeros(2)}}, {1: torch.zeros(2)}],
)
def test_other_contents_are_refused(tmp_path, content):
    torch.save(content, tmp_path / "a.pth")
    with pytest.raises(WeightsError, match=r"is no plain state dict: it must hold named tensors"):
        convert(tmp_path / "a.pth", tmp_path, SIDECAR)


@pytest.mark.parametrize(
    "content", [b"", b"<html>", pickle.dumps({"a": np.zeros(3)}), b"PK\x03\x04" + bytes(40)]
)
def test_other_files_are_refused(tmp_path, content):
    (tmp_path / "a.pth").write_bytes(content)
    with pytest.raises(WeightsError, match="is no plain state dict"):
        convert(tmp_path / "a.pth", tmp_path, SIDECAR)


def test_a_disk_too_small_is_said(tmp_path, checkpoint):
    (tmp_path / "a.pth").write_bytes(checkpoint)
    with pytest.raises(WeightsError, match=r"is full: [\d,]+ bytes more are needed, 7 are free"):
        convert(tmp_path / "a.pth", tmp_path, SIDECAR, free=lambda folder: 7)


def test_the_library_is_there():
    check_can_convert(KNOWN)
