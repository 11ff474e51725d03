"""JPEG files: is the picture in one whole?

Decoders make a picture of whatever they find, grey where nothing is, and only libjpeg's warnings
tell of it. Here they are asked for, by decoding an eighth of the size; and of progressive files,
which may end after any of their scans, whether all were there.
"""

from __future__ import annotations

import re

import numpy as np

# what ends the coded pixels of a scan; between them such bytes are escaped
_MARKER = re.compile(rb"\xff[^\x00\x01\xd0-\xd7\xff]")
_START_OF_SCAN, _END, _PROGRESSIVE = 0xDA, 0xD9, 0xC2
_COEFFICIENTS = 64

# of libjpeg's warnings those by which pixels are lost
_LOSSES = re.compile(
    r"premature end|bad Huffman code|(?P<surplus>\d+) extraneous bytes before .*d9"
)
# some cameras fill up the last bytes
_MAX_SURPLUS_BYTES = 8


def check_whole(data: bytes) -> None:
    """Refuse a JPEG of which some pixels are not there; what else may be wrong is not asked.

    Raises:
        ValueError: Data are missing or damaged; whoever asked makes it a line.
    """
    import simplejpeg

    if not _has_all_scans(data):
        raise ValueError("some passes of a progressive JPEG are missing")
    try:
        simplejpeg.decode_jpeg(
            data,
            colorspace="GRAY",
            fastdct=True,
            min_height=1,
            min_width=1,
            min_factor=8,
            strict=True,
        )
    except ValueError as error:  # warnings, too
        found = _LOSSES.search(str(error))
        if found and not (found["surplus"] and _is_padding(data, int(found["surplus"]))):
            raise


def _has_all_scans(data: bytes) -> bool:
    """Tell whether each coefficient of each colour came to its last bit, if they come in passes."""
    is_missing: dict[int, np.ndarray] = {}
    place = 2
    while found := _MARKER.search(data, place):
        marker, start = data[found.end() - 1], found.end()
        length = int.from_bytes(data[start : start + 2], "big")
        segment = data[start + 2 : start + length]
        if marker == _END or length < 2:
            break
        if marker == _PROGRESSIVE:
            n_colors = segment[5] if len(segment) > 5 else 0
            colors = segment[6 : 6 + 3 * n_colors : 3]
            is_missing = {color: np.ones(_COEFFICIENTS, bool) for color in colors}
        if marker == _START_OF_SCAN and len(segment) >= 6:
            first, last, bits = segment[-3:]
            for color in segment[1 : 1 + 2 * segment[0] : 2]:
                if color in is_missing and bits & 15 == 0:
                    is_missing[color][first : last + 1] = False
        place = start + length
    return not any(each.any() for each in is_missing.values())


def _is_padding(data: bytes, n_bytes: int) -> bool:
    """Tell whether the last bytes before the end of the picture are few, or say nothing."""
    ends = (found.start() for found in re.finditer(rb"\xff\xd9", data))
    are_alike = (len(set(data[max(0, end - n_bytes) : end])) <= 1 for end in ends)
    return n_bytes <= _MAX_SURPLUS_BYTES or any(are_alike)
