import errno
import os
import subprocess
import sys
from concurrent.futures.process import BrokenProcessPool

import click
import pytest

from engine.atomic import OutputError
from engine.benchmark.datasets import DatasetError
from engine.cli.failures import one_line_errors
from engine.errors import ConfigError, NotFittedError
from engine.model_file import ModelFileError
from features.device import MachineError
from features.images import ImageError
from features.region import RegionError
from features.weights.errors import WeightsError


@pytest.mark.parametrize(
    "kind",
    [
        ConfigError,
        DatasetError,
        ImageError,
        MachineError,
        ModelFileError,
        NotFittedError,
        OutputError,
        RegionError,
        WeightsError,
    ],
)
def test_what_the_user_can_mend_is_said_in_one_line(kind):
    with pytest.raises(click.ClickException, match="first second") as caught, one_line_errors():
        raise kind("first\n  second")
    assert caught.value.exit_code == 2
    assert caught.value.message == "first second"


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (MemoryError(), "out of memory; use fewer or smaller images, or fewer --jobs"),
        (BrokenProcessPool(), "a worker process died, perhaps for lack of memory"),
        (OSError(errno.EIO, os.strerror(errno.EIO), "a.png"), "a.png: Input/output error"),
        (OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)), "the output: No space left on device"),
        (OSError("odd"), "odd"),
    ],
)
def test_what_the_machine_cannot_do_is_said_in_one_line(error, message):
    with pytest.raises(click.ClickException, match=message) as caught, one_line_errors():
        raise error
    assert caught.value.exit_code == 2


def test_a_fault_of_our_own_keeps_its_traceback():
    with pytest.raises(ZeroDivisionError), one_line_errors():
        _ = 1 / 0


def test_an_interruption_ends_with_130(capsys):
    with pytest.raises(SystemExit) as end, one_line_errors():
        raise KeyboardInterrupt
    assert end.value.code == 130
    assert capsys.readouterr() == ("", "Interrupted; no file was left half-written.\n")


def test_complaints_of_click_and_chosen_exits_pass():
    for error in (click.UsageError("x"), click.exceptions.Exit(4), SystemExit(3)):
        with pytest.raises(type(error)) as caught, one_line_errors():
            raise error
        assert caught.value is error


def test_what_a_library_refuses_is_said_in_one_line():
    from engine.library import KindConflict, LibraryError, NameConflict
    from engine.regions.teaching import ConflictError

    for kind in (ConflictError, KindConflict, LibraryError, NameConflict):
        with pytest.raises(click.ClickException, match="first second") as caught, one_line_errors():
            raise kind("first\n  second")
        assert caught.value.exit_code == 2


def test_an_error_before_any_library_loads_none():
    program = """
import sys
from engine.cli.failures import one_line_errors
try:
    with one_line_errors():
        raise MemoryError
finally:
    assert "sqlalchemy" not in sys.modules
"""
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert "out of memory" in ended.stderr
    assert "AssertionError" not in ended.stderr


def test_a_question_that_is_not_answered_is_an_interruption(capsys):
    with pytest.raises(SystemExit) as end, one_line_errors():
        raise click.Abort
    assert end.value.code == 130
    assert capsys.readouterr().err == "Interrupted; no file was left half-written.\n"
