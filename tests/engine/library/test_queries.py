"""Readers load what they ask for and no more."""

import numpy as np
import pytest
from sqlalchemy import Engine, event

LARGE = ("mask_png", "thumbnail_png", "features")


@pytest.fixture
def statements():
    """Every statement that is sent while the test runs."""
    seen = []

    def note(connection, cursor, statement, *_):
        seen.append(statement)

    event.listen(Engine, "before_cursor_execute", note)
    yield seen
    event.remove(Engine, "before_cursor_execute", note)


def test_lists_load_no_pictures_and_no_features(library, teach, statements):
    teach("button")
    statements.clear()
    library.classes(), library.example_classes(), library.lessons(), library.revision()
    assert len(statements) >= 4
    assert not [each for each in statements for name in LARGE if name in each]
    statements.clear()
    library.features()
    assert not [each for each in statements for name in LARGE[:2] if name in each]
    library.examples(with_features=False)
    assert ".features" not in statements[-1]


def test_more_ids_than_fit_into_a_statement_can_be_asked_for(library, teach):
    expected = [teach("button", number=each).example_id for each in range(3)]
    assert list(library.features(range(-5, 70_000))) == expected
    assert [each.id for each in library.examples(ids=range(2500, 0, -1))] == expected
    assert library.features([]) == {}
    assert library.examples("button", ids=expected[:1])[0].id == expected[0]
    teach("fleck", "defect", 3)
    assert library.examples("fleck", ids=expected) == []


def test_only_what_is_new_need_be_read(library, teach):
    numbers = [teach("button", number=each).example_id for each in range(3)]
    known = library.features()
    library.forget_example(numbers[0])
    added = teach("fleck", "defect", 3).example_id
    now = library.example_classes()
    assert set(now) == {*numbers[1:], added}
    (new,) = library.features(now.keys() - known.keys()).items()
    assert new[0] == added
    assert np.array_equal(new[1]["tokens"], np.full((2, 4), 3, dtype=np.float32))
    assert [each.id for each in library.examples(ids=[added, numbers[0]])] == [added]
    assert library.examples(ids=[added], with_features=False)[0].features == {}
