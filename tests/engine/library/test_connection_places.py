"""Which files and servers can hold a library; no message tells a password."""

import pytest

from engine.library import Library


@pytest.mark.parametrize(
    ("name", "match"),
    [
        ("nowhere/library.db", "has no folder to lie in; create that first"),
        (".", "is a folder; add the name"),
        ("file/library.db", "has a file where its path needs a folder"),
        ("n" * 300, "has too long a name"),
    ],
)
def test_impossible_files_are_refused(tmp_path, name, match, refused):
    (tmp_path / "file").write_text("text")
    with refused(match):
        Library(tmp_path / name)


@pytest.mark.parametrize(
    ("place", "match"),
    [
        ("", "got an empty name"),
        ("sqlite://", "needs a file to last"),
        ("sqlite:///:memory:", "needs a file to last"),
        ("mysql://me:s3cret@host/db", "SQLite or PostgreSQL, got a URL of 'mysql'"),
        ("postgresql+asyncpg://me:s3cret@host/db", "SQLite or PostgreSQL"),
        ("postgresql:me:s3cret@host/db", "a URL that starts with 'postgresql:' cannot be read"),
        ("postgresql://me:s3cret@x:y@host:z/db", "'postgresql:' cannot be read, perhaps for an"),
        ("postgresql://me@127.0.0.1:1/db?password=s3cret", "cannot be reached (.*); check that"),
        ("postgres://me:s3cret@127.0.0.1:1/db", r"cannot be reached \(.*refused\); check that"),
        ("postgresql://me:s3cret@127.0.0.1:1/db?s3cret=s3cret", "options after the '[?]' of its"),
        ("postgresql://me:s3cret@guess@127.0.0.1:1/db", "perhaps for an '@' in its password"),
        ("postgresql://me:12/s3cret@127.0.0.1:1/db", r"//me:\*\*\*@127.0.0.1:1/db cannot be reach"),
        ("postgresql://me:12?s3cret@127.0.0.1:1/db", r"//me:\*\*\*@127.0.0.1:1/db cannot be reach"),
    ],
)
def test_impossible_urls_are_refused_without_their_password(place, match, refused):
    with refused(match):
        Library(place)


def test_what_a_server_refuses_is_told_without_the_password(server, url, refused):
    with refused("refuses the user or the password; check both"):
        Library(server.url("postgres", password="guess"))
    with refused("refuses the user or the password; check both"):
        Library(server.url("postgres", user="nobody"))
    with refused("does not exist; create it with `createdb`"):
        Library(server.url("nowhere"))
    Library(url).close()
    with refused(r"there is no library 'other' in postgresql://partwise:\*\*\*@127.0.0.1"):
        Library(url, "other", is_read_only=True)


def test_a_user_without_rights_is_told_so(server, url, refused):
    server.ask("CREATE ROLE reader LOGIN PASSWORD 'guess'")
    try:
        with refused("does not let this user write; ask its administrator"):
            Library(server.url("postgres", user="reader", password="guess"))
    finally:
        server.ask("DROP ROLE reader")


def test_a_url_of_sqlite_is_a_file_like_any_other(tmp_path, example, identity):
    place = tmp_path / "a b%20?#c.db"
    with Library(place) as library:
        library.teach("button", "accepted", example(), identity)
    assert [each.name for each in tmp_path.iterdir()] == [place.name]
    (tmp_path / "plain.db").write_bytes(place.read_bytes())
    with Library(f"sqlite:///{tmp_path / 'plain.db'}") as library:
        assert len(library.classes()) == 1


def test_reading_needs_a_library_and_makes_none(tmp_path, place, refused):
    assert not Library.exists(place)
    with refused("there is no library 'default' in"):
        Library(place, is_read_only=True)
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "empty.db").touch()
    assert not Library.exists(tmp_path / "empty.db")
    with refused("there is no library 'default' in"):
        Library(tmp_path / "empty.db", is_read_only=True)


def test_a_reader_teaches_nothing(place, example, identity, refused):
    with Library(place) as library:
        library.teach("button", "accepted", example(), identity)
        with Library(place, is_read_only=True) as reader:
            assert len(reader.examples()) == 1
            with refused("opened only to be read; open it for teaching"):
                reader.undo()
            library.teach("button", "accepted", example(1), identity)
            assert (reader.revision(), reader.classes()[0].n_examples) == (2, 2)
