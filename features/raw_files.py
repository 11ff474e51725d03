"""Raw files: photographs as phones and cameras keep them, read where ``partwise[raw]`` is there.

HEIC is opened by pillow-heif, and then read like any other format. What the sensor of a camera
wrote is developed by LibRaw with the white balance of the camera and a fixed brightness: stretching
each photograph by its own would make images of one line incomparable.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from features.images import ImageError
from features.pillow_files import PillowPicture
from features.samples import Samples, upright_size

# Names by which folders tell such files
HEIC_SUFFIXES = (".heic", ".heif", ".hif")
CAMERA_SUFFIXES = (
    *(".3fr", ".arw", ".cr2", ".cr3", ".crw", ".dcr", ".dng", ".erf", ".iiq", ".kdc", ".mef"),
    *(".mos", ".mrw", ".nef", ".nrw", ".orf", ".pef", ".raf", ".rw2", ".srw", ".x3f"),
)
SUFFIXES = HEIC_SUFFIXES + CAMERA_SUFFIXES

CURE = "pip install 'partwise[raw]', or save it as PNG"

# names of images that nothing here reads, which a folder tells of
_NEVER_READ = (
    *(".avif", ".exr", ".fits", ".hdr", ".ico", ".j2k", ".jp2", ".jpx", ".jxl", ".jxr", ".pbm"),
    *(".pcx", ".pgm", ".pnm", ".ppm", ".psd", ".raw", ".svg", ".tga", ".xcf"),
)

_HEIC_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")
# Fuji, Sigma, Olympus (three), Panasonic, Minolta, Canon before 2004; Canon since then is a TIFF
_CAMERAS = (
    *(b"FUJIFILMCCD-RAW", b"FOVb", b"IIRO", b"IIRS", b"MMOR", b"IIU\0", b"\0MRM"),
    b"II\x1a\0\0\0HEAPCCDR",
)


def is_heic(head: bytes) -> bool:
    """Tell by the first bytes whether a file is HEIC."""
    return head[4:8] == b"ftyp" and head[8:12] in _HEIC_BRANDS


def is_camera_raw(head: bytes) -> bool:
    """Tell by the first bytes whether a file is of a camera, where they differ from TIFF."""
    is_canon = head[4:12] == b"ftypcrx " or (head[:4] == b"II*\0" and head[8:10] == b"CR")
    return is_canon or head.startswith(_CAMERAS)


def is_heic_readable() -> bool:
    """Tell whether pillow-heif is installed."""
    return find_spec("pillow_heif") is not None


def is_camera_raw_readable() -> bool:
    """Tell whether rawpy is installed."""
    return find_spec("rawpy") is not None


def unreadable(suffix: str) -> str | None:
    """Say why a file of this name cannot be read, None if it can or is of another kind."""
    if suffix in HEIC_SUFFIXES and not is_heic_readable():
        return f"HEIC needs more than is installed: {CURE}"
    if suffix in CAMERA_SUFFIXES and not is_camera_raw_readable():
        return f"raw data of a camera need more than is installed: {CURE}"
    return f"{suffix} is not read; save it as PNG" if suffix in _NEVER_READ else None


def missing(path: Path, what: str) -> ImageError:
    """Return the error for a file that needs more than is installed."""
    return ImageError(f"{path} is {what}, which needs more than is installed: {CURE}")


@dataclass(frozen=True)
class CameraPicture:
    """What a sensor saw, not yet developed."""

    path: Path
    raw: Any  # rawpy.RawPy, of which no types are known
    lossy: str | None = "a camera's raw format"
    is_deep: bool = False

    @property
    def upright_size(self) -> tuple[int, int]:
        """Height and width of the upright picture."""
        sizes = self.raw.sizes
        # LibRaw: 5 and 6 are quarter turns
        return upright_size((sizes.height, sizes.width), 6 if sizes.flip in (5, 6) else 1)

    def samples(self, *, is_mask: bool = False) -> Samples:
        """Develop it, upright, with the camera's white balance and no brightening of its own."""
        del is_mask
        values = self.raw.postprocess(use_camera_wb=True, no_auto_bright=True, output_bps=8)
        return Samples(str(self.path), np.asarray(values), 8, "rgb")


@contextmanager
def opened_heic(path: Path) -> Iterator[PillowPicture]:
    """Open a HEIC file.

    Raises:
        ImageError: pillow-heif is not installed.
    """
    if not is_heic_readable():
        raise missing(path, "a HEIC file")
    import pillow_heif

    opener: Any = pillow_heif.HeifImageFile  # its own types are incomplete
    with opener(path) as image:
        yield PillowPicture(path, image)


@contextmanager
def opened_camera_raw(path: Path) -> Iterator[CameraPicture]:
    """Open what the sensor of a camera wrote.

    Raises:
        ImageError: rawpy is not installed, or does not know the file.
    """
    if not is_camera_raw_readable():
        raise missing(path, "raw data of a camera's sensor")
    import rawpy

    try:
        raw = rawpy.imread(str(path))
    except rawpy.LibRawError as error:
        raise ImageError(
            f"{path} is raw data of a camera's sensor that LibRaw cannot read ({_reason(error)}); "
            "develop it and save it as PNG"
        ) from error
    with raw:
        yield CameraPicture(path, raw)


def _reason(error: Exception) -> str:
    """Return what LibRaw says, which are bytes."""
    said = error.args[0] if error.args else error
    return said.decode(errors="replace") if isinstance(said, bytes) else str(said)
