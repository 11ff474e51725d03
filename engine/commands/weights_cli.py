"""How is ``partwise weights`` called?"""

from __future__ import annotations

import sys
from typing import Any

import click

from engine.commands import arguments
from engine.commands.failures import one_line_errors

ENVIRONMENT = """\b
Environment:
  PARTWISE_WEIGHTS        the folder to keep weights in, a shared or copied one, say
  HF_HOME, HF_HUB_CACHE   caches of the Hugging Face hub; what is there is used
  HF_ENDPOINT             a mirror of the hub
  HF_TOKEN                a token, for repositories whose licence must be accepted
  HF_HUB_OFFLINE          1 forbids all fetching
  PARTWISE_SAM_ENDPOINT   a mirror of dl.fbaipublicfiles.com/segment_anything
"""

converted = click.option(
    "--convert",
    "is_converted",
    is_flag=True,
    help="Keep safetensors instead of a PyTorch file; needs torch.",
)


@click.group(epilog=ENVIRONMENT)
def weights() -> None:
    """Fetch, check and list the weights of large networks."""


@weights.command("list")
@click.option("--json", "is_json", is_flag=True, help="Print JSON.")
@one_line_errors()
def list_weights(**given: Any) -> None:
    """List known weights: name, size, licence, source and place."""
    from engine.commands.weights import run_list

    sys.exit(run_list(**given))


@weights.command(epilog=ENVIRONMENT)
@click.argument("names", nargs=-1, required=True, metavar="NAME...")
@converted
@click.option("--force", "is_forced", is_flag=True, help="Fetch again what is here.")
@one_line_errors()
def get(**given: Any) -> None:
    """Fetch weights and check them; needs the extra "foundation".

    What is here already is left alone. Interrupted, it goes on where it was.
    """
    from engine.commands.weights import run_get

    sys.exit(run_get(**given))


@weights.command()
@click.argument("names", nargs=-1, metavar="[NAME...]")
@one_line_errors()
def verify(**given: Any) -> None:
    """Read the weights on this machine and compare their SHA-256.

    A corrupted file is renamed, so that nothing loads it; the exit code is 2 then. Without NAME all
    weights are verified.
    """
    from engine.commands.weights import run_verify

    sys.exit(run_verify(**given))


@weights.command("import")
@click.argument("path", type=arguments.FILE, metavar="FILE_OR_DIR")
@click.option("--name", metavar="NAME", help="Which weights they are, where this leaves a choice.")
@converted
@one_line_errors()
def import_weights(**given: Any) -> None:
    """Check weights that were copied by hand, and keep a copy.

    FILE_OR_DIR is an official .pth file, or a folder of config.json and model.safetensors.
    """
    from engine.commands.weights import run_import

    sys.exit(run_import(**given))
