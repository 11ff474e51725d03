"""Server process: ``python -m ui [FLAG OF STREAMLIT]... -- [ARGUMENT]...``.

What ``python -m streamlit run`` does; and before the first visitor comes, the worker of the station
is started, and what pages need is imported.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from importlib import import_module
from pathlib import Path

import click
from streamlit.web import cli

from features.names import one_line
from ui.settings import read_settings

POLL_S = 1.0
INTERRUPTED = 130  # 128 + SIGINT, as shells count
# what the first page would otherwise wait for
PRELOADED = (
    "engine.storage",
    "engine.station",
    "engine.library",
    "ui.inspect_page",
    "altair",
    "pandas",
)


def main() -> None:
    """Serve the app until told to end; never returns."""
    flags, arguments = _split_arguments(sys.argv[1:])
    try:
        settings = read_settings(arguments)
        from engine.station import Station, keep_working

        Station(settings.station, roots=settings.roots).check_writable()
        keep_working(settings.station, model=None if settings.library else settings.model)
    except (OSError, ValueError) as error:
        sys.exit(f"Error: {one_line(str(error))}")
    threading.Thread(target=_import_all, name="imports", daemon=True).start()
    threading.Thread(
        target=_exit_with_parent, args=(os.getppid(),), name="parent", daemon=True
    ).start()
    app = Path(__file__).with_name("asgi.py")
    try:
        cli.main(["run", str(app), *flags, "--", *arguments], "streamlit", standalone_mode=False)
    except (click.Abort, KeyboardInterrupt):
        sys.exit(INTERRUPTED)


def _split_arguments(words: list[str]) -> tuple[list[str], list[str]]:
    """Divide what is for Streamlit from what is for the app."""
    at = words.index("--") if "--" in words else len(words)
    return words[:at], words[at + 1 :]


def _exit_with_parent(parent: int) -> None:
    """End when the command that started this is gone, even if it was killed."""
    while os.getppid() == parent:
        time.sleep(POLL_S)
    os.kill(os.getpid(), signal.SIGTERM)


def _import_all() -> None:
    for name in PRELOADED:
        import_module(name)


if __name__ == "__main__":
    main()
