"""The receiver's HTTP side, in Flask: routes, and problems as people and programs read them."""

import time
from collections.abc import Callable
from fnmatch import fnmatch
from http import HTTPStatus
from typing import Any

import orjson
from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException, MethodNotAllowed, RequestEntityTooLarge

from reactor.adapters.redis.clock_offsets import clocks
from reactor.adapters.redis.process_reports import reports
from reactor.adapters.redis.queue_metrics import figures
from reactor.model.errors import StoreError
from reactor.settings import Settings
from reactor.web import browser_headers, metrics, openapi, page
from reactor.web.auth.senders import Senders
from reactor.web.events.accept import Credentials, ParsedRequest, Reception, redis_unavailable
from reactor.web.events.http_binding import LONGEST
from reactor.web.events.parse import alertmanager, cloudevents
from reactor.web.held import HeldNow
from reactor.web.problem import CONTENT_TYPE, Problem
from reactor.wiring import Wiring

_JSON = "application/json"
_POST_PATHS = ("/", "/events", "/alertmanager")


def create(settings: Settings) -> tuple[Flask, Reception]:
    """The app of one process, with its own connections. Raises VmDriftError when it cannot start."""
    wiring = Wiring.of(settings)
    inbox, seen = wiring.inbox, wiring.shown()  # an event is accepted with more patience than anything is shown
    redis, clock = seen.redis, seen.clock
    read_queues, read_reports = (lambda: figures(redis, clock())), (lambda: reports(redis))
    wishes = page.wishes_of(wiring)
    holds = HeldNow(lambda: wishes, clock)
    read_clocks, read_audit = (lambda: clocks(redis)), seen.audits.last
    sources = metrics.Sources(
        seen.inbox, seen.outbox, seen.store, read_queues, read_reports, clock, read_clocks, holds, read_audit
    )
    reception = Reception(inbox, Senders.of(settings), settings, time.time)
    app = application(reception, sources, settings)
    page.mount(app, page.Parts(redis, reception, sources, wishes, settings))
    return app, reception


def application(reception: Reception, sources: metrics.Sources, settings: Settings) -> Flask:
    """The routes for programs. `reception` does the work; `sources` have the metrics."""
    app = Flask("vm-drift", root_path=page.FOLDER)  # its static files and templates are the page's
    # One more, so that a body without a length, which is cut off there, is recognized as too long.
    app.config["MAX_CONTENT_LENGTH"] = LONGEST + 1
    app.config["PROVIDE_AUTOMATIC_OPTIONS"] = False  # OPTIONS is the Web Hook handshake
    app.url_map.strict_slashes = False
    browser_headers.protect(app)
    _add_event_routes(app, reception, settings)
    _add_status_routes(app, reception, sources, settings)
    app.register_error_handler(Problem, _problem)
    app.register_error_handler(HTTPException, _http_error)
    return app


def _add_event_routes(app: Flask, reception: Reception, settings: Settings) -> None:
    def post(read: Callable[[bytes], ParsedRequest]) -> Response:
        body = request.get_data(cache=False)
        return _json(reception.post(_credentials(), lambda: read(body)), HTTPStatus.ACCEPTED)

    @app.post("/")
    @app.post("/events")
    def events() -> Response:
        return post(lambda body: cloudevents(dict(request.headers), body, time.time()))

    @app.post("/alertmanager")
    def alerts() -> Response:
        return post(lambda body: alertmanager(request.mimetype, body, settings, time.time()))

    for path in _POST_PATHS:
        app.add_url_rule(path, f"options {path}", lambda: _handshake(settings), methods=["OPTIONS"])


def _add_status_routes(app: Flask, reception: Reception, sources: metrics.Sources, settings: Settings) -> None:
    @app.get("/events/<receipt>")
    def status(receipt: str) -> Response:
        return _json(reception.status(_credentials(), receipt))

    @app.get("/healthz")
    def healthy() -> Response:
        return _json({"status": "ok"})

    @app.get("/readyz")
    def ready() -> Response:
        waiting = _or_unavailable(reception.inbox.ready)
        if waiting >= settings.max_backlog:
            raise Problem(503, f"{waiting} posts are waiting to be processed.", retry_after=5)
        return _json({"status": "ready", "backlog": waiting, "trouble": reception.senders.trouble})

    @app.get("/metrics")
    def measured() -> Response:
        text = _or_unavailable(lambda: metrics.exposition(sources))
        return Response(text, content_type=metrics.CONTENT_TYPE)

    @app.get("/openapi.json")
    def described() -> Response:
        return _json(openapi.document(settings))


def _or_unavailable(read: Callable[[], Any]) -> Any:
    try:
        return read()
    except StoreError as error:
        raise redis_unavailable(error) from error


def _credentials() -> Credentials:
    return Credentials(request.headers.get("Authorization", ""), request.args.get("access_token", ""))


def _handshake(settings: Settings) -> Response:
    """May this origin deliver here? (Web Hook specification 1.0.2, section 4.) Without one: the allowed methods."""
    answer = Response(status=HTTPStatus.NO_CONTENT, headers={"Allow": "POST, OPTIONS"})
    origin = request.headers.get("WebHook-Request-Origin", "")
    if origin and any(fnmatch(origin.lower(), pattern.lower()) for pattern in settings.webhook_origins):
        answer.headers["WebHook-Allowed-Origin"] = origin
        answer.headers["WebHook-Allowed-Rate"] = str(settings.sender_rate)
    elif origin:
        raise Problem(
            403, "This origin is not allowed to deliver events here; VMDRIFT_WEBHOOK_ORIGINS lists those that are."
        )
    return answer


def _json(body: Any, status: int = HTTPStatus.OK) -> Response:
    return Response(orjson.dumps(body), status, content_type=_JSON)


def _problem(problem: Problem) -> Response:
    """A page for a browser, JSON for a program."""
    if html_response := page.for_people(problem):
        return html_response
    body = orjson.dumps(problem.as_json())
    return Response(body, problem.status, problem.headers, content_type=CONTENT_TYPE)


def _http_error(error: HTTPException) -> Response:
    """Flask's own errors, in the same form."""
    if isinstance(error, RequestEntityTooLarge):
        return _problem(Problem(413, f"The request is longer than the limit of {LONGEST} bytes."))
    if isinstance(error, MethodNotAllowed):
        allowed = ", ".join(sorted(error.valid_methods or ()))
        answer = _problem(Problem(405, f"{request.method} is not allowed here; use {allowed}."))
        answer.headers["Allow"] = allowed
        return answer
    if error.code == HTTPStatus.NOT_FOUND:
        return _problem(
            Problem(404, f"There is nothing at this path. Events are received at {', '.join(_POST_PATHS)}.")
        )
    if error.code and error.code >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return _problem(Problem(500, "This is a bug in vm-drift; see the receiver's log."))
    return _problem(Problem(400, error.description or "The request could not be read."))
