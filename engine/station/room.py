"""Room on the disks of a station, and errors that mean that there is none."""

from __future__ import annotations

import errno
import shutil
from collections.abc import Iterable
from pathlib import Path

from engine.station.records import DiskFullError

# how a process ends that could do no more for lack of room (EX_TEMPFAIL of sysexits.h)
EXIT_STATUS = 75
# less than this and SQLite cannot even make the files that reading needs
_LEAST_BYTES = 256 * 1024

_FULL = (errno.ENOSPC, errno.EDQUOT)


def has_room(folder: Path) -> bool:
    """Tell whether a disk has room for a verdict; nothing is known of one that is not there."""
    try:
        return shutil.disk_usage(folder).free > _LEAST_BYTES
    except OSError:
        return True


def lack_of_room(error: BaseException, folders: Iterable[Path]) -> DiskFullError | None:
    """Return what an error means if there is no room on the disk of one of these folders."""
    if isinstance(error, DiskFullError):
        return error
    folders = list(folders)
    full = next((each for each in folders if not has_room(each)), None)
    said = next((each for each in _causes(error) if getattr(each, "errno", None) in _FULL), None)
    if full is None and said is None:
        return None
    return DiskFullError(full or folders[0])


def _causes(error: BaseException) -> Iterable[BaseException]:
    """Give an error and what it was raised from."""
    each: BaseException | None = error
    while each is not None:
        yield each
        each = each.__cause__
