"""First tables: libraries, classes, examples, lessons and their reversals."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make all tables."""
    _make_library()
    _make_class()
    _make_example()
    _make_lesson()
    _make_reversal()


def downgrade() -> None:
    """Remove all tables, with whatever they hold."""
    for name in ("reversal", "lesson", "example", "class", "library"):
        op.drop_table(f"partwise_{name}")


def _key(name: str, table: str, *, is_optional: bool = False) -> sa.Column[int]:
    """Refer to the row of another table."""
    key = sa.ForeignKey(f"partwise_{table}.id")
    return sa.Column(name, sa.Integer, key, nullable=is_optional)


def _make_library() -> None:
    """Make the table of libraries."""
    op.create_table(
        "partwise_library",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("name", sa.String(100), nullable=False, unique=True),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("identity", sa.Text),
    )


def _make_class() -> None:
    """Make the table of classes; a name belongs to one active class of a library."""
    op.create_table(
        "partwise_class",
        sa.Column("id", sa.Integer, primary_key=True),
        _key("library_id", "library"),
        sa.Column("first_name", sa.String(100), nullable=False),
        sa.Column("first_kind", sa.String(8), nullable=False),
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("kind", sa.String(8), nullable=False),
        sa.Column("color", sa.Integer, nullable=False),
        sa.Column("is_active", sa.Boolean, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by", sa.Text, nullable=False),
        sa.UniqueConstraint("library_id", "color", name="uq_partwise_class_color"),
    )
    op.create_index(
        "ix_partwise_class_active_name",
        "partwise_class",
        ["library_id", "name"],
        unique=True,
        sqlite_where=sa.text("is_active"),
        postgresql_where=sa.text("is_active"),
    )


def _make_example() -> None:
    """Make the table of examples, large columns last."""
    whole = ("image_height", "image_width", "left", "top", "right", "bottom")
    texts = ("note", "verdict", "author")
    blobs = ("mask_png", "thumbnail_png", "features")
    op.create_table(
        "partwise_example",
        sa.Column("id", sa.Integer, primary_key=True),
        _key("class_id", "class"),
        sa.Column("is_active", sa.Boolean, nullable=False),
        sa.Column("image_sha256", sa.String(64), nullable=False, index=True),
        sa.Column("image_name", sa.Text, nullable=False),
        *[sa.Column(name, sa.Integer, nullable=False) for name in whole],
        *[sa.Column(name, sa.Text, nullable=False) for name in texts],
        sa.Column("taught_at", sa.DateTime(timezone=True), nullable=False),
        *[sa.Column(name, sa.LargeBinary, nullable=False) for name in blobs],
    )
    op.create_index("ix_partwise_example_class", "partwise_example", ["class_id", "is_active"])


def _make_lesson() -> None:
    """Make the log."""
    op.create_table(
        "partwise_lesson",
        sa.Column("id", sa.Integer, primary_key=True),
        _key("library_id", "library"),
        _key("class_id", "class"),
        _key("example_id", "example", is_optional=True),
        sa.Column("action", sa.String(16), nullable=False),
        sa.Column("class_name", sa.String(100), nullable=False),
        sa.Column("before", sa.String(100), nullable=False),
        sa.Column("after", sa.String(100), nullable=False),
        sa.Column("author", sa.Text, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("is_undone", sa.Boolean, nullable=False),
    )
    for name in ("library_id", "class_id"):
        op.create_index(f"ix_partwise_lesson_{name}", "partwise_lesson", [name])


def _make_reversal() -> None:
    """Make the log of what was undone and redone."""
    op.create_table(
        "partwise_reversal",
        sa.Column("id", sa.Integer, primary_key=True),
        _key("lesson_id", "lesson"),
        sa.Column("action", sa.String(8), nullable=False),
        sa.Column("author", sa.Text, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_index("ix_partwise_reversal_lesson_id", "partwise_reversal", ["lesson_id"])
