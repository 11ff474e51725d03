"""Which tables does a database have, and which must it have?

Alembic's migrations bring any database up to date, an empty one included. One transaction does it
all while others wait, so that two stations may open a new library at the same moment.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, inspect, text

from engine.regions.library.connection import WRITING
from engine.regions.library.errors import LibraryError

# a database may belong to other programs as well, and they may use Alembic
VERSION_TABLE = "partwise_schema"
# any number that no other program on the server takes for its own lock
_LOCK = 0x7061727477697365  # "partwise"


def upgrade(engine: Engine, shown: str) -> None:
    """Bring the tables up to date; where they are, no lock is waited for.

    Raises:
        LibraryError: As of ``is_current``.
    """
    if is_current(engine, shown):
        return
    with engine.execution_options(**WRITING).begin() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
        if _version(connection, shown) == _versions()[0]:  # somebody else did it meanwhile
            return
        config = _config()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def is_current(engine: Engine, shown: str) -> bool | None:
    """Tell whether the tables are as this version of partwise needs them; None without any.

    Raises:
        LibraryError: A newer version made them, or the file is another program's.
    """
    with engine.connect() as connection:
        version = _version(connection, shown)
    return None if version is None else version == _versions()[0]


def _version(connection: Connection, shown: str) -> str | None:
    """Return the version of the tables; None without any."""
    options = {"version_table": VERSION_TABLE}
    version = MigrationContext.configure(connection, opts=options).get_current_revision()
    latest, known = _versions()
    if version is None:
        _refuse_stranger(connection, shown)
    elif version not in known:
        raise LibraryError(
            f"the library {shown} must have schema {latest} or older, got {version}, which a newer "
            "version of partwise made; update partwise"
        )
    return version


def _refuse_stranger(connection: Connection, shown: str) -> None:
    """Leave the files of other programs alone; a server's database may be shared."""
    if connection.dialect.name != "sqlite":
        return
    if set(inspect(connection).get_table_names()) - {VERSION_TABLE}:
        raise LibraryError(
            f"the library {shown} must be a file of partwise or a new one, got another program's "
            "database; choose another file"
        )


@cache
def _versions() -> tuple[str, frozenset[str]]:
    """Return the latest version and all there are."""
    scripts = ScriptDirectory.from_config(_config())
    latest = scripts.get_current_head()
    assert latest is not None
    return latest, frozenset(each.revision for each in scripts.walk_revisions())


def _config() -> Config:
    """Point Alembic to the migrations beside this module."""
    config = Config()
    folder = str(Path(__file__).with_name("migrations"))
    config.set_main_option("script_location", folder.replace("%", "%%"))
    return config
