"""Which entries are found, in which order, and what people do with them."""

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from engine.station import Station, StationError
from engine.station.entries import ordering, review

A, B = Path("/models/a.pw"), Path("/models/b.pw")


@pytest.fixture
def filled(tmp_path):
    """Six entries of model a with totals 0 … 5 and threshold 2.5, and one of b that waits."""
    with Station(tmp_path / "filled") as station:
        with station.database.change() as connection:
            for total in range(6):
                connection.execute(
                    "INSERT INTO entries (id, name, source, model, state, added_at, judged_at,"
                    " total, learnt, threshold, severity, verdict, worst, calm, classes)"
                    " VALUES (?, ?, 'upload', ?, 'done', ?, 1, ?, 2.5, 2.5, ?, ?,"
                    " 'a pin is missing',"
                    " 'like the references', '[]')",
                    (
                        total + 1,
                        f"Image {'FEDCBA'[total]}",
                        str(A),
                        1000.0 + total,
                        total,
                        total / 2.5,
                        "anomaly" if total > 2.5 else "normal",
                    ),
                )
            connection.execute(
                "INSERT INTO entries (id, name, source, model, added_at) VALUES (7, 'x', 'upload',"
                " ?, 2000)",
                (str(B),),
            )
            connection.execute("UPDATE entries SET classes = '[\"pin\"]' WHERE id IN (5, 6)")
            connection.execute("INSERT INTO entry_classes VALUES ('pin', 5), ('pin', 6)")
        yield station


def ids(entries):
    return [each.id for each in entries]


def test_orders(filled):
    assert ids(filled.entries()) == [7, 6, 5, 4, 3, 2, 1]
    assert ids(filled.entries(order="oldest", limit=2, offset=1)) == [2, 3]
    assert ids(filled.entries(order="worst")) == [6, 5, 4, 3, 2, 1, 7]
    assert ids(filled.entries(order="best")) == [1, 2, 3, 4, 5, 6, 7]
    assert ids(filled.entries(order="name")) == [6, 5, 4, 3, 2, 1, 7]
    with pytest.raises(
        StationError, match="order must be one of newest, oldest, worst, best, name"
    ):
        ordering("id; DROP TABLE entries")


def test_filters(filled):
    assert ids(filled.entries(model=B)) == [7]
    assert ids(filled.entries(states=("queued",))) == [7]
    assert ids(filled.entries(verdicts=("anomaly",))) == [6, 5, 4]
    assert ids(filled.entries(classes=("pin", "other"))) == [6, 5]
    assert ids(filled.entries(since=datetime.fromtimestamp(1004, UTC))) == [7, 6, 5]
    assert ids(filled.entries(until=datetime.fromtimestamp(1001, UTC))) == [1]
    assert filled.classes(model=A) == filled.classes() == ["pin"]
    assert filled.classes(model=B) == []


def test_a_review_is_kept_and_taken_back(filled):
    filled.review(6, "accepted", "Ann")
    filled.review(5, "rejected", "Ann")
    assert (filled.entry(6).review, filled.entry(6).reviewed_by) == ("accepted", "Ann")
    assert ids(filled.entries(reviews=("accepted",))) == [6]
    assert ids(filled.entries(reviews=(None, "rejected"), verdicts=("anomaly",))) == [5, 4]
    assert (filled.tally().accepted, filled.tally().rejected) == (1, 1)
    filled.review(6, None, "Ann")
    assert (filled.entry(6).review, filled.entry(6).reviewed_by) == (None, None)
    with pytest.raises(StationError, match="there is no entry 99"):
        filled.review(99, "accepted", "Ann")
    with pytest.raises(StationError, match="a review must be accepted, rejected or None"):
        review(filled.database, 6, "perhaps", "Ann")


def test_neighbours_follow_order_and_filters(filled):
    assert filled.neighbours(4) == (5, 3)
    assert filled.neighbours(7) == (None, 6)
    assert filled.neighbours(4, order="worst", verdicts=("anomaly",)) == (5, None)
    # one that fell out of what is asked for still knows where it was
    assert filled.neighbours(2, order="oldest", verdicts=("anomaly",)) == (None, 4)


def test_the_threshold_by_hand_decides_and_can_be_dropped(filled):
    filled.set_threshold(A, 4.5)
    assert filled.threshold(A) == 4.5
    assert ids(filled.entries(verdicts=("anomaly",))) == [6]
    assert filled.entry(4).threshold == 4.5
    assert filled.entry(4).reason == "like the references"
    assert filled.entry(6).reason == "a pin is missing"
    filled.set_threshold(A, None)
    assert filled.threshold(A) is None
    assert filled.tally().anomaly == 3


def test_a_verdict_by_region_stays_whatever_the_threshold(filled):
    with filled.database.change() as connection:
        connection.execute("UPDATE entries SET is_by_region = 1, verdict = 'anomaly' WHERE id = 1")
    filled.set_threshold(A, 100)
    assert ids(filled.entries(verdicts=("anomaly",))) == [1]
    assert filled.entry(1).verdict_at(100) == "anomaly"
    assert filled.entry(2).verdict_at(0.5) == "anomaly"
    assert filled.entry(7).verdict_at(0.5) is None


def test_cancelling_keeps_what_was_said_before(filled):
    filled.rejudge([6])
    assert (filled.entry(6).state, filled.entry(6).verdict) == ("queued", "anomaly")
    assert filled.cancel() == 2
    assert (filled.entry(6).state, filled.entry(7).state) == ("done", "cancelled")


def test_tallies(filled):
    tally = filled.tally()
    assert (tally.done, tally.queued, tally.normal, tally.anomaly) == (6, 1, 3, 3)
    assert (tally.pending, tally.total) == (1, 7)
    assert filled.tally(model=B).total == 1


def test_removed_entries_are_gone(filled):
    filled.remove([5, 6, 99])
    assert ids(filled.entries(classes=("pin",))) == []
    with pytest.raises(StationError, match="there is no entry 5 in this station"):
        filled.entry(5)


def test_ten_thousand_entries_are_listed_and_counted_quickly(tmp_path):
    with Station(tmp_path / "large") as station:
        with station.database.change() as connection:
            connection.executemany(
                "INSERT INTO entries (name, source, model, state, added_at, total, threshold,"
                " severity, verdict) VALUES (?, 'upload', ?, 'done', ?, ?, 1, ?, ?)",
                [
                    (f"{n}.png", str(A), n, n / 5000, n / 5000, ("normal", "anomaly")[n > 5000])
                    for n in range(10_000)
                ],
            )
        since = datetime.fromtimestamp(0, UTC) + timedelta(seconds=1)
        for ask in (
            lambda: station.entries(model=A, order="worst", limit=50),
            lambda: station.entries(model=A, verdicts=("anomaly",), limit=50),
            lambda: station.entries(since=since, order="name", limit=50),
            lambda: station.tally(model=A),
            lambda: station.tally(),
        ):
            seconds = []
            for _ in range(5):
                started = time.thread_time()  # others may be busy on the same computer
                ask()
                seconds.append(time.thread_time() - started)
            assert min(seconds) < 0.05
