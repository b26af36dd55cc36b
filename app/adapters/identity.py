"""The provider of identities: OpenID Connect, authorization code with PKCE and nonce, against one configured issuer.

What comes back is believed only as far as it is signed by the issuer's keys, for us, now, and for this very sign-in.
Tokens are read and forgotten: none is kept or logged, of the id token only its SHA-256 remains as evidence.
"""

from __future__ import annotations

import hashlib
import json
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from threading import Lock
from typing import Any
from urllib.parse import urlencode, urlsplit

import requests
from authlib.integrations.base_client import OAuthError
from authlib.integrations.requests_client import OAuth2Session
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from app.config import Oidc
from foundation.errors import NotNow, Refused
from foundation.language import Text

#: Signatures that are taken: by a key only the issuer has.
ALGORITHMS = ("RS256", "PS256", "ES256", "ES384", "RS384", "PS384", "RS512", "PS512", "ES512", "EdDSA")

#: Clocks may differ by so much.
LEEWAY = timedelta(seconds=60)

_PATIENCE = (5, 10)  # seconds: to connect, to answer
_KNOWN_FOR = 3600.0  # seconds that what the provider says of itself is kept
_ASK_AGAIN = 30.0  # seconds before keys are asked for again because one was unknown
_ENDPOINTS = ("authorization_endpoint", "token_endpoint", "jwks_uri")
_LONGEST = 255  # characters of a subject, as the standard bounds it
_LARGEST = 1024 * 1024  # bytes of an answer


class ProviderDown(NotNow):
    """The provider does not answer, or not as a provider does."""

    def __init__(self) -> None:
        super().__init__(
            Text(
                "login-tjenesten svarer ikke lige nu: prøv igen om lidt",
                "the sign-in service does not answer just now: try again soon",
            )
        )


class NotProven(Refused):
    """What came back does not prove who somebody is. `reason` is for the log; it holds nothing of a token."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(
            Text(
                "loginnet kunne ikke bekræftes: begynd forfra",
                "the sign-in could not be confirmed: begin again",
            )
        )


@dataclass(frozen=True, slots=True)
class Attempt:
    """One sign-in that was begun: what must come back with it."""

    state: str
    nonce: str
    verifier: str
    begun_at: int  # seconds of the epoch
    fresh: bool


@dataclass(frozen=True, slots=True)
class Identity:
    """Who the provider says somebody is, and how it knows."""

    issuer: str
    subject: str
    name: str
    cvr: str
    assurance: str
    acr: str
    amr: tuple[str, ...]
    auth_time: datetime | None
    id_token_sha256: str

    def is_strong(self, oidc: Oidc) -> bool:
        """Tell whether the provider knows it by strong authentication."""
        return (
            self.acr in oidc.strong_acr
            or not oidc.strong_amr.isdisjoint(self.amr)
            or self.assurance in oidc.strong_assurance
        )


@dataclass
class Provider:
    """One issuer as it describes itself; asked when first needed, and again after a while."""

    oidc: Oidc
    _about: dict[str, Any] = field(default_factory=dict)
    _keys: KeySet | None = None
    _asked_at: float = 0.0
    _keys_asked_at: float = 0.0
    _lock: Lock = field(default_factory=Lock)

    def begin(self, redirect_uri: str, now: datetime, *, fresh: bool) -> tuple[str, Attempt]:
        """Give the address to send the browser to, and what to keep for when it comes back. Raises ProviderDown."""
        attempt = Attempt(
            secrets.token_urlsafe(32), secrets.token_urlsafe(32), secrets.token_urlsafe(48), int(now.timestamp()), fresh
        )
        more: dict[str, Any] = {"prompt": "login", "max_age": 0} if fresh else {}
        with self._client(redirect_uri) as client:
            address, _ = client.create_authorization_url(
                self._described()["authorization_endpoint"],
                state=attempt.state, nonce=attempt.nonce, code_verifier=attempt.verifier, **more,
            )  # fmt: skip
        return str(address), attempt

    def complete(self, redirect_uri: str, answer: Mapping[str, str], attempt: Attempt, now: datetime) -> Identity:
        """Give who came back. Raises NotProven, ProviderDown."""
        if "error" in answer:
            raise NotProven(f"the provider answered {answer['error'][:40]!r}")
        if answer.get("iss", self.oidc.issuer) != self.oidc.issuer:
            raise NotProven("another issuer answered")
        if not answer.get("code"):
            raise NotProven("no code")
        tokens = self._exchange(redirect_uri, answer["code"], attempt)
        claims = self._proven(tokens, attempt, now)
        if attempt.fresh:
            _refuse_stale(claims, attempt)
        told = claims | self._userinfo(tokens, claims)
        return self._identity(told, claims, _proven_at(claims, now), str(tokens["id_token"]))

    def farewell(self) -> str | None:
        """Give the address where somebody ends their sign-in at the provider itself, where it has one."""
        address = self._described().get("end_session_endpoint")
        return f"{address}?{urlencode({'client_id': self.oidc.client_id})}" if address else None

    # --- what is asked of the provider

    def _client(self, redirect_uri: str) -> OAuth2Session:
        client = OAuth2Session(
            self.oidc.client_id, self.oidc.client_secret, scope=" ".join(self.oidc.scopes),
            redirect_uri=redirect_uri, code_challenge_method="S256", default_timeout=_PATIENCE,
            token_endpoint_auth_method=_way_to_prove_us(self._described()),
        )  # fmt: skip
        client.trust_env = not self._is_here
        return client

    @property
    def _is_here(self) -> bool:
        return self.oidc.issuer.startswith("http://")

    def _exchange(self, redirect_uri: str, code: str, attempt: Attempt) -> dict[str, Any]:
        endpoint = self._described()["token_endpoint"]
        try:
            with self._client(redirect_uri) as client:
                found = client.fetch_token(
                    endpoint, code=code, code_verifier=attempt.verifier, redirect_uri=redirect_uri,
                    grant_type="authorization_code", timeout=_PATIENCE, allow_redirects=False,
                )  # fmt: skip
        except OAuthError as error:
            raise NotProven(f"the code was refused: {str(error.error)[:40]!r}") from None
        except (requests.RequestException, ValueError):
            raise ProviderDown from None
        if not isinstance(found.get("id_token"), str):
            raise NotProven("no id token")
        return dict(found)

    def _described(self) -> dict[str, Any]:
        """Give what the provider says of itself."""
        with self._lock:
            if not self._about or time.monotonic() - self._asked_at > _KNOWN_FOR:
                about = self._get(self.oidc.issuer.rstrip("/") + "/.well-known/openid-configuration")
                self._refuse_foreign(about)
                self._about, self._keys, self._asked_at = about, None, time.monotonic()
            return self._about

    def _refuse_foreign(self, about: Mapping[str, Any]) -> None:
        if about.get("issuer") != self.oidc.issuer:
            raise ProviderDown
        for name in (*_ENDPOINTS, "userinfo_endpoint", "end_session_endpoint"):
            address = about.get(name)
            if address is None and name not in _ENDPOINTS:
                continue
            if not isinstance(address, str) or not self._is_safe(address):
                raise ProviderDown

    def _is_safe(self, address: str) -> bool:
        parts = urlsplit(address)
        return bool(parts.hostname) and (parts.scheme == "https" or (self._is_here and parts.scheme == "http"))

    def _keyset(self, *, again: bool = False) -> KeySet:
        address = self._described()["jwks_uri"]
        with self._lock:
            may_ask_again = again and time.monotonic() - self._keys_asked_at > _ASK_AGAIN
            if self._keys is None or may_ask_again:
                try:
                    self._keys = KeySet.import_key_set(self._get(address))  # type: ignore[arg-type]
                except (JoseError, ValueError, TypeError, KeyError):
                    raise ProviderDown from None
                self._keys_asked_at = time.monotonic()
            return self._keys

    def _get(self, address: str, token: str = "") -> dict[str, Any]:
        headers = {"Accept": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})
        try:
            with requests.Session() as session:
                session.trust_env = not self._is_here
                with session.get(
                    address, headers=headers, timeout=_PATIENCE, allow_redirects=False, stream=True
                ) as answer:
                    content = answer.raw.read(_LARGEST, decode_content=True)
                    found = json.loads(content) if answer.status_code == 200 else None
        except (requests.RequestException, OSError, ValueError, RecursionError):
            raise ProviderDown from None
        if not isinstance(found, dict):
            raise ProviderDown
        return found

    # --- what is believed

    def _proven(self, tokens: Mapping[str, Any], attempt: Attempt, now: datetime) -> dict[str, Any]:
        """Give the claims of the id token once everything about it is right. Raises NotProven."""
        token = tokens["id_token"]
        try:
            try:
                read = jwt.decode(token, self._keyset(), algorithms=list(ALGORITHMS))
            except (JoseError, ValueError):
                read = jwt.decode(token, self._keyset(again=True), algorithms=list(ALGORITHMS))
            params = {
                "nonce": attempt.nonce, "client_id": self.oidc.client_id, "access_token": tokens.get("access_token"),
            }  # fmt: skip
            claims = CodeIDToken(read.claims, read.header, _must_be(self.oidc), params)
            claims.validate(int(now.timestamp()), int(LEEWAY.total_seconds()))
        except (JoseError, ValueError, TypeError, KeyError) as error:
            raise NotProven(f"the id token is not right: {type(error).__name__}") from None
        subject = claims["sub"]
        if not isinstance(subject, str) or not 0 < len(subject) <= _LONGEST:
            raise NotProven("no subject")
        return dict(claims)

    def _userinfo(self, tokens: Mapping[str, Any], claims: Mapping[str, Any]) -> dict[str, Any]:
        """Ask for what the id token does not tell; it must be of the same subject."""
        wanted = (self.oidc.claim_name, self.oidc.claim_cvr, self.oidc.claim_assurance)
        address, token = self._described().get("userinfo_endpoint"), tokens.get("access_token")
        if not address or not isinstance(token, str) or all(name in claims for name in wanted if name):
            return {}
        told = self._get(address, token)
        if told.get("sub") != claims["sub"]:
            raise NotProven("the userinfo is of somebody else")
        return {name: told[name] for name in wanted if name and name in told and name not in claims}

    def _identity(
        self, told: Mapping[str, Any], proven: Mapping[str, Any], auth_time: datetime | None, token: str
    ) -> Identity:
        return Identity(
            issuer=self.oidc.issuer,
            subject=proven["sub"],
            name=_words(told, self.oidc.claim_name),
            cvr=_words(told, self.oidc.claim_cvr),
            assurance=_words(told, self.oidc.claim_assurance),
            acr=_words(proven, "acr"),
            amr=tuple(one for one in proven.get("amr") or [] if isinstance(one, str)),
            auth_time=auth_time,
            id_token_sha256=hashlib.sha256(token.encode()).hexdigest(),
        )


def _way_to_prove_us(about: Mapping[str, Any]) -> str:
    """Choose how we give our secret: in the header as the standard has it, in the form where only that is taken."""
    taken = about.get("token_endpoint_auth_methods_supported") or ()
    only_the_form = "client_secret_post" in taken and "client_secret_basic" not in taken
    return "client_secret_post" if only_the_form else "client_secret_basic"


def _must_be(oidc: Oidc) -> dict[str, Any]:
    return {
        "iss": {"essential": True, "value": oidc.issuer},
        "aud": {"essential": True, "value": oidc.client_id},
        "exp": {"essential": True},
        "iat": {"essential": True},
        "nonce": {"essential": True},
    }


def _refuse_stale(claims: Mapping[str, Any], attempt: Attempt) -> None:
    """Refuse a sign-in that is older than the question for a new one. Raises NotProven."""
    auth_time = claims.get("auth_time")
    if not isinstance(auth_time, int | float) or auth_time < attempt.begun_at - LEEWAY.total_seconds():
        raise NotProven("the sign-in is not fresh")


def _proven_at(claims: Mapping[str, Any], now: datetime) -> datetime | None:
    """Give when somebody proved who they are, where it is told; a clock that runs ahead a little tells our now."""
    auth_time = claims.get("auth_time")
    if not auth_time:
        return None
    if auth_time < 0 or auth_time > (now + LEEWAY).timestamp():
        raise NotProven("the sign-in is not of now")
    return min(datetime.fromtimestamp(auth_time, UTC), now)


def _words(claims: Mapping[str, Any], name: str) -> str:
    value = claims.get(name) if name else None
    return value[:200] if isinstance(value, str) else ""
