"""Model file: arrays and a JSON header in one safetensors file, with a checksum.

What is in a model file, and can this one be trusted?

A model is one safetensors file (https://github.com/huggingface/safetensors): arrays as tensors, all
else as JSON in its metadata. Nothing in it is ever executed. The file is a function of its
content: tensors are sorted by the format, JSON keys by us, and the metadata have a single key,
because safetensors writes several in random order.

The JSON document under that key holds ``format``, ``schema_version``, ``header`` (the caller's own
object) and ``sha256`` (of the header and all arrays, so that any altered byte shows).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from features.errors import UserError

FORMAT = "partwise-model"
SCHEMA_VERSION = 1

_KEY = "partwise"
# A safetensors file starts with the length of its header in eight bytes; ours continues like this.
_MAGIC_OFFSET = 8
_MAGIC = b'{"__metadata__":{"' + _KEY.encode() + b'":'
_DTYPES = ("bool", "uint8", "int32", "int64", "float16", "float32", "float64")
# the same, as safetensors calls them
_STORED_TYPES = ("BOOL", "U8", "I32", "I64", "F16", "F32", "F64")
_AGAIN = "write it again with `partwise fit`"


class ModelFileError(UserError, ValueError):
    """A model file that cannot be used; the message is one line and names the cure."""


def write_model(path: str | Path, arrays: dict[str, np.ndarray], header: dict[str, Any]) -> None:
    """Write a model atomically; equal arrays and header give byte-identical files.

    The header must be JSON: keys are strings, tuples come back as lists.

    Raises:
        ModelFileError: An array, or a number in the header, cannot be stored.
        OutputError: The file cannot be written.
    """
    from engine.atomic import atomic_write, check_no_stream  # whoever only judges writes nothing

    check_no_stream(path, "a model")
    stored = {name: _storable(name, array) for name, array in arrays.items()}
    try:
        header = json.loads(_canonical(header))
    except ValueError as error:
        raise ModelFileError(
            f"the model's header must hold finite numbers: {error}; fit on other references"
        ) from error
    document = {
        "format": FORMAT,
        "schema_version": SCHEMA_VERSION,
        "header": header,
        "sha256": _digest(stored, header),
    }
    content = save(stored, metadata={_KEY: _canonical(document)})
    with atomic_write(path) as stream:
        stream.write(content)


def read_model(path: str | Path) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Read back the arrays and the header that ``write_model`` was given.

    Raises:
        ModelFileError: The file is absent, foreign, damaged or of another schema.
    """
    path = Path(path)
    with _opened(path) as file:
        document = _parse(path, (file.metadata() or {}).get(_KEY, ""))
        names = list(file.keys())
        _check_types(path, {name: file.get_slice(name).get_dtype() for name in names})
        arrays = {name: file.get_tensor(name) for name in names}
    header = document["header"]
    _check_content(path, arrays, header, document.get("sha256"))
    return arrays, header


def read_header(path: str | Path) -> dict[str, Any]:
    """Read back the header alone, quickly; whether the content was altered is not looked at.

    Raises:
        ModelFileError: The file is absent, foreign, damaged or of another schema.
    """
    path = Path(path)
    with _opened(path) as file:
        header: dict[str, Any] = _parse(path, (file.metadata() or {}).get(_KEY, ""))["header"]
    return header


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    """Open a model file for its arrays and metadata; what is wrong with it becomes one line."""
    _check_magic(path)
    try:
        with safe_open(path, framework="np") as file:
            yield file
    except ModelFileError:
        raise
    except (SafetensorError, ValueError, OSError) as error:
        raise ModelFileError(
            f"{path} is truncated or damaged ({error}); copy it again, or {_AGAIN}"
        ) from error


def _check_types(path: Path, types: dict[str, str]) -> None:
    """Refuse arrays of types that NumPy does not have, or that no model ever holds."""
    for name, type_ in types.items():
        if type_ not in _STORED_TYPES:
            raise ModelFileError(
                f"{path}: array {name!r} must have one of the types {', '.join(_DTYPES)}, "
                f"got {type_}; {_AGAIN}"
            )


def _storable(name: str, array: np.ndarray) -> np.ndarray:
    """Return the array as the file holds it: C order, little-endian."""
    if array.dtype.name not in _DTYPES:
        raise ModelFileError(
            f"array {name!r} must have one of the types {', '.join(_DTYPES)}, "
            f"got {array.dtype}; convert it with .astype"
        )
    _check_finite(f"array {name!r}", array, "fit on other references")
    return np.asarray(array, dtype=array.dtype.newbyteorder("<"), order="C")


def _canonical(value: object) -> str:
    """Write JSON in the one way that depends on nothing but the value."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)


def _digest(arrays: dict[str, np.ndarray], header: dict[str, Any]) -> str:
    """Hash the header, and each array's name, type, shape and values, in a fixed order."""
    digest = hashlib.sha256(_canonical(header).encode())
    for name, array in sorted(arrays.items()):
        digest.update(json.dumps([name, array.dtype.name, array.shape]).encode())
        digest.update(array.tobytes())
    return digest.hexdigest()


def _check_magic(path: Path) -> None:
    """Tell a model of ours, whole or cut off, from any other file by its first bytes."""
    from features.files import MAX_WEIGHTS_BYTES, open_regular  # whoever fits reads no model

    try:
        with open_regular(path, max_bytes=MAX_WEIGHTS_BYTES) as file:
            start = file.read(_MAGIC_OFFSET + len(_MAGIC))
    except FileNotFoundError as error:
        raise ModelFileError(
            f"{path}: no such model file; check the path, or make it with `partwise fit`"
        ) from error
    except OSError as error:
        raise ModelFileError(
            f"{path} cannot be read as a model ({error.strerror}); check path and permissions"
        ) from error
    if not start:
        raise ModelFileError(f"{path} is empty (0 bytes); {_AGAIN}")
    magic = start[_MAGIC_OFFSET:]
    if not magic or not _MAGIC.startswith(magic):
        raise ModelFileError(
            f"{path} is not a partwise model: expected a file written by `partwise fit`, "
            f"got one that starts with {start[:8]!r}; check the path"
        )


def _parse(path: Path, text: str) -> dict[str, Any]:
    """Read the JSON document and refuse all schemas but our own."""
    from features.files import parse_json

    try:
        document = parse_json(text, "its text")
    except ValueError as error:
        raise ModelFileError(f"{path} has a header that is not JSON ({error}); {_AGAIN}") from error
    if not isinstance(document, dict):
        raise ModelFileError(
            f"{path} must have a JSON object as header, got {type(document).__name__}; {_AGAIN}"
        )
    if document.get("format") != FORMAT:
        raise ModelFileError(
            f"{path} must have the format {FORMAT!r}, got {document.get('format')!r}; {_AGAIN}"
        )
    version = document.get("schema_version")
    if type(version) is not int or version < 1:
        raise ModelFileError(
            f"{path} has an unknown schema: expected version {SCHEMA_VERSION}, "
            f"got {version!r}; {_AGAIN}"
        )
    if version > SCHEMA_VERSION:
        raise ModelFileError(
            f"{path} was written by a newer partwise: schema {version}, this one reads up to "
            f"{SCHEMA_VERSION}; upgrade with `pip install --upgrade partwise`"
        )
    if not isinstance(document.get("header"), dict):
        raise ModelFileError(f"{path} lacks the object 'header' in its JSON header; {_AGAIN}")
    return document


def _check_content(
    path: Path, arrays: dict[str, np.ndarray], header: dict[str, Any], sha256: object
) -> None:
    """Refuse arrays with NaN or infinity, and content that is not what was once written."""
    for name, array in arrays.items():
        _check_finite(f"{path}: array {name!r}", array, _AGAIN)
    if _digest(arrays, header) != sha256:
        raise ModelFileError(
            f"{path} has been altered: its content does not match its checksum; "
            f"copy it again, or {_AGAIN}"
        )


def _check_finite(what: str, array: np.ndarray, cure: str) -> None:
    if np.issubdtype(array.dtype, np.floating) and not np.isfinite(array).all():
        n_bad = int(np.count_nonzero(~np.isfinite(array)))
        raise ModelFileError(
            f"{what} must hold finite values, got NaN or infinity in {n_bad} places; {cure}"
        )
