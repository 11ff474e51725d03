"""Gate in front of the app: what is asked of the server, by whom, and how much may be sent to it.

Streamlit checks who may open a page; some of what it serves besides is for anybody. Every request
passes here first:

- Only a page of this very server may open a session or send something, and no other page may frame
  the app. If nothing but this machine can reach it and no password is asked for, the name in the
  address bar must be one of this machine: a site could lead a name of its own here (DNS rebinding).
- Of Streamlit's own addresses only those that a page needs are answered; figures about the server
  and interfaces for programs are not.
- Files are taken from sessions that have come in, and of them only as much as there is room for.
  A stranger may send small messages, as a login needs, over a few connections.

Who has come in is said by the script of the page (``admit``); it runs in the same process.
"""

from __future__ import annotations

import ipaddress
import logging
import secrets
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from functools import cache
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from weakref import WeakValueDictionary

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

# of one visitor, and of all: what waits to be taken over by a page lies in memory
MAX_VISITOR_BYTES = 1_000_000_000
MAX_TOTAL_BYTES = 2_000_000_000
# a login needs hundreds of bytes
MAX_STRANGER_MESSAGE_BYTES = 64 * 1024
MAX_STRANGER_CONNECTIONS = 32

CONNECTION_HEADER = "x-partwise-connection"
"""Header by which a session is told the number of its connection; what a browser sends is lost."""

OTHER_ORIGIN = (
    "This app answers only to its own pages. A proxy in front of it must pass the header Host on."
)
OTHER_NAME = (
    "This app answers only to names of its own machine, such as localhost. To offer it under "
    "another name, start it with a password: `partwise ui --password-file FILE`."
)
NOT_IN = "Files are taken only from a page that has come in; load it again and log in."
NO_LENGTH = "An upload must say its length."
TOO_MUCH = (
    "Too much at once: at most {visitor} of one visitor and {total} in all may wait to be taken "
    "in; send fewer files at once, or name their folder."
).format(visitor="1 GB", total="2 GB")

_CORE = "/_stcore"
_UPLOADS = f"{_CORE}/upload_file/"
_SERVED = (f"{_CORE}/health", f"{_CORE}/host-config", f"{_CORE}/stream")
_SERVED_BELOW = (f"{_CORE}/bidi-components/", _UPLOADS)
_READING = frozenset({"GET", "HEAD", "OPTIONS"})
_POLICY_VIOLATION, _TOO_BIG, _TRY_LATER = 1008, 1009, 1013  # RFC 6455, 7.4.1
_SAFETY = {
    "Content-Security-Policy": "frame-ancestors 'none'",
    "X-Frame-Options": "DENY",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
_LOG = logging.getLogger(__name__)


class Visit:
    """A session that has come in; forgotten when nothing else holds it."""

    def __init__(self) -> None:
        self.connection = ""
        self.holds: Callable[[], bool] = lambda: False
        self.refusals: list[str] = []

    def take_refusals(self) -> list[str]:
        """Return why files were refused, each reason once, and forget it."""
        refusals, self.refusals = self.refusals, []
        return list(dict.fromkeys(refusals))


class Visits:
    """The sessions that have come in, by their names; safe for many threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._visits: WeakValueDictionary[str, Visit] = WeakValueDictionary()

    def admit(self, session: str, connection: str, holds: Callable[[], bool]) -> Visit:
        """Let a session in while ``holds`` says so, and the visit that is returned is kept."""
        with self._lock:
            visit = self._visits.get(session) or Visit()
            visit.connection, visit.holds = connection, holds
            self._visits[session] = visit
        return visit

    def expel(self, session: str) -> None:
        """Let a session in no longer."""
        with self._lock:
            self._visits.pop(session, None)

    def find(self, session: str) -> Visit | None:
        """Return the visit of a session that is in."""
        with self._lock:
            visit = self._visits.get(session)
        return visit if visit is not None and visit.holds() else None

    def has_connection(self, connection: str) -> bool:
        """Tell whether somebody who is in uses this connection."""
        with self._lock:
            visits = list(self._visits.values())
        return any(each.connection == connection and each.holds() for each in visits)


@cache
def visits() -> Visits:
    """Return the visits of this server, which its gate and the script of the page share."""
    return Visits()


class Gate:
    """Passes requests on to ``app`` or refuses them (ASGI 3).

    Args:
        app: What is behind the gate.
        is_local: Whether every request must be to a name of this machine.
        visits: Who is in.
        held: Gives the bytes of the files that wait, by session.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        is_local: bool,
        visits: Visits,
        held: Callable[[], Mapping[str, int]],
    ) -> None:
        self._app = app
        self._is_local = is_local
        self._visits = visits
        self._held = held
        self._coming: Counter[str] = Counter()
        self._connections: dict[str, tuple[str, str]] = {}
        self._logged: set[str] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request, connection, or life of the server."""
        if scope["type"] == "http":
            await self._request(scope, receive, _with_safety(send))
        elif scope["type"] == "websocket":
            await self._connection(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    def _refusal(self, scope: Scope) -> str | None:
        """Say why nobody may ask like this; None if anybody may."""
        headers = Headers(scope=scope)
        host, origin = headers.get("host", ""), headers.get("origin")
        refusal = None
        if self._is_local and not is_name_of_this_machine(host):
            refusal = OTHER_NAME
        elif origin is not None and not is_own_origin(origin, host):
            is_reading = scope["type"] == "http" and scope["method"] in _READING
            refusal = None if is_reading else OTHER_ORIGIN
        if refusal and refusal not in self._logged:
            self._logged.add(refusal)  # once: who asks again and again must not fill the log
            _LOG.warning(
                "refused a page of %.200r under the name %.200r: %s", origin, host, refusal
            )
        return refusal

    async def _request(self, scope: Scope, receive: Receive, send: Send) -> None:
        path: str = scope["path"]
        refusal = self._refusal(scope)
        if refusal is not None:
            await PlainTextResponse(refusal, 403)(scope, receive, send)
        elif not _is_served(path):
            await PlainTextResponse("Not Found", 404)(scope, receive, send)
        elif path.startswith(_UPLOADS) and scope["method"] != "OPTIONS":
            await self._upload(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    # Files

    async def _upload(self, scope: Scope, receive: Receive, send: Send) -> None:
        session = scope["path"].removeprefix(_UPLOADS).partition("/")[0]
        visit = self._visits.find(session)
        if visit is None:
            await PlainTextResponse(NOT_IN, 403)(scope, receive, send)
            return
        length = Headers(scope=scope).get("content-length", "")
        if scope["method"] == "DELETE":
            length = length or "0"
        if not (length.isascii() and length.isdigit()):
            await PlainTextResponse(NO_LENGTH, 411)(scope, receive, send)
            return
        n_bytes = int(length[:18])
        if not self._has_room(session, n_bytes):
            visit.refusals.append(TOO_MUCH)
            await PlainTextResponse(TOO_MUCH, 413)(scope, receive, send)
            return
        self._coming[session] += n_bytes
        try:
            await self._app(scope, receive, send)
        finally:
            self._coming[session] -= n_bytes
            self._coming = +self._coming  # without sessions that send nothing

    def _has_room(self, session: str, n_bytes: int) -> bool:
        """Tell whether so much may come in addition to what waits and what is coming."""
        held = self._held()
        of_visitor = held.get(session, 0) + self._coming[session]
        in_all = sum(held.values()) + self._coming.total()
        return of_visitor + n_bytes <= MAX_VISITOR_BYTES and in_all + n_bytes <= MAX_TOTAL_BYTES

    # Connections

    async def _connection(self, scope: Scope, receive: Receive, send: Send) -> None:
        address = network_of(scope["client"][0] if scope.get("client") else "")
        refusal = self._refusal(scope)
        code = _POLICY_VIOLATION
        if refusal is None and self._n_strangers(address) >= MAX_STRANGER_CONNECTIONS:
            refusal, code = "too many connections", _TRY_LATER
        if refusal is not None:
            await receive()  # the server may be answered only when it has asked
            await send({"type": "websocket.close", "code": code, "reason": ""})
            return
        number = secrets.token_urlsafe(16)
        known = _known_session(Headers(scope=scope))
        self._connections[number] = (address, known)
        try:
            await self._app(_numbered(scope, number), self._limited(number, receive, send), send)
        finally:
            del self._connections[number]

    def _limited(self, number: str, receive: Receive, send: Send) -> Receive:
        """Receive messages of a connection; from a stranger no large ones."""

        async def limited() -> Message:
            message = await receive()
            size = len(message.get("bytes") or message.get("text") or b"")
            if size > MAX_STRANGER_MESSAGE_BYTES and not self._is_in(number):
                await send({"type": "websocket.close", "code": _TOO_BIG, "reason": ""})
                return {"type": "websocket.disconnect", "code": _TOO_BIG}
            return message

        return limited

    def _is_in(self, number: str) -> bool:
        """Tell whether who uses this connection is in, or goes on with a session that is."""
        _, known = self._connections[number]
        return self._visits.has_connection(number) or self._visits.find(known) is not None

    def _n_strangers(self, address: str) -> int:
        here = [number for number, (each, _) in self._connections.items() if each == address]
        # most have come in: they are asked only where they could be too many
        if len(here) < MAX_STRANGER_CONNECTIONS:
            return 0
        return sum(not self._is_in(number) for number in here)


def is_own_origin(origin: str, host: str) -> bool:
    """Tell whether a page of this origin comes from the server that it asks."""
    try:
        return urlsplit(origin).netloc.lower() == host.lower() != ""
    except ValueError:
        return False


def is_name_of_this_machine(host: str) -> bool:
    """Tell whether the header ``Host`` names this machine by itself: localhost or an address."""
    try:
        name = urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return False
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return name == "localhost" or name.endswith(".localhost")


def network_of(address: str) -> str:
    """Name what one visitor has: an address, or of IPv6 the network of 2**64 addresses."""
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return ""
    if isinstance(ip, ipaddress.IPv6Address):
        if ip.ipv4_mapped is not None:
            return str(ip.ipv4_mapped)
        if not ip.is_loopback:
            return str(ipaddress.ip_network((int(ip), 64), strict=False))
    return str(ip)


def _is_served(path: str) -> bool:
    """Tell whether a page needs this; of Streamlit's own addresses most are for others."""
    if path != _CORE and not path.startswith(f"{_CORE}/"):
        return True
    return path in _SERVED or path.startswith(_SERVED_BELOW)


def _known_session(headers: Headers) -> str:
    """Return the session that a browser wants to go on with; it is the third subprotocol."""
    words = headers.get("sec-websocket-protocol", "").split(",")
    return words[2].strip() if len(words) > 2 else ""


def _numbered(scope: Scope, number: str) -> Scope:
    """Add the number of a connection to its headers, in place of what the browser says it is."""
    name = CONNECTION_HEADER.encode()
    kept = [each for each in scope["headers"] if each[0].lower() != name]
    return {**scope, "headers": [*kept, (name, number.encode())]}


def _with_safety(send: Send) -> Send:
    """Let every answer say what browsers must not do with it."""

    async def sent(message: Message) -> None:
        if message["type"] == "http.response.start":
            MutableHeaders(scope=message).update(_SAFETY)
        await send(message)

    return sent
