"""Exit codes, and the one line that a failing command ends with.

The line goes to the standard error stream, never with a traceback; a fault of our own is the
exception.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

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
    except (click.ClickException, click.exceptions.Exit):
        raise
    except (KeyboardInterrupt, click.Abort):  # the latter while a question is asked
        click.echo("Interrupted; no file was left half-written.", err=True)
        sys.exit(INTERRUPTED)
    except BrokenPipeError:
        # The reader of our output has left: let the interpreter flush what remains into nothing.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(BROKEN_PIPE)
    except Exception as error:
        # Imported late: it needs NumPy, which `partwise --help` must not wait for.
        from engine.errors import user_message

        message = user_message(error)
        if message is None:
            raise
        raise Failure(" ".join(message.split())) from error
