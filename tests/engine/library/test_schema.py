"""Migrations make the very tables that the code uses, from the first version on."""

import sqlite3
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import create_engine, inspect, make_url, text

from engine.library import Library, LibraryError, schema
from engine.library.schema import VERSION_TABLE, Base


def connected(place):
    url = make_url(place) if "://" in place else make_url(f"sqlite:///{place}")
    name = {"postgresql": "postgresql+psycopg"}.get(url.drivername, url.drivername)
    return create_engine(url.set(drivername=name))


def run(place, statement):
    engine = connected(place)
    with engine.begin() as connection:
        connection.execute(text(statement))
    engine.dispose()


def test_migrations_lead_to_what_the_code_declares(place):
    Library(place).close()
    engine = connected(place)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE})
        assert compare_metadata(context, Base.metadata) == []
        # what the comparison leaves out
        for table in Base.metadata.sorted_tables:
            found = {each["name"]: each for each in inspect(connection).get_columns(table.name)}
            assert [*found] == [each.name for each in table.columns]
            assert all(found[each.name]["nullable"] == each.nullable for each in table.columns)
    engine.dispose()


def test_the_way_back_leaves_no_table(place):
    Library(place).close()
    config = Config()
    folder = Path(schema.__file__).with_name("migrations")
    config.set_main_option("script_location", str(folder))
    engine = connected(place)
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, "base")
        assert inspect(connection).get_table_names() == [VERSION_TABLE]
    engine.dispose()
    assert not Library.exists(place)
    with Library(place) as library:  # and forth again
        assert library.revision() == 0


def test_opening_again_changes_nothing(place, example, identity):
    with Library(place) as library:
        library.teach("button", "accepted", example(), identity)
    with Library(place) as library:
        assert [each.name for each in library.classes()] == ["button"]
        assert library.revision() == 1


def test_a_newer_schema_is_refused_in_one_line(place):
    Library(place).close()
    run(place, f"UPDATE {VERSION_TABLE} SET version_num = '9999'")
    for is_read_only in (False, True):
        with pytest.raises(LibraryError, match=r"0001 or older, got 9999, .*; update partwise$"):
            Library(place, is_read_only=is_read_only)
    with pytest.raises(LibraryError, match="update partwise"):
        Library.exists(place)


def test_the_database_of_another_program_is_left_alone(tmp_path):
    place = tmp_path / "other.db"
    with closing(sqlite3.connect(place)) as connection:
        connection.execute("CREATE TABLE bookmark (title TEXT)")
    before = place.read_bytes()
    with pytest.raises(LibraryError, match="got another program's database"):
        Library(place)
    assert place.read_bytes() == before
    assert [each.name for each in tmp_path.iterdir()] == [place.name]


def test_a_database_on_a_server_may_be_shared_with_other_programs(url):
    run(url, "CREATE TABLE bookmark (title TEXT)")
    run(url, "CREATE TABLE alembic_version (version_num TEXT)")
    with Library(url) as library:
        assert library.classes() == []


def open_it(place):
    with Library(place) as library:
        return library.revision()


def test_several_processes_open_a_new_database_at_once(place, processes):
    with ProcessPoolExecutor(3, mp_context=processes) as pool:
        list(pool.map(abs, range(3)))  # awake, so that they begin together
        assert list(pool.map(open_it, [place] * 6)) == [0] * 6
    assert Library.exists(place)


def test_one_database_holds_several_libraries(place, example, identity):
    with Library(place, "left") as left, Library(place, "right") as right:
        lesson = left.teach("button", "accepted", example(0), identity)
        right.teach("button", "defect", example(1), identity | {"backbone": "other"})
        assert [each.kind for each in left.classes()] == ["accepted"]
        assert [each.kind for each in right.classes()] == ["defect"]
        assert [each.color for each in right.classes()] == [0]
        assert (left.revision(), right.revision()) == (1, 1)
        with pytest.raises(LibraryError, match=f"library 'right' has no lesson {lesson.id}"):
            right.undo(lesson.id)
        with pytest.raises(LibraryError, match="library 'right' has no example"):
            right.forget_example(lesson.example_id)
        right.undo()
        assert len(left.classes()) == 1
    assert Library.exists(place, "left")
    assert not Library.exists(place)
