"""What has been taught: classes of regions, their examples and every lesson, in a database."""

from engine.library.errors import KindConflict, LibraryError, NameConflict
from engine.library.library import Library, empty_library
from engine.library.records import (
    Example,
    Kind,
    Lesson,
    NewExample,
    RegionClass,
    Reversal,
    clean_name,
)

__all__ = [
    "Example",
    "Kind",
    "KindConflict",
    "Lesson",
    "Library",
    "LibraryError",
    "NameConflict",
    "NewExample",
    "RegionClass",
    "Reversal",
    "clean_name",
    "empty_library",
]
