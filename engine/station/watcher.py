"""Watcher of folders: queues the images that have come into them.

A file is complete when two looks in a row find the same size and time of change. Each is queued
once, also after a restart: what was seen is noted together with its entry.
"""

from __future__ import annotations

import time
from pathlib import Path

from engine.station import entries
from engine.station.database import Database, Row
from engine.station.photographs import FolderImage, folder_images

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
        self._error: str | None = row["error"]

    def poll(self) -> int:
        """Queue what is new and complete; returns how many images that are."""
        folder, root = Path(self._row["folder"]), Path(self._row["root"])
        try:
            found = {_file_state(each): each for each in folder_images(folder, [root])}
            self._set_error(None)
        except OSError as error:
            self._set_error(
                f"{folder} cannot be listed ({error.strerror}); bring it back or unwatch it"
            )
            return 0
        complete = found.keys() & self._before - self._seen
        self._before = set(found)
        if complete:
            self._queue([found[each] for each in sorted(complete)])
            self._seen |= complete
        return len(complete)

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
