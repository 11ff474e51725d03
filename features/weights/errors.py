"""Error of weights; its message is one line and names the cure."""

from __future__ import annotations

from features.errors import UserError


class WeightsError(UserError, ValueError):
    """Weights that are unknown, not here, cannot be fetched, or are not what they should be."""
