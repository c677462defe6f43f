"""Who may post: senders with a bearer token each, from a file that may change at any time, or with an issuer's JWT."""

import hmac
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Protocol, Self

import orjson
import structlog

from reactor.model.errors import BadInput, SettingsError
from reactor.model.event import NODE_FENCED
from reactor.model.identity import take
from reactor.settings import Settings
from reactor.web.auth.oidc import Issuer, ends
from reactor.web.problem import Problem

log = structlog.get_logger()

_SHORTEST_TOKEN = 16  # characters


@dataclass(frozen=True, slots=True)
class Sender:
    """Somebody who may post: events whose type and source match one of these globs each.

    `page` is what it may do on the page: look, act (which includes it), or "" for neither. `until`: when its
    credentials end, seconds since the epoch.
    """

    name: str
    types: tuple[str, ...] = ("*",)
    sources: tuple[str, ...] = ("*",)
    page: str = ""
    until: float = math.inf

    def may(self, event_type: str, source: str) -> bool:
        """May it send this? NODE_FENCED only if `types` names that very type; no pattern allows it."""
        if event_type == NODE_FENCED:
            return event_type in self.types and _any(source, self.sources)
        return _any(event_type, self.types) and _any(source, self.sources)


@dataclass(frozen=True, slots=True)
class SenderEntry:
    """One sender of the file, with its token, or with the subject of its JWTs."""

    sender: Sender
    token: str
    subject: str

    @classmethod
    def of(cls, data: Mapping[str, Any], where: str) -> Self:
        """From JSON; BadInput. It reveals nothing of the token but its length."""
        token, subject = data.get("token", ""), data.get("subject", "")
        if not isinstance(token, str) or not isinstance(subject, str) or bool(token) == bool(subject):
            raise BadInput(f"{where}: expected either a token or a subject")
        if token and len(token) < _SHORTEST_TOKEN:
            raise BadInput(f"{where}.token: {len(token)} characters are too few; at least {_SHORTEST_TOKEN} are needed")
        name = take(data, "name", str, where)
        types, sources = (_globs(data, field, where) for field in ("types", "sources"))
        page = data.get("page", "")
        if page not in {"", "look", "act"}:
            raise BadInput(f'{where}.page: expected "look", "act" or no page')
        return cls(Sender(name, types, sources, page), token, subject)


class TokensFile:
    """`VMDRIFT_TOKENS_FILE`: `{"senders": [{"name", "token" or "subject", "types", "sources", "page"}]}`."""

    def __init__(self, path: Path) -> None:
        """Raises BadInput or OSError."""
        self._path, self.trouble = path, ""
        self._loaded = self._stamp()
        self._entries = _read(path)

    def entries(self) -> Sequence[SenderEntry]:
        """As the file says now; one that cannot be read is logged once, and the previous entries stay."""
        try:
            stamp = self._stamp()
            if stamp != self._loaded:
                self._loaded = stamp
                self._entries, self.trouble = _read(self._path), ""
                log.info("senders reloaded", senders=len(self._entries))
        except (OSError, BadInput) as error:
            if not self.trouble:
                log.warning("senders cannot be reloaded, the previous ones stay", why=str(error))
            self.trouble = f"VMDRIFT_TOKENS_FILE: {error}"
        return self._entries

    def _stamp(self) -> tuple[int, int, int]:
        """Changes with its content, also where Kubernetes swaps a link."""
        status = self._path.stat()
        return status.st_ino, status.st_mtime_ns, status.st_size


class _Verifier(Protocol):
    def subject(self, token: str) -> str:
        """Whose JWT this is; Problem."""


class Senders:
    """Everybody who may post."""

    def __init__(self, file: TokensFile | None, issuer: _Verifier | None) -> None:
        self._file, self._issuer = file, issuer

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """As configured; SettingsError."""
        if bool(settings.oidc_issuer) != bool(settings.oidc_audience):
            raise SettingsError("VMDRIFT_OIDC_ISSUER, VMDRIFT_OIDC_AUDIENCE: expected both, or neither")
        if settings.oidc_issuer and not settings.tokens_file:
            raise SettingsError("VMDRIFT_TOKENS_FILE: not set, so no subject of VMDRIFT_OIDC_ISSUER may post anything")
        try:
            file = TokensFile(Path(settings.tokens_file)) if settings.tokens_file else None
        except (OSError, BadInput) as error:
            raise SettingsError(f"VMDRIFT_TOKENS_FILE: {error}") from error
        try:
            issuer = Issuer(settings) if settings.oidc_issuer else None
        except OSError as error:
            raise SettingsError(f"VMDRIFT_OIDC_CA_FILE: {error}") from error
        return cls(file, issuer)

    @property
    def required(self) -> bool:
        """Must a sender authenticate?"""
        return self._file is not None

    @property
    def trouble(self) -> str:
        """What is wrong with the file as it is now; "" where nothing is."""
        return self._file.trouble if self._file else ""

    def by_name(self, name: str) -> Sender | None:
        """Who has this name now."""
        entry = self._entry(name)
        return entry.sender if entry else None

    def may(self, name: str, event_type: str, source: str) -> bool:
        """May whoever has this name now send this? Without a file there is nobody."""
        sender = self.by_name(name)
        return sender is not None and sender.may(event_type, source)

    def secret(self, name: str) -> str:
        """The sender's token; for a JWT's bearer, whose tokens change, the subject."""
        entry = self._entry(name)
        return entry.token or entry.subject if entry else ""

    def _entry(self, name: str) -> SenderEntry | None:
        entries = self._file.entries() if self._file else ()
        return next((entry for entry in entries if entry.sender.name == name), None)

    def identify(self, authorization: str, access_token: str) -> Sender:
        """By the header, or the query's access_token (RFC 6750). Problem 401, or 503 while the issuer is away."""
        sender = self.at_once(authorization, access_token)
        return sender or self._by_issuer(_bearer(authorization) or access_token)

    def at_once(self, authorization: str, access_token: str) -> Sender | None:
        """The same without asking the issuer; None where it has to be asked."""
        if self._file is None:
            return Sender("anonymous")
        token = _bearer(authorization) or access_token
        if not token:
            raise Problem(401, "A bearer token is needed: Authorization: Bearer TOKEN.")
        sender = _by_token(self._file.entries(), token)
        if sender is None and not (self._issuer and token.count(".") == 2):  # noqa: PLR2004 - the three parts of a JWT
            raise Problem(401, "Unknown token.")
        return sender

    def _by_issuer(self, token: str) -> Sender:
        """By the issuer."""
        subject = self._issuer.subject(token) if self._issuer else ""
        entries = self._file.entries() if self._file else ()
        sender = next((entry.sender for entry in entries if entry.subject and entry.subject == subject), None)
        if sender is None:
            raise Problem(403, "Unknown token subject.", attribute="sub", found=subject)
        return replace(sender, until=ends(token))


def _bearer(authorization: str) -> str:
    scheme, _, token = authorization.strip().partition(" ")
    if authorization and scheme.lower() != "bearer":
        raise Problem(401, "Only bearer tokens are accepted: Authorization: Bearer TOKEN.")
    return token.strip()


def _by_token(entries: Iterable[SenderEntry], token: str) -> Sender | None:
    """All are compared, each in constant time, so that nothing is learned from how long it takes."""
    encoded = token.encode()
    matching = [entry.sender for entry in entries if entry.token and hmac.compare_digest(entry.token.encode(), encoded)]
    return matching[0] if matching else None


def _read(path: Path) -> tuple[SenderEntry, ...]:
    try:
        data = orjson.loads(path.read_bytes())
    except orjson.JSONDecodeError:
        raise BadInput("not valid JSON") from None  # its message shows some of the content
    if not isinstance(data, dict):
        raise BadInput('expected an object, {"senders": [...]}')
    senders = take({"senders": data.get("senders")}, "senders", list, "file")
    if not all(isinstance(sender, dict) for sender in senders):
        raise BadInput("senders: expected objects")
    entries = tuple(SenderEntry.of(sender, f"senders[{index}]") for index, sender in enumerate(senders))
    names = [entry.sender.name for entry in entries]
    if len(set(names)) < len(names):
        raise BadInput("senders: two have the same name")
    return entries


def _globs(data: Mapping[str, Any], field: str, where: str) -> tuple[str, ...]:
    globs = data.get(field, ["*"])
    if not isinstance(globs, list) or not all(isinstance(glob, str) and glob for glob in globs):
        raise BadInput(f"{where}.{field}: expected a list of patterns, such as io.vmdrift.*")
    return tuple(globs)


def _any(text: str, globs: Iterable[str]) -> bool:
    return any(fnmatchcase(text, glob) for glob in globs)
