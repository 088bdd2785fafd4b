"""A small OpenID Connect provider on the loopback address: an outside service, so a stand-in. It really signs.

It checks what a strict provider checks: client and secret, redirect address, PKCE, each code once. What it does wrong
it was told to do wrong by a test.
"""

import base64
import hashlib
import html
import json
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256

CLIENT_ID = "migrate-hub"
CLIENT_SECRET = "s3cret+of/the:hub%"


def text64(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def number64(number: int) -> str:
    return text64(number.to_bytes((number.bit_length() + 7) // 8, "big"))


@cache
def own_key() -> rsa.RSAPrivateKey:
    """Made once: it takes a while."""
    return rsa.generate_private_key(65537, 2048)


@dataclass
class Person:
    """Whom the provider vouches for."""

    subject: str
    email: str
    email_verified: Any = True


@dataclass
class Provider:
    """Knobs of the provider: who signs in next, and what is wrong with the answer."""

    url: str = ""
    person: Person = field(default_factory=lambda: Person("0001", "ada@example.com"))
    claims: dict[str, Any] = field(default_factory=dict)
    left_out: set[str] = field(default_factory=set)
    forges: bool = False
    header: dict[str, str] = field(default_factory=dict)
    asks_first: bool = False
    is_down: bool = False
    discovery: dict[str, Any] = field(default_factory=dict)
    redirects_to: str = ""
    pads_with: int = 0
    key: rsa.RSAPrivateKey = field(default_factory=own_key)
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    requests: list[str] = field(default_factory=list)

    def discovered(self) -> dict[str, Any]:
        return {
            "issuer": self.url,
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token",
            "jwks_uri": f"{self.url}/keys",
            "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
            **self.discovery,
        }

    def keys(self) -> dict[str, Any]:
        public = self.key.public_key().public_numbers()
        key = {"kty": "RSA", "use": "sig", "alg": "RS256", "n": number64(public.n), "e": number64(public.e)}
        return {"keys": [{**key, "kid": self.key_id}]}

    @property
    def key_id(self) -> str:
        return hashlib.sha256(str(self.key.public_key().public_numbers().n).encode()).hexdigest()[:16]

    def authorized(self, query: dict[str, str]) -> str:
        """Where a person who signed in is sent: back, with a code."""
        code = secrets.token_urlsafe(16)
        self.codes[code] = query
        answer = {"code": code, "state": query["state"], "iss": self.url}
        return f"{query['redirect_uri']}?{urlencode(answer)}"

    def token_for(self, form: dict[str, str], authorization: str) -> tuple[int, dict[str, Any]]:
        asked = self.codes.pop(form.get("code", ""), None)
        if asked is None or asked["redirect_uri"] != form.get("redirect_uri"):
            return 400, {"error": "invalid_grant"}
        challenge = text64(hashlib.sha256(form.get("code_verifier", "").encode()).digest())
        if asked["code_challenge_method"] != "S256" or challenge != asked["code_challenge"]:
            return 400, {"error": "invalid_grant"}
        if (form.get("client_id"), form.get("client_secret")) != (CLIENT_ID, CLIENT_SECRET):
            return 401, {"error": "invalid_client"}
        return 200, {"access_token": "opaque", "token_type": "Bearer", "id_token": self.id_token(asked["nonce"])}

    def id_token(self, nonce: str) -> str:
        now = int(time.time())
        claims = {
            "iss": self.url,
            "aud": CLIENT_ID,
            "sub": self.person.subject,
            "iat": now,
            "exp": now + 300,
            "nonce": nonce,
            "email": self.person.email,
            "email_verified": self.person.email_verified,
            **self.claims,
        }
        claims = {name: value for name, value in claims.items() if name not in self.left_out}
        header = {"alg": "RS256", "typ": "JWT", "kid": self.key_id, **self.header}
        signed = ".".join(text64(json.dumps(part).encode()) for part in (header, claims))
        key = rsa.generate_private_key(65537, 2048) if self.forges else self.key
        return f"{signed}.{text64(key.sign(signed.encode(), padding.PKCS1v15(), SHA256()))}"


def handler_of(provider: Provider) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            query = {name: values[0] for name, values in parse_qs(parts.query).items()}
            provider.requests.append(self.path)
            if provider.is_down:
                self.reply(503, b"down")
            elif provider.redirects_to:
                self.send_response(302)
                self.send_header("Location", provider.redirects_to)
                self.end_headers()
            elif parts.path == "/.well-known/openid-configuration":
                self.reply_json(200, {**provider.discovered(), "padding": "x" * provider.pads_with})
            elif parts.path == "/keys":
                self.reply_json(200, provider.keys())
            elif parts.path == "/favicon.ico":
                self.reply(200, b"")  # browsers ask for it
            elif parts.path == "/authorize":
                self.authorize(query)
            else:
                self.reply(404, b"")

        def do_POST(self) -> None:
            length = int(self.headers.get("Content-Length", "0"))
            form = {name: values[0] for name, values in parse_qs(self.rfile.read(length).decode()).items()}
            provider.requests.append(self.path)
            self.reply_json(*provider.token_for(form, self.headers.get("Authorization", "")))

        def authorize(self, query: dict[str, str]) -> None:
            back = provider.authorized(query)
            if provider.asks_first:
                page = (
                    f'<h1>Your company</h1><a id="go" href="{html.escape(back)}">Sign in as {provider.person.email}</a>'
                )
                self.reply(200, page.encode(), "text/html")
                return
            self.send_response(302)
            self.send_header("Location", back)
            self.end_headers()

        def reply_json(self, status: int, document: Any) -> None:
            self.reply(status, json.dumps(document).encode(), "application/json")

        def reply(self, status: int, body: bytes, content_type: str = "text/plain") -> None:
            self.send_response(status)
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: Any) -> None:
            pass

    return Handler


@contextmanager
def provider_running() -> Iterator[Provider]:
    """A provider of its own port, so of its own issuer."""
    provider = Provider()
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler_of(provider))
    provider.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield provider
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
