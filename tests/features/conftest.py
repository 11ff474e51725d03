"""Files made by hand, for the tests of what reads them."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture(scope="session")
def tiff_writer() -> Iterator[ModuleType]:
    """The module that puts TIFF files together byte by byte."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(Path(__file__).parent)
        yield importlib.import_module("tiff_writer")
