"""TIFF files put together by hand, by the text of TIFF 6.0, with no library that reads them."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable, Mapping
from itertools import pairwise

import numpy as np

NONE, LZW, DEFLATE, PACKBITS, ZSTD = 1, 5, 8, 32773, 50000
WHITE_IS_ZERO, BLACK_IS_ZERO, RGB, PALETTE = 0, 1, 2, 3

_CODES = {1: "B", 2: "B", 3: "H", 4: "I", 5: "I", 10: "i", 13: "I", 16: "Q"}
_FRACTIONS = (5, 10)

Tags = dict[int, tuple[int, list[int]]]


def tiff(
    values: np.ndarray,
    *,
    bits: int,
    photometric: int,
    planar: int = 1,
    compression: int = NONE,
    order: str = "<",
    orientation: int | None = None,
    rows_per_strip: int | None = None,
    tile: tuple[int, int] | None = None,
    predictor: int = 1,
    fill_order: int = 1,
    is_big: bool = False,
    extra: Mapping[int, tuple[int, list[int]]] | None = None,
) -> bytes:
    """Write one picture of (height, width, channels); ``tile`` is (height, width)."""
    tags, pieces = picture(
        values,
        bits=bits,
        photometric=photometric,
        planar=planar,
        compression=compression,
        order=order,
        orientation=orientation,
        rows_per_strip=rows_per_strip,
        tile=tile,
        predictor=predictor,
        fill_order=fill_order,
    )
    return file_of([(tags | dict(extra or {}), pieces)], order=order, is_big=is_big)


def picture(
    values: np.ndarray,
    *,
    bits: int,
    photometric: int,
    planar: int = 1,
    compression: int = NONE,
    order: str = "<",
    orientation: int | None = None,
    rows_per_strip: int | None = None,
    tile: tuple[int, int] | None = None,
    predictor: int = 1,
    fill_order: int = 1,
) -> tuple[Tags, list[bytes]]:
    """Give the tags of a picture, without the places of its pieces, and the pieces."""
    height, width, channels = values.shape
    rows = rows_per_strip or height
    planes = [values] if planar == 1 else [values[..., [c]] for c in range(channels)]
    pieces = []
    for plane in planes:
        for block in _tiles(plane, tile) if tile else _strips(plane, rows):
            if predictor == 2:
                block = np.diff(block, axis=1, prepend=np.zeros_like(block[:, :1]))
                block = block & ((1 << bits) - 1)
            data = packed(block, bits, order)
            pieces.append(compressed(data, compression))
    if fill_order == 2:
        reverse = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))
        pieces = [piece.translate(reverse) for piece in pieces]
    tags: Tags = {
        256: (4, [width]),
        257: (4, [height]),
        258: (3, [bits] * channels),
        259: (3, [compression]),
        262: (3, [photometric]),
        277: (3, [channels]),
        284: (3, [planar]),
    }
    if tile:
        tags |= {322: (4, [tile[1]]), 323: (4, [tile[0]])}
    else:
        tags[278] = (4, [rows])
    if orientation is not None:
        tags[274] = (3, [orientation])
    if predictor != 1:
        tags[317] = (3, [predictor])
    if fill_order != 1:
        tags[266] = (3, [fill_order])
    return tags, pieces


def file_of(
    pictures: Iterable[tuple[Tags, list[bytes]]],
    *,
    order: str = "<",
    is_big: bool = False,
    inner: Iterable[tuple[Tags, list[bytes]]] = (),
) -> bytes:
    """Write several pictures, one after the other; ``inner`` ones hang below the first."""
    head = (b"II" if order == "<" else b"MM") + struct.pack(order + "H", 43 if is_big else 42)
    head += struct.pack(order + "HHQ", 8, 0, 0) if is_big else struct.pack(order + "I", 0)
    body = bytearray(head)
    below = [_directory(body, *each, order, is_big)[0] for each in inner]
    places = []
    for index, (tags, pieces) in enumerate(pictures):
        hung = {330: (16 if is_big else 4, below)} if below and index == 0 else {}
        places.append(_directory(body, tags | hung, pieces, order, is_big))
    long = "Q" if is_big else "I"
    struct.pack_into(order + long, body, 8 if is_big else 4, places[0][0])
    for (_, link), (following, _) in pairwise(places):
        struct.pack_into(order + long, body, link, following)
    return bytes(body)


def packed(block: np.ndarray, bits: int, order: str) -> bytes:
    """Write numbers with so many bits each; rows begin at whole bytes."""
    if block.dtype.kind == "f":
        return block.astype(f"{order}f{bits // 8}").tobytes()
    if bits in (8, 16, 32):
        return block.astype(f"{order}u{bits // 8}").tobytes()
    flat = block.reshape(len(block), -1).astype(np.uint32)
    shifts = np.arange(bits - 1, -1, -1, dtype=np.uint32)
    is_set = (flat[..., None] >> shifts & 1).reshape(len(block), -1).astype(np.uint8)
    return np.packbits(is_set, axis=1).tobytes()


def compressed(data: bytes, compression: int) -> bytes:
    """Write data by the rules of each format, without making them smaller."""
    if compression == DEFLATE:
        return zlib.compress(data, 1)
    if compression == LZW:
        return _lzw(data)
    if compression == PACKBITS:
        runs = (data[i : i + 128] for i in range(0, len(data), 128))
        return b"".join(bytes([len(run) - 1]) + run for run in runs)
    if compression == ZSTD:  # RFC 8878: one raw block of known size
        size = struct.pack("<I", len(data))
        return b"\x28\xb5\x2f\xfd\xa0" + size + struct.pack("<I", 1 | len(data) << 3)[:3] + data
    return data


def _lzw(data: bytes) -> bytes:
    """Write each byte as a code of nine bits, and clear the table before it needs ten."""
    clear, end = 256, 257
    codes = []
    for start in range(0, len(data), 200):
        codes += [clear, *data[start : start + 200]]
    text = "".join(f"{code:09b}" for code in [*(codes or [clear]), end])
    text += "0" * (-len(text) % 8)
    return int(text, 2).to_bytes(len(text) // 8, "big")


def _strips(plane: np.ndarray, rows: int) -> list[np.ndarray]:
    return [plane[top : top + rows] for top in range(0, len(plane), rows)]


def _tiles(plane: np.ndarray, size: tuple[int, int]) -> list[np.ndarray]:
    height, width = size
    margin = ((0, -plane.shape[0] % height), (0, -plane.shape[1] % width), (0, 0))
    full = np.pad(plane, margin)
    return [
        full[top : top + height, left : left + width]
        for top in range(0, full.shape[0], height)
        for left in range(0, full.shape[1], width)
    ]


def _directory(
    body: bytearray, tags: Tags, pieces: list[bytes], order: str, is_big: bool
) -> tuple[int, int]:
    """Append pieces and directory; returns where it begins, and where its link to the next is."""
    places = []
    for piece in pieces:
        body += b"\0" * (-len(body) % 16)
        places.append(len(body))
        body += piece
    is_tiled = 322 in tags
    found = {324 if is_tiled else 273: (4, places)} | {
        325 if is_tiled else 279: (4, [len(piece) for piece in pieces])
    }
    entries = sorted((found | tags).items())
    room, long = (8, "Q") if is_big else (4, "I")
    written = []
    for tag, (kind, numbers) in entries:
        data = struct.pack(f"{order}{len(numbers)}{_CODES[kind]}", *numbers)
        count = len(numbers) // 2 if kind in _FRACTIONS else len(numbers)
        if len(data) > room:
            body += b"\0" * (-len(body) % 8)
            data, there = struct.pack(order + long, len(body)), data
            body += there
        head = struct.pack(f"{order}HH{long}", tag, kind, count)
        written.append(head + data.ljust(room, b"\0"))
    body += b"\0" * (-len(body) % 8)
    start = len(body)
    body += struct.pack(order + ("Q" if is_big else "H"), len(written)) + b"".join(written)
    link = len(body)
    body += b"\0" * room
    return start, link
