"""TIFF files: which of their pictures is the photograph, and what its numbers mean.

What lies in a TIFF says its tags: how many bits a value has, with or without sign, whether 0 is
black or white, whether colours lie pixel by pixel or plane by plane, whether a picture is a preview
of another. tifffile reads them; ``features.tiff_pixels`` the values, with all their bits. CMYK,
YCbCr and what is compressed as JPEG or fax go through Pillow, which knows them in eight bits. What
none reads rightly is refused.
"""

from __future__ import annotations

import logging
import math
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image as Pillow

from features.images import ImageError
from features.pillow_files import PillowPicture
from features.samples import Samples, upright_size
from features.tiff_pixels import LOSSLESS, predictor, read_pixels

if TYPE_CHECKING:
    from tifffile import TiffFile, TiffPage

# the first bytes, classic and BigTIFF, of either byte order
SIGNATURES = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")

# Photometric interpretation (TIFF 6.0; TIFF/EP, DNG 1.4)
_WHITE_IS_ZERO, _BLACK_IS_ZERO, _RGB, _PALETTE, _CMYK, _YCBCR = 0, 1, 2, 3, 5, 6
_OF_A_SENSOR = (32803, 34892)  # a mosaic of colours, and one demosaiced but not developed
_DIRECT = (_WHITE_IS_ZERO, _BLACK_IS_ZERO, _RGB, _PALETTE)
_NAMES = {_CMYK: "CMYK", _YCBCR: "YCbCr", 4: "transparency", 8: "CIELab", 9: "ICCLab", 10: "ITULab"}

# Tags
_MAX_SAMPLE_VALUE, _ORIENTATION, _EXTRA_SAMPLES, _DNG_VERSION = 281, 274, 338, 50706
_IS_REDUCED, _IS_TRANSPARENCY = 1, 4  # bits of NewSubfileType
_UNSIGNED, _SIGNED, _FLOAT = 1, 2, 3  # SampleFormat
_IN_PIXELS = 1  # PlanarConfiguration
_ASSOCIATED, _UNASSOCIATED = 1, 2  # ExtraSamples

# how many channels a pixel may have for Pillow
_CHANNELS_OF_PILLOW = {_RGB: (3, 4), _CMYK: (4,), _YCBCR: (3,)}

# fax, JPEG and WebP, of which only all of libtiff makes pixels
_BY_PILLOW = (2, 3, 4, 6, 7, 50001)
_LOSSY = {
    6: "JPEG",
    7: "JPEG",
    33003: "JPEG 2000",
    33005: "JPEG 2000",
    34712: "JPEG 2000",
    50001: "WebP",
}

# more pictures are not looked at, nor more pieces of one
_MAX_PAGES = 256
_MAX_SEGMENTS = 1_000_000
_MAX_TILE_PX = 4096**2
# how alike the sides of a preview and its photograph must be, as a ratio
_SAME_SHAPE = 0.03

# how OME and ImageJ say that channels are pictures of their own
_N_CHANNELS = re.compile(
    r'<(?:\w+:)?Pixels\b[^>]*?\bSizeC="(?P<ome>\d{1,6})"|^channels=(?P<imagej>\d{1,6})\s*$',
    re.MULTILINE,
)

# makers whose files tifffile would read by rules of their own
_VENDORS = ("lsm", "ndpi", "scanimage", "stk", "vista", "philips", "indica", "eer")

_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class TiffPicture:
    """The picture of an open file that is its photograph; nothing is decoded yet.

    ``frame`` is its place among the pictures that Pillow sees, None if it is not among them.
    """

    path: Path
    page: TiffPage
    frame: int | None
    orientation: int

    @property
    def size(self) -> tuple[int, int]:
        """Height and width as stored."""
        return self.page.imagelength, self.page.imagewidth

    @property
    def upright_size(self) -> tuple[int, int]:
        """Height and width of the upright picture."""
        return upright_size(self.size, self.orientation)

    @property
    def is_deep(self) -> bool:
        """Whether values have 16 bits, of which a camera may have filled fewer."""
        page = self.page
        is_direct = not _is_palette(page)  # where values are colours, not numbers of colours
        return is_direct and page.bitspersample == 16 and page.sampleformat == _UNSIGNED

    @property
    def lossy(self) -> str | None:
        """Name of the compression if it changes values."""
        return _LOSSY.get(int(self.page.compression))

    @property
    def is_for_pillow(self) -> bool:
        """Whether only Pillow reads the picture, and is known to read it as its tags say."""
        page = self.page
        is_lossless = int(page.compression) in LOSSLESS
        if self.frame is None or (is_lossless and page.photometric in _DIRECT):
            return False
        if page.sampleformat != _UNSIGNED or not isinstance(page.bitspersample, int):
            return False
        if int(page.compression) not in (*LOSSLESS, *_BY_PILLOW):
            return False
        if page.samplesperpixel == 1:
            return page.photometric in _DIRECT and page.bitspersample <= 8
        is_known = page.samplesperpixel in _CHANNELS_OF_PILLOW.get(int(page.photometric), ())
        return is_known and page.planarconfig == _IN_PIXELS and page.bitspersample == 8

    def samples(self, *, is_mask: bool = False) -> Samples:
        """Decode the values; masks may hold integers of 32 bits, and fractions.

        Raises:
            ImageError: They cannot be decoded, or nobody knows which range they have.
        """
        page = self.page
        if self.is_for_pillow:
            return self._samples_of_pillow()
        _check_values(self.path, page, is_mask=is_mask)
        _check_segments(page)
        values = read_pixels(page)
        n_colors = 3 if page.photometric == _RGB else 1
        alpha = _alpha_channel(page, n_colors)
        channels = [*range(n_colors), *([] if alpha is None else [alpha])]
        if channels != list(range(values.shape[2])):
            values = values[..., channels]
        kinds: dict[int | None, int] = dict(enumerate(page.extrasamples, n_colors))
        return Samples(
            str(self.path),
            values,
            bits=int(page.bitspersample),
            meaning="rgb" if n_colors == 3 else "index" if _is_palette(page) else "grey",
            has_alpha=alpha is not None,
            is_premultiplied=kinds.get(alpha) == _ASSOCIATED,
            is_inverted=page.photometric == _WHITE_IS_ZERO,
            palette=_palette(page) if _is_palette(page) else None,
            orientation=self.orientation,
            declared_max=_declared_max(page),
        )

    def _samples_of_pillow(self) -> Samples:
        # by name Pillow would map the file into memory, and then turn some pictures twice
        with (
            self.path.open("rb") as file,
            Pillow.open(file, formats=("TIFF",)) as image,
        ):
            if self.frame:
                image.seek(self.frame)
            image.info.pop("xmp", None)  # of which Pillow would take another orientation
            return PillowPicture(self.path, image).samples()


@contextmanager
def opened_tiff(path: Path) -> Iterator[TiffPicture | None]:
    """Find the photograph in a file; None if it is the raw data of a camera's sensor.

    Raises:
        ImageError: There is no picture in it.
    """
    from tifffile import TIFF, TiffFile

    flags: Any = {f"is_{each}": False for each in _VENDORS if each in TIFF.FILE_FLAGS}
    with _quiet(), TiffFile(path, _multifile=False, **flags) as file:
        yield _photograph_in(path, file)


def _photograph_in(path: Path, file: TiffFile) -> TiffPicture | None:
    pages = list(_pages(file))
    if not pages:
        raise ImageError(f"{path} holds no picture; copy it again from its source")
    inner = [each for page in pages for each in _inner_pages(page)]
    if _DNG_VERSION in pages[0].tags or any(
        each.photometric in _OF_A_SENSOR for each in (*pages, *inner)
    ):
        return None
    page, is_among_several = _full_size(pages, inner)
    if is_among_several:
        _check_channels(path, page)
        _logger.warning("%s holds several frames; only the first one is used", path)
    frame = next((index for index, each in enumerate(pages) if each is page), None)
    is_by_itself = frame is not None or _ORIENTATION in page.tags
    turned = page if is_by_itself else pages[0]
    return TiffPicture(path, page, frame, _number(turned, _ORIENTATION, 1))


def _check_channels(path: Path, page: TiffPage) -> None:
    """Refuse a picture whose colours lie in several pictures, as microscopes write them.

    Raises:
        ImageError: Its description says that there are more channels than it has.
    """
    found = _N_CHANNELS.search(str(page.description))
    n_channels = int(found["ome"] or found["imagej"]) if found else 1
    if n_channels > page.samplesperpixel:
        raise ImageError(
            f"{path} holds {n_channels} channels as pictures of their own, expected one picture; "
            "merge them into one in colour, or save the one that counts, as PNG"
        )


def _pages(file: TiffFile) -> Iterator[TiffPage]:
    """Give the pictures of the main chain; what is broken after the first ends it."""
    for index in range(_MAX_PAGES):
        try:
            page: Any = file.pages[index]
        except IndexError:
            return
        except Exception:
            if index == 0:
                raise
            return
        yield page


def _inner_pages(page: TiffPage) -> list[TiffPage]:
    """Give the pictures that hang below another one."""
    try:
        found: Any = page.pages
        return list(found)[:_MAX_PAGES] if found else []
    except Exception:  # a broken preview says nothing of the photograph
        return []


def _full_size(pages: list[TiffPage], inner: list[TiffPage]) -> tuple[TiffPage, bool]:
    """Choose the photograph, and tell whether others could have been chosen as well.

    That is the first picture that is not said to be reduced. It may be below a preview; and a
    picture that is smaller than another of the same shape is a preview, said or not.
    """
    mains = [each for each in pages if _is_main(each)]
    if not mains or not _is_main(pages[0]):
        mains = mains[:1] + [each for each in inner if _is_main(each)] or pages + inner
        return max(mains, key=_area), False
    first = mains[0]
    larger = [each for each in mains[1:] if _area(each) > _area(first) and _is_alike(each, first)]
    return (max(larger, key=_area), False) if larger else (first, len(mains) > 1)


def _is_main(page: TiffPage) -> bool:
    return not int(page.subfiletype) & (_IS_REDUCED | _IS_TRANSPARENCY)


def _area(page: TiffPage) -> int:
    return int(page.imagewidth) * int(page.imagelength)


def _is_alike(one: TiffPage, other: TiffPage) -> bool:
    ratio = one.imagewidth * other.imagelength / max(1, one.imagelength * other.imagewidth)
    return abs(math.log(max(ratio, 1e-9))) < _SAME_SHAPE


def _check_values(path: Path, page: TiffPage, *, is_mask: bool) -> None:
    """Refuse values without an agreed meaning, and what cannot be decompressed safely."""
    bits, sign = page.bitspersample, page.sampleformat
    is_rgb = page.photometric == _RGB
    is_sound = page.dtype is not None and page.imagedepth == 1 and isinstance(bits, int)
    is_sound = is_sound and predictor(page) in ((1,) if sign == _FLOAT else (1, 2))
    what = None
    if int(page.compression) not in LOSSLESS:
        name = getattr(page.compression, "name", page.compression)
        what = f"{_described(page)} compressed by {name}"
    elif not is_sound or page.photometric not in _DIRECT:
        what = _described(page)
        n_known = _CHANNELS_OF_PILLOW.get(int(page.photometric), (page.samplesperpixel,))
        if page.samplesperpixel not in n_known:
            what += f" of {page.samplesperpixel} channels"
    elif (page.samplesperpixel < 3) if is_rgb else (page.samplesperpixel > 2):
        what = f"{_described(page)} of {page.samplesperpixel} channels"
    elif sign != _UNSIGNED or bits > 16:
        is_number = sign in (_UNSIGNED, _SIGNED, _FLOAT) and page.photometric == _BLACK_IS_ZERO
        what = None if is_mask and is_number else _described(page)
    if what is not None:
        raise ImageError(
            f"{path} has pixels of type {what!r}, expected 8- or 16-bit grey, RGB or CMYK; "
            "save it as 8-bit RGB"
        )


def _described(page: TiffPage) -> str:
    """Say what kind of values these are."""
    signs = {_UNSIGNED: "", _SIGNED: "signed ", _FLOAT: "floating-point "}
    name = _NAMES.get(int(page.photometric), "")
    bits = page.bitspersample
    width = "-".join(map(str, bits)) if isinstance(bits, tuple) else str(bits)
    sign = signs.get(page.sampleformat, "complex or unknown ")
    depth = f", {page.imagedepth} layers deep" if page.imagedepth != 1 else ""
    return f"{sign}{width}-bit {name}".strip() + depth


def _check_segments(page: TiffPage) -> None:
    """Refuse pieces that are missing, absurd or outside the file: they would read as black.

    Raises:
        ValueError: There are some; whoever asked makes it a line.
    """
    n_segments = math.prod(page.chunked)
    sizes, places = page.databytecounts, page.dataoffsets
    if n_segments > _MAX_SEGMENTS:
        raise ValueError(f"{n_segments:,} pieces, at most {_MAX_SEGMENTS:,} are read")
    if page.is_tiled and page.tilewidth * page.tilelength > max(_MAX_TILE_PX, 4 * _area(page)):
        raise ValueError(f"tiles of {page.tilewidth}×{page.tilelength} pixels")
    if not len(sizes) == len(places) == n_segments:
        raise ValueError(f"{n_segments} pieces expected, got {len(places)}")
    end = page.parent.filehandle.size
    pieces = zip(places, sizes, strict=True)
    if any(place <= 0 or size <= 0 or place + size > end for place, size in pieces):
        raise ValueError("image file is truncated: a piece lies beyond its end")


def _alpha_channel(page: TiffPage, n_colors: int) -> int | None:
    """Find the channel that says how opaque a pixel is; other channels say nothing of colour."""
    if n_colors == 3 and page.samplesperpixel == 4 and _EXTRA_SAMPLES not in page.tags:
        return 3  # not allowed, but usual for alpha
    for index, kind in enumerate(page.extrasamples):
        if kind in (_ASSOCIATED, _UNASSOCIATED) and n_colors + index < page.samplesperpixel:
            return n_colors + index
    return None


def _is_palette(page: TiffPage) -> bool:
    return bool(page.photometric == _PALETTE)


def _palette(page: TiffPage) -> np.ndarray:
    """Return the colours; writers of 8 bits a colour are told by their having no larger one."""
    colors = page.colormap
    if colors is None or colors.shape != (3, 2**page.bitspersample):
        raise ValueError("its palette is missing")
    eight = colors if colors.max() < 256 else colors >> 8
    opaque = np.full((eight.shape[1], 1), 255, dtype=np.uint8)
    return np.concatenate([eight.T.astype(np.uint8), opaque], axis=1)


def _declared_max(page: TiffPage) -> int | None:
    """Return the largest value that is said to be possible, if that is one that cameras have."""
    value = _number(page, _MAX_SAMPLE_VALUE, 0)
    return value if value in (1023, 4095, 16383, 65535) else None


def _number(page: TiffPage, tag: int, default: int) -> int:
    """Return the first value of a tag, or the default where there is no number."""
    value: Any = page.tags.valueof(tag)
    first = value[0] if isinstance(value, tuple) and value else value
    return first if isinstance(first, int) else default


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep tifffile from logging what is told as an error or does not matter.

    The level of its logger belongs to the process, so that it is put back.
    """
    logger = logging.getLogger("tifffile")
    level = logger.level
    logger.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        logger.setLevel(level)
