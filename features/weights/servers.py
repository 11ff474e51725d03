"""Servers of weights: what they say of a file, and how long they are borne with.

``huggingface_hub`` asks the hub: address, mirror, redirects, size, SHA-256 and revision of a file.
``requests`` asks plain servers and gives the bytes of both; it shows the token to no server but
the one that it is for.

Ours is the patience: an attempt that got on renews it, and a server that asks for too long a wait
is left alone, neither of which the libraries do.
"""

from __future__ import annotations

import re
import socket
import ssl
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from email.utils import parsedate_to_datetime
from types import ModuleType
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote, urljoin, urlsplit

from features.device import need
from features.weights.errors import WeightsError
from features.weights.registry import WeightsFile

if TYPE_CHECKING:
    import requests

Result = TypeVar("Result")

PARTIAL = 206

_PASSING = (408, 425, 429, 500, 502, 503, 504)
_MOST_REDIRECTS = 10
_HEADERS = {"User-Agent": "partwise", "Accept-Encoding": "identity"}
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class RetryPolicy:
    """How long servers are borne with that are slow, busy or out of reach."""

    timeout_s: float = 30.0
    """Silence of a server that counts as a broken line."""
    waits_s: tuple[float, ...] = (1.0, 4.0, 15.0, 30.0)
    """Before each further attempt; counted anew once an attempt got on."""
    longest_wait_s: float = 120.0
    """A server that asks for more with Retry-After is left alone."""


@dataclass(frozen=True)
class Remote:
    """One file at a server; ``token`` is shown to the server of ``url`` and to no other."""

    url: str
    file: WeightsFile
    commit: str | None = None
    token: str | None = field(default=None, repr=False)


class UnreachableError(WeightsError):
    """A server cannot be had from here, or not now."""


class RefusalError(Exception):
    """A server has answered, and will answer so again."""

    def __init__(self, url: str, status: int) -> None:
        super().__init__(f"{url} answers HTTP {status}")
        self.status = status


class InterruptionError(Exception):
    """A server could not be reached, fell silent or asked to wait: another attempt may succeed."""

    def __init__(self, reason: str, retry_after_s: float = 0.0) -> None:
        super().__init__(reason)
        self.retry_after_s = retry_after_s


def ask_hub(
    place: tuple[str, str, str], file: WeightsFile, token: str | None, retry: RetryPolicy
) -> Remote:
    """Ask the hub about a file without fetching it; ``place``: endpoint, repository, revision.

    Of a large file the hub itself says size and SHA-256; the storage to which it redirects may
    speak of other sums, and is not asked.

    Raises:
        RefusalError: The hub has no such file, or does not give it.
        UnreachableError: The hub cannot be had.
    """
    endpoint, repository, revision = place
    url = _hub_library().hf_hub_url(repository, file.name, revision=revision, endpoint=endpoint)
    said = with_retries(lambda: _metadata(url, token, retry.timeout_s), _brief(retry))
    sha256 = said.etag if said.etag and _SHA256.fullmatch(said.etag) else None
    return Remote(url, replace(file, size=said.size, sha256=sha256), said.commit_hash, token)


def hub_token() -> str | None:
    """Return the token with which this user has signed in at the hub."""
    token: str | None = _hub_library().get_token()
    return token


def ask_server(endpoint: str, file: WeightsFile, retry: RetryPolicy) -> Remote:
    """Ask a plain web server about a file without fetching it.

    Raises:
        WeightsError: It has another file of that name.
        RefusalError: The server has no such file, or does not give it.
        UnreachableError: The server cannot be had.
    """
    remote = Remote(f"{endpoint}/{quote(file.name)}", file)

    def size() -> int | None:
        with opened(remote, "HEAD", {}, retry.timeout_s) as answer:
            return length_of(answer)

    found = with_retries(size, _brief(retry))
    if None not in (found, file.size) and found != file.size:
        raise WeightsError(
            f"{remote.url} is a wrong file, and not fetched: expected size {file.size}, got "
            f"{found}; look for a proxy or mirror that alters it"
        )
    return remote


def _brief(retry: RetryPolicy) -> RetryPolicy:
    """Give up earlier where nothing is lost yet: where there is no network, say so soon."""
    return replace(retry, waits_s=retry.waits_s[:2])


def _metadata(url: str, token: str | None, timeout_s: float) -> Any:
    """Let the hub's library ask, and say in our words what went wrong."""
    hub = _hub_library()
    agent = {"user-agent": _HEADERS["User-Agent"]}
    try:
        return hub.get_hf_file_metadata(url, token=token or False, timeout=timeout_s, headers=agent)
    except hub.errors.OfflineModeIsEnabled as error:
        raise UnreachableError(
            "HF_HUB_OFFLINE or TRANSFORMERS_OFFLINE is set, so the hub is not asked"
        ) from error
    except hub.errors.HfHubHTTPError as error:
        answer = error.response
        raise _answered(str(answer.url), answer.status_code, answer.headers) from error
    except (hub.errors.HTTPError, OSError) as error:  # the former is that of its HTTP client
        raise _failed(url, error) from error


def _hub_library() -> ModuleType:
    """Import the library of the hub, and keep it from telling the hub about this machine."""
    hub = need("huggingface_hub", "fetching weights")
    constants: Any = need("huggingface_hub.constants", "fetching weights")
    constants.HF_HUB_DISABLE_TELEMETRY = True
    return hub


@contextmanager
def opened(
    remote: Remote, method: str, headers: Mapping[str, str], timeout_s: float
) -> Iterator[requests.Response]:
    """Ask for a file, and follow redirects to where it is.

    Raises:
        RefusalError: The server does not give it.
        InterruptionError: The server cannot be had now.
        UnreachableError: It cannot be had at all.
    """
    import requests

    def signed(request: requests.PreparedRequest) -> requests.PreparedRequest:
        if remote.token:  # requests drops it where a redirect leaves the server
            request.headers["Authorization"] = f"Bearer {remote.token}"
        return request

    with requests.Session() as session:
        session.max_redirects = _MOST_REDIRECTS
        try:
            answer = session.request(
                method,
                remote.url,
                headers={**_HEADERS, **headers},
                auth=signed,
                hooks={"response": _check_redirect},
                stream=True,
                timeout=timeout_s,
                allow_redirects=True,
            )
        except requests.RequestException as error:
            at = error.request.url if error.request is not None else remote.url
            raise _failed(str(at), error) from error
        with answer:
            if answer.status_code not in (200, PARTIAL):
                raise _answered(answer.url, answer.status_code, answer.headers)
            yield answer


def _check_redirect(answer: requests.Response, **_: object) -> None:
    """Refuse to be sent to a less safe place than the present one."""
    if answer.is_redirect:
        target = urljoin(answer.url, answer.headers["Location"])
        if urlsplit(target).scheme not in ("https", urlsplit(answer.url).scheme):
            raise UnreachableError(
                f"{_origin(answer.url)} redirects to {without_query(target)}, which is not safe; "
                "not fetched"
            )


def _answered(
    url: str, status: int, headers: Mapping[str, str]
) -> RefusalError | InterruptionError:
    """Make the error that an answer is worth."""
    if status not in _PASSING:
        return RefusalError(without_query(url), status)
    wait_s = _seconds(headers.get("Retry-After"))
    return InterruptionError(f"{without_query(url)} answers HTTP {status}", wait_s)


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


def _failed(url: str, error: Exception) -> UnreachableError | InterruptionError:
    """Make the error that a failed connection is worth: hopeless, or to be tried again."""
    if type(error).__name__ == "TooManyRedirects":  # each HTTP client has one of its own
        return UnreachableError(f"{_origin(url)} redirects without end")
    host = urlsplit(url).netloc
    cause: BaseException = error
    while next_one := cause.__cause__ or cause.__context__:
        cause = next_one
    if isinstance(cause, socket.gaierror) and cause.errno == socket.EAI_NONAME:
        return UnreachableError(f"there is no server {host}, or no network here")
    if isinstance(cause, ssl.SSLCertVerificationError):
        return UnreachableError(
            f"the certificate of {host} is not trusted ({cause.verify_message}); behind a proxy "
            "that has its own, set SSL_CERT_FILE and REQUESTS_CA_BUNDLE to it"
        )
    return InterruptionError(f"{host} cannot be reached ({str(cause) or type(cause).__name__})")


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def without_query(url: str) -> str:
    """Leave out the query, which may hold a signature."""
    return urlsplit(url)._replace(query="").geturl()


def length_of(answer: requests.Response) -> int | None:
    """Return how many bytes an answer announces, None if it does not say."""
    said = answer.headers.get("Content-Length", "")
    return int(said) if said.isdecimal() else None


def with_retries(
    attempt: Callable[[], Result],
    retry: RetryPolicy,
    *,
    progress: Callable[[], int] = lambda: 0,
) -> Result:
    """Repeat an attempt while it is interrupted; ``progress`` tells how far the last one got.

    Raises:
        UnreachableError: The server cannot be had.
    """
    failures, reached = 0, progress()
    while True:
        try:
            return attempt()
        except InterruptionError as error:
            failures = failures + 1 if progress() <= reached else 1
            reached = progress()
            if error.retry_after_s > retry.longest_wait_s:
                raise UnreachableError(
                    f"{error} and asks to wait {error.retry_after_s:,.0f} s; run again then"
                ) from error
            if failures > len(retry.waits_s):
                raise UnreachableError(
                    f"{error}; gave up after {failures} attempts, run again to go on"
                ) from error
            time.sleep(max(retry.waits_s[failures - 1], error.retry_after_s))
