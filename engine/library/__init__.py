"""Library of what was taught: region classes, their examples and every lesson."""

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
