"""What a real server answers to strangers and to pages of others, and what browsers make of it."""

import http.client
import json
import re
import threading
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

import pytest
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ClientState_pb2 import ClientState
from websockets.exceptions import ConnectionClosed


@pytest.fixture(scope="module")
def server(serve, tmp_path_factory):
    """The app as it is started by default, although this user's config.toml opens every door."""
    folder = tmp_path_factory.mktemp("works")
    (folder / ".streamlit").mkdir()
    (folder / ".streamlit" / "config.toml").write_text(
        '[client]\nallowedOrigins = ["https://*.streamlit.app", "http://127.0.0.1:*"]\n'
        '[server]\nbaseUrlPath = "elsewhere"\nscriptHealthCheckEnabled = true\n'
        "enableStaticServing = true\nenableXsrfProtection = false\nenableCORS = false\n"
    )
    return serve("--root", folder, cwd=folder)


@pytest.fixture(scope="module")
def proxied(serve):
    """The app behind a password, and behind a proxy on this machine."""
    words = ("--proxy", "127.0.0.1")
    return serve(*words, environment={"PARTWISE_PASSWORD": "open sesame"})


def ask(url, path, method="GET", **headers):
    """Send a request; gives status, headers and body of the answer."""
    address = urlsplit(url)
    connection = http.client.HTTPConnection(address.hostname, address.port, timeout=30)
    try:
        connection.request(method, path, headers=headers)
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read().decode()
    finally:
        connection.close()


@contextmanager
def other_site(folder):
    """Serve a folder, as another site does; gives its address."""
    handler = partial(SimpleHTTPRequestHandler, directory=str(folder))
    handler.log_message = handler.func.log_message
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as site:
        thread = threading.Thread(target=site.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{site.server_port}"
        site.shutdown()
        thread.join()


@pytest.mark.parametrize(
    "path",
    ["/", "/new", "/_stcore/health", "/_stcore/metrics", "/media/none", "/static/js/none.js"],
)
def test_no_answer_may_be_framed(server, path):
    _, headers, _ = ask(server.url, path)
    assert headers["Content-Security-Policy"] == "frame-ancestors 'none'"
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["X-Content-Type-Options"] == "nosniff"


def test_messages_are_taken_from_its_own_pages_only(server):
    _, _, body = ask(server.url, "/_stcore/host-config")
    config = json.loads(body)
    assert config["allowedOrigins"] == [server.url]
    assert not config["useExternalAuthToken"]
    assert not config["enableCustomParentMessages"]


@pytest.mark.parametrize(
    "path",
    [
        "/_stcore/metrics",
        "/_stcore/metrics?families=session_events",
        "/%5fstcore/metrics",
        "/_stcore/script-health-check",
        "/_stcore/agent/openapi.json",
        "/elsewhere/_stcore/metrics",
        "/app/static/app.py",
    ],
)
def test_a_stranger_is_told_nothing_about_the_server(server, path):
    _, _, body = ask(server.url, path)
    assert not re.search('# TYPE|# EOF|"openapi"|cache_memory|def main', body)


def test_a_page_of_another_site_cannot_frame_the_app(server, tmp_path, browser):
    (tmp_path / "index.html").write_text(
        f'<h1>Other</h1><iframe id="app" src="{server.url}" width="800" height="600"></iframe>'
    )
    with other_site(tmp_path) as site, browser.new_context() as visitor:
        page = visitor.new_page()
        said = []
        page.on("console", lambda message: said.append(message.text))
        page.goto(site)
        page.wait_for_load_state("networkidle")
        framed = [frame for frame in page.frames if frame.parent_frame is not None]
        assert all("stApp" not in frame.content() for frame in framed)
        assert re.search("frame-ancestors|X-Frame-Options", "\n".join(said))


def test_the_proxy_says_who_is_asking(proxied, visit):
    with visit(proxied.url, **{"X-Forwarded-For": "192.0.2.1, 203.0.113.7"}) as guesser:
        guesser.run()
        for _ in range(10):
            assert "not the password" in guesser.run(Password="guessed", Enter=True)
    assert "10 wrong passwords from 203.0.113.7" in proxied.log
    assert "192.0.2.1" not in proxied.log


def test_a_stranger_cannot_send_what_fills_the_memory(proxied, visit):
    large = BackMsg(rerun_script=ClientState(query_string="x" * 100_000)).SerializeToString()
    with visit(proxied.url) as stranger:
        stranger.run()
        stranger.send(large)
        with pytest.raises(ConnectionClosed) as closed:
            stranger.told()
        assert closed.value.rcvd.code == 1009  # too big
    with visit(proxied.url) as visitor:
        visitor.run()
        visitor.run(Password="open sesame", Enter=True)
        visitor.send(large)
        assert "New model" in visitor.told()


def test_who_sends_too_much_is_told_why(proxied, visit):
    """Before a byte of it has come: its length is enough."""
    with visit(proxied.url) as visitor:
        visitor.run()
        path = f"/_stcore/upload_file/{visitor.session}/file"
        assert ask(proxied.url, path, "PUT", **{"Content-Length": "1000000001"})[0] == 403
        visitor.run(Password="open sesame", Enter=True)
        status, _, body = ask(proxied.url, path, "PUT", **{"Content-Length": "1000000001"})
        assert status == 413
        assert "at most 1 GB of one visitor" in body
        assert body in visitor.run()
        assert body not in visitor.run()


def test_a_person_comes_in_while_another_address_guesses_again_and_again(proxied, visit):
    """Several at once, each time in a session of its own."""
    done = threading.Event()

    def guess():
        while not done.is_set():
            with visit(proxied.url, **{"X-Forwarded-For": "203.0.113.99"}) as guesser:
                guesser.run()
                guesser.run(Password="guessed", Enter=True)

    guessers = [threading.Thread(target=guess) for _ in range(3)]
    for each in guessers:
        each.start()
    try:
        with visit(proxied.url, **{"X-Forwarded-For": "198.51.100.1"}) as person:
            person.run()
            assert "New model" in person.run(Password="open sesame", Enter=True)
    finally:
        done.set()
        for each in guessers:
            each.join()
