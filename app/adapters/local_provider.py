"""A real OpenID provider with made-up people, for demonstration and development on this machine only.

`serve` starts it as a process of its own, and it ends when `serve` does, however that ends: it looks for its parent.
Whoever asks may be anybody of the list; production refuses it. Code with PKCE (S256) and nonce are
required, a code is used once, and the keys are made at start.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from authlib.common.security import generate_token
from authlib.integrations.flask_oauth2 import AuthorizationServer
from authlib.oauth2 import OAuth2Error, OAuth2Request
from authlib.oauth2.rfc6749 import ClientMixin, InvalidRequestError
from authlib.oauth2.rfc6749.grants import AuthorizationCodeGrant
from authlib.oauth2.rfc7636 import CodeChallenge
from authlib.oidc.core import OpenIDCode, UserInfo
from flask import Flask, abort, render_template, request
from flask.typing import ResponseReturnValue
from joserfc.jwk import ECKey, KeySet
from werkzeug.serving import make_server

from app import clock, config
from app.adapters import starter
from app.config import STRONG_HERE, Oidc
from app.identity.demonstration import PEOPLE, STRANGER, MadeUp

Clock = Callable[[], datetime]

_WEAK_HERE = "urn:os2tilslut:weak"
_CODE_LIVES, _TOKEN_LIVES = 60, 300  # seconds
_SCOPES = "openid profile"


@dataclass(frozen=True)
class _Client(ClientMixin):  # type: ignore[misc]
    """The one client: the service itself."""

    oidc: Oidc
    redirect_uris: tuple[str, ...]

    def get_client_id(self) -> str:
        return self.oidc.client_id

    def get_default_redirect_uri(self) -> str:
        return self.redirect_uris[0]

    def get_allowed_scope(self, scope: str | None) -> str:
        return " ".join(one for one in (scope or "").split() if one in _SCOPES.split())

    def check_redirect_uri(self, redirect_uri: str) -> bool:
        return redirect_uri in self.redirect_uris

    def check_client_secret(self, client_secret: str) -> bool:
        return client_secret == self.oidc.client_secret

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        return method == "client_secret_basic"

    def check_response_type(self, response_type: str) -> bool:
        return response_type == "code"

    def check_grant_type(self, grant_type: str) -> bool:
        return grant_type == "authorization_code"


@dataclass(frozen=True)
class _Signed:
    """Somebody who signed in, and how."""

    person: MadeUp
    acr: str
    auth_time: int


@dataclass(frozen=True)
class _Code:
    """What a code stands for, until it is used."""

    user: _Signed
    redirect_uri: str
    scope: str
    nonce: str
    code_challenge: str
    code_challenge_method: str
    expires_at: float

    def get_redirect_uri(self) -> str:
        return self.redirect_uri

    def get_scope(self) -> str:
        return self.scope

    def get_nonce(self) -> str:
        return self.nonce

    def get_auth_time(self) -> int:
        return self.user.auth_time

    def get_acr(self) -> str:
        return self.user.acr

    def get_amr(self) -> list[str]:
        return ["pwd", "otp"] if self.user.acr == STRONG_HERE else ["pwd"]


@dataclass
class _Memory:
    """What the provider remembers while it runs."""

    issuer: str
    now: Clock
    key: ECKey
    codes: dict[str, _Code] = field(default_factory=dict)
    tokens: dict[str, tuple[_Signed, float]] = field(default_factory=dict)


class _RequiredChallenge(CodeChallenge):  # type: ignore[misc]
    """PKCE by S256, for every client."""

    SUPPORTED_CODE_CHALLENGE_METHOD = ("S256",)

    def validate_code_challenge(self, grant: Any, redirect_uri: str) -> None:
        data = grant.request.payload.data
        if not data.get("code_challenge") or data.get("code_challenge_method") != "S256":
            raise InvalidRequestError("PKCE with S256 is required")
        super().validate_code_challenge(grant, redirect_uri)


def _grant(memory: _Memory) -> type[AuthorizationCodeGrant]:
    class Grant(AuthorizationCodeGrant):  # type: ignore[misc]
        TOKEN_ENDPOINT_AUTH_METHODS = ("client_secret_basic",)

        def save_authorization_code(self, code: str, asked: OAuth2Request) -> None:
            data = asked.payload.data
            memory.codes[code] = _Code(
                asked.user, asked.payload.redirect_uri, asked.scope, data.get("nonce", ""),
                data["code_challenge"], data["code_challenge_method"], memory.now().timestamp() + _CODE_LIVES,
            )  # fmt: skip

        def query_authorization_code(self, code: str, client: ClientMixin) -> _Code | None:
            found = memory.codes.pop(code, None)  # asked for once, whatever comes of it
            return found if found and found.expires_at > memory.now().timestamp() else None

        def delete_authorization_code(self, authorization_code: _Code) -> None:
            """It went when it was asked for."""

        def authenticate_user(self, authorization_code: _Code) -> _Signed:
            return authorization_code.user

    return Grant


def _open_id(memory: _Memory) -> OpenIDCode:
    class Code(OpenIDCode):  # type: ignore[misc]
        def exists_nonce(self, nonce: str, asked: OAuth2Request) -> bool:
            return any(code.nonce == nonce for code in memory.codes.values())

        def resolve_client_private_key(self, client: ClientMixin) -> ECKey:
            return memory.key

        def get_client_algorithm(self, client: ClientMixin) -> str:
            return "ES256"

        def get_encode_header(self, client: ClientMixin) -> dict[str, str]:
            return {"alg": "ES256", "kid": str(memory.key.kid)}

        def get_client_claims(self, client: _Client) -> dict[str, Any]:
            now = int(memory.now().timestamp())
            return {"iss": memory.issuer, "aud": [client.get_client_id()], "iat": now, "exp": now + _TOKEN_LIVES}

        def generate_user_info(self, user: _Signed, scope: str) -> UserInfo:
            return UserInfo(_told(user.person))

    return Code(require_nonce=True)


def _told(person: MadeUp) -> dict[str, str]:
    return {"sub": person.subject, "name": person.name} | ({"cvr": person.cvr} if person.cvr else {})


def create(oidc: Oidc, redirect_uris: Sequence[str], now: Clock) -> Flask:
    """Make the provider."""
    app = Flask("app", template_folder="templates", static_folder=None)
    app.config["TRUSTED_HOSTS"] = ["127.0.0.1", "localhost"]
    app.jinja_env.globals["t"] = lambda da, en: f"{da} / {en}"
    key = ECKey.generate_key("P-256", parameters={"kid": generate_token(12), "use": "sig", "alg": "ES256"})
    memory = _Memory(oidc.issuer, now, key)
    client = _Client(oidc, tuple(redirect_uris))

    def save_token(token: dict[str, Any], asked: OAuth2Request) -> None:
        memory.tokens[token["access_token"]] = (asked.user, now().timestamp() + _TOKEN_LIVES)

    server = AuthorizationServer(
        app, query_client=lambda id_: client if id_ == oidc.client_id else None, save_token=save_token
    )
    server.register_grant(_grant(memory), [_RequiredChallenge(), _open_id(memory)])
    _describe(app, memory)
    _sign_in(app, memory, server)
    return app


def _describe(app: Flask, memory: _Memory) -> None:
    @app.get("/.well-known/openid-configuration")
    def about() -> ResponseReturnValue:
        at = memory.issuer
        return {
            "issuer": at, "authorization_endpoint": f"{at}/authorize", "token_endpoint": f"{at}/token",
            "jwks_uri": f"{at}/jwks", "userinfo_endpoint": f"{at}/userinfo", "end_session_endpoint": f"{at}/end",
            "response_types_supported": ["code"], "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["ES256"], "code_challenge_methods_supported": ["S256"],
            "token_endpoint_auth_methods_supported": ["client_secret_basic"], "scopes_supported": _SCOPES.split(),
            "acr_values_supported": [STRONG_HERE, _WEAK_HERE],
        }  # fmt: skip

    @app.get("/jwks")
    def jwks() -> ResponseReturnValue:
        return dict(KeySet([memory.key]).as_dict(private=False))

    @app.get("/userinfo")
    def userinfo() -> ResponseReturnValue:
        bearer = request.headers.get("Authorization", "").removeprefix("Bearer ")
        signed, until = memory.tokens.get(bearer, (None, 0.0))
        if signed is None or until <= memory.now().timestamp():
            abort(401)
        return _told(signed.person)


def _sign_in(app: Flask, memory: _Memory, server: AuthorizationServer) -> None:
    everybody = {person.subject: person for person in (*PEOPLE, STRANGER)}

    @app.route("/authorize", methods=["GET", "POST"])
    def authorize() -> ResponseReturnValue:
        try:
            grant = server.get_consent_grant(end_user=None)
        except OAuth2Error as error:
            return server.handle_error_response(request, error)  # type: ignore[no-any-return]
        person = everybody.get(request.form.get("person", "")) if request.method == "POST" else None
        if person is None:
            return render_template("local_provider/people.html", people=everybody.values())
        acr = _WEAK_HERE if request.form.get("strength") == "weak" else STRONG_HERE
        signed = _Signed(person, acr, int(memory.now().timestamp()))
        answer: ResponseReturnValue = server.create_authorization_response(request, grant_user=signed, grant=grant)
        return answer

    @app.post("/token")
    def token() -> ResponseReturnValue:
        return server.create_token_response()  # type: ignore[no-any-return]

    @app.get("/end")
    def end() -> ResponseReturnValue:
        return render_template("local_provider/ended.html")


def main() -> None:
    """Run it as long as the process that started it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--starter", type=int, required=True)
    parser.add_argument("--redirect", action="append", required=True)
    given = parser.parse_args()
    settings = config.read()
    if settings.is_production or not settings.oidc.is_local:
        sys.exit("the local provider is for demonstration and development")
    app = create(settings.oidc, given.redirect, lambda: clock.now(settings))
    server = make_server("127.0.0.1", given.port, app, threaded=True)
    starter.end_with(given.starter)
    server.serve_forever()


if __name__ == "__main__":
    main()
