"""Image files: photographs read safely, whatever the file turns out to be.

The content decides about the format, never the name. What is sound becomes RGB ``uint8``:

- grey, palette and 1-bit images are repeated or looked up; CMYK is converted without its profile;
- transparency is composited on white, the paper that cut-outs are usually shown on;
- 16 bits keep their upper eight (65535 becomes 255). The full range is fixed: stretching each file
  to its own brightest pixel would make images of one line incomparable;
- EXIF rotation is applied; of an animation the first frame is used, and a warning logged.

What is not sound gives an ``ImageError`` of one line.
"""

from __future__ import annotations

import logging
import os
import stat
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np
from PIL import ExifTags, ImageOps, UnidentifiedImageError
from PIL import Image as Pillow

from features.images import MIN_SIDE_PX, Image, ImageError

FORMATS = ("JPEG", "PNG", "BMP", "TIFF", "WEBP", "GIF")
SUFFIXES = (".bmp", ".gif", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp")

# 120 megapixels: above every industrial camera sold today, and under a gigabyte while decoding.
MAX_PIXELS = 120_000_000

# Pillow modes with eight bits or less per channel that Pillow itself converts to RGB.
_MODES = {"1", "L", "LA", "P", "PA", "RGB", "RGBA", "RGBX", "RGBa", "CMYK", "YCbCr"}

# how messages end that refuse an image for its size
RAISE_CAP = "if the file can be trusted, raise it with --max-pixels"

_logger = logging.getLogger(__name__)
_pillow_settings = threading.Lock()


def list_images(path: str | Path) -> list[Path]:
    """Give the image files that a path stands for.

    A file stands for itself, whatever its name. A folder stands for the files directly in it that
    carry one of ``SUFFIXES`` in any case, sorted by name; hidden files and subfolders are left out.

    Raises:
        ImageError: Nothing is there, or the folder has no image or may not be listed.
    """
    path = Path(path)
    if not stat.S_ISDIR(_stat(path).st_mode):
        return [path]
    try:
        entries = sorted(path.iterdir())
    except OSError as error:
        raise ImageError(
            f"{path} cannot be listed ({error.strerror}); check the folder's permissions"
        ) from error
    images = [
        entry
        for entry in entries
        if entry.suffix.lower() in SUFFIXES and not entry.name.startswith(".") and entry.is_file()
    ]
    if not images:
        raise ImageError(
            f"{path} is a folder without images: expected files ending in {', '.join(SUFFIXES)}, "
            f"got {len(entries)} other entries; subfolders are not searched, name them instead"
        )
    return images


def read_image(path: str | Path, *, max_pixels: int = MAX_PIXELS) -> Image:
    """Read the photograph in a file, upright.

    ``max_pixels`` is compared with the size in the header, before anything is decoded. May be
    called from several threads, which then take turns: Pillow's settings belong to the process.

    Raises:
        ImageError: There is no sound image of permitted size at this path.
    """
    path = Path(path)
    with _opened(path, max_pixels) as image:
        # MPO is a JPEG whose further pictures are previews or depth of the same photograph.
        if getattr(image, "is_animated", False) and image.format != "MPO":
            _logger.warning("%s holds several frames; only the first one is used", path)
        image.load()
        with suppress(Exception):  # unreadable EXIF says nothing about rotation
            ImageOps.exif_transpose(image, in_place=True)
        return _to_rgb(path, image)


def image_size(path: str | Path, *, max_pixels: int = MAX_PIXELS) -> tuple[int, int]:
    """Return (height, width) of the upright photograph by its header, without decoding it.

    Raises:
        ImageError: There is no image of permitted size at this path, as far as the header tells.
    """
    path = Path(path)
    with _opened(path, max_pixels) as image:
        orientation = 1
        with suppress(Exception):  # unreadable EXIF says nothing about rotation
            orientation = image.getexif().get(ExifTags.Base.Orientation, 1)
        # 5 … 8 lie on their side (EXIF 2.32, table 6)
        width, height = image.size[::-1] if orientation in (5, 6, 7, 8) else image.size
        return height, width


@contextmanager
def _opened(path: Path, max_pixels: int) -> Iterator[Pillow.Image]:
    """Open an image of permitted size; nothing is decoded yet."""
    _check_entry(path)
    with (
        _one_line_errors(path, max_pixels),
        _pillow_limited(max_pixels),
        Pillow.open(path, formats=FORMATS) as image,
    ):
        _check_size(path, image.size, max_pixels)
        yield image


def _to_rgb(path: Path, image: Pillow.Image) -> Image:
    """Convert a decoded image of any mode as the head of this module says."""
    # Older Pillow releases give 16-bit grey PNG the mode of 32-bit integers.
    if image.mode.startswith("I;16") or (image.mode, image.format) == ("I", "PNG"):
        grey = (np.asarray(image) >> 8).astype(np.uint8)
        return np.stack([grey] * 3, axis=-1)
    if image.mode not in _MODES:
        raise ImageError(
            f"{path} has pixels of type {image.mode!r}, expected 8- or 16-bit grey, RGB or CMYK; "
            "save it as 8-bit RGB"
        )
    if image.has_transparency_data:
        paper = Pillow.new("RGBA", image.size, "white")
        image = Pillow.alpha_composite(paper, image.convert("RGBA"))
    return np.array(image.convert("RGB"))


def _stat(path: Path) -> os.stat_result:
    """Look a path up, or say why there is nothing to look at."""
    try:
        return path.stat()
    except FileNotFoundError as error:
        raise ImageError(f"{path}: no such file or folder; check the path") from error
    except (OSError, ValueError) as error:  # ValueError: a null byte in the name
        reason = getattr(error, "strerror", None) or error
        raise ImageError(
            f"{path} cannot be reached ({reason}); check the path and its permissions"
        ) from error


def _check_entry(path: Path) -> None:
    """Refuse what cannot hold an image, before opening it: a pipe, say, would block."""
    found = _stat(path)
    if stat.S_ISDIR(found.st_mode):
        raise ImageError(f"{path} is a folder, expected an image file; name a file in it")
    if not stat.S_ISREG(found.st_mode):
        raise ImageError(f"{path} is a device or pipe, expected an image file; save it as a file")
    if found.st_size == 0:
        raise ImageError(f"{path} is empty (0 bytes); copy it again from its source")


def _check_size(path: Path, size: tuple[int, int], max_pixels: int) -> None:
    """Judge the size that the header claims, in (width, height)."""
    width, height = size
    if width * height > max_pixels:
        raise _too_large(path, f"{width}×{height} = {width * height:,}", max_pixels)
    if min(size) < MIN_SIDE_PX:
        raise ImageError(
            f"{path} must be at least {MIN_SIDE_PX} px on each side, got {width}×{height} "
            "(width×height); use a larger photograph"
        )


def _too_large(path: Path, found: str, max_pixels: int) -> ImageError:
    return ImageError(
        f"{path} is too large: at most {max_pixels:,} pixels are read, got {found}; {RAISE_CAP}"
    )


@contextmanager
def _one_line_errors(path: Path, max_pixels: int) -> Iterator[None]:
    """Turn whatever Pillow raises into an ``ImageError`` with a cure."""
    try:
        yield
    except ImageError:
        raise
    except Pillow.DecompressionBombError as error:  # some formats look before they can be asked
        raise _too_large(path, f"over {2 * max_pixels:,}", max_pixels) from error
    except PermissionError as error:
        raise ImageError(f"{path}: no permission to read it; change its permissions") from error
    except UnidentifiedImageError as error:
        raise ImageError(
            f"{path} is not an image, or is cut off in its header: expected {', '.join(FORMATS)}; "
            "convert it to one of these, or copy it again from its source"
        ) from error
    except Exception as error:  # decoders let all kinds escape when the data are malformed
        raise ImageError(
            f"{path} is damaged or truncated ({' '.join(str(error).split())}); "
            "copy it again from its source"
        ) from error


@contextmanager
def _pillow_limited(max_pixels: int) -> Iterator[None]:
    """Lend Pillow our pixel cap and silence its warnings, one thread at a time.

    Both are settings of the process, so they are put back. Pillow itself raises at twice its cap,
    which covers formats that allocate memory while opening (WebP) or in tiles (TIFF).
    """
    with _pillow_settings, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        cap_before = Pillow.MAX_IMAGE_PIXELS
        Pillow.MAX_IMAGE_PIXELS = max_pixels
        try:
            yield
        finally:
            Pillow.MAX_IMAGE_PIXELS = cap_before
