"""Which settings do a command's options and files add up to?"""

from __future__ import annotations

from typing import Any

from engine.config import Config, from_dict, load, to_dict


def read_config(
    name_or_path: str | None,
    profile: str | None = None,
    machine: dict[str, str] | None = None,
) -> Config:
    """Read a preset or file, the defaults without one; options override what it says.

    Raises:
        ConfigError: The file cannot be read or has problems, or an option has no such value.
    """
    config = load(name_or_path) if name_or_path else Config()
    given = " ".join(f"--{name} {value}" for name, value in (machine or {}).items())
    if profile is not None:
        config = from_dict(to_dict(config) | {"profile": profile}, source="--profile")
    if machine:
        values = to_dict(config)
        config = from_dict(values | {"machine": values["machine"] | machine}, source=given)
    return config


def take_machine(given: dict[str, Any]) -> dict[str, str]:
    """Take the options about the machine out of a command's arguments; those not given are left."""
    names = ("device", "runtime", "precision")
    taken = {name: given.pop(name) for name in names}
    return {name: value for name, value in taken.items() if value is not None}
