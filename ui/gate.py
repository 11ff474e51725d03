"""May this visitor come in? Until that is answered, a page shows nothing else.

Streamlit refuses pages of other sites, but not those of other servers on this machine: only a page
that comes from this very server may go on. Where no password is asked for, a site could still reach
the app under a name of its own that leads here (DNS rebinding): if only this machine can reach it,
the name in the address bar must be one of this machine.
"""

from __future__ import annotations

import ipaddress
from typing import NoReturn
from urllib.parse import urlsplit

import streamlit as st

from ui.memory import remember, remembered
from ui.settings import Settings
from ui.turnstile import PASS_LASTS_S, Turnstile
from ui.view import plain

OTHER_ORIGIN = (
    "This app answers only to its own pages. A proxy in front of it must pass the header Host on."
)
OTHER_NAME = (
    "This app answers only to names of its own machine, such as localhost. To offer it under "
    "another name, start it with a password: `partwise ui --password-file FILE`."
)

_PASS = "pass"


def admit(settings: Settings) -> str:
    """Let the script go on only for who may come in; returns the name of the login, if any."""
    origin, host = st.context.headers.get("Origin"), st.context.headers.get("Host")
    if isinstance(host, str):  # Streamlit's tests have no browser
        if isinstance(origin, str) and not is_own_origin(origin, host):
            _refuse(OTHER_ORIGIN)
        if settings.is_loopback and not settings.is_guarded and not is_name_of_this_machine(host):
            _refuse(OTHER_NAME)
    name = _log_in() if settings.is_oidc else ""
    if settings.password is not None:
        _ask(_turnstile(settings.password))
    return name


def offer_to_leave(settings: Settings) -> None:
    """Draw the way out for who had to log in."""
    if settings.is_oidc:
        st.caption(f":material/person: {plain(_name())}")
        st.button("Log out", key="log_out", icon=":material/logout:", on_click=st.logout)
    elif settings.password is not None and st.button(
        "Lock", key="lock", icon=":material/lock:", help="Ask for the password again."
    ):
        _turnstile(settings.password).revoke(st.session_state.pop(_PASS, ""))
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


@st.cache_resource(show_spinner=False)
def _turnstile(password: str) -> Turnstile:
    """Make the one turnstile of this server, which all sessions share."""
    return Turnstile(password)


def _refuse(words: str) -> NoReturn:
    st.error(words, icon=":material/block:")
    st.stop()


def _log_in() -> str:
    """Return the name of who is logged in; whoever is not sees a button and nothing else."""
    if not st.user.is_logged_in:
        with _door():
            st.write("Please log in to go on.")
            st.button("Log in", key="log_in", type="primary", on_click=st.login)
        st.stop()
    return _name()


def _name() -> str:
    return str(st.user.get("name") or st.user.get("email") or "")


def _ask(turnstile: Turnstile) -> None:
    """Stop the script until the right password was given here, or in this browser before."""
    token = st.session_state.get(_PASS) or remembered(_PASS)
    if not turnstile.knows(token):
        with _door(), st.form("door", border=False):
            given = st.text_input("Password", type="password", key="password")
            is_sent = st.form_submit_button("Enter", type="primary")
            token = _entered(turnstile, given) if is_sent else None
        if token is None:
            st.stop()
        st.session_state[_PASS] = token
        st.rerun()
    if st.session_state.get(_PASS) is None:
        st.session_state[_PASS] = token
    remember({_PASS: token}, lasts_s=PASS_LASTS_S, key="memory_of_pass")


def _entered(turnstile: Turnstile, given: str) -> str | None:
    delay = turnstile.delay_s()
    if delay > 0:
        st.warning(f"Please wait {delay:.0f} s before the next attempt.", icon=":material/timer:")
        return None
    token = turnstile.enter(given)
    if token is None:
        st.error("This is not the password.", icon=":material/lock:")
    return token


def _door() -> st.delta_generator.DeltaGenerator:
    """Draw the page of who is not in yet, and return the place for what is asked."""
    _, middle, _ = st.columns([1, 2, 1])
    door = middle.container(border=True)
    door.title("Partwise")
    return door
