"""``partwise ui``: which app is to be started, and what it needs.

The app lies above this package, so that it is never imported here: a process of its own runs it.
"""

from __future__ import annotations

import importlib.util
import ipaddress
import os
import socket
import sys
from dataclasses import dataclass
from pathlib import Path

import click

from engine.cli import options
from engine.cli.failures import Failure, one_line_errors
from engine.cli.terminal import warn

_ENVIRONMENT = """\b
Environment:
  PARTWISE_LIBRARY   the library where --library is not given
  PARTWISE_PASSWORD  what visitors are asked for where --password-file is not given
"""

_LOUD = (
    "WARNING: anyone who reaches {host} can use this app and read the images below its folders; "
    "give --password-file or --oidc, or leave --host out"
)


@click.command(epilog=_ENVIRONMENT)
@click.argument("model", type=options.FILE, required=False, metavar="[MODEL.pw]")
@options.library
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8501,
    show_default=True,
    metavar="N",
    help="To listen on; 0 takes any.",
)
@click.option(
    "--root",
    "roots",
    type=options.FILE,
    multiple=True,
    metavar="DIR",
    help="Paths may be typed below this folder; repeatable.  [default: the current folder]",
)
@options.writes(
    "--station",
    metavar="DIR",
    help="Where uploads and results are kept.  [default: MODEL.station]",
)
@click.option(
    "--host",
    default="127.0.0.1",
    show_default=True,
    metavar="ADDR",
    help="The address to listen on; 0.0.0.0 is all.",
)
@click.option(
    "--password-file",
    type=options.FILE,
    metavar="FILE",
    help="Ask every visitor for the password in this file.",
)
@click.option("--oidc", "is_oidc", is_flag=True, help="Let visitors log in by OpenID Connect.")
@click.option("--no-browser", "is_without_browser", is_flag=True, help="Open no browser.")
@one_line_errors()
def ui(
    model: Path | None,
    *,
    library: str | None,
    port: int,
    roots: tuple[Path, ...],
    station: Path | None,
    host: str,
    password_file: Path | None,
    is_oidc: bool,
    is_without_browser: bool,
) -> None:
    """Open the app in a browser.

    Everything it does, the other commands can do too. Without MODEL.pw, the app helps to make one.
    """
    from engine.cli.ui_server import flags, serve, variables

    app = _app()
    offer = _Offer(
        model=_checked_model(model),
        station=station or (model.with_suffix(".station") if model else Path("partwise.station")),
        roots=tuple(map(_checked_root, roots)) or (Path.cwd(),),
        host=host,
        port=_free_port(host, port),
        password_file=_checked_password(password_file),
        is_oidc=is_oidc,
    )
    if is_oidc:
        _check_oidc()
    if not _is_loopback(host) and not offer.is_guarded:
        warn(_LOUD.format(host=host))
    command = [*flags(offer.host, offer.port), "--", *offer.arguments]
    environment = variables(app / "theme.toml")
    if library is not None:
        environment["PARTWISE_LIBRARY"] = library
    sys.exit(serve(command, environment, host, offer.port, is_with_browser=not is_without_browser))


@dataclass(frozen=True)
class _Offer:
    """What is to be served, and to whom."""

    model: Path | None
    station: Path
    roots: tuple[Path, ...]
    host: str
    port: int
    password_file: Path | None
    is_oidc: bool

    @property
    def is_guarded(self) -> bool:
        """Whether a visitor must log in."""
        return bool(self.is_oidc or self.password_file or os.environ.get("PARTWISE_PASSWORD"))

    @property
    def arguments(self) -> list[str]:
        """What the script is told; what may hold a password is told by the environment."""
        words = ["--station", str(self.station)]
        words += [word for root in self.roots for word in ("--root", str(root))]
        words += ["--model", str(self.model)] if self.model else []
        words += ["--password-file", str(self.password_file)] if self.password_file else []
        words += ["--oidc"] if self.is_oidc else []
        return words if _is_loopback(self.host) else [*words, "--exposed"]


def _app() -> Path:
    """Find the folder of the app without running any of it."""
    if importlib.util.find_spec("streamlit") is None:
        raise Failure('the app needs Streamlit; install it with `pip install "partwise[ui]"`')
    package = importlib.util.find_spec("ui")
    places = (package and package.submodule_search_locations) or []
    for place in places:
        if (Path(place) / "app.py").is_file():
            return Path(place)
    raise Failure("the package ui is not installed; install partwise again")


def _checked_model(model: Path | None) -> Path | None:
    if model is None or model.is_file():
        return model
    from engine.model_file import ModelFileError

    raise ModelFileError(
        f"{model}: no such model file; check the path, or start without one and make it in the app"
    )


def _checked_root(root: Path) -> Path:
    if root.is_dir():
        return root.absolute()
    raise Failure(f"--root {root}: expected a folder, got none; check the path")


def _checked_password(file: Path | None) -> Path | None:
    if file is None:
        return None
    try:
        is_empty = not file.read_text(encoding="utf-8").strip()
    except UnicodeDecodeError as error:
        raise Failure(f"--password-file {file}: expected text in UTF-8; write it again") from error
    if is_empty:
        raise Failure(f"--password-file {file}: expected a password, got an empty file")
    return file.absolute()


def _check_oidc() -> None:
    """Refuse to start what nobody could log in to."""
    if importlib.util.find_spec("authlib") is None:
        raise Failure('--oidc needs Authlib; install it with `pip install "streamlit[auth]"`')
    import streamlit
    from streamlit.errors import StreamlitSecretNotFoundError

    try:
        has_provider = "auth" in streamlit.secrets
    except StreamlitSecretNotFoundError:
        has_provider = False
    if not has_provider:
        raise Failure(
            "--oidc needs a section [auth] in .streamlit/secrets.toml, here or in your home "
            "folder; write one as https://docs.streamlit.io/develop/concepts/connections/"
            "authentication says"
        )


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _free_port(host: str, port: int) -> int:
    """Check that a port can be listened to; 0 means any.

    Raises:
        Failure: It cannot, or the address is none of this machine.
    """
    try:
        family, kind, _, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        with socket.socket(family, kind) as listener:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(address)
            return int(listener.getsockname()[1])
    except (OSError, UnicodeError) as error:  # the latter: no name of a computer is like that
        reason = getattr(error, "strerror", None) or "it is no address"
        raise Failure(
            f"cannot listen on port {port} of {host}: {reason}; "
            "choose another with --port or --host"
        ) from error
