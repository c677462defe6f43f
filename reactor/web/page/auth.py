"""Who uses the page: a browser with a signed session, a client with HTTP Basic, or whom a proxy has logged in.

The senders' file names them. A sender's `page` says what they may: look, act, or nothing. The session's cookie holds
the session's id, their name and a digest of their token: it ends with a logout, with the token, and when the file no
longer has both.
"""

import hmac
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from urllib.parse import quote

import structlog
from flask import Flask, Request, Response, current_app, g, redirect, request, session
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface, SessionMixin
from flask_wtf.csrf import CSRFProtect
from werkzeug.wrappers import Response as AnyResponse

from reactor.adapters.redis.sessions import LASTS, OpenSessions
from reactor.model.errors import StoreError
from reactor.model.intervention import NAMELESS
from reactor.model.times import Clock
from reactor.web.auth.senders import Sender, Senders
from reactor.web.problem import Problem

log = structlog.get_logger()

LOGIN = "/login"
_LOOK, _ACT = "look", "act"
_LONGEST_TOKEN = 4096  # characters; what follows is ignored
# Paths for programs; they have no session, and need no key for one.
PROGRAMS = ("/events", "/alertmanager", "/healthz", "/readyz", "/metrics", "/openapi.json")


def is_program(incoming: Request) -> bool:
    """Is this request a program's, which has no session?"""
    return incoming.path.startswith(PROGRAMS) or (incoming.path == "/" and incoming.method not in {"GET", "HEAD"})


class Sessions(SecureCookieSessionInterface):
    """Flask's own signed cookies, with a key that all processes share."""

    def __init__(self, key: Callable[[], str]) -> None:
        """`key` raises StoreError."""
        self._key = key

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession | None:
        """None, which reads as empty, while the key cannot be read."""
        if is_program(request):
            return None
        try:
            app.secret_key = self._key()
        except StoreError as error:
            g.away = error
            return None
        return super().open_session(app, request)

    def get_cookie_secure(self, app: Flask) -> bool:  # noqa: ARG002 - Flask's signature
        """Also behind a proxy that terminates TLS. Whoever forges that header harms only their own cookie."""
        return request.is_secure or request.headers.get("X-Forwarded-Proto") == "https"

    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:
        """Nothing to save where no session was opened."""
        if isinstance(session, SecureCookieSession) and app.secret_key:
            super().save_session(app, session, response)


class People:
    """Who may see the page, and who may act on it."""

    def __init__(self, senders: Senders, open_sessions: OpenSessions, clock: Clock) -> None:
        self._senders, self._sessions, self._clock = senders, open_sessions, clock

    def current(self) -> Sender | None:
        """Who sends this request, if they may look; else None. Problem 401 or 403 for wrong credentials."""
        if "person" not in g:
            g.person = None  # also for the page that says why they are refused
            g.person = self._identify()
        person: Sender | None = g.person
        return person

    def shown(self) -> Sender | None:
        """The same for a page that shows an error already: None where they cannot be identified."""
        try:
            return self.current()
        except (Problem, StoreError):
            return None

    def may_act(self) -> bool:
        """May the current person hold, resume, cancel?"""
        person = self.current()
        return person is not None and person.page == _ACT

    def log_in(self, token: str) -> None:
        """Begin a session that lasts no longer than the token; Problem 401, 403, StoreError."""
        person, now = self._by_token(token), self._clock()
        session_id = self._sessions.open(person.name, now, min(now + LASTS, person.until))
        session.clear()
        session.permanent = True
        session.update(id=session_id, name=person.name, proof=self._token_digest(person.name))
        log.info("logged in", person=person.name)

    def log_out(self) -> None:
        """End the session, for whoever has its cookie. StoreError."""
        if "id" in session:
            self._sessions.close(session["name"], session["id"])
        session.clear()

    def _identify(self) -> Sender | None:
        if not self._senders.required:
            return Sender(NAMELESS, page=_ACT)
        if (token := _token()) is not None:
            return self._by_token(token)
        person = self._senders.by_name(session["name"]) if "id" in session else None
        if person is None or not hmac.compare_digest(str(session.get("proof")), self._token_digest(person.name)):
            return None
        may_look = person.page in {_LOOK, _ACT} and self._sessions.is_open(person.name, session["id"], self._clock())
        return person if may_look else None

    def _token_digest(self, name: str) -> str:
        """Differs when the token of this name changes, and reveals nothing of it."""
        key = str(current_app.secret_key).encode()
        return hmac.new(key, self._senders.secret(name).encode(), "sha256").hexdigest()

    def _by_token(self, token: str) -> Sender:
        try:
            person = self._senders.identify(f"Bearer {token[:_LONGEST_TOKEN].strip()}", "")
        except Problem as problem:
            log.warning("credentials refused", status=problem.status, why=problem.detail)
            raise
        if person.page not in {_LOOK, _ACT}:
            raise Problem(403, f'{person.name} may not see this page: its entry has no "page": "look" or "act".')
        return person


def _token() -> str | None:
    """The password of HTTP Basic, or a Bearer token, as a proxy passes it on that logs people in; None without.

    Problem 401 for a malformed header, on which werkzeug raises.
    """
    try:
        authorization = request.authorization
    except ValueError:
        raise Problem(401, "HTTP Basic credentials must be in base64, with a token as the password.") from None
    if authorization and authorization.type == "bearer":
        return authorization.token or ""
    return (authorization.password or "") if authorization and authorization.type == "basic" else None


Guard = Callable[[], AnyResponse | None]


def guard(people: People, away: Callable[[StoreError], str]) -> Guard:
    """For before_request: redirects browsers to the login, answers programs 401; `away` words Redis' failure."""

    def before() -> AnyResponse | None:
        try:
            person = people.current()
        except StoreError as error:
            raise Problem(503, away(error)) from error
        if person is not None:
            return None
        if request.method == "GET" and "text/html" in request.accept_mimetypes.values():
            return redirect(f"{LOGIN}?next={quote(request.full_path.rstrip('?'))}")
        raise Problem(401, "Log in first, or send HTTP Basic with a token as the password.")

    return before


def sessions(app: Flask, key: Callable[[], str], away: Callable[[StoreError], str]) -> CSRFProtect:
    """Cookies and CSRF tokens for this app; the caller exempts what programs post to.

    `away` words Redis' failure: nobody can be identified then.
    """

    @app.before_request
    def before() -> None:
        if "away" in g and request.endpoint != "static":
            raise Problem(503, away(g.away))

    app.session_interface = Sessions(key)
    settings: dict[str, Any] = {
        "SESSION_COOKIE_NAME": "vmdrift",
        "SESSION_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SAMESITE": "Lax",
        "PERMANENT_SESSION_LIFETIME": timedelta(seconds=LASTS),
        "WTF_CSRF_TIME_LIMIT": None,  # as long as the session
        "WTF_CSRF_SSL_STRICT": False,  # a proxy may terminate TLS; the cookie's SameSite keeps other sites out
    }
    app.config.update(settings)
    return CSRFProtect(app)
