"""How is ``partwise ui`` called?"""

from __future__ import annotations

import sys
from typing import Any

import click

from engine.commands import arguments
from engine.commands.failures import one_line_errors

ENVIRONMENT = """\b
Environment:
  PARTWISE_LIBRARY   the library where --library is not given
  PARTWISE_PASSWORD  what visitors are asked for where --password-file is not given
"""


@click.command(epilog=ENVIRONMENT)
@click.argument("model", type=arguments.FILE, required=False, metavar="[MODEL.pw]")
@click.option(
    "--library",
    metavar="URL",
    envvar="PARTWISE_LIBRARY",
    help="A SQLite file or a postgresql:// URL.  [default: MODEL.regions.db]",
)
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
    type=arguments.FILE,
    multiple=True,
    metavar="DIR",
    help="Paths may be typed below this folder; repeatable.  [default: the current folder]",
)
@arguments.writes(
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
    type=arguments.FILE,
    metavar="FILE",
    help="Ask every visitor for the password in this file.",
)
@click.option("--oidc", "is_oidc", is_flag=True, help="Let visitors log in by OpenID Connect.")
@click.option("--no-browser", "is_without_browser", is_flag=True, help="Open no browser.")
@one_line_errors()
def ui(**given: Any) -> None:
    """Open the app in a browser.

    Everything it does, the other commands can do too. Without MODEL.pw, the app helps to make one.
    """
    from engine.commands.ui import run

    is_with_browser = not given.pop("is_without_browser")
    sys.exit(run(given.pop("model"), is_with_browser=is_with_browser, **given))
