"""The page's addresses: `/`, `/vm/...`, `/node/...`, `/fencing`, `/history`, `/login`; `/confirm/...` and `/act`."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from flask import Blueprint, Flask, Response, flash, make_response, redirect, render_template, request, session, url_for
from flask_wtf.csrf import CSRFError
from markupsafe import Markup
from werkzeug.wrappers import Response as AnyResponse

from reactor.model.check_state import shown_checks
from reactor.model.errors import StoreError
from reactor.model.groups import Wanted
from reactor.model.in_force import notes, resumed
from reactor.model.printable import harmless_lines
from reactor.model.times import clock_time, duration, format_time
from reactor.web.browser_headers import local_path
from reactor.web.page.actions import ActionForm, Actions
from reactor.web.page.auth import LOGIN, Guard, People
from reactor.web.page.code import as_code
from reactor.web.page.confirming import Confirming
from reactor.web.page.queries import Queries
from reactor.web.problem import Problem

_LONGEST = 253  # characters of what is looked for, as of a name in Kubernetes
_POLL = 2  # seconds between two polls of an open browser


@dataclass(frozen=True, slots=True)
class PageTools:
    """What the routes work with."""

    desk: Queries
    people: People
    actions: Actions
    confirming: Confirming
    guard: Guard

    def shown(self, template: str, status: int = 200, **context: Any) -> Response:
        """A page."""
        return make_response(render_template(template, **context), status)

    def looked(self, template: str, read: Callable[[], Mapping[str, Any]]) -> Response:
        """A page of what Redis has now; Problem 503 while it does not answer."""
        queries = self.desk
        if "_flashes" in session:  # somebody has just done something, maybe by another process: it shows at once
            queries.forget_asked()
        try:
            context = {
                **read(),
                "troubles": queries.troubles(),
                "health": queries.health(),
                "asked": queries.asked(),
                "may_act": self.people.may_act(),
            }
        except StoreError as error:
            raise Problem(503, queries.away(error)) from error
        queries.back()
        return self.shown(template, **context)

    def refused(self, problem: Problem) -> Response:
        """A problem as people read it."""
        answer = self.shown("error.html", problem.status, problem=problem)
        if problem.status == 401:  # noqa: PLR2004 - as HTTP has it
            answer.headers["WWW-Authenticate"] = 'Basic realm="vm-drift", charset="UTF-8"'
        return answer


def mount(app: Flask, page: PageTools) -> None:
    """Add all routes to the app."""
    blueprint = Blueprint("page", __name__)
    blueprint.before_request(page.guard)
    _add_views(blueprint, page)
    _add_actions(blueprint, page)
    app.register_blueprint(blueprint)
    _add_login(app, page)
    app.jinja_env.filters.update(duration=duration, clock=clock_time, moment=format_time, path=quote, code=as_code)
    app.jinja_env.filters["checks"] = shown_checks
    app.jinja_env.finalize = _printable
    queries = page.desk
    app.context_processor(lambda: {"now": queries.clock(), "policy": queries.settings.policy, "poll": _POLL})
    app.jinja_env.globals.update(
        login_url=queries.settings.login_url, person=page.people.shown, notes_of=notes, was_resumed=resumed
    )
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True


def _add_views(blueprint: Blueprint, page: PageTools) -> None:
    queries = page.desk

    @blueprint.get("/")
    def outages() -> Response:
        wanted = Wanted(*(request.args.get(name, "")[:_LONGEST] for name in ("name", "namespace", "phase", "node")))
        read = lambda: {  # noqa: E731 - read inside
            "outages": queries.outages(wanted),
            "wanted": wanted,
            "suspects": queries.suspects(),
            "not_fenceable": queries.not_fenceable(),
            "past": queries.history(3),
        }
        return page.looked("outages.html", read)

    @blueprint.get("/fencing")
    def fencing() -> Response:
        return page.looked("fencing.html", lambda: {"drills": queries.drills(), "providers": queries.settings.fencing})

    @blueprint.get("/history")
    def history() -> Response:
        def read() -> Mapping[str, Any]:
            past = queries.history()
            return {"past": past, "deeds": queries.deeds(past)}

        return page.looked("history.html", read)

    @blueprint.get("/vm/<namespace>/<name>")
    def vm(namespace: str, name: str) -> Response:
        def read() -> Mapping[str, Any]:
            drifts = _or_404(queries.vm(f"{namespace}/{name}"), f"VM {namespace}/{name}")
            return {"drifts": drifts, "name": f"{namespace}/{name}", "deeds": queries.deeds_of_vm(drifts)}

        return page.looked("vm.html", read)

    @blueprint.get("/node/<name>")
    def node(name: str) -> Response:
        def read() -> Mapping[str, Any]:
            outages = _or_404(queries.node(name), f"node {name}")
            return {"outages": outages, "name": name, "deeds": queries.deeds(outages[:1])}

        return page.looked("node.html", read)


def _or_404(rows: list[Any], what: str) -> list[Any]:
    if not rows:
        raise Problem(
            404, f"Nothing is recorded about {what}: it was in no outage, or that outage is no longer in the history."
        )
    return rows


def _add_actions(blueprint: Blueprint, page: PageTools) -> None:
    @blueprint.post("/act")
    def act() -> AnyResponse:
        person = _acting(page)
        try:
            flash(page.actions.do(ActionForm.of(request.form), person))
        except StoreError as error:
            raise Problem(503, page.desk.away(error)) from error
        return redirect(local_path(request.form.get("next", "")), 303)

    @blueprint.get("/confirm/cancel/<namespace>/<name>")
    def cancelling(namespace: str, name: str) -> Response:
        vm, _ = f"{namespace}/{name}", _acting(page)
        rows = lambda: _or_404(page.desk.vm(vm), f"VM {vm}")  # noqa: E731 - read inside
        return page.looked("cancel.html", lambda: {"row": rows()[0], "name": vm})

    @blueprint.get("/confirm/confirm-off/<name>")
    def confirming_off(name: str) -> Response:
        person = _acting(page)

        def read() -> Mapping[str, Any]:
            outage = _or_404(page.desk.node(name), f"node {name}")[0]
            boot, why_not = page.confirming.lost_boot(name), page.confirming.why_not(person, name)
            return {"outage": outage, "name": name, "boot": boot, "why_not": why_not}

        return page.looked("confirm_off.html", read)


def _acting(page: PageTools) -> str:
    """The name of the person, who may act; Problem 403."""
    person = page.people.current()
    if person is None or not page.people.may_act():
        raise Problem(403, 'You may look but not act: your entry says "page": "look".')
    return person.name


def _add_login(app: Flask, page: PageTools) -> None:
    @app.route(LOGIN, methods=["GET", "POST"])
    def login() -> AnyResponse:
        target = local_path(request.values.get("next", ""))
        if request.method == "GET":
            return page.shown("login.html", next=target)
        try:
            page.people.log_in(request.form.get("token", ""))
        except Problem as problem:
            return page.shown("login.html", problem.status, next=target, problem=problem)
        except StoreError as error:
            raise Problem(503, page.desk.away(error)) from error
        return redirect(target, 303)

    @app.post("/logout")
    def logout() -> AnyResponse:
        try:
            page.people.log_out()
        except StoreError as error:
            raise Problem(503, page.desk.away(error)) from error
        return redirect(url_for("login"), 303)

    @app.errorhandler(CSRFError)
    def forged(_: CSRFError) -> Response:
        return page.refused(
            Problem(400, "This form has expired or came from another site. Go back, reload and try again.")
        )


def _printable(value: Any) -> Any:
    """A value in a template's {{ }}, without characters that reverse or hide text, whoever wrote it."""
    if not isinstance(value, str) or value.isprintable():
        return value
    text = harmless_lines(value)
    return Markup(text) if isinstance(value, Markup) else text  # noqa: S704 - as safe as it was
