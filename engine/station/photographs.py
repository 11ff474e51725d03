"""Photographs of a station: kept uploads, and images left in their folders.

Uploads are kept under the digest of their content, so that each is kept once and no name becomes a
path. An image of a folder may change or go: it is read again only if it is the one that was judged.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from engine.atomic import atomic_write
from engine.model_file import ModelFileError
from engine.station.database import Database
from engine.station.paths import root_of
from engine.station.records import Entry, Limits, StationError
from engine.storage import read_significant_bits
from features.files import MAX_IMAGE_BYTES, read_chunks
from features.image_files import (
    RAISE_CAP,
    image_size,
    is_image_name,
    read_image,
    significant_bits,
)
from features.images import Image, ImageError
from features.names import real_path, show_name

_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class FolderImage:
    """An image file of a folder: its resolved path, size in bytes, and time of change.

    The time is that of a table, which knows none after the year 2262.
    """

    name: str
    path: Path
    size: int
    mtime_ns: int


def keep_image(data: bytes, name: str, folder: Path, limits: Limits) -> tuple[str, tuple[int, int]]:
    """Keep the bytes of an image file; returns their digest, and (height, width) of the image.

    Only the header is read: whether the rest is sound is seen when the image is judged.

    Raises:
        ImageError: They are too many, no image, or one of too many or too few pixels.
    """
    if not data:
        raise ImageError(f"{name} is empty (0 bytes); copy it again from its source")
    if len(data) > limits.max_upload_bytes:
        raise ImageError(
            f"{name} is too large: at most {_megabytes(limits.max_upload_bytes)} are taken, "
            f"got {_megabytes(len(data))}; reduce or compress it"
        )
    digest = hashlib.sha256(data).hexdigest()
    path = image_path(digest, folder)
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        with atomic_write(path) as stream:
            stream.write(data)
            stream.flush()
            size = _named_size(Path(stream.name), name, limits)
        return digest, size
    return digest, _named_size(path, name, limits)


def image_path(digest: str, folder: Path) -> Path:
    """Return where an upload lies; two letters a folder keep listings short.

    Raises:
        StationError: That is no digest.
    """
    if not _SHA256.fullmatch(digest):
        raise StationError(f"an image is named by 64 hexadecimal digits, got {digest[:80]!r}")
    return folder / digest[:2] / digest


def kept_image(digest: str, folder: Path) -> Path:
    """Return where an upload lies that is there.

    Raises:
        StationError: It was never kept, or is no longer.
    """
    path = image_path(digest, folder)
    if not path.is_file():
        raise StationError(f"there is no image {digest} in this station; add it again")
    return path


def _named_size(path: Path, name: str, limits: Limits) -> tuple[int, int]:
    """Read (height, width) of an image; a complaint calls it by ``name``.

    Raises:
        ImageError: It is none, or has too many or too few pixels.
    """
    try:
        return image_size(path, max_pixels=limits.max_pixels)
    except ImageError as error:
        raise _renamed(error, path, name) from error


def read_photograph(path: Path, name: str, limits: Limits, bits: int | None = None) -> Image:
    """Read an image; a complaint calls it by ``name``. ``bits`` of 16 count.

    Raises:
        ImageError: It is none, damaged, or has too many or too few pixels.
    """
    try:
        return read_image(path, max_pixels=limits.max_pixels, bits=bits)
    except ImageError as error:
        raise _renamed(error, path, name) from error


def bits_of(photographs: Mapping[Path, str], limits: Limits) -> int | None:
    """Find how many of 16 bits references fill; a complaint calls each path by its name.

    Raises:
        ImageError: One is no image, damaged, or has too many or too few pixels.
    """
    try:
        return significant_bits(photographs, max_pixels=limits.max_pixels)
    except ImageError as error:
        for path, name in photographs.items():
            error = _renamed(error, path, name)
        raise error from None


def _renamed(error: ImageError, path: Path, name: str) -> ImageError:
    """Say what is wrong with an image in words for whoever sees only its name."""
    text = str(error)
    for written in (str(path), show_name(path)):
        text = text.replace(written, name)
    return ImageError(text.replace(RAISE_CAP, "reduce the image"))


def photograph_of(entry: Entry, images: Path) -> Path:
    """Return where the image of an entry lies.

    Raises:
        ImageError: It is gone, or what lies there now is a link to elsewhere.
    """
    if entry.path is None:
        if entry.image_sha256 is None:
            raise ImageError(f"{entry.name} could not be copied; add it again")
        path = image_path(entry.image_sha256, images)
    else:
        path = entry.path
        # a path that was resolved once leads elsewhere only if a link was put in its way
        if real_path(path) != path:
            raise ImageError(
                f"{show_name(path)} now leads elsewhere by a link; add its folder again"
            )
    if not path.is_file():
        shown = show_name(entry.path) if entry.path else entry.name
        raise ImageError(f"{shown} is no longer there; bring it back")
    return path


def unchanged_photograph(entry: Entry, database: Database, images: Path, limits: Limits) -> Image:
    """Read the image of an entry if it is still the one that was judged.

    Raises:
        ImageError: It cannot be read, is gone, or has changed.
    """
    path = photograph_of(entry, images)
    if entry.path is not None:
        row = database.row("SELECT file_size, file_mtime_ns FROM entries WHERE id = ?", (entry.id,))
        status = path.stat()
        is_same = row is not None and tuple(row) == (status.st_size, _mtime_ns(status))
        if not is_same and entry.image_sha256 not in (None, digest_of(path)):
            raise ImageError(f"{show_name(path)} has changed since it was judged; judge it again")
    bits = None
    with suppress(ModelFileError):  # without its model, a photograph can still be looked at
        bits = read_significant_bits(entry.model)
    return read_photograph(path, entry.name, limits, bits)


def folder_images(folder: Path, roots: Sequence[Path]) -> Iterator[FolderImage]:
    """Give the images directly in a folder, by name; links that leave the roots are left out.

    Raises:
        OSError: The folder cannot be listed.
    """
    with os.scandir(folder) as listed:
        names = sorted(each.name for each in listed if is_image_name(each.name))
    for name in names:
        found = _folder_image(folder / name, roots)
        if found is not None:
            yield found


def _folder_image(path: Path, roots: Sequence[Path]) -> FolderImage | None:
    """Look at one file of a resolved folder; None if it is no file, or a link out of the roots."""
    try:
        real = real_path(path) if path.is_symlink() else path
        if root_of(real, roots) is None or not real.is_file():
            return None
        status = real.stat()
    except (OSError, ValueError):  # gone in the meantime, or links in a circle
        return None
    return FolderImage(path.name, real, status.st_size, _mtime_ns(status))


def _mtime_ns(status: os.stat_result) -> int:
    """Return when a file was changed, in the bounds of a number of a table."""
    return max(-(2**63), min(status.st_mtime_ns, 2**63 - 1))


def digest_of(path: Path) -> str:
    """Return the SHA-256 of a file's content.

    Raises:
        OSError: It cannot be read.
    """
    digest = hashlib.sha256()
    for chunk in read_chunks(path, max_bytes=MAX_IMAGE_BYTES):
        digest.update(chunk)
    return digest.hexdigest()


def _megabytes(n_bytes: int) -> str:
    return f"{n_bytes / 1e6:.3g} MB"
