"""Alembic environment, over the connection that whoever upgrades holds."""

from __future__ import annotations

from alembic import context

from engine.library.schema import VERSION_TABLE, Base

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    version_table=VERSION_TABLE,
    # SQLite cannot change columns; Alembic then copies the table
    render_as_batch=True,
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
