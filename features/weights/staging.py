"""How do checked files take their place?

They wait in a folder ``.part`` beside their place until all are there. What says how they should be
goes first: whoever looks meanwhile finds that old files do not match it, and loads none.
"""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from pathlib import Path

from features.weights.errors import WeightsError
from features.weights.registry import MODEL
from features.weights.sidecar import Sidecar, read_sidecar

_STAGING = ".part"


def staging_in(folder: Path) -> Path:
    """Return the folder to fetch or copy into; what an earlier attempt left there is kept."""
    staging = folder / _STAGING
    staging.mkdir(exist_ok=True)
    return staging


def install(staging: Path, folder: Path, sidecar: Sidecar) -> None:
    """Move the files that ``sidecar`` lists into their place, and remove what they replace."""
    names = [file.name for file in sidecar.files]
    replaced = _listed_in(folder) - set(names)
    sidecar.write(folder)
    for name in sorted(names, key=lambda name: name == MODEL):
        _flush(staging / name)
        (staging / name).replace(folder / name)
    if sidecar.made_from:
        replaced.add(sidecar.made_from.name)
    for name in replaced:
        (folder / name).unlink(missing_ok=True)
    shutil.rmtree(staging)


def _listed_in(folder: Path) -> set[str]:
    """Give the files that are there by an earlier installation."""
    with suppress(WeightsError):  # a damaged list is about to be replaced
        sidecar = read_sidecar(folder)
        return {file.name for file in sidecar.files} if sidecar else set()
    return set()


def _flush(path: Path) -> None:
    """Make sure that the bytes are on the disk before the name is."""
    with path.open("r+b") as stream:  # Windows flushes what may be written only
        os.fsync(stream.fileno())
