"""What must the spec of a job say?

- ``fit``: ``references``, a list of {"sha256": an image that was kept} or {"path": below a root},
  each with a ``name`` if it should not be the file's; ``name`` of the model; ``profile`` (embedded)
  and ``config`` (a preset) if they should not be the defaults.
- ``bench``: ``root``, a data set below a root; ``categories``, ``shots``, ``seeds`` and ``profile``
  if they should not be all, those of the protocol, and embedded.
- ``samples``: ``seed`` if it should not be 0.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from engine.station.errors import StationError
from engine.station.labels import label, model_name

PROFILES = ("embedded", "foundation", "foundation-fast")
PRESETS = ("competition", "default", "paper")  # equal engine.config.PRESETS, whose import is slow


@runtime_checkable
class Paths(Protocol):
    """What a station knows of paths."""

    def allowed(self, path: str | Path) -> Path:
        """Return a path resolved, if it may be read."""

    def image_path(self, sha256: str) -> Path:
        """Return where a kept image lies."""


def checked_spec(paths: Paths, kind: str, spec: Mapping[str, Any]) -> dict[str, Any]:
    """Return the spec with its paths resolved and what was left out filled in.

    Raises:
        StationError: It lacks something, has something unknown, or names a path that is closed.
    """
    check: dict[str, Callable[[Paths, Mapping[str, Any]], dict[str, Any]]] = {
        "fit": _fit,
        "bench": _bench,
        "samples": _samples,
    }
    if kind not in check:
        raise StationError(f"a job must be one of {', '.join(check)}, got {kind!r}")
    return check[kind](paths, spec)


def _fit(paths: Paths, spec: Mapping[str, Any]) -> dict[str, Any]:
    _check_keys(spec, "references", "names", "name", "profile", "config")
    given = spec.get("references")
    if not isinstance(given, Sequence) or isinstance(given, str) or not given:
        raise StationError(f"fit needs a list of references, got {given!r}; choose 1 to 8 images")
    names = spec.get("names") or [None] * len(given)
    if len(names) != len(given):
        raise StationError(f"names must fit the {len(given)} references, got {len(names)}")
    references = [_reference(paths, each, name) for each, name in zip(given, names, strict=True)]
    return {
        "references": references,
        "name": model_name(str(spec.get("name", ""))),
        "profile": _one_of("profile", spec.get("profile"), PROFILES),
        "config": _one_of("config", spec.get("config"), PRESETS),
    }


def _reference(paths: Paths, given: Mapping[str, Any], name: str | None) -> dict[str, str]:
    if "sha256" in given:
        path = paths.image_path(str(given["sha256"]))
        return {"path": str(path), "name": label(str(name or given.get("name") or ""))}
    if "path" in given:
        path = paths.allowed(str(given["path"]))
        return {"path": str(path), "name": label(str(name or given.get("name") or path.name))}
    raise StationError(f"a reference must have a sha256 or a path, got {sorted(given)}")


def _bench(paths: Paths, spec: Mapping[str, Any]) -> dict[str, Any]:
    _check_keys(spec, "root", "categories", "shots", "seeds", "profile")
    if not spec.get("root"):
        raise StationError("bench needs the root of a data set, got none; choose a folder")
    return {
        "root": str(paths.allowed(str(spec["root"]))),
        "categories": [str(each) for each in spec.get("categories") or ()],
        "shots": _whole_numbers("shots", spec.get("shots"), least=1),
        "seeds": _whole_numbers("seeds", spec.get("seeds"), least=0),
        "profile": _one_of("profile", spec.get("profile"), PROFILES),
    }


def _samples(paths: Paths, spec: Mapping[str, Any]) -> dict[str, Any]:
    _check_keys(spec, "seed")
    return {"seed": (_whole_numbers("seed", [spec.get("seed", 0)], least=0))[0]}


def _check_keys(spec: Mapping[str, Any], *known: str) -> None:
    unknown = sorted(set(spec) - set(known))
    if unknown:
        raise StationError(f"a spec may have {', '.join(known)}, got {', '.join(unknown)}, too")


def _one_of(name: str, given: object, known: Sequence[str]) -> str | None:
    if given not in (None, *known):
        raise StationError(f"{name} must be one of {', '.join(known)}, got {given!r}")
    return None if given is None else str(given)


def _whole_numbers(name: str, given: Sequence[Any] | None, least: int) -> list[int]:
    numbers = list(given or ())
    if any(type(each) is not int or each < least for each in numbers):
        raise StationError(f"{name} must be whole numbers from {least} on, got {numbers}")
    return numbers
