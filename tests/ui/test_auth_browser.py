"""Who can drive the app, as a real server answers: its own pages, and nobody else's."""

import base64
import http.client
import re
import secrets
import socket
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect


@pytest.fixture(scope="module")
def server(serve, tmp_path_factory):
    """The app as it is started by default, although this user's config.toml opens every door."""
    folder = tmp_path_factory.mktemp("works")
    (folder / ".streamlit").mkdir()
    (folder / ".streamlit" / "config.toml").write_text(
        "[server]\nenableXsrfProtection = false\nenableCORS = false\n"
        "[browser]\ngatherUsageStats = true\n"
    )
    return serve("--root", folder, cwd=folder)


@pytest.fixture(scope="module")
def guarded(serve):
    """The app behind a password."""
    return serve(environment={"PARTWISE_PASSWORD": "open sesame"})


def handshake(url, *, origin, host=None):
    """Ask for the websocket of the app, as a page of that origin would; gives the status."""
    address = urlsplit(url)
    headers = {
        "Host": host or address.netloc,
        "Origin": origin,
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Key": base64.b64encode(secrets.token_bytes(16)).decode(),
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Protocol": "streamlit",
    }
    lines = [f"{name}: {value}\r\n" for name, value in headers.items()]
    with socket.create_connection((address.hostname, address.port), timeout=30) as connection:
        connection.sendall(f"GET /_stcore/stream HTTP/1.1\r\n{''.join(lines)}\r\n".encode())
        return int(connection.recv(4096).split(b"\r\n")[0].split()[1])


def ask(url, method, path, body=b"", **headers):
    """Send a request; gives the status and the headers of the answer."""
    address = urlsplit(url)
    connection = http.client.HTTPConnection(address.hostname, address.port, timeout=30)
    try:
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        answer.read()
        return answer.status, answer.headers
    finally:
        connection.close()


@pytest.mark.parametrize(
    "origin",
    [
        "https://evil.example",
        "https://anything.streamlit.app",
        "null",
        "https://127.0.0.1.evil.example",
        "http://127.0.0.1:1",  # another server on this machine
        "http://localhost",
    ],
)
def test_another_page_cannot_open_the_websocket(server, origin):
    assert handshake(server.url, origin=server.url) == 101
    assert handshake(server.url, origin=origin) == 403


def test_its_own_page_is_told_everything(server, visit):
    with visit(server.url) as visitor:
        assert "New model" in visitor.run()


def test_a_site_whose_name_leads_here_is_told_nothing(server):
    port = urlsplit(server.url).port
    rebound = f"http://evil.example:{port}"
    assert handshake(server.url, origin=rebound, host=f"evil.example:{port}") == 403
    assert ask(server.url, "GET", "/", Host=f"evil.example:{port}")[0] == 403
    assert "names of its own machine" in server.log


def upload(url, session, **headers):
    boundary = "xyz"
    body = (
        f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="a.png"\r\n\r\n'
        f"x\r\n--{boundary}--\r\n"
    ).encode()
    headers |= {"Content-Type": f"multipart/form-data; boundary={boundary}"}
    status, _ = ask(url, "PUT", f"/_stcore/upload_file/{session}/file", body, **headers)
    return status


def token_of_a_page(url):
    """Headers as a page of this server sends them."""
    _, headers = ask(url, "GET", "/_stcore/health")
    token = re.search(r"_streamlit_xsrf=([^;]+)", headers["Set-Cookie"])[1]
    return {"Cookie": f"_streamlit_xsrf={token}", "X-Xsrftoken": token.strip('"'), "Origin": url}


def test_nothing_is_uploaded_without_the_token_of_a_page(server, visit):
    with visit(server.url) as visitor:
        visitor.run()
        assert upload(server.url, visitor.session, **token_of_a_page(server.url)) == 204
        assert upload(server.url, visitor.session) == 403
        assert upload(server.url, visitor.session, **{"X-Xsrftoken": "guessed"}) == 403
        own = {"Cookie": "_streamlit_xsrf=mine", "X-Xsrftoken": "mine"}
        assert upload(server.url, visitor.session, **own) == 403


def test_nothing_is_uploaded_from_another_page(server, visit):
    with visit(server.url) as visitor:
        visitor.run()
        other = token_of_a_page(server.url) | {"Origin": "https://anything.streamlit.app"}
        assert upload(server.url, visitor.session, **other) == 403


def test_without_the_password_nothing_is_uploaded(guarded, visit):
    own = token_of_a_page(guarded.url)
    with visit(guarded.url) as visitor:
        assert "New model" not in visitor.run()
        assert visitor.session
        assert upload(guarded.url, visitor.session, **own) == 403
        assert upload(guarded.url, "none", **own) == 403
        assert "New model" in visitor.run(Password="open sesame", Enter=True)
        assert upload(guarded.url, visitor.session, **own) == 204
        assert 'label: "Password"' in visitor.run(Lock=True)
        assert upload(guarded.url, visitor.session, **own) == 403


def test_who_knows_the_password_comes_in_while_another_guesses(guarded, visit):
    with visit(guarded.url) as guesser, visit(guarded.url) as person:
        guesser.run()
        for _ in range(10):
            assert "not the password" in guesser.run(Password="guessed", Enter=True)
        person.run()
        assert "New model" in person.run(Password="open sesame", Enter=True)
    assert "10 wrong passwords from this machine" in guarded.log


def test_a_visitor_does_not_choose_where_he_comes_from(guarded, visit):
    """Not even on this machine, whose word uvicorn takes if nobody tells it otherwise."""
    with visit(guarded.url, **{"X-Forwarded-For": "203.0.113.7"}) as guesser:
        guesser.run()
        for _ in range(10):
            guesser.run(Password="guessed", Enter=True)
    assert "203.0.113.7" not in guarded.log


def test_answers_are_not_for_other_origins(server):
    for path in ("/_stcore/health", "/_stcore/host-config", "/"):
        _, headers = ask(server.url, "GET", path, Origin="https://evil.example")
        assert headers.get("Access-Control-Allow-Origin") in (None, server.url)


def test_nothing_is_told_to_anybody_outside(server):
    status, _ = ask(server.url, "GET", "/")
    assert status == 200
    assert "Traceback" not in server.log
    assert "usage statistics" not in server.log.lower()
    assert "External URL" not in server.log


def test_only_this_machine_is_listened_to(server):
    port = urlsplit(server.url).port
    with socket.socket(socket.AF_INET6) as other, pytest.raises(OSError, match="refused"):
        other.connect(("::1", port))
    assert urlsplit(server.url).hostname == "127.0.0.1"


def test_behind_the_gate_nothing_is_shown(guarded, tab, screens):
    page = tab()
    page.goto(guarded.url)
    page.get_by_label("Password", exact=True).wait_for()
    page.screenshot(path=str(screens / "gate.png"))
    seen = page.locator("body").inner_text()
    assert not any(word in seen for word in ("Inspect", "New model", "Teach", "waiting"))
    for path in ("/new", "/teach", "/benchmark?entry=1"):
        page.goto(guarded.url + path)
        page.get_by_label("Password", exact=True).wait_for()
        assert "New model" not in page.locator("body").inner_text()


def test_a_password_is_asked_for_once_in_a_browser(guarded, browser):
    with browser.new_context() as visitor:
        page = visitor.new_page()
        page.goto(guarded.url)
        page.get_by_label("Password", exact=True).fill("open sesame")
        page.get_by_role("button", name="Enter").click()
        page.get_by_role("heading", name="New model").wait_for()
        page.get_by_label("Your name", exact=True).fill("Kim <b>")
        page.get_by_label("Your name", exact=True).press("Enter")
        page.wait_for_function("document.cookie.includes('partwise_author')")
        page.reload()
        page.get_by_role("heading", name="New model").wait_for()
        expect(page.get_by_label("Your name", exact=True)).to_have_value("Kim <b>")
        page.get_by_role("button", name="Lock").click()
        page.get_by_label("Password", exact=True).wait_for()
        page.reload()
        page.get_by_label("Password", exact=True).wait_for()
    with browser.new_context() as stranger:
        page = stranger.new_page()
        page.goto(guarded.url)
        page.get_by_label("Password", exact=True).wait_for()
    assert "sesame" not in guarded.log
