"""The page and rq-dashboard put together, on the app that receives events."""

from dataclasses import dataclass

from flask import Flask, Response, current_app, request
from flask.globals import request_ctx
from redis import Redis

from reactor.adapters.kubernetes.interventions import InterventionsConfigMap
from reactor.adapters.redis.sessions import OpenSessions, signing_key
from reactor.adapters.redis.summaries import RedisSummaries
from reactor.model.errors import SettingsError
from reactor.settings import Settings
from reactor.web.events.accept import Reception
from reactor.web.metrics import Sources
from reactor.web.page import routes, rq_dashboard
from reactor.web.page.actions import Actions
from reactor.web.page.auth import People, guard, is_program, sessions
from reactor.web.page.confirming import Confirming
from reactor.web.page.queries import Queries
from reactor.web.problem import Problem
from reactor.web.serve import is_loopback
from reactor.web.server.listening import split
from reactor.wiring import Wiring

_EXTENSION = "vmdrift-page"


@dataclass(frozen=True, slots=True)
class Parts:
    """What the page needs. `wishes` is None without a cluster: then nothing can be held from here."""

    redis: Redis
    reception: Reception
    sources: Sources
    wishes: InterventionsConfigMap | None
    settings: Settings


def mount(app: Flask, parts: Parts) -> None:
    """Add all that people see to the app."""
    reception, sources, settings = parts.reception, parts.sources, parts.settings
    people = People(reception.senders, OpenSessions(parts.redis), sources.clock)
    queries = Queries(
        sources.store,
        sources.queues,
        lambda: sources.reports().heard_at,
        parts.wishes,
        settings,
        sources.clock,
        sources.clocks,
        RedisSummaries(parts.redis).latest,
        sources.audit,
    )
    confirming = Confirming(queries, reception.inbox, reception.senders)
    csrf = sessions(app, lambda: signing_key(parts.redis), queries.away)
    for view in ("events", "alerts"):  # programs have no session to forge
        csrf.exempt(app.view_functions[view])
    page = routes.PageTools(queries, people, Actions(queries, confirming), confirming, guard(people, queries.away))
    app.extensions[_EXTENSION] = page
    routes.mount(app, page)
    rq_dashboard.mount(app, parts.redis, people, page.guard, acts=settings.rq_actions)
    if not reception.senders.required and is_loopback(split(settings.listen)[0]):
        # Nobody logs in here, so a name that leads a browser to this machine (DNS rebinding) must not open the page.
        app.config["TRUSTED_HOSTS"] = ["localhost", "127.0.0.1", "[::1]"]


def for_people(problem: Problem) -> Response | None:
    """The problem as a page, if it is a browser that asks for one."""
    if request_ctx.url_adapter is None:  # with an untrusted Host header there are no routes to show a page with
        return None
    page: routes.PageTools | None = current_app.extensions.get(_EXTENSION)
    wants_page = "text/html" in request.accept_mimetypes.values() and not is_program(request)
    return page.refused(problem) if page and wants_page and request.method != "OPTIONS" else None


def wishes_of(wiring: Wiring) -> InterventionsConfigMap | None:
    """From its cluster; None where there is none. SettingsError for a kubeconfig that cannot be read."""
    try:
        return wiring.wishes
    except SettingsError:
        if wiring.kubeconfig:
            raise
        return None
