"""Logging in by OpenID Connect, with a provider of our own."""

import importlib.util
import re
import socket
from pathlib import Path

import pytest
from playwright.sync_api import expect

HERE = Path(__file__).parent


@pytest.fixture(scope="module")
def provider():
    spec = importlib.util.spec_from_file_location("login_provider", HERE / "login_provider.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    with module.provided() as address:
        yield address


@pytest.fixture(scope="module")
def server(serve, provider, tmp_path_factory):
    folder = tmp_path_factory.mktemp("works")
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    secrets = folder / ".streamlit" / "secrets.toml"
    secrets.parent.mkdir()
    secrets.write_text(
        f'[auth]\nredirect_uri = "http://127.0.0.1:{port}/oauth2callback"\n'
        'cookie_secret = "only for this test"\nclient_id = "partwise-test"\n'
        'client_secret = "none"\n'
        f'server_metadata_url = "{provider}/.well-known/openid-configuration"\n'
    )
    return serve("--oidc", "--port", port, cwd=folder)


def test_a_login_opens_the_app_and_names_the_author(server, browser):
    with browser.new_context() as visitor:
        page = visitor.new_page()
        page.goto(server.url)
        door = page.get_by_role("button", name="Log in")
        door.wait_for()
        assert not re.search("New model|Inspect|waiting", page.locator("body").inner_text())
        door.click()
        page.get_by_role("heading", name="New model").wait_for()
        assert page.get_by_label("Your name", exact=True).count() == 0  # the login says it
        expect(page.get_by_test_id("stSidebar")).to_contain_text("Kim Tester")
        page.reload()
        page.get_by_role("heading", name="New model").wait_for()
        page.get_by_role("button", name="Log out").click()
        page.get_by_role("button", name="Log in").wait_for()
