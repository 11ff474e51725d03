"""Login: until it is passed, a page shows nothing else.

One throttle serves all sessions. Every password is looked at, so that nobody who guesses can keep
out who knows it; but of one address only one after another, with a pause after wrong ones, and of
all addresses together only as many as one processor can hash. Who has come in is given a pass,
which a browser keeps and shows when a page is loaded again.

Pass and name are kept in cookies of this address, which no other page may send (SameSite).
Streamlit reads cookies but writes none, so that a component without any picture does.
"""

from __future__ import annotations

import hashlib
import hmac
import logging
import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import unquote

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from ui.gate import CONNECTION_HEADER, network_of, visits
from ui.settings import Settings
from ui.text import plain

COOKIE_LASTS_S = 365 * 24 * 3600

_PREFIX = "partwise_"
_WRITE_JS = """
export default function ({ data }) {
  const secure = location.protocol === "https:" ? "; Secure" : "";
  for (const [name, { value, lasts }] of Object.entries(data)) {
    document.cookie =
      `${name}=${encodeURIComponent(value)}; Path=/; Max-Age=${lasts}; SameSite=Strict${secure}`;
  }
}
"""

_COMPONENT = st.components.v2.component("partwise_cookies", js=_WRITE_JS)

PASS_LASTS_S = 12 * 3600.0  # a shift and a half

# between two passwords of one address: no matter for people, but it is for machines
FIRST_PAUSE_S = 0.1
LONGEST_PAUSE_S = 0.5
LONGEST_WAIT_S = 10.0
ADDRESS_LASTS_S = 600.0
MAX_ADDRESSES = 4096
# 2**13 * 8 * 128 bytes = 8 MB and some 25 ms for each look
_SCRYPT = {"n": 2**13, "r": 8, "p": 1}

_TOKEN = "pass"
_VISIT = "_visit"
_LOG = logging.getLogger(__name__)


def require_login(settings: Settings) -> str:
    """Let the script go on only for who may come in; returns the name of the login, if any."""
    name = _log_in() if settings.is_oidc else ""
    if settings.password is None:
        _admit(lambda: True)
    else:
        throttle = _throttle(settings.password)
        token = _ask_password(throttle)
        _admit(lambda: throttle.is_valid(token))
    return name


def refusals() -> list[str]:
    """Return why files of this visitor were refused since it was last asked."""
    visit = st.session_state.get(_VISIT)
    return [] if visit is None else list(visit.take_refusals())


def show_logout(settings: Settings) -> None:
    """Draw the way out for who had to log in."""
    if settings.is_oidc:
        st.caption(f":material/person: {plain(_user_name())}")
        st.button("Log out", key="log_out", icon=":material/logout:", on_click=st.logout)
    elif settings.password is not None and st.button(
        "Lock", key="lock", icon=":material/lock:", help="Ask for the password again."
    ):
        _throttle(settings.password).revoke(st.session_state.pop(_TOKEN, ""))
        st.session_state.pop(_VISIT, None)
        st.rerun()


def _admit(holds: Callable[[], bool]) -> None:
    """Tell the gate that this session is in, for as long as ``holds`` says so."""
    run = get_script_run_ctx()
    connection = st.context.headers.get(CONNECTION_HEADER)
    if run is not None and isinstance(connection, str):  # Streamlit's tests have no browser
        st.session_state[_VISIT] = visits().admit(run.session_id, connection, holds)


def _log_in() -> str:
    """Return the name of who is logged in; whoever is not sees a button and nothing else."""
    if not st.user.is_logged_in:
        with _login_box():
            st.write("Please log in to go on.")
            st.button("Log in", key="log_in", type="primary", on_click=st.login)
        st.stop()
    return _user_name()


def _user_name() -> str:
    return str(st.user.get("name") or st.user.get("email") or "")


def _ask_password(throttle: LoginThrottle) -> str:
    """Stop the script until the right password was given here, or in this browser before.

    Returns the pass.
    """
    token = st.session_state.get(_TOKEN) or read_cookie(_TOKEN)
    if not throttle.is_valid(token):
        with _login_box(), st.form("login", border=False):
            given = st.text_input("Password", type="password", key="password")
            is_sent = st.form_submit_button("Enter", type="primary")
            token = _try_password(throttle, given) if is_sent else None
        if token is None:
            st.stop()
        st.session_state[_TOKEN] = token
        st.rerun()
    if st.session_state.get(_TOKEN) is None:
        st.session_state[_TOKEN] = token
    write_cookies({_TOKEN: token}, lasts_s=PASS_LASTS_S, key="cookie_pass")
    return str(token)


def _try_password(throttle: LoginThrottle, given: str) -> str | None:
    address = st.context.ip_address
    try:
        token = throttle.log_in(given, address if isinstance(address, str) else "")
    except TooManyAttemptsError as error:
        st.warning(str(error), icon=":material/timer:")
        return None
    if token is None:
        st.error("This is not the password.", icon=":material/lock:")
    return token


def _login_box() -> st.delta_generator.DeltaGenerator:
    """Draw the page of who is not in yet, and return the place for what is asked."""
    _, middle, _ = st.columns([1, 2, 1])
    box = middle.container(border=True)
    box.title("Partwise")
    return box


@st.cache_resource(show_spinner=False)
def _throttle(password: str) -> LoginThrottle:
    """Make the one throttle of this server, which all sessions share."""
    return LoginThrottle(password)


class TooManyAttemptsError(Exception):
    """So many attempts of one address wait that one more would wait too long."""


@dataclass
class _Line:
    """Who waits at one address: when the next may be looked at, and how many were wrong."""

    open_at: float
    n_wrong: int = 0


class LoginThrottle:
    """Checks passwords, slowly after wrong ones, and gives passes; safe for many threads.

    ``now`` is a clock in seconds that never goes back, and ``wait`` lets them pass.
    """

    def __init__(
        self,
        password: str,
        *,
        now: Callable[[], float] = time.monotonic,
        wait: Callable[[float], None] = time.sleep,
    ) -> None:
        self._salt = secrets.token_bytes(16)
        self._digest = self._password_digest(password)
        self._now = now
        self._wait = wait
        self._lock = threading.Lock()
        self._looking = threading.Lock()
        self._lines: OrderedDict[str, _Line] = OrderedDict()
        self._passes: dict[str, float] = {}

    def log_in(self, password: str, address: str = "") -> str | None:
        """Return a new pass for the right password, and None for a wrong one.

        Every password is looked at, but when its turn has come.

        Args:
            password: What a visitor has typed.
            address: Where from, an IP address; empty if it is not known.

        Raises:
            TooManyAttemptsError: Its turn would come only after ``LONGEST_WAIT_S``.
        """
        place = network_of(address)
        self._wait(self._turn_s(place))
        with self._looking:  # one after another: guesses leave processors to those who work
            is_right = hmac.compare_digest(self._password_digest(password), self._digest)
        with self._lock:
            line = self._lines.setdefault(place, _Line(self._now()))
            if is_right:
                line.n_wrong = 0
                return self._new_pass()
            line.n_wrong += 1
            if str(line.n_wrong).rstrip("0") == "1" and line.n_wrong > 1:  # 10, 100, 1000
                _LOG.warning("%d wrong passwords from %s", line.n_wrong, place or "this machine")
            return None

    def _turn_s(self, place: str) -> float:
        """Take the next turn of an address; returns how long it is until then."""
        with self._lock:
            now = self._now()
            self._forget_old(now)
            line = self._lines.setdefault(place, _Line(now))
            self._lines.move_to_end(place)
            wait_s = max(0.0, line.open_at - now)
            if wait_s > LONGEST_WAIT_S:
                raise TooManyAttemptsError(
                    "Too many attempts from your address at once. Please try again in "
                    f"{wait_s:.0f} s."
                )
            line.open_at = now + wait_s + _pause_s(line.n_wrong)
            return wait_s

    def _forget_old(self, now: float) -> None:
        """Keep only addresses that have guessed lately, and not more than so many."""
        while self._lines:
            oldest = next(iter(self._lines.values()))
            is_over = now - oldest.open_at > ADDRESS_LASTS_S
            if not is_over and len(self._lines) < MAX_ADDRESSES:
                return
            self._lines.popitem(last=False)

    def is_valid(self, token: str) -> bool:
        """Tell whether this is a pass that was given here and still holds."""
        with self._lock:
            ends_at = self._passes.get(_token_digest(token))
            return ends_at is not None and self._now() < ends_at

    def revoke(self, token: str) -> None:
        """Let a pass hold no longer."""
        with self._lock:
            self._passes.pop(_token_digest(token), None)

    def _new_pass(self) -> str:
        token, now = secrets.token_urlsafe(32), self._now()
        self._passes = {name: end for name, end in self._passes.items() if end > now}
        self._passes[_token_digest(token)] = now + PASS_LASTS_S
        return token

    def _password_digest(self, password: str) -> bytes:
        """Hash a password: digests have one length, so that comparing them takes one time."""
        given = password.encode("utf-8", "surrogatepass")
        return hashlib.scrypt(given, salt=self._salt, **_SCRYPT)


def _pause_s(n_wrong: int) -> float:
    """Return the pause between two passwords of one address that has guessed so often."""
    return min(FIRST_PAUSE_S * 2.0 ** min(n_wrong, 16), LONGEST_PAUSE_S)


def _token_digest(token: str) -> str:
    """Name a pass by its hash: looking it up tells nothing about it by the time that takes."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def read_cookie(name: str) -> str:
    """Return what the browser remembered under this name when it opened the page; perhaps empty."""
    value = st.context.cookies.get(f"{_PREFIX}{name}")
    return unquote(value) if isinstance(value, str) else ""  # Streamlit's tests have no browser


def write_cookies(values: Mapping[str, str], *, lasts_s: float = COOKIE_LASTS_S, key: str) -> None:
    """Let the browser remember values by their names; an empty one is forgotten."""
    data = {
        f"{_PREFIX}{name}": {"value": value, "lasts": int(lasts_s) if value else 0}
        for name, value in values.items()
    }
    _COMPONENT(data=data, key=key, height=1)
