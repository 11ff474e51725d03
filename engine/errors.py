"""Errors that a caller can act on; everything else is a built-in."""

from __future__ import annotations


class ConfigError(ValueError):
    """A configuration with one or more problems, all named at once."""


class NotFittedError(RuntimeError):
    """A judgement was asked of an inspector that has seen no reference."""
