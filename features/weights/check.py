"""Is a file what its publisher made?"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path

from safetensors import SafetensorError, safe_open

from features.weights.errors import WeightsError
from features.weights.json_files import read_json
from features.weights.registry import Known, WeightsFile
from features.weights.sidecar import read_sidecar

_SHA256 = re.compile(r"[0-9a-f]{64}")


def facts_about(path: Path, known: Sequence[Known]) -> WeightsFile:
    """Gather what is known of a file: by its name, from ``partwise.json``, from the hub's cache.

    Sums written out in the code win over those of files that lie about.

    Raises:
        WeightsError: ``partwise.json`` is damaged.
    """
    for each in known:
        if each.model_file.name == path.name and each.model_file.sha256:
            return each.model_file
    sidecar = read_sidecar(path.parent)
    recorded = sidecar and sidecar.facts(path.name)
    if recorded:
        return recorded
    content = path.resolve()  # the hub's cache links names to files called by their sum
    if content.parent.name == "blobs" and _SHA256.fullmatch(content.name):
        return WeightsFile(path.name, sha256=content.name)
    return WeightsFile(path.name)


def check_file(path: Path, facts: WeightsFile, digest: Callable[[Path], str]) -> None:
    """Compare a file with what is known of it, the cheapest first.

    Raises:
        WeightsError: It is incomplete, or is another file.
    """
    size = path.stat().st_size
    if facts.size is not None and size != facts.size:
        raise WeightsError(f"{path} is corrupted: expected {facts.size:,} bytes, got {size:,}")
    check_structure(path)
    if facts.sha256 is not None:
        found = digest(path)
        if found != facts.sha256:
            raise WeightsError(f"{path} is corrupted: expected SHA-256 {facts.sha256}, got {found}")


def check_structure(path: Path) -> None:
    """Find out whether a safetensors or JSON file is whole, without reading its tensors.

    Raises:
        WeightsError: It is not, or is of another format.
    """
    try:
        if path.suffix == ".safetensors":
            with safe_open(path, framework="np"):
                pass  # opening compares the sizes in the header with that of the file
        elif path.suffix == ".json":
            read_json(path)
    except (SafetensorError, ValueError) as error:
        raise WeightsError(f"{path} is corrupted: {error}") from error
