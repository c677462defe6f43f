"""What people do on the page: hold, resume, cancel, retry, drift, confirm-off. Each is logged with who and why."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import structlog

from reactor.interventions import InterventionResult, Interventions, Person
from reactor.model.errors import BadInput, ClusterError, NotDone
from reactor.model.intervention import lasting, reason_of
from reactor.web.page.confirming import Confirming
from reactor.web.page.queries import Queries
from reactor.web.problem import Problem

log = structlog.get_logger()

_KINDS = ("hold", "resume", "cancel", "retry", "drift", "confirm-off")
_SURE = frozenset({"cancel", "confirm-off"})  # what is done only in a second step


@dataclass(frozen=True, slots=True)
class ActionForm:
    """`what`: one of _KINDS; `target`: a node, NAMESPACE/VM or all; `lasts`: a duration, or "" for no end.

    `sure`: not "" from the second step; `force`: not "" to hold what is yet to come.
    """

    what: str
    target: str
    lasts: str
    why: str
    sure: str = ""
    force: str = ""

    @classmethod
    def of(cls, form: Mapping[str, Any]) -> "ActionForm":
        """From a form's fields."""
        names = ("what", "target", "lasts", "why", "sure", "force")
        return cls(**{name: str(form.get(name, "")).strip() for name in names})


class Actions:
    """Each method raises Problem, StoreError."""

    def __init__(self, queries: Queries, confirming: Confirming) -> None:
        self._queries, self._confirming = queries, confirming

    def do(self, form: ActionForm, person: str) -> str:
        """Carry it out; what was done, as a sentence."""
        if form.what not in _KINDS:
            raise Problem(400, f"what: {form.what[:20]!r} is not one of {', '.join(_KINDS)}.")
        if form.what in _SURE and not form.sure:
            raise Problem(400, f"{form.what} has a second step: /confirm/{form.what}/{form.target} says what it means.")
        queries = self._queries
        try:
            sentence = self._done(form, person)
        except BadInput as error:
            raise Problem(400, f"{error}.") from error
        except NotDone as error:
            raise Problem(409, f"{error}.") from error
        except ClusterError as error:
            raise Problem(503, f"Nothing was done: {error}.") from error
        finally:
            queries.forget_asked()
        facts = {"person": person, "action": form.what, "target": form.target, "why": reason_of(form.why)}
        log.info("intervention requested", sentence=sentence, **facts)
        return sentence

    def _done(self, form: ActionForm, person: str) -> str:
        queries = self._queries
        if form.what == "confirm-off":
            return self._confirming.send(person, form.target, form.why)
        store, inbox = (lambda: queries.store), (lambda: self._confirming.inbox)
        interventions = Interventions(Person(person, "page"), queries.wishes, store, inbox, queries.node_names)
        return _apply(form, interventions).sentence


def _apply(form: ActionForm, interventions: Interventions) -> InterventionResult:
    if form.what == "hold":
        lasts = lasting(form.lasts) if form.lasts else None
        return interventions.hold(form.target, lasts, form.why, force=bool(form.force))
    if form.what == "cancel":
        return interventions.cancel(form.target, form.why)
    methods = {"resume": interventions.resume, "retry": interventions.retry, "drift": interventions.drift}
    return methods[form.what](form.target)
