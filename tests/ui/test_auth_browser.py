"""Who can drive the app, as a real server answers: its own pages, and nobody else's."""

import base64
import http.client
import re
import secrets
import socket
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ClientState_pb2 import ClientState
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.sync.client import connect


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


def handshake(url, *, origin):
    """Ask for the websocket of the app, as a page of that origin would; gives the status."""
    address = urlsplit(url)
    headers = {
        "Host": address.netloc,
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


def test_another_site_cannot_open_the_websocket(server):
    assert handshake(server.url, origin=server.url) == 101
    for origin in ("https://evil.example", "null", "https://127.0.0.1.evil.example"):
        assert handshake(server.url, origin=origin) == 403


def is_end(message):
    """Tell whether a run has come to its end, and was not given up for another one."""
    return (
        message.WhichOneof("type") == "script_finished"
        and message.script_finished == ForwardMsg.FINISHED_SUCCESSFULLY
    )


def told(url, *, origin, name=None):
    """Open a session as a page of that origin, under that name; gives all that it is sent."""
    address = urlsplit(url)
    netloc = f"{name or address.hostname}:{address.port}"
    seen = []
    with (
        socket.create_connection((address.hostname, address.port), timeout=60) as way,
        connect(
            f"ws://{netloc}/_stcore/stream", sock=way, origin=origin, subprotocols=["streamlit"]
        ) as session,
    ):
        session.send(BackMsg(rerun_script=ClientState()).SerializeToString())
        while not (seen and is_end(seen[-1])):
            seen.append(ForwardMsg.FromString(session.recv(timeout=60)))
    return "".join(map(str, seen))


def test_its_own_page_is_told_everything(server):
    assert "New model" in told(server.url, origin=server.url)


def test_a_page_of_another_server_on_this_machine_is_told_nothing(server):
    for origin in ("http://127.0.0.1:1", "http://localhost"):
        answer = told(server.url, origin=origin)
        assert "answers only to its own pages" in answer
        assert "New model" not in answer


def test_a_site_whose_name_leads_here_is_told_nothing(server):
    rebound = server.url.replace("127.0.0.1", "evil.example")
    answer = told(server.url, origin=rebound, name="evil.example")
    assert "only to names of its own machine" in answer
    assert "New model" not in answer


def upload(url, **headers):
    boundary = "xyz"
    body = (
        f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="a.png"\r\n\r\n'
        f"x\r\n--{boundary}--\r\n"
    ).encode()
    headers |= {"Content-Type": f"multipart/form-data; boundary={boundary}"}
    status, _ = ask(url, "PUT", "/_stcore/upload_file/session/file", body, **headers)
    return status


def test_nothing_is_uploaded_without_the_token_of_a_page(server):
    assert upload(server.url) == 403
    assert upload(server.url, **{"X-Xsrftoken": "guessed"}) == 403
    assert upload(server.url, **{"Cookie": "_streamlit_xsrf=mine", "X-Xsrftoken": "mine"}) == 403


def test_the_token_of_a_page_is_what_was_missing(server):
    _, headers = ask(server.url, "GET", "/_stcore/health")
    token = re.search(r"_streamlit_xsrf=([^;]+)", headers["Set-Cookie"])[1]
    own = {"Cookie": f"_streamlit_xsrf={token}", "X-Xsrftoken": token.strip('"')}
    assert upload(server.url, **own) == 400  # past the gate: only the session is unknown


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
