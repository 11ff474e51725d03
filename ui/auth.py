"""Login and origin check: until they are passed, a page shows nothing else.

Streamlit refuses pages of other sites, but not those of other servers on this machine: only a page
that comes from this very server may go on. Where no password is asked for, a site could still reach
the app under a name of its own that leads here (DNS rebinding): if only this machine can reach it,
the name in the address bar must be one of this machine.

One throttle serves all sessions: every wrong password makes the next attempt, whoever makes it,
wait twice as long, so that opening many sessions helps nobody to guess. Who has come in is given a
pass, which a browser keeps and shows when a page is loaded again.

Pass and name are kept in cookies of this address, which no other page may send (SameSite).
Streamlit reads cookies but writes none, so that a component without any picture does.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import secrets
import threading
import time
from collections.abc import Callable, Mapping
from typing import NoReturn
from urllib.parse import unquote, urlsplit

import streamlit as st

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

FIRST_DELAY_S = 1.0
LONGEST_DELAY_S = 30.0
PASS_LASTS_S = 12 * 3600.0  # a shift and a half

OTHER_ORIGIN = (
    "This app answers only to its own pages. A proxy in front of it must pass the header Host on."
)
OTHER_NAME = (
    "This app answers only to names of its own machine, such as localhost. To offer it under "
    "another name, start it with a password: `partwise ui --password-file FILE`."
)

_TOKEN = "pass"


def require_login(settings: Settings) -> str:
    """Let the script go on only for who may come in; returns the name of the login, if any."""
    origin, host = st.context.headers.get("Origin"), st.context.headers.get("Host")
    if isinstance(host, str):  # Streamlit's tests have no browser
        if isinstance(origin, str) and not is_own_origin(origin, host):
            _refuse(OTHER_ORIGIN)
        if settings.is_loopback and not settings.is_guarded and not is_name_of_this_machine(host):
            _refuse(OTHER_NAME)
    name = _log_in() if settings.is_oidc else ""
    if settings.password is not None:
        _ask_password(_throttle(settings.password))
    return name


def show_logout(settings: Settings) -> None:
    """Draw the way out for who had to log in."""
    if settings.is_oidc:
        st.caption(f":material/person: {plain(_user_name())}")
        st.button("Log out", key="log_out", icon=":material/logout:", on_click=st.logout)
    elif settings.password is not None and st.button(
        "Lock", key="lock", icon=":material/lock:", help="Ask for the password again."
    ):
        _throttle(settings.password).revoke(st.session_state.pop(_TOKEN, ""))
        st.rerun()


def is_own_origin(origin: str, host: str) -> bool:
    """Tell whether a page of this origin comes from the server that it asks."""
    return urlsplit(origin).netloc.lower() == host.lower()


def is_name_of_this_machine(host: str) -> bool:
    """Tell whether the header ``Host`` names this machine by itself: localhost or an address."""
    name = urlsplit(f"//{host}").hostname or ""
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return name == "localhost" or name.endswith(".localhost")


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


def _ask_password(throttle: LoginThrottle) -> None:
    """Stop the script until the right password was given here, or in this browser before."""
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


def _try_password(throttle: LoginThrottle, given: str) -> str | None:
    delay = throttle.delay_s()
    if delay > 0:
        st.warning(f"Please wait {delay:.0f} s before the next attempt.", icon=":material/timer:")
        return None
    token = throttle.log_in(given)
    if token is None:
        st.error("This is not the password.", icon=":material/lock:")
    return token


def _login_box() -> st.delta_generator.DeltaGenerator:
    """Draw the page of who is not in yet, and return the place for what is asked."""
    _, middle, _ = st.columns([1, 2, 1])
    box = middle.container(border=True)
    box.title("Partwise")
    return box


def _refuse(words: str) -> NoReturn:
    st.error(words, icon=":material/block:")
    st.stop()


@st.cache_resource(show_spinner=False)
def _throttle(password: str) -> LoginThrottle:
    """Make the one throttle of this server, which all sessions share."""
    return LoginThrottle(password)


class LoginThrottle:
    """Checks passwords, slowly after wrong ones, and gives passes; safe for many threads.

    ``now`` is a clock in seconds that never goes back.
    """

    def __init__(self, password: str, *, now: Callable[[], float] = time.monotonic) -> None:
        self._digest = _password_digest(password)
        self._now = now
        self._lock = threading.Lock()
        self._n_wrong = 0
        self._open_at = 0.0
        self._passes: dict[str, float] = {}

    def delay_s(self) -> float:
        """Return how long the next attempt must wait; 0 if it need not."""
        with self._lock:
            return max(0.0, self._open_at - self._now())

    def log_in(self, password: str) -> str | None:
        """Return a new pass for the right password; None for a wrong one or an attempt too soon.

        An attempt too soon is not even looked at, and delays nothing further.
        """
        with self._lock:
            if self._now() < self._open_at:
                return None
            if not hmac.compare_digest(_password_digest(password), self._digest):
                self._n_wrong += 1
                delay = min(FIRST_DELAY_S * 2.0 ** min(self._n_wrong - 1, 16), LONGEST_DELAY_S)
                self._open_at = self._now() + delay
                return None
            self._n_wrong = 0
            return self._new_pass()

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


def _password_digest(password: str) -> bytes:
    """Hash a password: digests have one length, so that comparing them takes one time."""
    return hashlib.sha256(password.encode("utf-8", "surrogatepass")).digest()


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
