"""Where do weights lie on this machine, and from where may they come?

All of it is said by environment variables, most of them those of the Hugging Face hub's own tools,
so that a mirror or a shared cache serves both.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self
from urllib.parse import quote, urlsplit

from features.weights.errors import WeightsError
from features.weights.registry import Known

HUB = "https://huggingface.co"
SAM = "https://dl.fbaipublicfiles.com/segment_anything"


@dataclass(frozen=True)
class Site:
    """Places and rules.

    ``root`` has one folder for each name. ``hub_cache`` is that of the hub's tools, read but never
    written. ``cache`` holds what may be lost.
    """

    root: Path
    cache: Path
    hub_cache: Path
    hub_endpoint: str = HUB
    sam_endpoint: str = SAM
    is_offline: bool = False
    token: str | None = field(default=None, repr=False)

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] = os.environ) -> Self:
        """Read PARTWISE_WEIGHTS, PARTWISE_SAM_ENDPOINT, XDG_CACHE_HOME and the hub's variables.

        Raises:
            WeightsError: A server is given by something else than a web address.
        """
        user_cache = _folder(environ, "XDG_CACHE_HOME") or Path.home() / ".cache"
        hf_home = _folder(environ, "HF_HOME")
        cache = (hf_home or user_cache) / "partwise"
        return cls(
            root=_folder(environ, "PARTWISE_WEIGHTS") or cache / "weights",
            cache=cache,
            hub_cache=_folder(environ, "HF_HUB_CACHE")
            or (hf_home or user_cache / "huggingface") / "hub",
            hub_endpoint=_endpoint(environ, "HF_ENDPOINT", HUB),
            sam_endpoint=_endpoint(environ, "PARTWISE_SAM_ENDPOINT", SAM),
            is_offline=environ.get("HF_HUB_OFFLINE", "").upper() in ("1", "ON", "YES", "TRUE"),
            token=environ.get("HF_TOKEN", "").strip() or None,
        )

    def url(self, known: Known, file: str, revision: str = "main") -> str:
        """Say where a file is fetched from."""
        if known.repository is None:
            return f"{self.sam_endpoint}/{quote(file)}"
        return f"{self.page(known)}/resolve/{quote(revision, safe='')}/{quote(file)}"

    def page(self, known: Known) -> str:
        """Say where people read about the weights, and fetch them by hand."""
        if known.repository is None:
            return f"{self.sam_endpoint}/{known.model_file.name}"
        return f"{self.hub_endpoint}/{known.repository}"


def _folder(environ: Mapping[str, str], name: str) -> Path | None:
    text = environ.get(name, "")
    return Path(os.path.expanduser(text)) if text else None


def _endpoint(environ: Mapping[str, str], name: str, default: str) -> str:
    text = environ.get(name, "").strip().rstrip("/") or default
    if urlsplit(text).scheme not in ("http", "https"):
        raise WeightsError(f"{name} must begin with https:// or http://, got {text!r}")
    return text
