"""What holds for all tests: shapes are checked, and nothing is skipped where all must be run."""

from __future__ import annotations

import importlib
import os
import signal
import sys
import tempfile
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any, Self, TypeVar

import pytest
from beartype import BeartypeConf, FrozenDict, beartype
from jaxtyping import install_import_hook

NOBODY = 65534

Report = TypeVar("Report", pytest.TestReport, pytest.CollectReport)

# integers pass for floats, as everywhere in Python; what Self is, beartype cannot know of functions
# that jaxtyping hands over without their class
_STRICT = BeartypeConf(is_pep484_tower=True, hint_overrides=FrozenDict({Self: Any}))


def check_types(function: Callable[..., Any]) -> Callable[..., Any]:
    """Let beartype check a function, but for making a record that has checks of its own.

    Those name the problem and its cure, so that they are the ones to be tested.
    """
    checked: Callable[..., Any] = beartype(conf=_STRICT)(function)
    if function.__name__ != "__init__":
        return checked

    def check_making(self: object, *args: Any, **kwargs: Any) -> None:
        is_config = type(self).__name__.endswith("Config")
        if not is_config and not hasattr(self, "__post_init__"):
            checked(self, *args, **kwargs)

    return check_making


# tests run side by side: threads of networks would wait for each other
os.environ.setdefault("PARTWISE_THREADS", "1")

# the processes that tests start, and the next run, need not compile everything anew
sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

# before any test imports them
install_import_hook(["features", "alignment", "engine"], f"{__name__}.check_types")

# a shell starts jobs in the background deaf to Ctrl-C, which some tests send
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    return refuse_skip((yield))


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    return refuse_skip((yield))


def refuse_skip(report: Report) -> Report:
    """Turn a skip into a failure under PARTWISE_REQUIRE_ALL=1; an expected failure stays one."""
    if os.environ.get("PARTWISE_REQUIRE_ALL") != "1" or hasattr(report, "wasxfail"):
        return report
    if report.skipped:
        report.outcome = "failed"
        report.longrepr = f"skipped, although PARTWISE_REQUIRE_ALL is set: {report.longrepr[2]}"
    return report


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


@pytest.fixture(scope="session")
def samples() -> Iterator[ModuleType]:
    """The module that makes small samples of coloured boxes, and random ones."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(Path(__file__).parent)
        yield importlib.import_module("samples")


@pytest.fixture(scope="session")
def paint(samples: ModuleType) -> Any:
    """Paint a sample: (class, box) of each part."""
    return samples.paint_sample


@pytest.fixture(scope="session")
def random_sample(samples: ModuleType) -> Any:
    """Draw a random sample from a seed."""
    return samples.draw_random


@pytest.fixture(scope="session")
def compare_all(samples: ModuleType) -> Any:
    """Put a test sample compare_all each reference."""
    return samples.compare


@pytest.fixture(scope="session")
def hide(samples: ModuleType) -> Any:
    """Make a box of pixels of a sample, and the cells it touches, not valid."""
    return samples.hide
