"""How are groups of unknown regions put in words?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ui.view import counted

if TYPE_CHECKING:
    from engine.regions.suggestion import Suggestion


def group_title(group: Suggestion) -> str:
    """Say how many things are alike, and in how many images."""
    return (
        f"{counted(len(group.members), 'thing')} that look alike, "
        f"in {counted(group.n_images, 'image')}"
    )


def groups_summary(groups: tuple[Suggestion, ...], n_images: int) -> str:
    """Say what was found on images that were looked through."""
    seen = counted(n_images, "image")
    if not groups:
        return f"{seen} looked through: no unknown things that resemble each other."
    n_groups = counted(len(groups), "group")
    return f"{seen} looked through: {n_groups} of unknown things, the biggest first."
