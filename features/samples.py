"""Samples: the numbers of a decoded picture, and what the file says that they mean.

Which colour has a pixel, and which label? Every decoder gives the same record, so photographs and
masks are read alike. A range is fixed by the file or for a whole set of photographs, never by the
brightest pixel of one: that would make images of one line incomparable.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
from jaxtyping import Float, Int, UInt8, UInt16
from PIL import Image as Pillow

from features.images import Image, ImageError

# bits that cameras fill of words of 16, and 8 for what was only ever copied into such words
KNOWN_BITS = (8, 10, 12, 14, 16)
# a cut-out photograph has thousands of colours, labels painted on nothing have a few
MAX_PAINTED_LABELS = 16

# pixels worked on at a time, so that no second copy of a large picture is needed
_BAND_PX = 2**20

# how the pixels lie in the file, by EXIF orientation (EXIF 2.32, table 6): stored to upright
_UPRIGHT: dict[int, Callable[[np.ndarray], np.ndarray]] = {
    2: lambda stored: stored[:, ::-1],
    3: lambda stored: stored[::-1, ::-1],
    4: lambda stored: stored[::-1],
    5: lambda stored: stored.swapaxes(0, 1),
    6: lambda stored: stored.swapaxes(0, 1)[:, ::-1],
    7: lambda stored: stored[::-1, ::-1].swapaxes(0, 1),
    8: lambda stored: stored.swapaxes(0, 1)[::-1],
}

Stored = (
    UInt8[np.ndarray, "height width channels"]
    | UInt16[np.ndarray, "height width channels"]
    | Int[np.ndarray, "height width channels"]
    | Float[np.ndarray, "height width channels"]
)

_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Samples:
    """A decoded picture as it lies in its file, not yet turned upright.

    ``values`` has one channel for ``grey`` and ``index``, three for ``rgb``, and one more if there
    ``has_alpha``. ``bits`` says how many of them make full scale; only 16 is in doubt, for cameras
    of 12 bits are often written so. ``palette`` holds red, green, blue and alpha of each index.
    ``declared_max`` is the largest value that the file claims to be possible, if it does.
    """

    name: str
    values: Stored
    bits: int
    meaning: Literal["grey", "index", "rgb"]
    has_alpha: bool = False
    is_premultiplied: bool = False
    is_inverted: bool = False
    palette: UInt8[np.ndarray, "colors 4"] | None = None
    orientation: int = 1
    declared_max: int | None = None

    @property
    def highest(self) -> int | None:
        """The largest brightness that occurs or is declared, where 16 bits may be fewer."""
        if self.bits != 16 or self.meaning == "index":
            return None
        colors = self.values[..., : self._n_colors]
        highest = self.black - int(colors.min()) if self.is_inverted else int(colors.max())
        return max(highest, self.declared_max or 0)

    @cached_property
    def black(self) -> int:
        """The value of black where 0 is white: all bits set, or the largest that is declared."""
        declared = self.declared_max
        if declared is None or int(self.values[..., : self._n_colors].max()) > declared:
            return int(2**self.bits - 1)
        return declared

    @property
    def _n_colors(self) -> int:
        return 3 if self.meaning == "rgb" else 1


def photograph(samples: Samples, bits: int | None = None) -> Image:
    """Give the picture as a photograph, upright; ``bits`` of 16 are significant if given.

    Raises:
        ImageError: There are larger values than so many bits can hold.
    """
    shift = _significant(samples, bits) - 8
    is_cut_out = _is_cut_out(samples)
    height, width = samples.values.shape[:2]
    if _is_photograph(samples):
        return _upright(samples.values, samples.orientation)
    image = np.empty((height, width, 3), dtype=np.uint8)
    for rows in _bands(height, width):
        stored = samples.values[rows]
        image[rows] = _colors(samples, stored, shift)
        if is_cut_out:
            alpha = _opacity(samples, stored, shift)
            image[rows] = _on_paper(image[rows], alpha, is_multiplied=samples.is_premultiplied)
    return _upright(image, samples.orientation)


def labels(samples: Samples) -> Int[np.ndarray, "height width"]:
    """Give the picture as a mask: 0 outside, another number inside, upright.

    Grey stays the number that it is, of however many bits; 255 stands for the one bit there may be.
    Of a palette the index counts if the first colour is black, as tools that write labels have it;
    the grey value if all are grey, as packers make palettes of grey. Other colours become
    red · 65536 + green · 256 + blue. Where something is transparent, but not all, the transparent
    is outside, and all else inside, black included.

    Raises:
        ImageError: There are fractions.
    """
    found = _painted(samples)
    alpha = _alpha(samples)
    if alpha is not None and alpha.any() and not alpha.all():
        is_inside = alpha != 0
        shown = np.unique(found[is_inside])
        if shown[0] == 0 or len(shown) > MAX_PAINTED_LABELS:
            found = np.full_like(found, 255)
        found = np.where(is_inside, found, 0)
    return _upright(found, samples.orientation)


def upright_size(size: tuple[int, int], orientation: int) -> tuple[int, int]:
    """Turn the (height, width) that is stored into that of the upright picture."""
    return size[::-1] if orientation in (5, 6, 7, 8) else size


def likely_bits(highest: int) -> int:
    """Return the fewest bits, of those that cameras fill, which hold the highest value of a set."""
    return next(bits for bits in KNOWN_BITS if highest < 2**bits or bits == 16)


def _significant(samples: Samples, bits: int | None) -> int:
    """Return how many bits the values have, and refuse what cannot be."""
    highest = samples.highest
    if highest is None:
        return samples.bits
    if bits is None:
        likely = likely_bits(highest)
        if likely < 16:
            _logger.warning(
                "%s has 16 bits a value but none above %d, as cameras of %d bits write, and is "
                "read as very dark: fit references of that kind, or use --bits %d with fit",
                samples.name,
                highest,
                likely,
                likely,
            )
        return 16
    if highest >= 2**bits:
        raise ImageError(
            f"{samples.name} has values up to {highest}, expected at most {2**bits - 1} as in the "
            f"other photographs of {bits} bits; fit again with --bits {likely_bits(highest)}"
        )
    return bits


def _is_photograph(samples: Samples) -> bool:
    """Tell whether the values themselves are what is wanted."""
    is_rgb = samples.meaning == "rgb" and samples.values.shape[2] == 3
    return is_rgb and samples.values.dtype == np.uint8 and samples.bits == 8


def _is_cut_out(samples: Samples) -> bool:
    """Tell whether transparency is to be heeded: there is some, and something can be seen."""
    alpha = _alpha(samples)
    if alpha is None or alpha.any():
        return alpha is not None
    _logger.warning(
        "%s is transparent everywhere; its colours are taken for the photograph", samples.name
    )
    return False


def _alpha(samples: Samples) -> np.ndarray | None:
    """Return how opaque each pixel is, in whatever unit; None if all are."""
    if samples.has_alpha:
        return samples.values[..., -1]
    if samples.palette is not None and samples.palette[:, 3].min() < 255:
        return np.asarray(samples.palette[:, 3][samples.values[..., 0]])
    return None


def _colors(samples: Samples, stored: np.ndarray, shift: int) -> UInt8[np.ndarray, "rows width _"]:
    """Give some rows as red, green and blue, or as the one grey that serves for all three."""
    if samples.palette is not None:
        return np.asarray(samples.palette[:, :3][stored[..., 0]])
    colors = stored[..., : samples._n_colors]
    if samples.is_inverted and samples.bits == 16:  # fewer of them may be significant
        return _eight_bits(samples.black - colors, samples.bits, shift)
    colors = _eight_bits(colors, samples.bits, shift)
    return 255 - colors if samples.is_inverted else colors


def _opacity(samples: Samples, stored: np.ndarray, shift: int) -> UInt8[np.ndarray, "rows width 1"]:
    """Give the alpha of some rows, 255 where nothing shines through."""
    if samples.palette is not None:
        return np.asarray(samples.palette[:, 3:][stored[..., 0]])
    alpha = stored[..., -1:]
    # where words of 16 bits hold fewer, alpha may fill the words all the same
    is_wider = samples.bits == 16 and int(alpha.max()) >> shift > 255
    return _eight_bits(alpha, samples.bits, 8 if is_wider else shift)


def _on_paper(
    colors: np.ndarray, alpha: np.ndarray, *, is_multiplied: bool
) -> UInt8[np.ndarray, "rows width 3"]:
    """Lay colours on white, after undoing that they were multiplied by alpha."""
    if is_multiplied:
        full = np.maximum(alpha.astype(np.uint16), 1)
        divided = (colors.astype(np.uint16) * 255 + full // 2) // full
        colors = np.minimum(255, divided).astype(np.uint8)
    cut_out = Pillow.fromarray(np.concatenate([colors, alpha], axis=2))
    paper = Pillow.new("RGBA", cut_out.size, "white")
    return np.asarray(Pillow.alpha_composite(paper, cut_out))[..., :3]


def _eight_bits(values: np.ndarray, bits: int, shift: int) -> UInt8[np.ndarray, "..."]:
    """Keep the upper eight of the significant bits; fewer are spread over 0 … 255."""
    if bits < 8:
        return np.asarray(values.astype(np.uint16) * 255 // (2**bits - 1), dtype=np.uint8)
    return np.asarray(values >> shift if shift > 0 else values, dtype=np.uint8)


def _painted(samples: Samples) -> Int[np.ndarray, "height width"]:
    """Give the number that each pixel is painted with, as stored."""
    colors = samples.values[..., : samples._n_colors]
    if samples.palette is not None:
        return _codes_of(samples.palette, colors[..., 0])[colors[..., 0]]
    if colors.dtype.kind == "f":
        colors = _whole(samples.name, colors)
    else:
        is_large = (colors.dtype.kind == "u" and colors.itemsize > 2) or colors.itemsize > 4
        colors = colors.astype(np.int64 if is_large else np.int32)
    if samples.bits == 1:
        colors = colors * 255
    if samples.is_inverted:
        colors = (255 if samples.bits == 1 else 2**samples.bits - 1) - colors
    if samples.meaning != "rgb":
        return colors[..., 0]
    red, green, blue = np.moveaxis(colors, 2, 0)
    if np.array_equal(red, green) and np.array_equal(green, blue):
        return np.asarray(red)
    if samples.bits > 8:  # 48 bits do not fit into the numbers of labels
        red, green, blue = (_low_or_high(each) for each in (red, green, blue))
    return np.asarray(red << 16 | green << 8 | blue)


def _low_or_high(channel: np.ndarray) -> np.ndarray:
    """Shorten 16 bits to 8 such that only 0 becomes 0."""
    return np.where(channel < 256, channel, channel >> 8)


def _codes_of(palette: np.ndarray, used: np.ndarray) -> Int[np.ndarray, " colors"]:
    """Return what each index of a palette stands for, as ``labels`` says."""
    numbers = np.arange(len(palette), dtype=np.int32)
    is_used = np.isin(numbers, used) & (palette[:, 3] > 0)
    colors = palette[:, :3].astype(np.int32)
    if not colors[is_used].any():
        return numbers
    red, green, blue = colors.T
    if (colors[is_used] == colors[is_used][:, :1]).all():
        return np.asarray(red)
    if not (is_used[0] and colors[0].any()):
        return np.where(colors.any(axis=1), numbers, 0)
    return np.asarray(red << 16 | green << 8 | blue)


def _whole(name: str, values: np.ndarray) -> Int[np.ndarray, "height width channels"]:
    if not np.isfinite(values).all() or (values != np.rint(values)).any():
        raise ImageError(
            f"{name} holds fractions, expected whole numbers, 0 outside; save the mask in 8 bits"
        )
    return values.astype(np.int64)


def _upright(stored: np.ndarray, orientation: int) -> np.ndarray:
    turn = _UPRIGHT.get(orientation)
    return np.ascontiguousarray(stored if turn is None else turn(stored))


def _bands(height: int, width: int) -> Iterator[slice]:
    """Divide rows into slices of a bounded number of pixels."""
    step = max(1, _BAND_PX // width)
    return (slice(first, first + step) for first in range(0, height, step))
