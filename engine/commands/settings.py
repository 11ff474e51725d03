"""Which settings do a command's options and files add up to?"""

from __future__ import annotations

from typing import Any


def take_machine(given: dict[str, Any]) -> dict[str, str]:
    """Take the options about the machine out of a command's arguments; those not given are left."""
    names = ("device", "runtime", "precision")
    taken = {name: given.pop(name) for name in names}
    return {name: value for name, value in taken.items() if value is not None}
