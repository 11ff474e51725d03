"""Fixtures that the tests of several packages share."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

NOBODY = 65534


@pytest.fixture
def locked_folder() -> Iterator[Path]:
    """A folder that may be entered but neither listed nor written, with a file ``unreadable.png``.

    Permissions do not bind root, so root becomes nobody for the length of the test.
    """
    with tempfile.TemporaryDirectory() as name:  # tmp_path lies under a folder closed to nobody
        folder = Path(name)
        (folder / "unreadable.png").write_bytes(b"x")
        (folder / "unreadable.png").chmod(0)
        folder.chmod(0o111)
        is_root = os.geteuid() == 0
        if is_root:
            os.seteuid(NOBODY)
        yield folder
        if is_root:
            os.seteuid(0)
        folder.chmod(0o700)
