"""Data sets: their images, and which of them are anomalous.

Reads three layouts, told apart by what is there. All of them have ``train/good`` and
``test/<group>``, where the group ``good`` is normal and every other one anomalous:

- MVTec LOCO: ``validation/good``, ``ground_truth/<group>/<id>/000.png`` (one mask per region, its
  grey value says the defect) and ``defects_config.json`` (which grey value is which defect);
- MVTec AD: ``ground_truth/<group>/<id>_mask.png``;
- plain folders without ground truth.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from features.errors import UserError
from features.image_files import SUFFIXES
from features.names import real_path

_LAYOUT = "CATEGORY/train/good and CATEGORY/test/good beside CATEGORY/test/<defect>"


class DatasetError(UserError, ValueError):
    """A folder that is no data set, or one that lacks what was asked of it."""


@dataclass(frozen=True)
class Defect:
    """One kind of defect, as ``defects_config.json`` describes it.

    ``saturation_threshold`` is the area beyond which finding more of the region earns no more
    (sPRO); a share of the region if ``is_relative``, in pixels otherwise.
    """

    name: str
    pixel_value: int
    saturation_threshold: float
    is_relative: bool


@dataclass(frozen=True)
class Sample:
    """One test image.

    ``group`` is its folder below ``test``. ``types`` are the kinds of defect in it: the names that
    its masks carry where the data set has them, the group otherwise; none for a normal image.
    """

    path: Path
    is_anomalous: bool
    group: str
    types: tuple[str, ...]
    masks: tuple[Path, ...] = ()


@dataclass(frozen=True)
class Category:
    """One product of a data set; every tuple is sorted by path."""

    name: str
    root: Path
    train: tuple[Path, ...]
    validation: tuple[Path, ...]
    test: tuple[Sample, ...]
    defects: tuple[Defect, ...] = ()

    def relative(self, path: Path) -> str:
        """Return ``path`` below the root of the category, with forward slashes."""
        return path.relative_to(self.root).as_posix()


def find_categories(root: Path, names: Sequence[str] | None = None) -> list[Category]:
    """Read every category below ``root``, or only those named, sorted by name.

    ``root`` is a folder of categories, or is itself one.

    Raises:
        DatasetError: In one line, if there is no such folder, no category, none of a given name,
            or one without training images or without test images of either kind.
    """
    folders = category_folders(root)
    unknown = sorted(set(names or ()) - folders.keys())
    if unknown:
        raise DatasetError(f"no category {', '.join(unknown)} in {root}; it has: {_join(folders)}")
    chosen = folders if not names else [name for name in folders if name in names]
    return [_read_category(folders[name]) for name in chosen]


def category_folders(root: Path) -> dict[str, Path]:
    """Return the resolved folder of every category below ``root``, or ``root`` if it is one.

    Raises:
        DatasetError: In one line, if there is no such folder or no category in it.
    """
    if not root.is_dir():
        raise DatasetError(f"no such folder: {root}")
    root = real_path(root)
    folders = {root.name: root} if _is_category(root) else _folders_in(root)
    if not folders:
        raise DatasetError(f"no category found in {root}: expected {_LAYOUT}")
    return folders


def find_datasets(folder: Path, *, depth: int = 2) -> list[Path]:
    """Return the data sets in a folder, or in folders of it down to ``depth``; none on an error.

    A folder of categories is one, and so is a category of its own; nothing inside one is listed.
    """
    try:
        if _is_category(folder) or _folders_in(folder):
            return [folder]
        subfolders = list(_subfolders(folder)) if depth else []
    except OSError:
        return []
    return [found for each in subfolders for found in find_datasets(each, depth=depth - 1)]


def _folders_in(root: Path) -> dict[str, Path]:
    return {folder.name: folder for folder in _subfolders(root) if _is_category(folder)}


def _is_category(folder: Path) -> bool:
    return (folder / "train" / "good").is_dir()


def _read_category(root: Path) -> Category:
    train = _images(root / "train" / "good")
    if not train:
        raise DatasetError(f"no images in {root / 'train' / 'good'}")
    if not _images(root / "test" / "good"):
        raise DatasetError(f"no images in {root / 'test' / 'good'}: expected {_LAYOUT}")
    defects = _read_defects(root / "defects_config.json")
    names = {defect.pixel_value: defect.name for defect in defects}
    test = tuple(
        _sample(root, path, group.name, names)
        for group in _subfolders(root / "test")
        for path in _images(group)
    )
    if not any(sample.is_anomalous for sample in test):
        raise DatasetError(f"no anomalous images in {root / 'test'}: expected {_LAYOUT}")
    return Category(root.name, root, train, _images(root / "validation" / "good"), test, defects)


def _sample(root: Path, path: Path, group: str, names: dict[int, str]) -> Sample:
    if group == "good":
        return Sample(path, is_anomalous=False, group=group, types=())
    truth = root / "ground_truth" / group
    flat = truth / f"{path.stem}_mask.png"
    masks = (flat,) if flat.is_file() else _images(truth / path.stem)
    found = {names[value] for mask in masks if (value := _grey_value(mask, names)) in names}
    return Sample(
        path, is_anomalous=True, group=group, types=tuple(sorted(found)) or (group,), masks=masks
    )


def _grey_value(mask: Path, names: dict[int, str]) -> int:
    """Return the grey value of the region, or -1 where no grey value has a name."""
    if not names:
        return -1
    try:
        with Image.open(mask) as image:
            return int(np.asarray(image.convert("L")).max())
    except OSError as error:
        raise DatasetError(f"cannot read the mask {mask}: {error}") from error


def _read_defects(path: Path) -> tuple[Defect, ...]:
    if not path.is_file():
        return ()
    try:
        entries: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))
        return tuple(
            Defect(
                name=str(entry["defect_name"]),
                pixel_value=int(entry["pixel_value"]),
                saturation_threshold=float(entry["saturation_threshold"]),
                is_relative=bool(entry["relative_saturation"]),
            )
            for entry in entries
        )
    except (ValueError, KeyError, TypeError) as error:
        raise DatasetError(f"{path} is no list of defects: {error!r}") from error


def _subfolders(folder: Path) -> Iterator[Path]:
    found = (path for path in folder.iterdir() if path.is_dir() and path.name[0] != ".")
    return iter(sorted(found))


def _images(folder: Path) -> tuple[Path, ...]:
    if not folder.is_dir():
        return ()
    return tuple(
        sorted(
            path
            for path in folder.iterdir()
            if path.suffix.lower() in SUFFIXES and path.name[0] != "." and path.is_file()
        )
    )


def _join(names: Iterable[str]) -> str:
    return ", ".join(sorted(names))
