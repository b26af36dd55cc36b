"""Providers of identities for tests, as real servers: the local one, and one that lies as it is told."""

from __future__ import annotations

import hmac
import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

from authlib.common.encoding import to_bytes, to_native, urlsafe_b64encode
from flask import Flask, request
from flask.typing import ResponseReturnValue
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet
from werkzeug.serving import make_server

from app import config
from app.adapters import local_provider

#: The day of the command line in tests.
NOW = datetime(2027, 1, 15, 10, tzinfo=UTC)


@contextmanager
def served(make: Callable[[int], Flask]) -> Iterator[int]:
    """Serve an application on a free port meanwhile; give the port."""
    server = make_server("127.0.0.1", 0, Flask("empty"), threaded=True)
    server.app = make(server.port)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield server.port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@dataclass
class Local:
    """The local provider with a clock that tests set."""

    port: int = 0
    now: datetime = NOW

    def make(self, port: int) -> Flask:
        """Make it for a port."""
        self.port = port
        oidc = config.read({"OS2TILSLUT_PROVIDER_PORT": str(port)}).oidc
        return local_provider.create(oidc, ["http://localhost/sign-in/callback"], lambda: self.now)

    @property
    def environ(self) -> dict[str, str]:
        """The settings of an application that uses it."""
        return {"OS2TILSLUT_PROVIDER_PORT": str(self.port)}


@dataclass
class Liar:
    """A provider whose id token says what a test wants, signed as it wants."""

    port: int = 0
    claims: dict[str, Any] = field(default_factory=dict)  # replaces what an honest token says; None leaves a claim out
    userinfo: dict[str, Any] = field(default_factory=dict)
    sign: str = "right"  # right, another key, none, hmac
    about: dict[str, Any] = field(default_factory=dict)
    status: int = 200
    pause: float = 0.0
    asked: list[Mapping[str, str]] = field(default_factory=list)
    key: ECKey = field(default_factory=lambda: ECKey.generate_key("P-256", parameters={"kid": "right"}))

    @property
    def issuer(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def environ(self) -> dict[str, str]:
        """The settings of an application that uses it."""
        return {
            "OS2TILSLUT_OIDC_ISSUER": self.issuer,
            "OS2TILSLUT_OIDC_CLIENT_ID": "os2tilslut",
            "OS2TILSLUT_OIDC_CLIENT_SECRET": "hemmelig-hos-udbyderen",
            "OS2TILSLUT_OIDC_STRONG_ACR": "strong",
            "OS2TILSLUT_OIDC_STRONG_AMR": "hwk,otp",
            "OS2TILSLUT_OIDC_STRONG_ASSURANCE": "Substantial",
            "OS2TILSLUT_OIDC_CLAIM_ASSURANCE": "loa",
        }

    def make(self, port: int) -> Flask:
        """Make it for a port."""
        self.port = port
        app = Flask("liar", static_folder=None)

        @app.get("/.well-known/openid-configuration")
        def about() -> ResponseReturnValue:
            time.sleep(self.pause)
            at = self.issuer
            told = {
                "issuer": at, "authorization_endpoint": f"{at}/authorize", "token_endpoint": f"{at}/token",
                "jwks_uri": f"{at}/jwks", "userinfo_endpoint": f"{at}/userinfo",
            }  # fmt: skip
            return told | self.about, self.status

        @app.get("/jwks")
        def jwks() -> ResponseReturnValue:
            return dict(KeySet([self.key]).as_dict(private=False))

        @app.get("/userinfo")
        def userinfo() -> ResponseReturnValue:
            return {"sub": "somebody"} | self.userinfo

        @app.post("/token")
        def token() -> ResponseReturnValue:
            self.asked.append(request.form.to_dict())
            return {
                "access_token": "ADGANGSTEGN",
                "token_type": "Bearer",
                "id_token": self._token(request.form["code"]),
            }

        return app

    def answer(self, location: str) -> str:
        """Give the callback's address, as the provider would send a browser there: the nonce travels as the code."""
        asked = {name: values[0] for name, values in parse_qs(urlsplit(location).query).items()}
        return f"/sign-in/callback?state={asked['state']}&code={asked['nonce']}"

    def _token(self, nonce: str) -> str:
        now = int(NOW.timestamp())
        honest = {
            "iss": self.issuer, "aud": "os2tilslut", "sub": "somebody", "iat": now, "exp": now + 300,
            "auth_time": now, "nonce": nonce, "acr": "strong", "name": "Nogen",
        }  # fmt: skip
        claims = {name: value for name, value in (honest | self.claims).items() if value is not None}
        if self.sign == "none":
            parts = (b'{"alg":"none","kid":"right"}', to_bytes(_json(claims)))
            return ".".join(to_native(urlsafe_b64encode(part)) for part in parts) + "."
        if self.sign == "hmac":  # with the public key as the secret: the classic confusion
            parts = (b'{"alg":"HS256","kid":"right"}', to_bytes(_json(claims)))
            signed = ".".join(to_native(urlsafe_b64encode(part)) for part in parts)
            mark = hmac.digest(self.key.as_pem(private=False), signed.encode(), "sha256")
            return f"{signed}.{to_native(urlsafe_b64encode(mark))}"
        another = ECKey.generate_key("P-256", parameters={"kid": "right"})
        return str(jwt.encode({"alg": "ES256", "kid": "right"}, claims, self.key if self.sign == "right" else another))


def _json(value: object) -> str:

    return json.dumps(value)
