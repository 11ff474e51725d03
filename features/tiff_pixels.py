"""TIFF pixels: the strips and tiles of a picture, decompressed and unpacked with all their bits.

libtiff decompresses, being the decoder that has seen the most broken files: pieces are handed to it
through Pillow as if they were a grey picture of bytes, so that it may not touch their meaning. How
numbers lie in those bytes is arithmetic, and done here.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import UInt8
from PIL import Image as Pillow

if TYPE_CHECKING:
    from tifffile import TiffPage

# none, LZW, deflate under both numbers, PackBits, LZMA, Zstandard
LOSSLESS = (1, 5, 8, 32946, 32773, 34925, 50000)
_NONE = 1
# of these, where differences to the left may be stored; others have no predictor, whatever it says
_PREDICTED = (5, 8, 32946, 34925, 50000)

_HORIZONTAL = 2  # Predictor
_REVERSED = 2  # FillOrder
_REVERSE = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))

# decompressed at a time
_GROUP_BYTES = 2**24


@dataclass(frozen=True)
class _Layout:
    """How pieces lie in a plane of a picture; ``depth`` values make a pixel of it."""

    piece_height: int
    piece_width: int
    depth: int
    across: int
    down: int
    planes: int
    is_tiled: bool
    bits: int

    @property
    def row_bytes(self) -> int:
        """Bytes of a row of a piece."""
        return math.ceil(self.piece_width * self.depth * self.bits / 8)

    def rows(self, index: int, height: int) -> int:
        """Return how many rows a piece of a plane holds; tiles are always whole."""
        if self.is_tiled:
            return self.piece_height
        return min(self.piece_height, height - index * self.piece_height)


def read_pixels(page: TiffPage) -> np.ndarray:
    """Return values of (height, width, channels) as stored, in the byte order of this machine.

    Raises:
        ValueError: There is less than a whole picture.
        OSError: A piece cannot be read or decompressed.
    """
    layout = _layout(page)
    height, width = page.imagelength, page.imagewidth
    values = np.empty((height, width, page.samplesperpixel), dtype=_dtype(page))
    per_plane = layout.across * layout.down
    for plane in range(layout.planes):
        channels = slice(plane * layout.depth, (plane + 1) * layout.depth)
        for indices in _groups(layout, per_plane):
            n_rows = [layout.rows(index, height) for index in indices]
            pieces = [_piece(page, plane * per_plane + index) for index in indices]
            numbers = _unpacked(page, layout, _decompressed(page, layout, pieces, n_rows))
            first = 0
            for index, count in zip(indices, n_rows, strict=True):
                top = index // layout.across * layout.piece_height
                left = index % layout.across * layout.piece_width
                target = values[top : top + count, left : left + layout.piece_width, channels]
                target[:] = numbers[first : first + target.shape[0], : target.shape[1]]
                first += count
    return values


def predictor(page: TiffPage) -> int:
    """Return how values were changed before they were compressed; 1 is not at all."""
    return int(page.predictor) if int(page.compression) in _PREDICTED else 1


def _layout(page: TiffPage) -> _Layout:
    is_tiled = page.is_tiled
    piece_height = page.tilelength if is_tiled else page.rowsperstrip
    piece_width = page.tilewidth if is_tiled else page.imagewidth
    is_planar = page.planarconfig == 2 and page.samplesperpixel > 1
    return _Layout(
        piece_height,
        piece_width,
        depth=1 if is_planar else page.samplesperpixel,
        across=math.ceil(page.imagewidth / piece_width),
        down=math.ceil(page.imagelength / piece_height),
        planes=page.samplesperpixel if is_planar else 1,
        is_tiled=is_tiled,
        bits=int(page.bitspersample),
    )


def _dtype(page: TiffPage) -> np.dtype[np.generic]:
    """Return the type that holds the values; a bit is a number as well."""
    dtype = np.dtype(page.dtype)
    return np.dtype(np.uint8) if dtype.kind == "b" else dtype.newbyteorder("=")


def _groups(layout: _Layout, n_pieces: int) -> Iterator[range]:
    step = max(1, _GROUP_BYTES // (layout.piece_height * layout.row_bytes))
    return (range(first, min(n_pieces, first + step)) for first in range(0, n_pieces, step))


def _piece(page: TiffPage, index: int) -> bytes:
    file = page.parent.filehandle
    file.seek(page.dataoffsets[index])
    return bytes(file.read(page.databytecounts[index]))


def _decompressed(
    page: TiffPage, layout: _Layout, pieces: Sequence[bytes], n_rows: Sequence[int]
) -> UInt8[np.ndarray, "rows bytes"]:
    """Return the bytes of each row of some pieces, one after the other."""
    shape = sum(n_rows), layout.row_bytes
    if int(page.compression) != _NONE:
        return _by_libtiff(page, pieces, shape, layout.piece_height)
    whole = []
    for piece, count in zip(pieces, n_rows, strict=True):
        if len(piece) < count * layout.row_bytes:
            raise ValueError("image file is truncated: a piece is too short")
        whole.append(piece[: count * layout.row_bytes])
    data = b"".join(whole)
    if page.fillorder == _REVERSED:
        data = data.translate(_REVERSE)
    return np.frombuffer(data, np.uint8).reshape(shape)


def _by_libtiff(
    page: TiffPage, pieces: Sequence[bytes], shape: tuple[int, int], rows_per_piece: int
) -> UInt8[np.ndarray, "rows bytes"]:
    """Decompress pieces as strips of a grey picture of bytes."""
    height, width = shape
    n = len(pieces)
    # place and size of each strip follow the directory, if there are several
    start = 8 + 2 + 10 * 12 + 4
    places = start + 8 * n + np.cumsum([0, *(len(each) for each in pieces[:-1])])
    lists = struct.pack(f"<{n}I", *places) + struct.pack(f"<{n}I", *map(len, pieces))
    entries = (
        (256, 4, 1, width),
        (257, 4, 1, height),
        (258, 3, 1, 8),
        (259, 3, 1, int(page.compression)),
        (262, 3, 1, 1),
        (266, 3, 1, int(page.fillorder)),
        (273, 4, n, start if n > 1 else int(places[0])),
        (277, 3, 1, 1),
        (278, 4, 1, min(rows_per_piece, height)),
        (279, 4, n, start + 4 * n if n > 1 else len(pieces[0])),
    )
    directory = struct.pack("<H", len(entries))
    directory += b"".join(struct.pack("<HHII", *each) for each in entries) + bytes(4)
    head = b"II*\0" + struct.pack("<I", 8)
    with (
        _uncapped(),
        Pillow.open(
            BytesIO(head + directory + lists + b"".join(pieces)), formats=("TIFF",)
        ) as grey,
    ):
        return np.asarray(grey).reshape(shape)


@contextmanager
def _uncapped() -> Iterator[None]:
    """Let Pillow make as many bytes as the picture has, whose pixels were counted before.

    Whoever reads image files holds the lock of Pillow's settings.
    """
    cap = Pillow.MAX_IMAGE_PIXELS
    Pillow.MAX_IMAGE_PIXELS = None
    try:
        yield
    finally:
        Pillow.MAX_IMAGE_PIXELS = cap


def _unpacked(page: TiffPage, layout: _Layout, data: UInt8[np.ndarray, "rows bytes"]) -> np.ndarray:
    """Return numbers of (rows, width of a piece, depth)."""
    n_values = layout.piece_width * layout.depth
    bits, dtype = layout.bits, _dtype(page)
    if bits in (8, 16, 32, 64):
        stored = dtype.newbyteorder(page.parent.byteorder)
        numbers = np.ascontiguousarray(data).view(stored).astype(dtype, copy=False)
    else:
        is_set = np.unpackbits(data, axis=1, count=n_values * bits)
        is_set = is_set.reshape(len(data), n_values, bits)
        numbers = np.zeros((len(data), n_values), dtype)
        for bit in range(bits):
            numbers = numbers << 1 | is_set[..., bit]
    numbers = numbers.reshape(len(data), layout.piece_width, layout.depth)
    if predictor(page) == _HORIZONTAL:
        numbers = np.cumsum(numbers, axis=1, dtype=dtype)
        if bits < 8 * dtype.itemsize:
            numbers &= (1 << bits) - 1
    return numbers
