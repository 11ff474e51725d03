"""Errors that the user can act on, told apart from faults of our own."""

from __future__ import annotations


class UserError(Exception):
    """An error whose text tells the user, in one line, what is wrong and what to do.

    Each of our errors for users has it as a base beside the built-in one that callers expect.
    """
