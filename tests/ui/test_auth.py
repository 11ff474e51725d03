"""Who comes in: the right password, not too soon after wrong ones; before it, nothing is shown."""

import threading
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from ui.auth import (
    FIRST_DELAY_S,
    LONGEST_DELAY_S,
    PASS_LASTS_S,
    LoginThrottle,
    is_name_of_this_machine,
    is_own_origin,
)

APP = Path(__file__).parents[2] / "ui" / "app.py"


class Clock:
    """Time that passes when told to."""

    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def throttle(clock):
    return LoginThrottle("open sesame", now=clock)


def test_the_right_password_gives_a_pass_that_is_known(throttle):
    token = throttle.log_in("open sesame")
    assert throttle.is_valid(token)
    assert not throttle.is_valid(token + "x")
    assert not throttle.is_valid("")
    assert throttle.log_in("open sesame") != token


@pytest.mark.parametrize("wrong", ["", "open", "Open sesame", "open sesame ", "\ud800"])
def test_any_other_password_does_not(throttle, wrong):
    assert throttle.log_in(wrong) is None


def test_delays_double_up_to_a_limit_and_the_right_password_ends_them(throttle, clock):
    delays = []
    for _ in range(8):
        assert throttle.log_in("wrong") is None
        delays.append(throttle.delay_s())
        clock.now += delays[-1]
    assert delays[:4] == [FIRST_DELAY_S * 2**n for n in range(4)]
    assert delays[-1] == LONGEST_DELAY_S
    assert throttle.log_in("open sesame")
    assert throttle.delay_s() == 0
    throttle.log_in("wrong")
    assert throttle.delay_s() == FIRST_DELAY_S


def test_too_soon_even_the_right_password_is_not_looked_at(throttle, clock):
    throttle.log_in("wrong")
    assert throttle.log_in("open sesame") is None
    assert throttle.delay_s() == FIRST_DELAY_S  # and that attempt made nothing longer
    clock.now += FIRST_DELAY_S
    assert throttle.log_in("open sesame")


def test_many_at_once_have_one_attempt(throttle):
    seen = []
    threads = [
        threading.Thread(target=lambda: seen.append(throttle.log_in("wrong"))) for _ in range(20)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == [None] * 20
    assert throttle.delay_s() <= FIRST_DELAY_S


def test_a_pass_ends_with_time_or_when_revoked(throttle, clock):
    first, second = throttle.log_in("open sesame"), throttle.log_in("open sesame")
    throttle.revoke(first)
    assert not throttle.is_valid(first)
    clock.now += PASS_LASTS_S
    assert not throttle.is_valid(second)


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("localhost", True),
        ("localhost:8501", True),
        ("127.0.0.1:8501", True),
        ("[::1]:8501", True),
        ("app.localhost", True),
        ("127.0.0.1.evil.example", False),
        ("evil.example:8501", False),
        ("192.168.1.5", False),
        ("", False),
    ],
)
def test_names_of_this_machine(host, expected):
    assert is_name_of_this_machine(host) is expected


def test_an_origin_is_its_own_only_with_its_port():
    assert is_own_origin("http://127.0.0.1:8501", "127.0.0.1:8501")
    assert is_own_origin("https://App.example", "app.example")
    assert not is_own_origin("http://127.0.0.1:8502", "127.0.0.1:8501")
    assert not is_own_origin("http://127.0.0.1:8501.evil.example", "127.0.0.1:8501")
    assert not is_own_origin("null", "127.0.0.1:8501")


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


def test_a_wrong_password_is_said_so_and_the_next_must_wait(guarded):
    app, password = guarded
    app.run()
    app.text_input[0].input("wrong")
    app.button[0].click().run()
    assert "not the password" in app.error[0].value
    app.text_input[0].input(password)
    app.button[0].click().run()
    assert "wait" in app.warning[0].value
    assert not app.sidebar.children


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
