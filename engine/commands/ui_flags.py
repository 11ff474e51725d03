"""Which options of Streamlit must hold, whatever a user's ``config.toml`` says?"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

from engine.station.records import Limits

MAX_UPLOAD_BYTES = Limits().max_upload_bytes


def flags(host: str, port: int) -> list[str]:
    """Write the options that must hold as flags, which outrank every file and variable."""
    options = {
        "server.address": host,
        "server.port": port,
        "server.headless": True,  # no question about an e-mail address; we open the browser
        "server.enableXsrfProtection": True,
        "server.enableCORS": True,  # the check, which means: only pages of this server
        "server.maxUploadSize": MAX_UPLOAD_BYTES // 1_000_000,
        "server.fileWatcherType": "none",
        "server.runOnSave": False,
        "server.enableStaticServing": False,
        "browser.gatherUsageStats": False,
        "client.toolbarMode": "minimal",
        "client.showErrorDetails": "none",  # what went wrong belongs into the log
        "global.developmentMode": False,
    }
    return [f"--{name}={_word(value)}" for name, value in options.items()]


def variables(theme: Path) -> dict[str, str]:
    """Write what makes the app look as it should as variables of the environment.

    They outrank files as well, and a Streamlit that is too old for one overlooks it.
    """
    options = {"logger.hideWelcomeMessage": True} | _flat(
        tomllib.loads(theme.read_text(encoding="utf-8"))
    )
    return {_variable(name): _word(value) for name, value in options.items()}


def _flat(table: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """Name the values of nested tables by their paths."""
    found: dict[str, Any] = {}
    for name, value in table.items():
        path = f"{prefix}{name}"
        found |= _flat(value, f"{path}.") if isinstance(value, dict) else {path: value}
    return found


def _variable(option: str) -> str:
    """Name the variable of an option: ``server.runOnSave`` has STREAMLIT_SERVER_RUN_ON_SAVE."""
    words = re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", option)
    return f"STREAMLIT_{words.replace('.', '_').upper()}"


def _word(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return " ".join(map(str, value)) if isinstance(value, list) else str(value)
