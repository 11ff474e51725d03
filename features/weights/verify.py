"""Are all weights on this machine what their publishers made?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from features.weights.check import check_file, facts_about
from features.weights.errors import WeightsError
from features.weights.hashes import Tell, hash_file, silent
from features.weights.registry import KNOWN, Known
from features.weights.site import Site
from features.weights.store import copies_of, files_in, model_file


@dataclass(frozen=True)
class Verdict:
    """What was found of one copy.

    ``problem`` is None for a sound copy. ``has_sum`` is false where nobody has said what the sum of
    the tensors should be, so that only their completeness is known. ``moved_to`` says how a
    corrupted file is called now; None with a problem means that it could not be renamed.
    """

    name: str
    path: Path
    problem: str | None
    has_sum: bool
    moved_to: Path | None = None


def verify(
    weights: Known, site: Site, *, known: Sequence[Known] = KNOWN, tell: Tell = silent
) -> Iterator[Verdict]:
    """Read every copy of these weights anew, whatever is remembered of it.

    A corrupted file is renamed, so that no program takes it for weights.
    """
    for path in list(copies_of(weights, site)):
        try:
            has_sum = facts_about(model_file(path), known).sha256 is not None
        except WeightsError as error:
            yield Verdict(weights.name, path, str(error), has_sum=False)
            continue
        for file in files_in(path):
            try:
                check_file(file, facts_about(file, known), partial(hash_file, tell=tell))
            except WeightsError as error:
                yield Verdict(weights.name, path, str(error), has_sum, _set_aside(file))
                break
        else:
            yield Verdict(weights.name, path, None, has_sum)


def _set_aside(file: Path) -> Path | None:
    """Rename a file, that behind a link if it is one: its directory entry may be made again."""
    content = file.resolve()
    target = content.with_name(f"{content.name}.corrupted")
    try:
        return content.replace(target)
    except OSError:  # read-only, say; loading refuses the file all the same
        return None
