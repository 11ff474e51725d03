"""Databases of a server whose encoding is not UTF8."""

import secrets

import pytest

from engine.library import Library

CURE = r"must lie in a database with the encoding UTF8, got SQL_ASCII; create one with `createdb"


@pytest.fixture
def database(server, request):
    """The URL of a new database of some encoding."""
    name = f"d{secrets.token_hex(6)}"
    server.ask(
        f"CREATE DATABASE {name} ENCODING '{request.param}' TEMPLATE template0 "
        "LC_COLLATE 'C' LC_CTYPE 'C'"
    )
    return server.url(name)


@pytest.mark.parametrize("database", ["SQL_ASCII"], indirect=True)
def test_a_database_without_encoding_is_refused_with_the_cure(database, refused):
    for is_read_only in (False, True):
        with refused(CURE):
            Library(database, is_read_only=is_read_only)
    with refused(CURE):
        Library.exists(database)


@pytest.mark.parametrize("database", ["LATIN1"], indirect=True)
def test_what_an_encoding_cannot_hold_is_refused(database, refused, example, identity):
    with Library(database, author="anna") as library:
        library.teach("Schlüssel", "accepted", example(1), identity)
        with refused("cannot hold a character of this text; create its database with"):
            library.teach("ключ", "accepted", example(2), identity)
        assert [each.name for each in library.classes()] == ["Schlüssel"]
