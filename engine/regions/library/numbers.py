"""Which numbers can rows have, and how many fit into one question?"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from itertools import islice

# what an integer column of PostgreSQL holds
_MAX = 2**31 - 1
# SQLite takes 32,766 values in one statement, versions before 3.32 only 999
_CHUNK = 900


def possible(number: int) -> int:
    """Return the number, or 0, which no row has, where the database could not even ask for it."""
    return number if 0 < number <= _MAX else 0


def chunks(numbers: Collection[int]) -> Iterator[list[int]]:
    """Cut a collection into lists that fit into one statement, smallest number first."""
    rest = iter(sorted({possible(each) for each in numbers}))
    while chunk := list(islice(rest, _CHUNK)):
        yield chunk
