"""Image files: photographs and masks read safely, whatever the file turns out to be.

The content decides about the format, never the name. What is sound becomes RGB ``uint8``:

- grey, palette and 1-bit images are repeated or looked up; CMYK is converted without its profile;
- transparency is composited on white, the paper that cut-outs are usually shown on; where all is
  transparent nothing could be seen, so that the colours count and a warning is logged;
- values have the bits that the file says. Of 16 the upper eight are kept (65535 becomes 255) unless
  ``bits`` says that a camera of fewer wrote them. The range is fixed: stretching each file to its
  own brightest pixel would make images of one line incomparable;
- rotation by EXIF or TIFF is applied once; of several pictures the first is used, and a warning
  logged; of a preview and its photograph, the photograph.

A mask is read by the same decoders, but its numbers stay as they are. What is not sound gives an
``ImageError`` of one line.
"""

from __future__ import annotations

import logging
import os
import stat
import threading
import warnings
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Int
from PIL import Image as Pillow
from PIL import UnidentifiedImageError

from features.images import MIN_SIDE_PX, Image, ImageError

if TYPE_CHECKING:
    from features.folders import LeftOut
    from features.samples import Samples

FORMATS = ("JPEG", "PNG", "BMP", "TIFF", "WEBP", "GIF")
SUFFIXES = (".bmp", ".gif", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp")

# 120 megapixels: above every industrial camera sold today. Decoding takes 5 … 18 bytes a pixel: at
# this size 1.2 GB for JPEG and PNG of eight bits, 1.7 GB with transparency, and at most 2.2 GB, for
# WebP and 16-bit colour.
MAX_PIXELS = 120_000_000

# how messages end that refuse an image for its size
RAISE_CAP = "if the file can be trusted, raise it with --max-pixels"

_logger = logging.getLogger(__name__)
_pillow_settings = threading.Lock()


class LossyMaskError(ImageError):
    """A mask in a file that changes its numbers."""


@runtime_checkable
class _Picture(Protocol):
    """An open file whose picture is not yet decoded."""

    @property
    def upright_size(self) -> tuple[int, int]:
        """Height and width of the upright picture."""

    @property
    def is_deep(self) -> bool:
        """Whether values have 16 bits, of which a camera may have filled fewer."""

    @property
    def lossy(self) -> str | None:
        """Name of the compression if it changes values."""

    def samples(self, *, is_mask: bool = False) -> Samples:
        """Decode the values."""


def list_images(path: str | Path) -> list[Path]:
    """Give the image files that a path stands for.

    A file stands for itself, whatever its name. A folder stands for the files directly in it that
    carry one of ``SUFFIXES`` in any case, sorted by name. Hidden files are left out. What else may
    be a photograph, in it or in folders below, is left out with a warning.

    Raises:
        ImageError: Nothing is there, or the folder has no image or may not be listed.
    """
    path = Path(path)
    if not stat.S_ISDIR(_stat(path).st_mode):
        return [path]
    from features.folders import left_out_text
    from features.names import show_name

    images, rest = list_folder(path)
    said = left_out_text(rest)
    if not images:
        n_entries = _n_entries(path)
        if not n_entries:
            raise ImageError(f"{path} is a folder without images: it is empty; check the path")
        noun = "entry" if n_entries == 1 else "entries"
        raise ImageError(
            f"{path} is a folder without images: expected files ending in {_endings()}, "
            f"got {said or f'{n_entries} other {noun}'}; subfolders are not searched, "
            "name them instead"
        )
    if said:
        _logger.warning("%s: %s", show_name(path), said)
    return images


def list_folder(folder: Path, *, is_deep: bool = True) -> tuple[list[Path], tuple[LeftOut, ...]]:
    """Give the images of a folder as ``list_images`` does, and what was left out of them.

    Left out is what may be a photograph and is not among the images: files of other formats, links
    that lead nowhere, and, if ``is_deep``, what lies in folders below. Neither need be there.

    Raises:
        ImageError: The folder may not be listed.
    """
    from features.folders import left_out

    try:
        images = [
            entry
            for entry in sorted(folder.iterdir())
            if is_image_name(entry.name) and entry.is_file()
        ]
        names = {entry.name for entry in images}
        return images, left_out(folder, names, is_read=is_image_name, is_deep=is_deep)
    except OSError as error:
        raise ImageError(
            f"{folder} cannot be listed ({error.strerror}); check the folder's permissions"
        ) from error


def is_image_name(name: str) -> bool:
    """Tell by its name whether a file is listed as an image: of a format that is read here."""
    from features import raw_files

    suffix = Path(name).suffix.lower()
    is_raw = suffix in raw_files.SUFFIXES and raw_files.unreadable(suffix) is None
    return not name.startswith(".") and (suffix in SUFFIXES or is_raw)


def read_image(path: str | Path, *, max_pixels: int = MAX_PIXELS, bits: int | None = None) -> Image:
    """Read the photograph in a file, upright.

    ``max_pixels`` is compared with the size in the header, before anything is decoded. ``bits``
    says how many of 16 count, as ``significant_bits`` finds for a set of photographs; files of
    another depth are read as they say. May be called from several threads, which then take turns:
    Pillow's settings belong to the process.

    Raises:
        ImageError: There is no sound image of permitted size at this path, or one of more bits.
    """
    from features.samples import photograph

    path = Path(path)
    with _opened(path, max_pixels) as picture:
        return photograph(picture.samples(), bits)


def read_labels(
    path: str | Path, *, max_pixels: int = MAX_PIXELS
) -> Int[np.ndarray, "height width"]:
    """Read the mask in a file, upright: 0 outside, another number for each label inside.

    Numbers stay as they are, of 8, 16 or 32 bits, and the index of a palette whose first colour is
    black; ``features.samples.labels`` says what becomes of other colours and of transparency.

    Raises:
        ImageError: There is no sound image of permitted size at this path, or one that is
            compressed in a way which changes numbers, such as JPEG (``LossyMaskError``).
    """
    from features.samples import labels

    path = Path(path)
    with _opened(path, max_pixels, least_px=1) as picture:
        if picture.lossy is not None:
            raise LossyMaskError(
                f"{path}: a mask must be lossless, got {picture.lossy}, which blurs borders; "
                "save it as PNG"
            )
        return labels(picture.samples(is_mask=True))


def image_size(
    path: str | Path, *, max_pixels: int = MAX_PIXELS, least_px: int = MIN_SIDE_PX
) -> tuple[int, int]:
    """Return (height, width) of the upright picture by its header, without decoding it.

    A mask may have sides of 1 px, which are too small for a photograph: ask with ``least_px=1``.

    Raises:
        ImageError: There is no image of permitted size at this path, as far as the header tells.
    """
    with _opened(Path(path), max_pixels, least_px) as picture:
        return picture.upright_size


def significant_bits(
    paths: Iterable[str | Path], *, max_pixels: int = MAX_PIXELS, stated: int | None = None
) -> int | None:
    """Find how many of 16 bits the photographs of a set fill together; None if none has 16.

    Cameras of 10, 12 or 14 bits are often written in words of 16, and no file says so. A single
    dark photograph looks the same, which is why a set decides, and once: ask the references, and
    read everything that is compared with them with the same number. Decodes what has 16 bits, and
    logs a warning if some fill them and others look as if of a camera of fewer. ``stated`` is what
    a person says: it is given back, without decoding, if one has 16 bits.

    Raises:
        ImageError: One of them is no sound image of permitted size.
    """
    from features.samples import KNOWN_BITS, likely_bits

    found = []
    for path in map(Path, paths):
        with _opened(path, max_pixels) as picture:
            if picture.is_deep and stated is not None:
                return stated
            if picture.is_deep:
                found.append(likely_bits(picture.samples().highest or 0))
    fewer = [bits for bits in found if bits < max(KNOWN_BITS)]
    if fewer and len(fewer) < len(found):
        _logger.warning(
            "%d of %d 16-bit photographs have no value above %d, as cameras of %d bits write, and "
            "look very dark beside the others; use photographs of one camera and setting",
            len(fewer),
            len(found),
            2 ** max(fewer) - 1,
            max(fewer),
        )
    return max(found, default=None)


@contextmanager
def _opened(path: Path, max_pixels: int, least_px: int = MIN_SIDE_PX) -> Iterator[_Picture]:
    """Open an image of permitted size; nothing is decoded yet."""
    _check_entry(path)
    with (
        _one_line_errors(path, max_pixels),
        _pillow_limited(max_pixels),
        ExitStack() as opened,
    ):
        picture = _picture_in(path, max_pixels, opened)
        _check_size(path, picture.upright_size[::-1], max_pixels, least_px)
        yield picture


def _picture_in(path: Path, max_pixels: int, opened: ExitStack) -> _Picture:
    """Open a file with what reads its format; ``opened`` closes it."""
    from features import raw_files, tiff_files
    from features.pillow_files import PillowPicture

    with path.open("rb") as file:
        head = file.read(32)
    if raw_files.is_heic(head):
        return opened.enter_context(raw_files.opened_heic(path))
    is_of_a_camera = raw_files.is_camera_raw(head)
    if head.startswith(tiff_files.SIGNATURES) and not is_of_a_camera:
        found = opened.enter_context(tiff_files.opened_tiff(path))
        if found is not None:
            return found
        is_of_a_camera = True
    if is_of_a_camera:
        return opened.enter_context(raw_files.opened_camera_raw(path))
    image = opened.enter_context(Pillow.open(path, formats=FORMATS))
    _check_size(path, image.size, max_pixels, least_px=1)  # before EXIF is asked how it lies
    # MPO is a JPEG whose further pictures are previews or depth of the same photograph.
    if getattr(image, "is_animated", False) and image.format != "MPO":
        _logger.warning("%s holds several frames; only the first one is used", path)
    return PillowPicture(path, image)


def _endings() -> str:
    """List the endings of names by which a folder's images are told here."""
    from features.raw_files import SUFFIXES as RAW_SUFFIXES

    return ", ".join(each for each in SUFFIXES + RAW_SUFFIXES if is_image_name("x" + each))


def _n_entries(folder: Path) -> int:
    return sum(1 for _ in folder.iterdir())


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


def _check_size(path: Path, size: tuple[int, int], max_pixels: int, least_px: int) -> None:
    """Judge the size that the header claims, in (width, height)."""
    width, height = size
    if width * height > max_pixels:
        raise _too_large(path, f"{width}×{height} = {width * height:,}", max_pixels)
    if min(size) < least_px:
        raise ImageError(
            f"{path} must be at least {least_px} px on each side, got {width}×{height} "
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
