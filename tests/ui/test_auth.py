"""Who comes in: the right password, whoever else guesses; before it, nothing is shown."""

import threading
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from ui.auth import (
    ADDRESS_LASTS_S,
    FIRST_PAUSE_S,
    LONGEST_PAUSE_S,
    LONGEST_WAIT_S,
    MAX_ADDRESSES,
    PASS_LASTS_S,
    LoginThrottle,
    TooManyAttemptsError,
)

APP = Path(__file__).parents[2] / "ui" / "app.py"


class Clock:
    """Time that passes when told to, or when it is waited for."""

    def __init__(self):
        self.now = 1000.0
        self.waits = []

    def __call__(self):
        return self.now

    def wait(self, seconds):
        self.waits.append(seconds)
        self.now += seconds


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def throttle(clock):
    return LoginThrottle("open sesame", now=clock, wait=clock.wait)


@pytest.fixture
def quick_hash(monkeypatch):
    """Hash in no time, where thousands of passwords are tried."""
    monkeypatch.setattr("hashlib.scrypt", lambda given, *, salt, **_: given + salt)


def test_the_right_password_gives_a_pass_that_is_known(throttle):
    token = throttle.log_in("open sesame")
    assert throttle.is_valid(token)
    assert not throttle.is_valid(token + "x")
    assert not throttle.is_valid("")
    assert throttle.log_in("open sesame") != token


@pytest.mark.parametrize("wrong", ["", "open", "Open sesame", "open sesame ", "\ud800"])
def test_any_other_password_does_not(throttle, wrong):
    assert throttle.log_in(wrong) is None


GUESSER, PERSON = "203.0.113.7", "198.51.100.1"


def test_pauses_double_up_to_a_limit_and_the_right_password_ends_them(throttle, clock):
    for _ in range(6):
        assert throttle.log_in("wrong", GUESSER) is None
    expected = [0.0, *(min(FIRST_PAUSE_S * 2**n, LONGEST_PAUSE_S) for n in range(5))]
    # the turn after this one is taken before it is known whether this one is wrong
    assert clock.waits == pytest.approx(expected)
    assert clock.waits[-1] == LONGEST_PAUSE_S
    assert throttle.log_in("open sesame", GUESSER)
    clock.waits.clear()
    for _ in range(3):
        throttle.log_in("wrong", GUESSER)
    assert clock.waits[1:] == pytest.approx([FIRST_PAUSE_S, 2 * FIRST_PAUSE_S])


@pytest.mark.parametrize("place", [PERSON, GUESSER])
def test_who_knows_the_password_is_let_in_while_another_guesses(quick_hash, throttle, clock, place):
    """An hour of one guess a second, from elsewhere or from the same address."""
    n_let_in = 0
    for second in range(3600):
        clock.now = max(clock.now, 1000.0 + second)
        assert throttle.log_in("wrong", GUESSER) is None
        if second % 60 == 59:
            clock.waits.clear()
            n_let_in += throttle.log_in("open sesame", place) is not None
            assert sum(clock.waits) <= (0 if place == PERSON and second < 60 else LONGEST_PAUSE_S)
    assert n_let_in == 60


def test_a_flood_waits_in_a_line_of_its_own(quick_hash, clock):
    """A thousand at once: few are looked at, none for long; elsewhere nobody waits."""
    throttle = LoginThrottle("open sesame", now=clock, wait=clock.waits.append)
    refusals = []
    for _ in range(1000):
        try:
            throttle.log_in("wrong", GUESSER)
        except TooManyAttemptsError as error:
            refusals.append(str(error))
    assert 1000 - len(refusals) <= LONGEST_WAIT_S / LONGEST_PAUSE_S + 5
    assert "Please try again in 10 s" in refusals[0]
    assert max(clock.waits) <= LONGEST_WAIT_S
    clock.waits.clear()
    assert throttle.log_in("open sesame", PERSON)
    assert clock.waits == [0]
    clock.now += 1
    assert throttle.log_in("open sesame", GUESSER)  # in its turn


def test_addresses_of_one_network_share_a_line(throttle, clock):
    for number in range(6):
        throttle.log_in("wrong", f"2001:db8::{number}")
    assert clock.waits[-1] == LONGEST_PAUSE_S
    throttle.log_in("wrong", "2001:db8:0:1::")
    assert clock.waits[-1] == 0


def test_many_addresses_take_little_memory(quick_hash, throttle, clock):
    for number in range(MAX_ADDRESSES + 500):
        throttle.log_in("wrong", f"2001:db8:{number // 65536:x}:{number % 65536:x}::")
    assert len(throttle._lines) == MAX_ADDRESSES
    clock.now += ADDRESS_LASTS_S + 1
    assert throttle.log_in("open sesame", PERSON)
    assert len(throttle._lines) == 1


def test_many_guesses_are_reported_once_in_a_while(quick_hash, throttle, caplog):
    for _ in range(120):
        throttle.log_in("wrong", GUESSER)
    assert caplog.messages == [f"{n} wrong passwords from {GUESSER}" for n in (10, 100)]


def test_the_password_is_not_kept_as_it_is(throttle):
    kept = repr(vars(throttle))
    assert "sesame" not in kept
    assert LoginThrottle("open sesame")._digest != throttle._digest  # each with a salt of its own


def test_many_at_once_are_all_looked_at(throttle):
    seen = []
    threads = [
        threading.Thread(target=lambda: seen.append(throttle.log_in("wrong"))) for _ in range(20)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == [None] * 20
    assert throttle._lines[""].n_wrong == 20


def test_a_pass_ends_with_time_or_when_revoked(throttle, clock):
    first, second = throttle.log_in("open sesame"), throttle.log_in("open sesame")
    throttle.revoke(first)
    assert not throttle.is_valid(first)
    clock.now += PASS_LASTS_S
    assert not throttle.is_valid(second)


@pytest.fixture
def guarded(tmp_path, monkeypatch):
    """The app behind a password of its own, whose throttle no other test has used."""
    password = tmp_path.name
    monkeypatch.setenv("PARTWISE_PASSWORD", password)
    words = ["app.py", "--station", str(tmp_path / "st"), "--root", str(tmp_path)]
    monkeypatch.setattr("sys.argv", words)
    return AppTest.from_file(str(APP), default_timeout=60), password


def test_before_the_gate_there_is_a_password_and_nothing_else(guarded, tmp_path):
    app, _ = guarded
    app.run()
    assert not app.exception
    assert [each.label for each in app.text_input] == ["Password"]
    assert [each.label for each in app.button] == ["Enter"]
    assert not app.sidebar.children
    assert not (tmp_path / "st").exists()  # nothing was even opened


def test_a_wrong_password_is_said_so_and_the_right_one_is_looked_at_all_the_same(guarded):
    app, password = guarded
    app.run()
    for _ in range(3):
        app.text_input[0].input("wrong")
        app.button[0].click().run()
        assert "not the password" in app.error[0].value
        assert not app.sidebar.children
    app.text_input[0].input(password)
    app.button[0].click().run()
    assert [each.value for each in app.title] == ["New model"]


def test_the_right_password_opens_the_app(guarded):
    app, password = guarded
    app.run()
    app.text_input[0].input(password)
    app.button[0].click().run()
    assert not app.exception
    assert [each.value for each in app.title] == ["New model"]
    assert app.button("lock").label == "Lock"
    app.button("lock").click().run()
    assert [each.label for each in app.text_input] == ["Password"]
