"""How do pictures and features become bytes, and back? As PNG and as safetensors, never pickled."""

from __future__ import annotations

import cv2
import numpy as np
import safetensors.numpy
from jaxtyping import Bool, UInt8
from safetensors import SafetensorError

from engine.regions.library.errors import LibraryError
from engine.regions.library.records import Features


def mask_bytes(mask: Bool[np.ndarray, "rows columns"]) -> bytes:
    """Encode a mask as a black and white PNG."""
    return _png(np.where(mask, np.uint8(255), np.uint8(0)))


def mask_of(data: bytes) -> Bool[np.ndarray, "rows columns"]:
    """Decode what ``mask_bytes`` made."""
    return _pixels(data, cv2.IMREAD_GRAYSCALE) > 127


def picture_bytes(picture: UInt8[np.ndarray, "height width 3"]) -> bytes:
    """Encode an RGB picture as PNG."""
    return _png(cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))


def picture_of(data: bytes) -> UInt8[np.ndarray, "height width 3"]:
    """Decode what ``picture_bytes`` made."""
    picture: np.ndarray = cv2.cvtColor(_pixels(data, cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)
    return picture


def features_bytes(features: Features) -> bytes:
    """Encode named arrays as safetensors."""
    return safetensors.numpy.save(
        {name: np.ascontiguousarray(array) for name, array in features.items()}
    )


def features_of(data: bytes) -> Features:
    """Decode what ``features_bytes`` made.

    Raises:
        LibraryError: The bytes are damaged.
    """
    try:
        return safetensors.numpy.load(data)
    except SafetensorError as error:
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
