"""What people do on the page: hold, resume, cancel, retry, drift. Each is logged with who, what and why."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import structlog

from reactor.adapters.redis.inbox import Inbox
from reactor.interventions import InterventionResult, Interventions, Person
from reactor.model.errors import BadInput, ClusterError, NotDone
from reactor.model.intervention import lasting, reason_of
from reactor.web.page.queries import Queries
from reactor.web.problem import Problem

log = structlog.get_logger()

_KINDS = ("hold", "resume", "cancel", "retry", "drift")


@dataclass(frozen=True, slots=True)
class ActionForm:
    """`what`: one of _KINDS; `target`: a node, NAMESPACE/VM or all; `lasts`: a duration, or "" for no end."""

    what: str
    target: str
    lasts: str
    why: str

    @classmethod
    def of(cls, form: Mapping[str, Any]) -> "ActionForm":
        """From a form's fields."""
        texts = {name: str(form.get(name, "")).strip() for name in ("what", "target", "lasts", "why")}
        return cls(**{**texts, "why": reason_of(texts["why"])})


class Actions:
    """Each method raises Problem, StoreError."""

    def __init__(self, queries: Queries, inbox: Inbox) -> None:
        self._queries, self._inbox = queries, inbox

    def do(self, form: ActionForm, person: str) -> str:
        """Carry it out; what was done, as a sentence."""
        if form.what not in _KINDS:
            raise Problem(400, f"what: {form.what[:20]!r} is not one of {', '.join(_KINDS)}.")
        queries = self._queries
        interventions = Interventions(
            Person(person, "page"), queries.wishes, lambda: queries.store, lambda: self._inbox
        )
        try:
            sentence = _apply(form, interventions).sentence
        except BadInput as error:
            raise Problem(400, f"{error}.") from error
        except NotDone as error:
            raise Problem(409, f"{error}.") from error
        except ClusterError as error:
            raise Problem(503, f"Nothing was done: {error}.") from error
        finally:
            queries.forget_asked()
        facts = {"person": person, "action": form.what, "target": form.target, "why": form.why}
        log.info("intervention requested", sentence=sentence, **facts)
        return sentence


def _apply(form: ActionForm, interventions: Interventions) -> InterventionResult:
    if form.what == "hold":
        lasts = lasting(form.lasts) if form.lasts else None
        return interventions.hold(form.target, lasts, form.why)
    if form.what == "cancel":
        return interventions.cancel(form.target, form.why)
    methods = {"resume": interventions.resume, "retry": interventions.retry, "drift": interventions.drift}
    return methods[form.what](form.target)
