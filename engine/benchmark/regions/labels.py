"""Labelled boxes of the photographs of a folder.

Reads what label tools of the YOLO family write; what their files hold is in ``label_files``. The
labels of ``NAME.jpg`` are ``NAME.txt``: in the folder that has ``labels`` for ``images`` in its
path (``images/train`` and ``labels/train``, ``train/images`` and ``train/labels``), beside the
photograph, or in a folder ``labels`` beside it. A photograph without such a file shows none of the
classes.

Exports often hold altered copies of a photograph; what tells them is the name (``group_of``).
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from engine.benchmark.datasets import DatasetError
from engine.benchmark.regions.label_files import (
    LISTS,
    ClassList,
    LabelLine,
    agreed_classes,
    is_class_list,
    read_labels,
)
from features.image_files import is_image_name
from features.region import Region

# NAME_jpg.rf.0123abcd: how Roboflow exports a photograph and its altered copies
_EXPORT = re.compile(r"_(bmp|gif|jpe?g|png|tiff?|webp)\.rf\.[0-9a-f]+$", re.IGNORECASE)
# "NAME (2)", "NAME - Copy", "NAME_copy3": how file managers name a copy
_COPY = re.compile(r"( \(\d+\)|[ _-]+copy[ _-]?\(?\d*\)?)$", re.IGNORECASE)
_LAYOUT = f"{LISTS}, and images/NAME.jpg beside labels/NAME.txt"

# what a folder of photographs is called that has a folder of labels beside it
_IMAGES = ("images", "jpegimages")
_SHOWN = 5


@dataclass(frozen=True)
class LabelledBox:
    """A thing on a photograph; edges are shares of its width and height, 0 … 1."""

    class_index: int
    edges_xyxy: tuple[float, float, float, float]

    @property
    def share(self) -> float:
        """Share of the photograph that the box covers."""
        left, top, right, bottom = self.edges_xyxy
        return (right - left) * (bottom - top)

    def region(self, size: tuple[int, int]) -> Region:
        """Return all pixels of the box on a photograph of this (height, width); at least one."""
        left, top, right, bottom = self.edges_xyxy
        x0, x1 = _pixels(left, right, size[1])
        y0, y1 = _pixels(top, bottom, size[0])
        return Region((x0, y0, x1, y1), np.ones((y1 - y0, x1 - x0), dtype=bool))


@dataclass(frozen=True)
class BoxedPhoto:
    """A photograph and what is on it; copies of one photograph are of one ``group``."""

    path: Path
    group: str
    boxes: tuple[LabelledBox, ...]


@dataclass(frozen=True)
class BoxedSet:
    """Photographs, sorted by path, and the names of the classes that their boxes count.

    ``notes`` say what was left out, and what was taken as something else.
    """

    root: Path
    class_names: tuple[str, ...]
    photos: tuple[BoxedPhoto, ...]
    notes: tuple[str, ...] = ()

    def groups_of(self, class_index: int) -> list[str]:
        """Return the groups that show a class, sorted."""
        return sorted(
            {
                photo.group
                for photo in self.photos
                if any(box.class_index == class_index for box in photo.boxes)
            }
        )


def find_boxes(folder: Path) -> BoxedSet:
    """Read the labels of every photograph below a folder; no photograph is opened.

    Raises:
        DatasetError: In one line: there is no such folder, no list of classes, no photograph, no
            box, labels without their photograph, or a line that is no label.
    """
    if not folder.is_dir():
        raise DatasetError(f"no such folder: {folder}")
    tree = _Tree.of(folder)
    if not tree.lists:
        raise DatasetError(f"no list of classes in {folder}: expected {_LAYOUT}")
    classes = agreed_classes(tree.lists, folder)
    pairs = _paired(tree)
    if not pairs:
        raise DatasetError(f"no images in {folder}: expected {_LAYOUT}")
    labels = {
        image: read_labels(text, classes) if text else () for image, text in sorted(pairs.items())
    }
    used = sorted({line.class_index for lines in labels.values() for line in lines})
    if not used:
        n_labelled = sum(text is not None for text in pairs.values())
        raise DatasetError(f"no box in any of the {n_labelled} files of labels in {folder}")
    photos = tuple(
        BoxedPhoto(
            image,
            group_of(image.stem),
            tuple(LabelledBox(used.index(each.class_index), each.edges_xyxy) for each in lines),
        )
        for image, lines in sorted(labels.items(), key=lambda item: _order(item[0]))
    )
    notes = tuple(_notes(tree, pairs, labels, classes, used))
    return BoxedSet(folder, tuple(classes.names[each] for each in used), photos, notes)


def group_of(stem: str) -> str:
    """Return the name of the photograph that a file is, or is an altered copy of."""
    return _COPY.sub("", _EXPORT.sub("", stem))


# Pairing of photographs and labels

_Key = tuple[tuple[str, ...], str]


@dataclass(frozen=True)
class _Tree:
    """The files below a folder, hidden ones excepted, by what they may be."""

    root: Path
    images: tuple[Path, ...]
    texts: dict[_Key, Path]
    lists: tuple[Path, ...]
    others: tuple[Path, ...]

    @classmethod
    def of(cls, root: Path) -> _Tree:
        """Look at every file; links to folders are not followed.

        Raises:
            DatasetError: A folder cannot be listed.
        """
        images, texts, lists, others = [], {}, [], []
        for path in _files_below(root):
            suffix = path.suffix.lower()
            if is_image_name(path.name):
                images.append(path)
            elif is_class_list(path):
                lists.append(path)
            elif suffix == ".txt":
                texts[_folder_key(root, path.parent), path.stem] = path
            else:
                others.append(path)
        return cls(root, tuple(images), texts, tuple(lists), tuple(others))

    def places(self, image: Path) -> list[_Key]:
        """Give where the labels of a photograph may lie; folders in any case."""
        beside = _folder_key(self.root, image.parent)
        places = [beside, (*beside, "labels")]
        for index in reversed(range(len(beside))):
            if beside[index] in _IMAGES:
                places.append((*beside[:index], "labels", *beside[index + 1 :]))
                break
        return [(place, image.stem) for place in places]


def _files_below(root: Path) -> Iterable[Path]:
    def refuse(error: OSError) -> None:
        raise DatasetError(f"cannot list {error.filename}: {error.strerror}") from error

    for folder, names, files in os.walk(root, onerror=refuse):
        names[:] = sorted(name for name in names if not name.startswith("."))
        for name in sorted(files):
            path = Path(folder, name)
            if not name.startswith(".") and path.is_file():
                yield path


def _folder_key(root: Path, folder: Path) -> tuple[str, ...]:
    return tuple(part.lower() for part in folder.relative_to(root).parts)


def _paired(tree: _Tree) -> dict[Path, Path | None]:
    """Give each photograph its labels; None where it has none.

    What lies where no photograph has labels, and in no folder for photographs, is not of the set.
    """
    of_image: dict[Path, Path | None] = {}
    for image in tree.images:
        found = [tree.texts[key] for key in tree.places(image) if key in tree.texts]
        if len(found) > 1:
            raise DatasetError(f"two files of labels for {image}: {found[0]} and {found[1]}")
        of_image[image] = found[0] if found else None
    taken: dict[Path, Path] = {}
    for image, text in of_image.items():
        if text is not None and text in taken:
            raise DatasetError(f"two files share their labels: {taken[text]} and {image.name}")
        if text is not None:
            taken[text] = image
    for key, text in sorted(tree.texts.items()):
        if "labels" in key[0] and text not in taken:
            raise DatasetError(
                f"no image for {text}: expected {_LAYOUT}{_of_that_name(tree, text)}"
            )
    folders = {image.parent for image in taken.values()}
    return {
        image: text
        for image, text in of_image.items()
        if image.parent in folders or _is_for_photographs(tree.root, image)
    }


def _of_that_name(tree: _Tree, text: Path) -> str:
    """Say if there is a file of the right name that is read by nobody."""
    same = next((each for each in tree.others if each.stem == text.stem), None)
    return f"; {same.name} is of a format that is not read, convert it" if same else ""


def _is_for_photographs(root: Path, image: Path) -> bool:
    return any(part in _IMAGES for part in _folder_key(root, image.parent))


def _order(image: Path) -> tuple[Path, str]:
    return image.parent, image.stem


# What a reader of the figures must know


def _notes(
    tree: _Tree,
    pairs: dict[Path, Path | None],
    labels: dict[Path, tuple[LabelLine, ...]],
    classes: ClassList,
    used: Sequence[int],
) -> Iterable[str]:
    """Say what was left out, and what was taken as something else; one sentence each."""
    bare = [image for image, text in pairs.items() if text is None]
    if bare:
        yield f"{_counted(bare, 'photograph has', 'photographs have')} no labels: background"
    n_outlines = sum(each.is_outline for lines in labels.values() for each in lines)
    if n_outlines:
        yield f"{n_outlines} outlines count as the boxes around them"
    unused = [name for index, name in enumerate(classes.names) if index not in used]
    if unused:
        yield f"{_counted(unused, 'class has', 'classes have')} no box and no part: {_few(unused)}"
    elsewhere = [each for each in tree.images if each not in pairs]
    if elsewhere:
        names = [each.relative_to(tree.root).as_posix() for each in elsewhere]
        yield f"{_counted(names, 'image is', 'images are')} left out, without labels: {_few(names)}"
    folders = {image.parent for image in pairs}
    odd = [each for each in tree.others if each.parent in folders]
    if odd:
        suffixes = sorted({each.suffix or each.name for each in odd})
        yield f"{_counted(odd, 'file is', 'files are')} left out, no photographs: {_few(suffixes)}"


def _counted(found: Sequence[object], one: str, many: str) -> str:
    return f"{len(found)} {one if len(found) == 1 else many}"


def _few(names: Sequence[str]) -> str:
    rest = len(names) - _SHOWN
    return ", ".join(names[:_SHOWN]) + (f" and {rest} more" if rest > 0 else "")


def _pixels(low: float, high: float, n_pixels: int) -> tuple[int, int]:
    """Round two edges to pixels, at least one of which is between them."""
    first = min(round(low * n_pixels), n_pixels - 1)
    return first, max(first + 1, round(high * n_pixels))
