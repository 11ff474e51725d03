"""What can a library not do? Each error is one line: what, expected, got, cure."""


class LibraryError(ValueError):
    """A library that cannot be opened, read or taught; nothing half-taught remains."""


class NameConflict(LibraryError):  # noqa: N818 - what it is says that it is one
    """A name that another class of the library already has."""


class KindConflict(LibraryError):  # noqa: N818 - as above
    """A class that is accepted where a defect is meant, or the other way round."""
