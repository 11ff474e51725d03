"""Exit codes, and the one line that a failing command ends with.

The line goes to the standard error stream, never with a traceback; a fault of our own is the
exception. A stream that is closed, full or no longer read ends a command quietly.
"""

from __future__ import annotations

import logging
import os
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, NoReturn, TextIO

import click

EXIT_CODES = """\b
Exit codes:
  0    done
  1    an image could not be judged
  2    bad usage, input or output
  3    an anomaly was found, with --fail-on-anomaly
  130  interrupted
"""
BROKEN_IMAGE, BAD_USAGE, ANOMALY = 1, 2, 3
INTERRUPTED = 130  # 128 + SIGINT, as shells count
BROKEN_PIPE = 141  # 128 + SIGPIPE


class Failure(click.ClickException):
    """What a command could not do, in one line."""

    exit_code = BAD_USAGE


@contextmanager
def one_line_errors() -> Iterator[None]:
    """End the process as the head of this module says; usable as a decorator of a command."""
    try:
        yield
    except (click.ClickException, click.exceptions.Exit, BrokenPipeError):
        raise
    except (KeyboardInterrupt, click.Abort):  # the latter while a question is asked
        click.echo("Interrupted; no file was left half-written.", err=True)
        sys.exit(INTERRUPTED)
    except MemoryError as error:
        # the frames where it arose hold what took all the memory
        traceback.clear_frames(error.__traceback__)
        raise Failure(_message(error) or "out of memory") from None
    except Exception as error:
        message = _message(error)
        if message is None:
            raise
        raise Failure(message) from error


def _message(error: Exception) -> str | None:
    # imported late, as `partwise --help` must not wait for it
    from engine.errors import user_message

    return user_message(error)


class Commands(click.Group):
    """Group of commands whose complaints are one line each, whatever was typed."""

    def make_context(self, *args: Any, **kwargs: Any) -> click.Context:
        """Parse the words that are for the group itself."""
        with _said_well():
            return super().make_context(*args, **kwargs)

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command."""
        with _said_well():
            return super().invoke(ctx)


@contextmanager
def _said_well() -> Iterator[None]:
    """Write out what cannot be seen in a complaint, which quotes what was typed."""
    try:
        yield
    except click.ClickException as error:
        from features.names import one_line

        error.message = one_line(error.message)  # type: ignore[misc]  # there is no other way
        raise
    except BrokenPipeError:  # whoever read our output has seen enough
        _settle(sys.stdout)
        sys.exit(BROKEN_PIPE)


# Streams of the process


def run(command: click.Group) -> NoReturn:
    """Run a command line in a process of its own, and end it."""
    _open_streams()
    _log_lines()
    try:
        command(prog_name="partwise")
    except MemoryError:
        # even what says so found no room: these bytes are there already
        os.write(2, _NO_MEMORY)
        sys.exit(BAD_USAGE)
    except OSError as error:  # help or a complaint could not be written
        with suppress(OSError):
            click.echo(f"Error: the output: {error.strerror}", err=True)
        sys.exit(BAD_USAGE)
    finally:
        _settle(sys.stdout)
        _settle(sys.stderr)
    sys.exit(0)


_NO_MEMORY = b"Error: out of memory; use fewer or smaller images, or fewer --jobs\n"


def _open_streams() -> None:
    """Open the standard streams that were closed into nothing; a file must not take their place."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            # the system gives the lowest number that is free, which is that of the stream
            number = os.open(os.devnull, os.O_RDWR)
            setattr(sys, name, os.fdopen(number, mode, encoding="utf-8"))


def _log_lines() -> None:
    """Let warnings of libraries be one line each."""

    class Lines(logging.Formatter):
        """Writes a record as `features.names` does, which is imported only then."""

        def format(self, record: logging.LogRecord) -> str:
            from features.names import LineFormatter

            return LineFormatter().format(record)

    if logging.lastResort is not None:
        logging.lastResort.setFormatter(Lines())


def _settle(stream: TextIO) -> None:
    """Write out what waits; where nobody takes it, let it go, so that the interpreter may end."""
    try:
        stream.flush()
    except (OSError, ValueError):
        with suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
