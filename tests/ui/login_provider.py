"""A provider of logins by OpenID Connect, small enough for tests: it lets everybody in as Kim."""

from __future__ import annotations

import base64
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlencode, urlsplit

from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256

KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
CLIENT = "partwise-test"


def encoded(value: bytes | int | dict[str, object]) -> str:
    """Write bytes, a number or an object as JOSE does (RFC 7515)."""
    if isinstance(value, int):
        value = value.to_bytes((value.bit_length() + 7) // 8, "big")
    elif isinstance(value, dict):
        value = json.dumps(value).encode()
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


def signed(claims: dict[str, object]) -> str:
    """Sign claims as RS256 (RFC 7518)."""
    text = f"{encoded({'alg': 'RS256', 'kid': '1', 'typ': 'JWT'})}.{encoded(claims)}"
    return f"{text}.{encoded(KEY.sign(text.encode(), padding.PKCS1v15(), SHA256()))}"


class Provider(BaseHTTPRequestHandler):
    """Answers what a client of the code flow asks; a code is the nonce that it was asked with."""

    def do_GET(self) -> None:
        """Tell where everything is, show the key, or send the visitor back with a code."""
        asked = urlsplit(self.path)
        here = f"http://{self.headers['Host']}"
        if asked.path == "/authorize":
            given = {name: values[0] for name, values in parse_qs(asked.query).items()}
            back = {"code": given.get("nonce", "none"), "state": given["state"]}
            self.send_response(302)
            self.send_header("Location", f"{given['redirect_uri']}?{urlencode(back)}")
            self.end_headers()
        elif asked.path == "/keys":
            numbers = KEY.public_key().public_numbers()
            key = {"kty": "RSA", "kid": "1", "alg": "RS256", "use": "sig"}
            self._answer({"keys": [key | {"n": encoded(numbers.n), "e": encoded(numbers.e)}]})
        else:
            places = {"authorization_endpoint": "authorize", "token_endpoint": "token"}
            self._answer(
                {"issuer": here, "jwks_uri": f"{here}/keys"}
                | {name: f"{here}/{path}" for name, path in places.items()}
                | {"id_token_signing_alg_values_supported": ["RS256"]}
            )

    def do_POST(self) -> None:
        """Change a code for a token that says who it is."""
        sent = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        now = int(time.time())
        claims: dict[str, object] = {
            "iss": f"http://{self.headers['Host']}",
            "aud": CLIENT,
            "sub": "1",
            "iat": now,
            "exp": now + 3600,
            "name": "Kim Tester",
            "email": "kim@factory.example",
            "nonce": sent["code"][0],
        }
        self._answer({"access_token": "x", "token_type": "Bearer", "id_token": signed(claims)})

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def _answer(self, content: dict[str, object]) -> None:
        body = json.dumps(content).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@contextmanager
def provided() -> Iterator[str]:
    """Run a provider; gives its address."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Provider) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()
