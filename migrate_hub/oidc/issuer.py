"""The protocol: discovery, the authorization code flow with PKCE, and what an ID token must be before it is believed.

OpenID Connect Core 1.0 section 3.1, Discovery 1.0, RFC 7636 (PKCE), RFC 9207 (issuer in the answer).
"""

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import structlog
from authlib.oauth2.rfc6749.parameters import prepare_grant_uri
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from authlib.oidc.core import CodeIDToken
from django.core.cache import cache
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from redis.exceptions import RedisError

from migrate_hub.oidc.outgoing import BusyError, IssuerError, fetch_json, refuse_unsafe_url

log = structlog.get_logger(__name__)
WELL_KNOWN = "/.well-known/openid-configuration"
# Signatures by a key that only the issuer has: neither `none` nor those of a shared secret.
ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]
LEEWAY_SECONDS = 60
KEPT_SECONDS = 300
# An issuer that does not answer is not asked again for a while, however many people try.
AWAY_SECONDS = 15
MAX_TOKEN_CHARACTERS = 64 * 1024
TOKEN_STATUSES = frozenset({200, 400, 401})


@dataclass(frozen=True)
class Endpoints:
    """What discovery says of an issuer, which this tenant's owner chose."""

    tenant_id: int
    issuer: str
    authorization: str
    token: str
    keys: str
    posts_secret: bool


@dataclass(frozen=True)
class Attempt:
    """One way through the flow. The three random values are kept in the browser's session and used once."""

    state: str
    nonce: str
    verifier: str

    @classmethod
    def fresh(cls) -> "Attempt":
        return cls(*(secrets.token_urlsafe(32) for _ in range(3)))


@dataclass(frozen=True)
class Client:
    """How this hub is known to the issuer."""

    client_id: str
    secret: str
    redirect_uri: str


def endpoints_of(issuer: str, tenant_id: int) -> Endpoints:
    """Where the tenant's issuer does what; kept for five minutes. Raises IssuerError."""
    document = _kept(f"oidc:discovery:{_digest(issuer)}", issuer.rstrip("/") + WELL_KNOWN, tenant_id)
    if document.get("issuer") != issuer:
        raise IssuerError(
            f"The issuer calls itself {str(document.get('issuer'))[:200]!r}. "
            "The address of the issuer must be exactly that."
        )
    addresses = [document.get(f"{name}") for name in ("authorization_endpoint", "token_endpoint", "jwks_uri")]
    if not all(isinstance(address, str) for address in addresses):
        raise IssuerError("The issuer does not name its endpoints and keys, so it is no OpenID Connect provider.")
    authorization, token, keys = (refuse_unsafe_url(str(address)) for address in addresses)
    methods = document.get("token_endpoint_auth_methods_supported") or ["client_secret_basic"]
    # Posted where the issuer takes it: in a header, issuers disagree on how a secret's characters are escaped.
    return Endpoints(tenant_id, issuer, authorization, token, keys, posts_secret="client_secret_post" in methods)


def authorization_url(endpoints: Endpoints, client: Client, attempt: Attempt, *, login_hint: str = "") -> str:
    """Where the person is sent to sign in."""
    more = {"login_hint": login_hint} if login_hint else {}
    return str(
        prepare_grant_uri(
            endpoints.authorization,
            client_id=client.client_id,
            response_type="code",
            redirect_uri=client.redirect_uri,
            scope="openid email profile",
            state=attempt.state,
            nonce=attempt.nonce,
            code_challenge=create_s256_code_challenge(attempt.verifier),
            code_challenge_method="S256",
            **more,
        )
    )


def claims_of(endpoints: Endpoints, client: Client, attempt: Attempt, code: str) -> dict[str, Any]:
    """Exchanges the code and returns the claims of the ID token once everything about it was checked."""
    answer = _exchange(endpoints, client, attempt, code)
    token = answer.get("id_token")
    if not isinstance(token, str) or len(token) > MAX_TOKEN_CHARACTERS:
        reason = str(answer.get("error", ""))
        said = f" It said {reason!r}." if reason.replace("_", "").isalpha() and len(reason) < 64 else ""
        raise IssuerError(f"The issuer did not accept this hub's client id and secret, or the code.{said}")
    verified = _verified(token, endpoints)
    claims = CodeIDToken(
        verified.claims,
        verified.header,
        options={"iss": {"value": endpoints.issuer}, "aud": {"value": client.client_id}},
        params={"nonce": attempt.nonce, "client_id": client.client_id, "access_token": answer.get("access_token")},
    )
    try:
        claims.validate(leeway=LEEWAY_SECONDS)
    except (JoseError, ValueError, TypeError) as error:
        raise _not_believed(error) from None
    # Authlib looks at the nonce only when there is one to compare; here there always is.
    if not hmac.compare_digest(str(claims.get("nonce", "")), attempt.nonce):
        raise IssuerError("The answer of the issuer belongs to another attempt to sign in.")
    return dict(claims)


def _exchange(endpoints: Endpoints, client: Client, attempt: Attempt, code: str) -> dict[str, Any]:
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": client.redirect_uri,
        "code_verifier": attempt.verifier,
        "client_id": client.client_id,
    }
    if endpoints.posts_secret:
        form = {**form, "client_secret": client.secret}
        return fetch_json(endpoints.token, tenant_id=endpoints.tenant_id, form=form, statuses=TOKEN_STATUSES)
    basic = (quote(client.client_id, safe=""), quote(client.secret, safe=""))  # RFC 6749 section 2.3.1
    return fetch_json(endpoints.token, tenant_id=endpoints.tenant_id, form=form, basic=basic, statuses=TOKEN_STATUSES)


def _verified(token: str, endpoints: Endpoints) -> jwt.Token:
    """The token with its signature checked; keys are asked for again once, for those that were just changed."""
    for again in (False, True):
        keys = _kept(f"oidc:keys:{_digest(endpoints.keys)}", endpoints.keys, endpoints.tenant_id, again=again)
        try:
            return jwt.decode(token, KeySet.import_key_set(keys), algorithms=ALGORITHMS)  # type: ignore[arg-type]
        except (JoseError, ValueError, TypeError, KeyError) as error:
            if again:
                raise _not_believed(error) from None
    raise AssertionError("unreachable")


def _not_believed(error: Exception) -> IssuerError:
    log.warning("id_token_refused", error=type(error).__name__, what=str(error)[:200])
    return IssuerError(
        "The issuer's answer could not be verified: its signature, audience, time or attempt is not right."
    )


def _kept(key: str, url: str, tenant_id: int, *, again: bool = False) -> dict[str, Any]:
    """The document at `url`, from the cache where it is there; an issuer that was away a moment ago is not asked."""
    kept = None if again else _cached(key)
    if kept == "away":
        raise IssuerError("The issuer did not answer a moment ago. Try again in a quarter of a minute.")
    if isinstance(kept, dict):
        return kept
    try:
        document = fetch_json(url, tenant_id=tenant_id)
    except BusyError:
        raise
    except IssuerError:
        _cache(key, "away", AWAY_SECONDS)
        raise
    _cache(key, document, KEPT_SECONDS)
    return document


def _cached(key: str) -> Any:
    try:
        return cache.get(key)
    except (RedisError, OSError):
        return None


def _cache(key: str, document: Any, seconds: int) -> None:
    try:
        cache.set(key, document, seconds)
    except (RedisError, OSError):
        log.warning("issuer_not_kept")


def _digest(url: str) -> str:
    return hashlib.sha256(url.encode()).hexdigest()


def forget(issuer: str) -> None:
    """Has an issuer asked anew, for an owner who has just mended it."""
    _cache(f"oidc:discovery:{_digest(issuer)}", None, 1)
