"""JWTs of an OpenID Connect issuer: Knative's sender identity, or any other's."""

import ssl
from pathlib import Path
from typing import Any

import jwt
import structlog
import urllib3
from jwt.exceptions import InvalidTokenError, PyJWKClientConnectionError, PyJWKClientError
from urllib3.exceptions import HTTPError

from reactor.settings import Settings
from reactor.web.problem import Problem

log = structlog.get_logger()

# Asymmetric ones only: with a symmetric one, whoever knows the public key could sign.
_ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]
_LEEWAY = 10  # seconds between two clocks
_TIMEOUT = 3.0  # seconds
_KEYS_LIFESPAN = 300  # seconds
_RETRY_AFTER = 10  # seconds


def ends(token: str) -> float:
    """When a JWT that was verified just now ends, seconds since the epoch."""
    return float(jwt.decode(token, options={"verify_signature": False})["exp"])


class Issuer:
    """One issuer, and the audience that its tokens must be meant for. Its keys are fetched when the first is needed."""

    def __init__(self, settings: Settings, cooldown: float = 1.0) -> None:
        """`cooldown`: seconds between two fetches for an unknown key. SettingsError, OSError."""
        self._url, self._audience, self._cooldown = settings.oidc_issuer, settings.oidc_audience, cooldown
        self._token_file = Path(settings.oidc_token_file) if settings.oidc_token_file else None
        self._ssl_context = ssl.create_default_context(cafile=settings.oidc_ca_file or None)
        self._headers: dict[str, str] = {}
        self._keys: jwt.PyJWKClient | None = None

    def subject(self, token: str) -> str:
        """Whose token this is. Problem 401 (why, never the token), 503 while the issuer cannot be reached."""
        try:
            self._authenticate()
            self._keys = self._keys or self._discover()
        except (HTTPError, OSError, ValueError, LookupError, TypeError) as error:
            raise self._unavailable(error) from error
        try:
            return self._subject(token, self._keys)
        except (PyJWKClientConnectionError, OSError) as error:
            raise self._unavailable(error) from error
        except (InvalidTokenError, PyJWKClientError, ValueError) as error:
            raise Problem(401, f"Invalid token: {type(error).__name__}.") from None

    def _subject(self, token: str, keys: jwt.PyJWKClient) -> str:
        claims: dict[str, Any] = jwt.decode(
            token,
            keys.get_signing_key_from_jwt(token).key,
            algorithms=_ALGORITHMS,
            audience=self._audience,
            issuer=self._url,
            leeway=_LEEWAY,
            options={"require": ["exp", "iss", "aud", "sub"]},
        )
        return str(claims["sub"])

    def _unavailable(self, error: Exception) -> Problem:
        log.warning("issuer keys cannot be read", issuer=self._url, why=type(error).__name__)
        return Problem(503, "The keys of the token issuer cannot be read.", retry_after=_RETRY_AFTER)

    def _authenticate(self) -> None:
        """Kubernetes, as an issuer, gives its keys to ServiceAccounts only; their tokens change every hour."""
        if self._token_file:
            self._headers["Authorization"] = f"Bearer {self._token_file.read_text().strip()}"

    def _discover(self) -> jwt.PyJWKClient:
        with urllib3.PoolManager(ssl_context=self._ssl_context) as pool:
            answer = pool.request(
                "GET",
                self._url.rstrip("/") + "/.well-known/openid-configuration",
                headers=self._headers,
                timeout=_TIMEOUT,
                retries=False,
                redirect=False,
            )
        return jwt.PyJWKClient(
            str(answer.json()["jwks_uri"]),
            headers=self._headers,
            ssl_context=self._ssl_context,
            cache_jwk_set=True,
            lifespan=_KEYS_LIFESPAN,
            timeout=_TIMEOUT,
            cooldown_duration=self._cooldown,
        )
