"""Texts and rows of outlines, lessons, groups, and what a lesson changes; pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Literal

from ui.text import counted, plain

if TYPE_CHECKING:
    from engine.library import RegionClass
    from engine.regions.recogniser import ClassMatch
    from engine.regions.report import RegionReport
    from engine.regions.suggestion import Suggestion
    from engine.station import Entry
    from features.region import Region

State = Literal["waiting", "failed", "skipped", "turned", "reworded", "same"]

Source = Literal["brush", "box", "polygon", "click", "picked"]

KIND_BADGES = {
    "accepted": ":green-badge[:material/check: accepted]",
    "defect": ":red-badge[:material/close: defect]",
}
KIND_MEANS = {
    "accepted": "It may be there: an image that shows nothing else that is new is normal.",
    "defect": "It must not be there: an image that shows it is an anomaly, whatever its total.",
}
VERDICT_BADGES = {
    "normal": ":green-badge[:material/check_circle: normal]",
    "anomaly": ":red-badge[:material/cancel: anomaly]",
}
NO_VERDICT = ":gray-badge[:material/help: not judged]"
WAITING = ":gray-badge[:material/hourglass_top: waiting]"
SKIPPED = ":gray-badge[:material/block: not judged again]"
# what most resembles an outline is offered first from this probability on
OFFERED_ABOVE = 0.5


@dataclass(frozen=True)
class VerdictText:
    """A verdict and why, as the history keeps them."""

    verdict: str | None
    reason: str = ""

    @property
    def badge(self) -> str:
        """The verdict as coloured Markdown, with an icon."""
        return VERDICT_BADGES.get(self.verdict or "", NO_VERDICT)


@dataclass(frozen=True)
class ChangeRow:
    """What a lesson changed of one image of the history; ``after`` is None until that is known."""

    entry_id: int
    name: str
    before: VerdictText
    after: VerdictText | None
    state: State

    @property
    def reason(self) -> str:
        """Why the verdict is what it is, as far as that is known."""
        return (self.after or self.before).reason

    @property
    def text(self) -> str:
        """The change as Markdown: before → after."""
        if self.after is not None:
            return f"{self.before.badge} → {self.after.badge}"
        return f"{self.before.badge} → {SKIPPED if self.state == 'skipped' else WAITING}"


def verdict_of_entry(entry: Entry) -> VerdictText:
    """Take the verdict of an entry."""
    return VerdictText(entry.verdict, entry.reason)


def verdict_of_report(report: RegionReport) -> VerdictText:
    """Take the verdict of a report with what was taught."""
    from engine.regions.wording import reason_line

    return VerdictText(report.verdict, reason_line(report))


def change_rows(
    before: Mapping[int, VerdictText],
    now: Sequence[Entry],
    known: Mapping[int, VerdictText],
    at: datetime,
) -> list[ChangeRow]:
    """Compare what was said of images with what the history says now, in the order of ``before``.

    Only what was judged after ``at`` knows the lesson; ``known`` holds verdicts that do although
    the history does not have them yet. Images that were removed meanwhile are left out.
    """
    entries = {each.id: each for each in now}
    return [
        _row(entries[number], said, known.get(number), at)
        for number, said in before.items()
        if number in entries
    ]


def change_summary(rows: Sequence[ChangeRow]) -> str:
    """Say how many verdicts a lesson turned, in which direction, and how many are still to come."""
    n_normal = sum(_became(each, "normal") for each in rows)
    n_anomaly = sum(_became(each, "anomaly") for each in rows)
    n_waiting = len(rows) - n_settled(rows)
    parts = []
    if n_normal:
        parts.append(counted(n_normal, "image becomes normal", "images become normal"))
    if n_anomaly:
        parts.append(counted(n_anomaly, "image becomes an anomaly", "images become anomalies"))
    if not parts:
        parts.append("No verdict changes" + (" so far" if n_waiting else ""))
    if n_waiting:
        parts.append(f"{n_waiting} to go")
    return " · ".join(parts)


def n_settled(rows: Sequence[ChangeRow]) -> int:
    """Count the images of which it is known what changes."""
    return sum(each.state != "waiting" for each in rows)


def region_text(region: Region, image_size: tuple[int, int]) -> str:
    """Say how large an outline is and where, in pixels of the image file."""
    left, top, right, bottom = region.box_xyxy
    share = 100 * region.area_px / (image_size[0] * image_size[1])
    size = f"{share:.2g} %" if share >= 0.01 else "less than 0.01 %"
    return (
        f"{counted(region.area_px, 'pixel')}, {size} of the image, "
        f"in {right - left} × {bottom - top} px at {left}, {top}"
    )


def exact_at_first(source: Source) -> bool:
    """Tell whether an outline of this tool is taken for exact until a person says otherwise."""
    return source == "polygon"


def offered(classes: Sequence[RegionClass], matches: Sequence[ClassMatch]) -> list[str]:
    """List the names of classes: those that an outline resembles first, then by name."""
    alike = [each.known.name for each in matches if each.probability >= OFFERED_ABOVE]
    return alike + sorted(each.name for each in classes if each.name not in alike)


def class_label(
    name: str, classes: Sequence[RegionClass], matches: Sequence[ClassMatch] = ()
) -> str:
    """Write a class as an option: name, kind, and how much the outline looks like it."""
    known = next((each for each in classes if each.name == name), None)
    if known is None:
        return name
    alike = next((each for each in matches if each.known.name == name), None)
    words = f"{name} · {known.kind}"
    if alike is not None and alike.probability >= OFFERED_ABOVE:
        words += f" · looks like it ({alike.probability:.0%})"
    return words


def entry_label(entry: Entry) -> str:
    """Write an image of the history as an option: number, name, verdict."""
    return f"{entry.id} · {entry.name} · {entry.verdict or entry.state}"


def conflict_text(other_name: str, other_kind: str, wanted: str) -> str:
    """Ask what to do with a region that looks like another class, as Markdown."""
    return (
        f"This looks like **{plain(other_name)}** ({other_kind}), which is known already. "
        f"If one look has two names, chance decides which one is found. "
        f"Is it **{plain(other_name)}**, or **{plain(wanted)}** nevertheless?"
    )


def _became(row: ChangeRow, verdict: str) -> bool:
    return row.state == "turned" and row.after is not None and row.after.verdict == verdict


def _row(entry: Entry, before: VerdictText, known: VerdictText | None, at: datetime) -> ChangeRow:
    if entry.state == "failed":
        return ChangeRow(
            entry.id, entry.name, before, VerdictText(None, entry.error or ""), "failed"
        )
    is_new = entry.judged_at is not None and entry.judged_at >= at
    after = verdict_of_entry(entry) if entry.state == "done" and is_new else known
    if after is None and entry.state in ("done", "cancelled"):
        return ChangeRow(entry.id, entry.name, before, None, "skipped")
    return ChangeRow(entry.id, entry.name, before, after, _state(before, after))


def _state(before: VerdictText, after: VerdictText | None) -> State:
    if after is None:
        return "waiting"
    if after.verdict != before.verdict:
        return "turned"
    return "same" if after.reason == before.reason else "reworded"


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
