"""Batches of images that were added together, and folders that are watched."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from engine.station import entries
from engine.station.database import Database, Row, now, reads_row, utc_time
from engine.station.entries import stored_path
from engine.station.paths import allowed, root_of
from engine.station.photographs import folder_images
from engine.station.records import Batch, Limits, StationError, Watch, label
from features.names import show_name

_BATCH = (
    "SELECT batches.*, (SELECT count(*) FROM entries WHERE batch = batches.id) AS n FROM batches"
)


def add_batch(database: Database, text: str, model: Path) -> Batch:
    """Make a batch without images."""
    with database.change() as connection:
        batch = entries.add_batch(connection, label(text), stored_path(model))
    return get(database, batch)


def add_folder(
    database: Database,
    folder: str | Path,
    *,
    model: Path,
    library: str | None,
    roots: Sequence[Path],
    limits: Limits,
) -> Batch:
    """Queue the images directly in a folder, or one image file, as a batch; they stay there.

    Raises:
        StationError: It is not below a root, cannot be listed, or has no or too many images.
    """
    found = allowed(folder, roots)
    shown = show_name(found)
    try:
        files = list(folder_images(found if found.is_dir() else found.parent, roots))
    except OSError as error:
        raise StationError(
            f"{shown} cannot be listed ({error.strerror}); check the folder's permissions"
        ) from error
    if not found.is_dir():
        files = [each for each in files if each.path == found]
    if not files:
        raise StationError(
            f"{shown} has no images: expected files such as .png or .jpg directly in it, got none; "
            "choose another folder, or one below it"
        )
    if len(files) > limits.max_folder_images:
        raise StationError(
            f"{shown} has too many images: at most {limits.max_folder_images:,} are taken at once, "
            f"got {len(files):,}; divide it"
        )
    with database.change() as connection:
        name = stored_path(model)
        batch = entries.add_batch(connection, label(found.name or str(found)), name)
        entries.add_files(
            connection, files, source="folder", model=name, library=library, batch=batch
        )
    return get(database, batch)


def get(database: Database, batch: int) -> Batch:
    """Return one batch.

    Raises:
        StationError: There is none of this id.
    """
    row = database.row(f"{_BATCH} WHERE id = ?", (batch,))
    if row is None:
        raise StationError(f"there is no batch {batch} in this station")
    return _batch_of(row)


def find(database: Database) -> list[Batch]:
    """Return all batches, the newest first."""
    return [_batch_of(row) for row in database.rows(f"{_BATCH} ORDER BY id DESC")]


def add_watch(
    database: Database,
    folder: str | Path,
    *,
    model: Path,
    library: str | None,
    roots: Sequence[Path],
) -> Watch:
    """Watch a folder from now on; a second watch of it by the same model is the first one.

    Raises:
        StationError: It is no folder below a root.
    """
    found = allowed(folder, roots)
    root = root_of(found, roots)
    if root is None or not found.is_dir():
        raise StationError(
            f"{show_name(found)} is a file, expected a folder to watch; name its folder"
        )
    name = stored_path(model)
    with database.change() as connection:
        known = connection.execute(
            "SELECT id FROM watches WHERE folder = ? AND model = ?", (str(found), name)
        ).fetchone()
        if known is None:
            batch = entries.add_batch(connection, label(found.name or str(found)), name)
            connection.execute(
                "INSERT INTO watches (folder, root, model, library, batch, created_at)"
                " VALUES (?, ?, ?, ?, ?, ?)",
                (str(found), str(root), name, library, batch, now()),
            )
        row = connection.execute(
            "SELECT * FROM watches WHERE folder = ? AND model = ?", (str(found), name)
        ).fetchone()
    return _watch_of(row)


def watches(database: Database) -> list[Watch]:
    """Return the watched folders, the newest first."""
    return [_watch_of(row) for row in database.rows("SELECT * FROM watches ORDER BY id DESC")]


def unwatch(database: Database, watch: int) -> None:
    """Watch a folder no longer; its entries stay.

    Raises:
        StationError: It is not watched.
    """
    with database.change() as connection:
        if not connection.execute("DELETE FROM watches WHERE id = ?", (watch,)).rowcount:
            raise StationError(f"there is no watch {watch} in this station")


@reads_row
def _watch_of(row: Row) -> Watch:
    """Read a row of the table."""
    return Watch(
        id=row["id"],
        folder=Path(row["folder"]),
        model=Path(row["model"]),
        batch=row["batch"],
        created_at=utc_time(row["created_at"]),
        error=row["error"],
    )


@reads_row
def _batch_of(row: Row) -> Batch:
    return Batch(
        id=row["id"],
        label=row["label"],
        model=Path(row["model"]),
        created_at=utc_time(row["created_at"]),
        n_entries=row["n"],
    )
