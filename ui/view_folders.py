"""Which folders can be chosen, and how many images lie in them?"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from features.image_files import SUFFIXES

# more than a person reads, and what a careless root may hold
MAX_SHOWN = 200


@dataclass(frozen=True)
class Folder:
    """A folder below a root: the folders in it by name, and how many images it holds itself."""

    path: Path
    parent: Path | None
    children: tuple[str, ...]
    n_images: int
    n_hidden: int = 0
    """Children beyond those that are listed."""


def look_into(path: Path, roots: Sequence[Path]) -> Folder:
    """List a resolved folder below a root; links and hidden folders are left out.

    Raises:
        OSError: It cannot be listed.
    """
    with os.scandir(path) as listed:
        found = [each for each in listed if not each.name.startswith(".")]
    names = sorted(each.name for each in found if each.is_dir(follow_symlinks=False))
    n_images = sum(each.name.lower().endswith(SUFFIXES) for each in found)
    parent = path.parent if is_below(path.parent, roots) else None
    return Folder(path, parent, tuple(names[:MAX_SHOWN]), n_images, len(names[MAX_SHOWN:]))


def is_below(path: Path, roots: Sequence[Path]) -> bool:
    """Whether a resolved path lies in or below one of the roots."""
    return any(path.is_relative_to(root.resolve()) for root in roots)


def short(path: Path, roots: Sequence[Path]) -> str:
    """Write a path from the name of its root on."""
    for root in roots:
        base = root.resolve()
        if path.is_relative_to(base):
            return str(Path(base.name or "/") / path.relative_to(base))
    return str(path)
