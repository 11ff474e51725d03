"""What passes the gate, request by request, as a server would ask it."""

import asyncio
import gc
from concurrent.futures import ThreadPoolExecutor

import pytest

from ui.gate import (
    CONNECTION_HEADER,
    MAX_STRANGER_CONNECTIONS,
    MAX_STRANGER_MESSAGE_BYTES,
    MAX_TOTAL_BYTES,
    MAX_VISITOR_BYTES,
    Gate,
    Visits,
    is_name_of_this_machine,
    is_own_origin,
    network_of,
)

HERE = "127.0.0.1:8501"
UPLOAD = "/_stcore/upload_file/session/file"
MB = 1_000_000


def run(work):
    """Run a coroutine in a thread of its own: a browser may have a loop of events in this one."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, work).result()


class App:
    """What lies behind the gate: notes who came, and says yes; a connection stays until its end."""

    def __init__(self):
        self.seen = []
        self.received = []

    async def __call__(self, scope, receive, send):
        self.seen.append(scope)
        if scope["type"] == "websocket":
            while True:
                message = await receive()
                self.received.append(message)
                if message["type"] == "websocket.disconnect":
                    return
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"yes"})


@pytest.fixture
def app():
    return App()


@pytest.fixture
def visits():
    return Visits()


@pytest.fixture
def held():
    return {}


@pytest.fixture
def gate(app, visits, held):
    return Gate(app, is_local=True, visits=visits, held=lambda: held)


def scope_of(kind, path, headers, **more):
    lines = {"host": HERE} | headers
    lines = [(name.encode(), value.encode()) for name, value in lines.items() if value is not None]
    return {"type": kind, "path": path, "headers": lines, "client": ("127.0.0.1", 1)} | more


def ask(gate, path, method="GET", **headers):
    """Ask; gives status, headers and body of the answer."""
    headers = {name.replace("_", "-"): value for name, value in headers.items()}
    answer = []

    async def receive():
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message):
        answer.append(message)

    run(gate(scope_of("http", path, headers, method=method), receive, send))
    found = {name.decode(): value.decode() for name, value in answer[0]["headers"]}
    return answer[0]["status"], found, answer[1].get("body", b"").decode()


def connect(gate, *messages, client="127.0.0.1", **headers):
    """Open a connection and send these messages; gives what is sent back."""
    coming = [{"type": "websocket.connect"}, *messages, {"type": "websocket.disconnect"}]
    answer = []

    async def receive():
        return coming.pop(0)

    async def send(message):
        answer.append(message)

    headers = {name.replace("_", "-"): value for name, value in headers.items()}
    scope = scope_of("websocket", "/_stcore/stream", headers, client=(client, 1))
    run(gate(scope, receive, send))
    return answer


def frame(n_bytes):
    return {"type": "websocket.receive", "bytes": bytes(n_bytes)}


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
        ("[::1", False),
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
    assert not is_own_origin("http://[127.0.0.1", "127.0.0.1:8501")
    assert not is_own_origin("null", "127.0.0.1:8501")
    assert not is_own_origin("null", "")


@pytest.mark.parametrize(
    "path", ["/", "/new", "/static/js/index.js", "/_stcore/health", "/nothing"]
)
def test_every_answer_forbids_to_be_framed(gate, path):
    for host in (HERE, "evil.example"):  # those of refusals, too
        _, headers, _ = ask(gate, path, host=host)
        assert headers["content-security-policy"] == "frame-ancestors 'none'"
        assert headers["x-frame-options"] == "DENY"
        assert headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/", 200),
        ("/teach", 200),
        ("/media/0123.jpg", 200),
        ("/static/js/index.js", 200),
        ("/component/x/index.html", 200),
        ("/oauth2callback", 200),
        ("/_stcore/health", 200),
        ("/_stcore/host-config", 200),
        ("/_stcore/bidi-components/x/main.js", 200),
        ("/_stcore/metrics", 404),
        ("/_stcore/metrics/", 404),
        ("/_stcore/script-health-check", 404),
        ("/_stcore/agent/openapi.json", 404),
        ("/_stcore/agent/interact", 404),
        ("/_stcore/agent/mcp", 404),
        ("/_stcore/invented-later", 404),
        ("/_stcore/health/more", 404),
        ("/_stcore", 404),
        ("/_stcore/", 404),
    ],
)
def test_only_what_a_page_needs_is_served(gate, app, path, status):
    assert ask(gate, path)[0] == status
    assert len(app.seen) == (status == 200)


def test_nobody_asks_under_a_name_of_another_machine(gate, app):
    for path in ("/", "/media/0123.jpg", "/_stcore/health"):
        status, _, words = ask(gate, path, host="evil.example")
        assert status == 403
        assert "names of its own machine" in words
    assert ask(gate, "/", host=None)[0] == 403
    assert connect(gate, host="evil.example")[0]["type"] == "websocket.close"
    assert not app.seen


def test_where_it_is_offered_to_others_any_name_will_do(app, visits):
    gate = Gate(app, is_local=False, visits=visits, held=dict)
    assert ask(gate, "/", host="parts.example")[0] == 200


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "https://any.streamlit.app", "null", "http://127.0.0.1:1"]
)
def test_other_pages_open_no_session_and_send_nothing(gate, app, visits, origin):
    visit = visits.admit("session", "", lambda: True)
    assert connect(gate, origin=origin)[0]["type"] == "websocket.close"
    for method in ("PUT", "DELETE", "POST"):
        assert ask(gate, UPLOAD, method, origin=origin, content_length="1")[0] == 403
    assert not app.seen
    assert ask(gate, UPLOAD, "PUT", origin=f"http://{HERE}", content_length="1")[0] == 200
    assert not visit.take_refusals()


def test_a_stranger_sends_no_files(gate, app, visits):
    for method in ("PUT", "DELETE", "POST"):
        assert ask(gate, UPLOAD, method, content_length="1")[0] == 403
    assert not app.seen
    visits.admit("another", "", lambda: True)
    assert ask(gate, UPLOAD, "PUT", content_length="1")[0] == 403


def test_files_are_taken_while_the_pass_holds_and_the_visit_lasts(gate, visits):
    passes = {"valid"}
    visit = visits.admit("session", "", lambda: "valid" in passes)
    assert ask(gate, UPLOAD, "PUT", content_length="1")[0] == 200
    passes.clear()
    assert ask(gate, UPLOAD, "PUT", content_length="1")[0] == 403
    assert visits.admit("session", "", lambda: True) is visit
    assert ask(gate, UPLOAD, "DELETE")[0] == 200
    del visit
    gc.collect()
    assert ask(gate, UPLOAD, "PUT", content_length="1")[0] == 403


@pytest.mark.parametrize("length", [None, "", "-1", "1e3", "0x10", "٣"])
def test_an_upload_says_its_length(gate, visits, length):
    visit = visits.admit("session", "", lambda: True)
    assert ask(gate, UPLOAD, "PUT", content_length=length)[0] == 411
    assert not visit.take_refusals()


def test_one_visitor_fills_only_his_own_room(gate, visits, held):
    visit = visits.admit("session", "", lambda: True)
    other = visits.admit("other", "", lambda: True)
    held["session"] = MAX_VISITOR_BYTES - MB
    assert ask(gate, UPLOAD, "PUT", content_length=str(MB))[0] == 200
    status, _, words = ask(gate, UPLOAD, "PUT", content_length=str(MB + 1))
    assert status == 413
    assert "at most 1 GB of one visitor and 2 GB in all" in words
    assert visit.take_refusals() == [words]
    assert not visit.take_refusals()
    assert ask(gate, UPLOAD.replace("session", "other"), "PUT", content_length=str(MB))[0] == 200
    assert not other.take_refusals()
    assert ask(gate, UPLOAD, "PUT", content_length="9" * 30)[0] == 413


def test_all_together_fill_no_more_than_there_is(gate, visits, held):
    visit = visits.admit("session", "", lambda: True)
    held |= dict.fromkeys("abcd", MAX_TOTAL_BYTES // 4)
    assert ask(gate, UPLOAD, "PUT", content_length="1")[0] == 413
    assert visit.take_refusals()
    del held["a"]
    assert ask(gate, UPLOAD, "PUT", content_length="1")[0] == 200


def test_what_is_on_its_way_counts(visits):
    """The second of two that come at once is refused although nothing has arrived yet."""
    statuses = []
    gates = []

    async def app(scope, receive, send):
        half = str(MAX_VISITOR_BYTES // 2 + 1)
        if len(statuses) == 0:
            statuses.append(await asked(half))
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    async def asked(length):
        answer = []

        async def send(message):
            answer.append(message)

        scope = scope_of("http", UPLOAD, {"content-length": length}, method="PUT")
        await gates[0](scope, None, send)
        return answer[0]["status"]

    visit = visits.admit("session", "", lambda: True)
    gates.append(Gate(app, is_local=True, visits=visits, held=dict))
    assert run(asked(str(MAX_VISITOR_BYTES // 2 + 1))) == 200
    assert statuses == [413]
    assert run(asked(str(MAX_VISITOR_BYTES))) == 200  # and counts no longer
    del visit


def test_a_stranger_sends_small_messages_only(gate, app):
    assert not connect(gate, frame(MAX_STRANGER_MESSAGE_BYTES))
    assert [len(each.get("bytes", b"")) for each in app.received] == [
        0,
        MAX_STRANGER_MESSAGE_BYTES,
        0,
    ]
    app.received.clear()
    answer = connect(gate, frame(MAX_STRANGER_MESSAGE_BYTES + 1), frame(1))
    assert [each["type"] for each in answer] == ["websocket.close"]
    assert [each["type"] for each in app.received] == ["websocket.connect", "websocket.disconnect"]


def test_who_is_in_sends_large_ones(gate, app, visits):
    large = frame(20 * MB)
    kept = []

    async def enter(scope, receive, send):
        number = dict(scope["headers"])[CONNECTION_HEADER.encode()].decode()
        kept.append(visits.admit("session", number, lambda: True))
        await app(scope, receive, send)

    inside = Gate(enter, is_local=True, visits=visits, held=dict)
    assert not connect(inside, large)
    # and who goes on with that session over another connection
    assert not connect(gate, large, sec_websocket_protocol="streamlit, x, session")
    assert connect(gate, large, sec_websocket_protocol="streamlit, x, another")


def test_the_number_of_a_connection_is_not_what_a_browser_says(gate, app, visits):
    visit = visits.admit("session", "guessed", lambda: True)
    answer = connect(gate, frame(MB), **{CONNECTION_HEADER: "guessed"})
    assert answer
    numbers = [
        value for name, value in app.seen[0]["headers"] if name == CONNECTION_HEADER.encode()
    ]
    assert len(numbers) == 1
    assert numbers != [b"guessed"]
    del visit


def test_strangers_of_one_address_have_so_many_connections(app, visits):
    """Others are not concerned, nor those of the same address who have come in."""
    opened, kept = [], []

    async def main():
        end = asyncio.Event()
        gate = Gate(hold, is_local=True, visits=visits, held=dict)

        async def one(client, session=""):
            coming = [{"type": "websocket.connect"}]

            async def receive():
                if coming:
                    return coming.pop()
                await end.wait()
                return {"type": "websocket.disconnect"}

            async def send(message):
                opened.append(message["type"])

            words = {"sec-websocket-protocol": f"streamlit, x, {session}"}
            scope = scope_of("websocket", "/_stcore/stream", words, client=(client, 1))
            await gate(scope, receive, send)

        async def count(client, **more):
            before = opened.count("websocket.close")
            task = asyncio.create_task(one(client, **more))
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            tasks.append(task)
            return opened.count("websocket.close") - before

        tasks = []
        kept.append(visits.admit("session", "", lambda: True))
        for number in range(MAX_STRANGER_CONNECTIONS):
            assert await count(f"2001:db8::{number:x}") == 0  # one network, one visitor
        assert await count("2001:db8::ffff:1") == 1
        assert await count("2001:db8:0:1::1") == 0
        assert await count("203.0.113.7") == 0
        for _ in range(MAX_STRANGER_CONNECTIONS):
            assert await count("203.0.113.8", session="session") == 0
        assert await count("203.0.113.8") == 0
        end.set()
        await asyncio.gather(*tasks)
        assert not gate._connections

    async def hold(scope, receive, send):
        while (await receive())["type"] != "websocket.disconnect":
            pass

    run(main())


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("2001:db8::1", "2001:db8::/64"),
        ("2001:db8::ffff:ffff:ffff:ffff", "2001:db8::/64"),
        ("2001:db8:0:1::1", "2001:db8:0:1::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("::1", "::1"),
        ("", ""),
        ("unix:", ""),
    ],
)
def test_an_address_of_many_is_one_visitor(address, expected):
    assert network_of(address) == expected
