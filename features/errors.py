"""Errors that the user can act on, told apart from faults of our own."""

from __future__ import annotations

import re

from features.names import one_line

# a library's text may be laid out in lines that are indented
_LAYOUT = re.compile(r"\n\s+")


class UserError(Exception):
    """An error whose text tells the user, in one line, what is wrong and what to do.

    Each of our errors for users has it as a base beside the built-in one that callers expect.
    Whatever a name in it holds, the text is one line of letters that can be seen.
    """

    def __str__(self) -> str:
        return one_line(_LAYOUT.sub(" ", super().__str__()))
