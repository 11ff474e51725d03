"""What does a lesson change? The same images, judged before it and after it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from engine.regions.record import RegionReport

if TYPE_CHECKING:
    from engine.examination import Examination
    from engine.regions.recogniser import Recogniser

Given = TypeVar("Given")


@dataclass(frozen=True, eq=False)
class Effect:
    """How one image was judged before a lesson, and how it is judged after it."""

    before: RegionReport
    after: RegionReport

    @property
    def is_turned(self) -> bool:
        """Whether the verdict is another."""
        return self.before.verdict != self.after.verdict


def give(
    recogniser: Recogniser, examinations: Mapping[str, Examination], lesson: Callable[[], Given]
) -> tuple[Given, dict[str, Effect]]:
    """Judge examined images before and after one lesson, or several, to the recogniser's library.

    Returns what ``lesson`` returns, and the effect on each image by its name.

    Raises:
        LibraryError: The lesson is refused; nothing has changed then.
    """
    before = {name: recogniser.judge(each) for name, each in examinations.items()}
    given = lesson()
    return given, {
        name: Effect(before[name], recogniser.judge(each)) for name, each in examinations.items()
    }
