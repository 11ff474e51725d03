"""What has been taught: classes of regions, their examples and every lesson, in a database."""

from engine.regions.library.empty import empty_library
from engine.regions.library.errors import KindConflict, LibraryError, NameConflict
from engine.regions.library.library import Library
from engine.regions.library.names import clean_name
from engine.regions.library.records import (
    Example,
    Kind,
    Lesson,
    NewExample,
    RegionClass,
    Reversal,
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
