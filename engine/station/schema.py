"""Which tables does the database of a station have?

Times are seconds since 1970, paths are absolute. ``verdict`` and ``threshold`` are those in force,
so that a list can be filtered by an index; ``learnt`` is the threshold of the model. A verdict is
noted before its pictures are drawn (``is_drawn``), for drawing a large image takes longer.
"""

from __future__ import annotations

SCHEMA_VERSION = 1
APPLICATION_ID = 0x50617274  # "Part"

TABLES = (
    """CREATE TABLE batches (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        label TEXT NOT NULL,
        model TEXT NOT NULL,
        created_at REAL NOT NULL
    )""",
    """CREATE TABLE entries (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        name TEXT NOT NULL,
        source TEXT NOT NULL,
        batch INTEGER REFERENCES batches (id) ON DELETE SET NULL,
        model TEXT NOT NULL,
        library TEXT,
        path TEXT,
        file_size INTEGER,
        file_mtime_ns INTEGER,
        sha256 TEXT,
        height INTEGER,
        width INTEGER,
        state TEXT NOT NULL DEFAULT 'queued',
        urgency INTEGER NOT NULL DEFAULT 0,
        attempts INTEGER NOT NULL DEFAULT 0,
        added_at REAL NOT NULL,
        judged_at REAL,
        seconds REAL,
        total REAL,
        learnt REAL,
        threshold REAL,
        severity REAL,
        verdict TEXT,
        is_by_region INTEGER NOT NULL DEFAULT 0,
        worst TEXT NOT NULL DEFAULT '',
        calm TEXT NOT NULL DEFAULT '',
        classes TEXT NOT NULL DEFAULT '[]',
        review TEXT,
        reviewed_by TEXT,
        reviewed_at REAL,
        error TEXT,
        is_drawn INTEGER NOT NULL DEFAULT 0
    )""",
    "CREATE INDEX entries_queue ON entries (urgency DESC, id) WHERE state = 'queued'",
    "CREATE INDEX entries_tally ON entries (model, state, verdict, review)",
    "CREATE INDEX entries_batch ON entries (batch, state, verdict, review)",
    "CREATE INDEX entries_worst ON entries (severity, id)",
    "CREATE INDEX entries_added ON entries (added_at)",
    "CREATE INDEX entries_name ON entries (name COLLATE NOCASE)",
    "CREATE INDEX entries_image ON entries (sha256)",
    """CREATE TABLE entry_classes (
        name TEXT NOT NULL,
        entry INTEGER NOT NULL REFERENCES entries (id) ON DELETE CASCADE,
        PRIMARY KEY (name, entry)
    ) WITHOUT ROWID""",
    "CREATE INDEX entry_classes_entry ON entry_classes (entry)",
    """CREATE TABLE thresholds (
        model TEXT PRIMARY KEY,
        value REAL NOT NULL
    ) WITHOUT ROWID""",
    """CREATE TABLE watches (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        folder TEXT NOT NULL,
        root TEXT NOT NULL,
        model TEXT NOT NULL,
        library TEXT,
        batch INTEGER NOT NULL REFERENCES batches (id),
        created_at REAL NOT NULL,
        error TEXT
    )""",
    """CREATE TABLE seen (
        watch INTEGER NOT NULL REFERENCES watches (id) ON DELETE CASCADE,
        name TEXT NOT NULL,
        file_size INTEGER NOT NULL,
        file_mtime_ns INTEGER NOT NULL,
        PRIMARY KEY (watch, name, file_size, file_mtime_ns)
    ) WITHOUT ROWID""",
    """CREATE TABLE jobs (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        kind TEXT NOT NULL,
        spec TEXT NOT NULL,
        state TEXT NOT NULL DEFAULT 'queued',
        step TEXT NOT NULL DEFAULT '',
        done INTEGER NOT NULL DEFAULT 0,
        total INTEGER NOT NULL DEFAULT 0,
        result TEXT,
        error TEXT,
        is_to_stop INTEGER NOT NULL DEFAULT 0,
        attempts INTEGER NOT NULL DEFAULT 0,
        created_at REAL NOT NULL,
        started_at REAL,
        ended_at REAL
    )""",
    "CREATE INDEX jobs_state ON jobs (state, kind)",
)
