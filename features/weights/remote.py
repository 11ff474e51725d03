"""What does a server say of a file, and how is it asked?

The Hugging Face hub answers for a large file with a redirect to its storage; on that first answer
it names size and SHA-256 (``X-Linked-Size``, ``X-Linked-Etag``) and the revision
(``X-Repo-Commit``). The storage behind may speak of other sums, so only the first answer counts.
"""

from __future__ import annotations

import re
import socket
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from email.utils import parsedate_to_datetime
from http.client import HTTPException, HTTPResponse
from urllib.parse import urljoin, urlsplit

from features.weights.patience import InterruptionError, Patience, UnreachableError, patiently
from features.weights.registry import WeightsFile

_REDIRECTS = (301, 302, 303, 307, 308)
_PASSING = (408, 425, 429, 500, 502, 503, 504)
_MOST_HOPS = 10
_HEADERS = {"User-Agent": "partwise", "Accept-Encoding": "identity"}
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Remote:
    """One file at a server; ``token`` is shown to the server of ``url`` and to no other."""

    url: str
    file: WeightsFile
    commit: str | None = None
    token: str | None = field(default=None, repr=False)


class RefusalError(Exception):
    """A server has answered, and will answer so again."""

    def __init__(self, url: str, status: int) -> None:
        super().__init__(f"{url} answers HTTP {status}")
        self.status = status


def ask(url: str, name: str, *, token: str | None, patience: Patience) -> Remote:
    """Ask a server about a file without fetching it.

    Raises:
        RefusalError: The server has no such file, or does not give it.
        UnreachableError: The server cannot be had.
    """
    # nothing is lost yet: where there is no network, say so soon
    brief = replace(patience, waits_s=patience.waits_s[:2])
    said = patiently(lambda: _said_about(url, token, patience.timeout_s), brief)
    size, tag = said.get("size", ""), said.get("tag", "").strip('"')
    file = WeightsFile(
        name,
        int(size) if size.isdecimal() else None,
        tag if _SHA256.fullmatch(tag) else None,
    )
    return Remote(url, file, said.get("commit"), token)


def _said_about(url: str, token: str | None, timeout_s: float) -> dict[str, str]:
    """Collect size, tag and commit on the way to a file."""
    said: dict[str, str] = {}
    for at, answer in _answers(url, "HEAD", {}, token, timeout_s):
        with answer:
            headers = answer.headers
            is_end = answer.status not in _REDIRECTS
        found = {
            "size": headers.get("X-Linked-Size") or (is_end and headers.get("Content-Length")),
            "tag": headers.get("X-Linked-Etag")
            or (is_end and _origin(at) == _origin(url) and headers.get("ETag")),
            "commit": headers.get("X-Repo-Commit"),
        }
        said = {key: value for key, value in found.items() if value} | said
        if headers.get("X-Linked-Etag"):
            break  # the storage need not know HEAD
    return said


@contextmanager
def opened(remote: Remote, headers: Mapping[str, str], timeout_s: float) -> Iterator[HTTPResponse]:
    """Ask for the bytes of a file.

    Raises:
        RefusalError: The server does not give them.
        InterruptionError: The server cannot be had now.
    """
    for _, answer in _answers(remote.url, "GET", headers, remote.token, timeout_s):
        with answer:
            if isinstance(answer, HTTPResponse) and answer.status not in _REDIRECTS:
                yield answer


def read_some(answer: HTTPResponse, n_bytes: int) -> bytes:
    """Read what has arrived, at most ``n_bytes``; nothing at the end.

    Raises:
        InterruptionError: The line is broken.
    """
    try:
        return answer.read1(n_bytes)
    except (OSError, HTTPException) as error:
        raise InterruptionError(f"the line broke ({error or type(error).__name__})") from error


def _answers(
    url: str, method: str, headers: Mapping[str, str], token: str | None, timeout_s: float
) -> Iterator[tuple[str, HTTPResponse | urllib.error.HTTPError]]:
    """Give the answers to a request, redirects first, each with the address that gave it."""
    origin = _origin(url)
    for _ in range(_MOST_HOPS):
        request = urllib.request.Request(url, method=method, headers={**_HEADERS, **headers})
        if token and _origin(url) == origin:
            request.add_header("Authorization", f"Bearer {token}")
        answer = _answer(request, timeout_s)
        yield url, answer
        if answer.status not in _REDIRECTS:
            return
        url = urljoin(url, answer.headers["Location"])
        if urlsplit(url).scheme not in ("https", urlsplit(origin).scheme):
            raise UnreachableError(
                f"{origin} redirects to {_shown(url)}, which is not safe; not fetched"
            )
    raise UnreachableError(f"{origin} redirects without end")


def _answer(
    request: urllib.request.Request, timeout_s: float
) -> HTTPResponse | urllib.error.HTTPError:
    host, url = request.host, _shown(request.full_url)
    try:
        opener = urllib.request.build_opener(_NoRedirects)
        answer: HTTPResponse = opener.open(request, timeout=timeout_s)
        return answer
    except urllib.error.HTTPError as error:
        if error.code in _REDIRECTS and error.headers.get("Location"):
            return error
        with error:
            if error.code in _PASSING:
                wait_s = _seconds(error.headers.get("Retry-After"))
                raise InterruptionError(f"{url} answers HTTP {error.code}", wait_s) from error
            raise RefusalError(url, error.code) from error
    except (OSError, HTTPException) as error:  # URLError is an OSError
        reason = getattr(error, "reason", error)
        if isinstance(reason, socket.gaierror) and reason.errno == socket.EAI_NONAME:
            raise UnreachableError(f"there is no server {host}, or no network here") from error
        if isinstance(reason, ssl.SSLCertVerificationError):
            raise UnreachableError(
                f"the certificate of {host} is not trusted ({reason.verify_message}); behind a "
                "proxy that has its own, set SSL_CERT_FILE to it"
            ) from error
        said = str(reason) or type(reason).__name__
        raise InterruptionError(f"{host} cannot be reached ({said})") from error


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """Hands redirects to the caller: those of the hub say what the file behind them is."""

    def redirect_request(self, *_: object) -> None:
        return None


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def _shown(url: str) -> str:
    """Leave out the query, which may hold a signature."""
    return urlsplit(url)._replace(query="").geturl()


def _seconds(retry_after: str | None) -> float:
    """Read a number of seconds or a date."""
    if not retry_after:
        return 0.0
    if retry_after.strip().isdecimal():
        return float(retry_after)
    try:
        return max(0.0, parsedate_to_datetime(retry_after).timestamp() - time.time())
    except ValueError:
        return 0.0
