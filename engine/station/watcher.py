"""Watcher of folders: queues the images that have come into them.

A file is complete when two looks in a row find the same size and time of change. Each is queued
once, also after a restart: what was seen is noted together with its entry. What is wrong with a
folder or a file is noted on the watch, and the others are queued.
"""

from __future__ import annotations

import time
from pathlib import Path

from engine.station import entries
from engine.station.database import Database, Row
from engine.station.photographs import FolderImage, folder_images
from engine.station.records import StationError
from features.names import one_line

POLL_S = 1.0

FileState = tuple[str, int, int]


class Watcher:
    """Looks at all watched folders, at most once a second."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._folders: dict[int, _WatchedFolder] = {}
        self._polled_at = -POLL_S

    def poll(self, *, has_changed: bool) -> bool:
        """Queue what is new and complete; tells whether anything is.

        ``has_changed`` tells that watches may have been added or dropped.
        """
        if has_changed:
            self._read_watches()
        if not self._folders or time.monotonic() < self._polled_at + POLL_S:
            return False
        self._polled_at = time.monotonic()
        return sum([folder.poll() for folder in self._folders.values()]) > 0

    def _read_watches(self) -> None:
        rows = {row["id"]: row for row in self._database.rows("SELECT * FROM watches")}
        self._folders = {
            number: self._folders.get(number) or _WatchedFolder(self._database, row)
            for number, row in rows.items()
        }


class _WatchedFolder:
    """One watched folder, what was queued of it, and what was there at the last look."""

    def __init__(self, database: Database, row: Row) -> None:
        self._database, self._row = database, row
        found = database.rows(
            "SELECT name, file_size, file_mtime_ns FROM seen WHERE watch = ?", (row["id"],)
        )
        self._seen: set[FileState] = {(each[0], each[1], each[2]) for each in found}
        self._before: set[FileState] = set()
        self._refused: dict[FileState, str] = {}
        self._error: str | None = row["error"]

    def poll(self) -> int:
        """Queue what is new and complete; returns how many images that are."""
        folder, root = Path(self._row["folder"]), Path(self._row["root"])
        try:
            found = {_file_state(each): each for each in folder_images(folder, [root])}
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or error
            self._set_error(
                f"{one_line(str(folder))} cannot be listed ({reason}); bring it back or unwatch it"
            )
            return 0
        self._refused = {each: why for each, why in self._refused.items() if each in found}
        complete = found.keys() & self._before - self._seen - self._refused.keys()
        self._before = set(found)
        if complete:
            self._queue_all([found[each] for each in sorted(complete)])
            self._seen |= complete - self._refused.keys()
        self._set_error("; ".join(self._refused.values()) or None)
        return len(complete - self._refused.keys())

    def _queue_all(self, files: list[FolderImage]) -> None:
        """Queue files together or, if that fails, one by one; what cannot be queued is noted.

        Raises:
            StationError: The database can take nothing now.
        """
        try:
            self._queue(files)
        except StationError:
            raise
        except Exception as error:
            if len(files) == 1:
                name = one_line(files[0].name)
                self._refused[_file_state(files[0])] = (
                    f"{name} cannot be queued ({one_line(str(error))}); write it anew"
                )
                return
            for each in files:
                self._queue_all([each])

    def _queue(self, files: list[FolderImage]) -> None:
        row = self._row
        with self._database.change() as connection:
            if not connection.execute(
                "SELECT 1 FROM watches WHERE id = ?", (row["id"],)
            ).fetchone():
                return
            entries.add_files(
                connection,
                files,
                source="watch",
                model=row["model"],
                library=row["library"],
                batch=row["batch"],
            )
            connection.executemany(
                "INSERT OR IGNORE INTO seen VALUES (?, ?, ?, ?)",
                [(row["id"], *_file_state(each)) for each in files],
            )

    def _set_error(self, error: str | None) -> None:
        if error != self._error:
            self._error = error
            with self._database.change() as connection:
                connection.execute(
                    "UPDATE watches SET error = ? WHERE id = ?", (error, self._row["id"])
                )


def _file_state(file: FolderImage) -> FileState:
    return file.name, file.size, file.mtime_ns
