"""Settings of the app: what it was given when it was started.

``partwise ui`` checks what was typed and hands it on as arguments of the script; what may hold a
password, the address of a library and the password itself, comes through the environment, which the
list of processes does not show.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from features.files import MAX_PASSWORD_BYTES, ContentError, read_text

PASSWORD_VARIABLE = "PARTWISE_PASSWORD"
LIBRARY_VARIABLE = "PARTWISE_LIBRARY"


@dataclass(frozen=True)
class Settings:
    """What holds for every session of one server; all paths are absolute."""

    station: Path
    """The folder of uploads, results and jobs; made where there is none."""
    roots: tuple[Path, ...]
    """Folders below which a path may be typed."""
    model: Path | None = None
    library: str | None = None
    """A file or URL; without one, the library lies beside the model. It may hold a password."""
    password: str | None = None
    is_oidc: bool = False
    is_loopback: bool = True
    """Whether only this machine can reach the server."""

    @property
    def is_guarded(self) -> bool:
        """Whether a visitor must log in."""
        return self.is_oidc or self.password is not None

    def __repr__(self) -> str:
        """Show no password: records end up in logs."""
        return f"Settings(station={str(self.station)!r}, model={str(self.model)!r})"


def read_settings(
    arguments: Sequence[str] | None = None, environment: Mapping[str, str] | None = None
) -> Settings:
    """Read the arguments of the script, by default those of this process.

    Raises:
        ValueError: The file of the password cannot be read or holds none.
    """
    given = _parser().parse_args(sys.argv[1:] if arguments is None else arguments)
    environment = os.environ if environment is None else environment
    station: Path = given.station or _station_beside(given.model)
    return Settings(
        station=station.absolute(),
        roots=tuple(root.absolute() for root in given.root or [Path.cwd()]),
        model=given.model and given.model.absolute(),
        library=environment.get(LIBRARY_VARIABLE) or None,
        password=_password(given.password_file, environment),
        is_oidc=given.oidc,
        is_loopback=not given.exposed,
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(allow_abbrev=False)
    parser.add_argument("--model", type=Path)
    parser.add_argument("--station", type=Path)
    parser.add_argument("--root", type=Path, action="append")
    parser.add_argument("--password-file", type=Path)
    parser.add_argument("--oidc", action="store_true")
    parser.add_argument("--exposed", action="store_true")
    return parser


def _station_beside(model: Path | None) -> Path:
    return model.with_suffix(".station") if model else Path("partwise.station")


def _password(file: Path | None, environment: Mapping[str, str]) -> str | None:
    if file is None:
        return environment.get(PASSWORD_VARIABLE) or None
    try:
        password = read_text(file, max_bytes=MAX_PASSWORD_BYTES).strip("\r\n")
    except ContentError as error:
        raise ValueError(f"{file} must be a text file with a password: {error}") from error
    except OSError as error:
        raise ValueError(
            f"{file} must be a text file with a password, got {error}; check path and permissions"
        ) from error
    if not password.strip():
        raise ValueError(f"{file} must hold a password, got an empty file; write one into it")
    return password
