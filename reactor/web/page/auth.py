"""Who looks at the page: a browser with a signed session, or a client with HTTP Basic. The senders' file names them.

A sender's `page` says what they may: look, act, or nothing. The session's cookie holds the session's id, their name
and a digest of their token: it ends with a logout, with the token, and when the file does not know both any more.
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
from reactor.model.times import Clock
from reactor.web.auth.senders import Sender, Senders
from reactor.web.problem import Problem

log = structlog.get_logger()

LOGIN = "/login"
_LOOK, _ACT = "look", "act"
_LONGEST = 4096  # characters of a token that is looked at
# Where programs come in; they have no session, and need none of its key.
PROGRAMS = ("/events", "/alertmanager", "/healthz", "/readyz", "/metrics", "/openapi.json")


def is_program(asked: Request) -> bool:
    """Whatever is asked for here, and in whatever form: there is no session."""
    return asked.path.startswith(PROGRAMS) or (asked.path == "/" and asked.method not in {"GET", "HEAD"})


class Sessions(SecureCookieSessionInterface):
    """Flask's own signed cookies, with a key that all processes share."""

    def __init__(self, key: Callable[[], str]) -> None:
        """`key` raises StoreError."""
        self._key = key

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession | None:
        """None, which reads as empty, where there is no key now."""
        if is_program(request):
            return None
        try:
            app.secret_key = self._key()
        except StoreError as error:
            g.away = error
            return None
        return super().open_session(app, request)

    def get_cookie_secure(self, app: Flask) -> bool:  # noqa: ARG002 - Flask's signature
        """Behind a proxy that ends TLS, too. Who forges that header only harms his own cookie."""
        return request.is_secure or request.headers.get("X-Forwarded-Proto") == "https"

    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:
        """Nothing to save where nothing was opened."""
        if isinstance(session, SecureCookieSession) and app.secret_key:
            super().save_session(app, session, response)


class People:
    """Who may see the page, and who may act on it."""

    def __init__(self, senders: Senders, opened: OpenSessions, clock: Clock) -> None:
        self._senders, self._opened, self._clock = senders, opened, clock

    def current(self) -> Sender | None:
        """Who asks, if he may look; None if nobody knows him. Problem 401 or 403 for wrong credentials."""
        if "person" not in g:
            g.person = None  # also for the page that says why they are refused
            g.person = self._found()
        found: Sender | None = g.person
        return found

    def shown(self) -> Sender | None:
        """The same, for a page that says what is wrong already: nobody where that cannot be told."""
        try:
            return self.current()
        except (Problem, StoreError):
            return None

    def may_act(self) -> bool:
        """May he who asks hold, resume, cancel?"""
        person = self.current()
        return person is not None and person.page == _ACT

    def log_in(self, token: str) -> None:
        """Begin a session that lasts no longer than the token; Problem 401, 403, StoreError."""
        person, now = self._by_token(token), self._clock()
        opened = self._opened.open(person.name, now, min(now + LASTS, person.until))
        session.clear()
        session.permanent = True
        session.update(id=opened, name=person.name, proof=self._proof(person.name))
        log.info("logged in", person=person.name)

    def log_out(self) -> None:
        """End the session, for whoever has its cookie. StoreError."""
        if "id" in session:
            self._opened.close(session["name"], session["id"])
        session.clear()

    def _found(self) -> Sender | None:
        if not self._senders.required:
            return Sender("anybody", page=_ACT)
        if (password := _password()) is not None:
            return self._by_token(password)
        known = self._senders.by_name(session["name"]) if "id" in session else None
        if known is None or not hmac.compare_digest(str(session.get("proof")), self._proof(known.name)):
            return None
        seen = known.page in {_LOOK, _ACT} and self._opened.is_open(known.name, session["id"], self._clock())
        return known if seen else None

    def _proof(self, name: str) -> str:
        """Tells a token from a later one of the same name, and nothing of itself."""
        key = str(current_app.secret_key).encode()
        return hmac.new(key, self._senders.secret(name).encode(), "sha256").hexdigest()

    def _by_token(self, token: str) -> Sender:
        try:
            person = self._senders.identify(f"Bearer {token[:_LONGEST].strip()}", "")
        except Problem as problem:
            log.warning("credentials refused", status=problem.status, why=problem.detail)
            raise
        if person.page not in {_LOOK, _ACT}:
            raise Problem(403, f'{person.name} may not see this page: its entry has no "page": "look" or "act".')
        return person


def _password() -> str | None:
    """Of HTTP Basic; None without it. Problem 401 for what is none, over which werkzeug stumbles."""
    try:
        shown = request.authorization
    except ValueError:
        raise Problem(401, "HTTP Basic is expected in base64, with a token as the password.") from None
    return (shown.password or "") if shown and shown.type == "basic" else None


Guard = Callable[[], AnyResponse | None]


def guard(people: People, away: Callable[[StoreError], str]) -> Guard:
    """For before_request: browsers are led to the login, programs are told 401; `away` says what is without Redis."""

    def before() -> AnyResponse | None:
        try:
            known = people.current()
        except StoreError as error:
            raise Problem(503, away(error)) from error
        if known is not None:
            return None
        if request.method == "GET" and "text/html" in request.accept_mimetypes.values():
            return redirect(f"{LOGIN}?next={quote(request.full_path.rstrip('?'))}")
        raise Problem(401, "Log in first, or send HTTP Basic with a token as the password.")

    return before


def sessions(app: Flask, key: Callable[[], str], away: Callable[[StoreError], str]) -> CSRFProtect:
    """Cookies and CSRF tokens for this app; what programs post to is to be exempted by whoever mounts it.

    `away` says what is without Redis: nobody can be known then.
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
        "WTF_CSRF_SSL_STRICT": False,  # a proxy may end TLS; the cookie's SameSite is what keeps strangers out
    }
    app.config.update(settings)
    return CSRFProtect(app)
