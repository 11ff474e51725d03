"""Data sets: their images, and which of them are anomalous.

Reads three layouts, told apart by what is there. All of them have ``train/good`` and
``test/<group>``, where the group ``good`` is normal and every other one anomalous:

- MVTec LOCO: ``validation/good``, ``ground_truth/<group>/<id>/000.png`` (one mask per region, its
  grey values say the defects) and ``defects_config.json`` (which grey value is which defect);
- MVTec AD: ``ground_truth/<group>/<id>_mask.png``;
- plain folders without ground truth.

Folders may be written in any case; groups that differ in nothing else are one. What lies in these
folders and is not read is counted: figures of fewer images than there are must say so.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from engine.benchmark.defects import DatasetError, Defect, read_defects
from features.folders import LeftOut, is_folder, left_out, left_out_text
from features.image_files import SUFFIXES, list_folder, read_labels
from features.images import ImageError
from features.names import real_path, show_name

__all__ = [
    "Category",
    "DatasetError",
    "Defect",
    "Sample",
    "category_folders",
    "find_categories",
    "find_datasets",
    "left_out_beside",
]

_LAYOUT = "CATEGORY/train/good and CATEGORY/test/good beside CATEGORY/test/<defect>"
_GOOD = "good"
_SHOWN = 3


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
    """One product of a data set; every tuple of images is sorted by path.

    ``left_out`` counts what lies in its folders and is not read; ``notes`` say in a sentence each
    what else a reader of the figures must know.
    """

    name: str
    root: Path
    train: tuple[Path, ...]
    validation: tuple[Path, ...]
    test: tuple[Sample, ...]
    defects: tuple[Defect, ...] = ()
    left_out: tuple[LeftOut, ...] = ()
    notes: tuple[str, ...] = ()

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
    except (DatasetError, OSError):
        return []
    return [found for each in subfolders for found in find_datasets(each, depth=depth - 1)]


def left_out_beside(root: Path) -> tuple[LeftOut, ...]:
    """Count what lies beside the categories of a data set, in folders that are none.

    Raises:
        DatasetError: There is no such folder, or no category in it.
    """
    folders = category_folders(root)
    if folders.get(real_path(root).name) == real_path(root):
        return ()
    return _left_out(root, folders)


def _folders_in(root: Path) -> dict[str, Path]:
    return {folder.name: folder for folder in _subfolders(root) if _is_category(folder)}


def _is_category(folder: Path) -> bool:
    if is_folder(folder / "train" / _GOOD):
        return True
    try:
        return bool(_folders(folder, "train", _GOOD))
    except DatasetError:  # it may not be looked into
        return False


def _read_category(root: Path) -> Category:
    test_folders = _folders(root, "test")
    groups = _groups(test_folders)
    train, validation = (
        _Listed.of(_folders(root, part, _GOOD)) for part in ("train", "validation")
    )
    tested = {name: _Listed.of(folders) for name, folders in groups.items()}
    parents = [*_folders(root, "train"), *_folders(root, "validation"), *test_folders]
    rest = tuple(
        each
        for found in (_beside(parents), train, validation, *tested.values())
        for each in found.left_out
    )
    _check_images(root, "train/good", train, rest)
    _check_images(root, "test/good", tested.get(_GOOD), rest)
    if not any(found.images for name, found in tested.items() if name != _GOOD):
        raise DatasetError(
            f"no anomalous images in {root / 'test'}: expected {_LAYOUT}{_told(rest)}"
        )
    defects = read_defects(root / "defects_config.json")
    truth = _GroundTruth(root, {each.pixel_value: each.name for each in defects})
    test = tuple(
        truth.sample(path, name) for name, found in tested.items() for path in found.images
    )
    learnt = [{_GOOD: _folders(root, part, _GOOD)} for part in ("train", "validation")]
    merged = [note for each in (*learnt, groups) for note in _case_notes(each)]
    notes = (*merged, *truth.notes())
    return Category(root.name, root, train.images, validation.images, test, defects, rest, notes)


def _check_images(root: Path, name: str, listed: _Listed | None, rest: Sequence[LeftOut]) -> None:
    if listed is None or not listed.images:
        raise DatasetError(f"no images in {root / name}: expected {_LAYOUT}{_told(rest)}")


def _told(rest: Sequence[LeftOut]) -> str:
    text = left_out_text(rest)
    return f"; {text}" if text else ""


# Folders and their images


@dataclass(frozen=True)
class _Listed:
    """The images of some folders, sorted by path, and what else lies in them."""

    images: tuple[Path, ...]
    left_out: tuple[LeftOut, ...]

    @classmethod
    def of(cls, folders: Sequence[Path]) -> _Listed:
        images: list[Path] = []
        rest: list[LeftOut] = []
        for folder in folders:
            found = _list(folder)
            images += found[0]
            rest += found[1]
        return cls(tuple(sorted(images)), tuple(rest))


def _beside(parents: Sequence[Path]) -> _Listed:
    """Look for what lies in ``train``, ``validation`` and ``test`` outside of their groups."""
    rest: list[LeftOut] = []
    for folder in parents:
        is_test = folder.name.casefold() == "test"
        groups = [each.name for each in _subfolders(folder)]
        taken = [name for name in groups if is_test or name.casefold() == _GOOD]
        rest += _left_out(folder, taken)
    return _Listed((), tuple(rest))


def _groups(test_folders: Sequence[Path]) -> dict[str, list[Path]]:
    """Give the folders of each group, which is called as the first of them, or ``good``."""
    found: dict[str, list[Path]] = {}
    for group in sorted(group for folder in test_folders for group in _subfolders(folder)):
        found.setdefault(group.name.casefold(), []).append(group)
    return {name if name == _GOOD else folders[-1].name: folders for name, folders in found.items()}


def _case_notes(groups: dict[str, list[Path]]) -> Iterator[str]:
    for name, folders in groups.items():
        if len(folders) > 1:
            listed = " and ".join(show_name("/".join(each.parts[-2:])) for each in folders)
            yield f"{listed} are taken as one group, {show_name(name)}"


def _folders(root: Path, *names: str) -> list[Path]:
    """Give the folders below a root at a path of names, in whatever case they are written."""
    found = [root]
    for name in names:
        found = [
            each
            for folder in found
            for each in sorted(_entries(folder))
            if each.name.casefold() == name and is_folder(each)
        ]
    return found


def _subfolders(folder: Path) -> Iterator[Path]:
    found = (path for path in _entries(folder) if path.name[0] != "." and is_folder(path))
    return iter(sorted(found))


def _list(folder: Path) -> tuple[list[Path], tuple[LeftOut, ...]]:
    try:
        return list_folder(folder)
    except ImageError as error:
        raise DatasetError(str(error)) from error


def _entries(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except OSError as error:
        raise DatasetError(
            f"{folder} cannot be listed ({error.strerror}); check the folder's permissions"
        ) from error


def _left_out(folder: Path, taken: Iterable[str]) -> tuple[LeftOut, ...]:
    try:
        return left_out(folder, set(taken))
    except OSError as error:
        raise DatasetError(f"{folder} cannot be listed ({error.strerror})") from error


# Masks


class _GroundTruth:
    """Masks of a category, and what was found in them by ``sample``.

    ``names`` are those of the defects by the values of their pixels; without them no mask is read.
    """

    def __init__(self, root: Path, names: dict[int, str]) -> None:
        self._names = names
        self._groups: dict[str, list[Path]] = {}
        for folder in _folders(root, "ground_truth"):
            for group in _subfolders(folder):
                self._groups.setdefault(group.name.casefold(), []).append(group)
        self._entries: dict[Path, dict[str, Path]] = {}
        self._unread: list[LeftOut] = []
        self._bare: list[Path] = []
        self._strange: list[str] = []

    def sample(self, path: Path, group: str) -> Sample:
        """Describe a test image.

        Raises:
            DatasetError: A mask cannot be read.
        """
        if group == _GOOD:
            return Sample(path, is_anomalous=False, group=group, types=())
        masks = self._masks(path)
        types = tuple(sorted({name for mask in masks for name in self._found_in(mask)}))
        if self._names and not masks:
            self._bare.append(path)
        return Sample(path, is_anomalous=True, group=group, types=types or (group,), masks=masks)

    def notes(self) -> Iterator[str]:
        """Say what was strange about the masks of all samples so far."""
        if self._bare:
            yield (
                f"anomalous images without a mask, whose type is their group ({len(self._bare)}): "
                f"{_few(['/'.join(each.parts[-2:]) for each in self._bare])}"
            )
        if self._unread:
            yield f"among the masks {left_out_text(self._unread)}"
        if self._strange:
            yield (
                f"masks with pixels of values that no defect has ({len(self._strange)}): "
                f"{_few(self._strange)}"
            )

    def _masks(self, image: Path) -> tuple[Path, ...]:
        """Find the mask beside the others, or the folder of masks, of an image."""
        group, stem = image.parent, image.stem
        if group not in self._entries:
            same = self._groups.get(group.name.casefold(), [])
            # of groups that differ in case, each has its own
            folders = [each for each in same if each.name == group.name] or same
            self._entries[group] = {
                entry.name: entry for folder in folders for entry in _entries(folder)
            }
        entries = self._entries[group]
        flat = [entries.get(f"{stem}_mask{suffix}") for suffix in (".png", *SUFFIXES)]
        for mask in flat:
            if mask is not None and mask.is_file():
                return (mask,)
        folder = entries.get(stem)
        if folder is None or not is_folder(folder):
            return ()
        masks, rest = _list(folder)
        self._unread += rest
        return tuple(masks)

    def _found_in(self, mask: Path) -> Iterator[str]:
        """Name the defects in a mask, and remember values that are of none."""
        if not self._names:
            return
        counts = _values(mask)
        yield from (self._names[value] for value in counts if value in self._names)
        if strange := {value: n for value, n in counts.items() if value not in self._names}:
            listed = _few([f"{n} px of {value}" for value, n in sorted(strange.items())])
            place = "/".join(mask.parts[-3:])
            self._strange.append(f"{place} ({listed})")


def _values(mask: Path) -> dict[int, int]:
    """Count the pixels of each value in a mask, 0 excepted."""
    try:
        values, counts = np.unique(read_labels(mask), return_counts=True)
    except ImageError as error:
        raise DatasetError(f"cannot read the mask {mask}: {error}") from error
    return {int(v): int(n) for v, n in zip(values, counts, strict=True) if v != 0}


def _few(names: Sequence[str]) -> str:
    rest = len(names) - _SHOWN
    return ", ".join(map(show_name, names[:_SHOWN])) + (f" and {rest} more" if rest > 0 else "")


def _join(names: Iterable[str]) -> str:
    return ", ".join(sorted(names))
