"""Serialisation of examples to rows of the database, and back.

Pictures become PNG and features safetensors, never pickled. The identity of what made the features
is kept as JSON: distances between features made by other means would mean nothing.
"""

from __future__ import annotations

import json
from typing import Any

import cv2
import numpy as np
import safetensors.numpy
from jaxtyping import Bool
from safetensors import SafetensorError

from engine.library.errors import LibraryError
from engine.library.records import Example, Features, NewExample, storable
from features.files import parse_json
from features.images import Image
from features.records import check_record
from features.region import Region

Identity = dict[str, str]


def _mask_bytes(mask: Bool[np.ndarray, "rows columns"]) -> bytes:
    """Encode a mask as a black and white PNG."""
    return _png(np.where(mask, np.uint8(255), np.uint8(0)))


def mask_of(data: bytes) -> Bool[np.ndarray, "rows columns"]:
    """Decode what ``_mask_bytes`` made."""
    return _pixels(data, cv2.IMREAD_GRAYSCALE) > 127


def _picture_bytes(picture: Image) -> bytes:
    """Encode an RGB picture as PNG."""
    return _png(cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))


def _picture_of(data: bytes) -> Image:
    """Decode what ``_picture_bytes`` made."""
    picture: np.ndarray = cv2.cvtColor(_pixels(data, cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)
    return picture


def _features_bytes(features: Features) -> bytes:
    """Encode named arrays as safetensors."""
    return safetensors.numpy.save(
        {name: np.ascontiguousarray(array) for name, array in features.items()}
    )


def features_of(data: bytes) -> Features:
    """Decode what ``_features_bytes`` made.

    Raises:
        LibraryError: The bytes are damaged.
    """
    try:
        return safetensors.numpy.load(data)
    except (SafetensorError, ValueError, TypeError, KeyError) as error:
        raise _damaged("the features") from error


def _png(pixels: np.ndarray) -> bytes:
    """Encode pixels; every array of bytes can be."""
    is_done, data = cv2.imencode(".png", pixels)
    assert is_done
    return bytes(data)


def _pixels(data: bytes, mode: int) -> np.ndarray:
    """Decode a PNG, or say that it is damaged."""
    pixels = cv2.imdecode(np.frombuffer(data, np.uint8), mode) if data else None
    if pixels is None:
        raise _damaged("a picture")
    return pixels


def _damaged(what: str) -> LibraryError:
    """Say which part of an example cannot be read."""
    return LibraryError(
        f"{what} of an example cannot be read, expected what partwise wrote, got damaged bytes; "
        "bring back a copy of the database"
    )


def example_to_row(example: NewExample) -> dict[str, Any]:
    """Return the columns that an example fills; class, author and time are the lesson's."""
    height, width = example.image_size
    left, top, right, bottom = example.region.box_xyxy
    return {
        "image_sha256": example.image_sha256,
        "image_name": storable(example.image_name),
        "image_height": int(height),
        "image_width": int(width),
        "left": int(left),
        "top": int(top),
        "right": int(right),
        "bottom": int(bottom),
        "note": storable(example.note),
        "verdict": storable(example.verdict),
        "mask_png": _mask_bytes(example.region.mask),
        "thumbnail_png": _picture_bytes(example.thumbnail),
        "features": _features_bytes(example.features),
    }


def row_to_example(row: Any, *, with_features: bool) -> Example:
    """Turn a row, joined with the name and kind of its class, into the record."""
    example = Example(
        id=row.id,
        class_id=row.class_id,
        class_name=row.class_name,
        kind=row.kind,
        image_sha256=row.image_sha256,
        image_name=row.image_name,
        image_size=(row.image_height, row.image_width),
        region=Region((row.left, row.top, row.right, row.bottom), mask_of(row.mask_png)),
        thumbnail=_picture_of(row.thumbnail_png),
        features=features_of(row.features) if with_features else {},
        note=row.note,
        verdict=row.verdict,
        author=row.author,
        taught_at=row.taught_at,
    )
    check_record(example)
    return example


def identity_text(identity: Identity) -> str:
    """Turn what made features into text; equal ones give equal text."""
    return json.dumps(identity, sort_keys=True)


def identity_of(text: str | None) -> Identity | None:
    """Turn the text back; None where no lesson has been given."""
    if text is None:
        return None
    values = parse_json(text, "what made the features")
    if not isinstance(values, dict):
        raise TypeError(f"what made the features must be a table, got {type(values).__name__}")
    return {str(key): str(value) for key, value in values.items()}


def refuse_other(expected: Identity | None, got: Identity, library: str) -> None:
    """Compare with what a library was taught with.

    Raises:
        LibraryError: They differ; names every difference.
    """
    if expected is None or expected == got:
        return
    differences = [
        f"{key} '{expected.get(key, 'none')}', got '{got.get(key, 'none')}'"
        for key in sorted(expected.keys() | got.keys())
        if expected.get(key) != got.get(key)
    ]
    raise LibraryError(
        f"{library} was taught with features of another kind: expected {'; '.join(differences)}; "
        "use the model that it was taught with, or a library of another name"
    )
