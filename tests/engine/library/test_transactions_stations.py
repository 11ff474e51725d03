"""Several stations teach at once, in processes of their own: nothing is lost, nothing doubled."""

from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager, suppress

import numpy as np
import pytest
from sqlalchemy import Engine, event

from engine.library import KindConflict, Library, LibraryError, NewExample
from features.region import Region

N_LESSONS = 8
IDENTITY = {"backbone": "embedded"}


def example(number):
    return NewExample(
        image_sha256=f"{number:064x}",
        image_name=f"{number}.png",
        image_size=(40, 50),
        region=Region((1, 2, 6, 6), np.ones((4, 5), dtype=bool)),
        thumbnail=np.zeros((8, 8, 3), dtype=np.uint8),
        features={"tokens": np.full((3, 16), number, dtype=np.float32)},
    )


def teach_many(place, station):
    """Begin several classes that the other stations begin, too, in another order."""
    with Library(place, author=f"station {station}") as library:
        for index in range(N_LESSONS):
            name = f"class {(index + station) % 4}"
            library.teach(name, "accepted", example(100 * station + index), IDENTITY)


def teach_kind(place, kind):
    with Library(place) as library:
        try:
            return library.teach("button", kind, example(0), IDENTITY).text
        except KindConflict as error:
            return str(error)


def undo_and_redo(place, station):
    """Undo whatever comes last, again and again; what was undone meanwhile is refused."""
    with Library(place, author=f"station {station}") as library:
        for _ in range(N_LESSONS):
            for step in (library.undo, library.redo):
                with suppress(LibraryError):  # somebody else was quicker
                    step()


@contextmanager
def before_commit(action):
    """Do something when the next lesson is written but for the last word."""
    pending = [action]

    def hook(*_):
        if pending:
            pending.pop()()

    event.listen(Engine, "commit", hook)
    try:
        yield
    finally:
        event.remove(Engine, "commit", hook)


@pytest.fixture(scope="module")
def at_once(processes):
    """Do some work in two processes, which begin together."""
    with ProcessPoolExecutor(2, mp_context=processes) as pool:
        list(pool.map(abs, range(2)))  # awake

        def work_twice(work, place, arguments):
            return list(pool.map(work, [place] * 2, arguments))

        yield work_twice


def test_stations_that_begin_the_same_classes_lose_nothing(place, at_once):
    at_once(teach_many, place, [1, 2])
    with Library(place) as library:
        assert sorted(each.name for each in library.classes()) == [f"class {n}" for n in range(4)]
        assert sorted(each.color for each in library.classes()) == [0, 1, 2, 3]
        assert {each.n_examples for each in library.classes()} == {2 * N_LESSONS // 4}
        expected = {f"{100 * s + i}.png" for s in (1, 2) for i in range(N_LESSONS)}
        found = library.examples()
        assert {each.image_name for each in found} == expected
        for each in found:
            number = int(each.image_sha256, 16)
            assert each.image_name == f"{number}.png"
            assert each.author == f"station {number // 100}"
            assert np.all(each.features["tokens"] == number)
        assert library.revision() == len(library.lessons()) == 2 * N_LESSONS


def test_of_two_kinds_at_once_the_second_is_told(place, at_once):
    answers = at_once(teach_kind, place, ["accepted", "defect"])
    assert sorted(each.split(" ")[0] for each in answers) == ["class", "teach"]
    with Library(place) as library:
        ((found,), (lesson,)) = library.classes(), library.lessons()
        assert f"({found.kind})" in lesson.text
        assert found.n_examples == 1


def test_stations_that_undo_at_once_leave_log_and_tables_agreeing(place, at_once):
    teach_many(place, 1)
    at_once(undo_and_redo, place, [1, 2])
    with Library(place) as library:
        lessons = library.lessons()
        standing = {each.example_id for each in lessons if not each.is_undone}
        assert set(library.example_classes()) == standing
        turns = [each.reversals for each in lessons]
        assert library.revision() == N_LESSONS + sum(map(len, turns))
        for each in turns:  # undone and redone in turn
            expected = ["undo", "redo"] * len(each)
            assert [turn.action for turn in each] == expected[: len(each)]


def test_a_reader_is_not_kept_waiting_by_a_lesson(place):
    seen = []
    with Library(place) as teacher, Library(place, patience_s=0.1) as reader:
        teacher.teach("button", "accepted", example(0), IDENTITY)

        def look():
            seen.append((reader.revision(), len(reader.examples())))

        with before_commit(look):
            teacher.teach("button", "accepted", example(1), IDENTITY)
        assert seen == [(1, 1)]
        assert reader.revision() == 2


def test_a_writer_says_that_another_one_is_busy(place):
    refusals = []
    with Library(place) as first, Library(place, patience_s=0.1) as second:

        def interfere():
            with pytest.raises(LibraryError, match="try again") as caught:
                second.teach("fleck", "defect", example(1), IDENTITY)
            refusals.append(str(caught.value))

        with before_commit(interfere):
            first.teach("button", "accepted", example(0), IDENTITY)
        assert len(refusals) == 1
        assert [each.name for each in second.classes()] == ["button"]
        second.teach("fleck", "defect", example(1), IDENTITY)
        assert len(first.classes()) == 2


def test_stations_lose_nothing_where_the_server_isolates_strictly(url, at_once):
    strict = f"{url}%20-cdefault_transaction_isolation%3Dserializable"
    at_once(teach_many, strict, [1, 2])
    with Library(url) as library:
        assert len(library.classes()) == 4
        assert len(library.examples()) == library.revision() == 2 * N_LESSONS


def test_one_library_serves_several_threads(place):
    with Library(place) as library, ThreadPoolExecutor(4) as pool:
        lessons = list(
            pool.map(
                lambda number: library.teach("button", "accepted", example(number), IDENTITY),
                range(12),
            )
        )
        assert len({each.id for each in lessons}) == library.revision() == 12
        assert library.classes()[0].n_examples == 12
