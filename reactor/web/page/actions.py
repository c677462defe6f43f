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
    """`what`: one of _KINDS; `target`: a node, NAMESPACE/VM or all; `lasts`: "" is for ever."""

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

    def __init__(self, desk: Queries, inbox: Inbox) -> None:
        self._desk, self._inbox = desk, inbox

    def do(self, order: ActionForm, person: str) -> str:
        """Do it; what was done, as a sentence."""
        if order.what not in _KINDS:
            raise Problem(400, f"what: {order.what[:20]!r} is none of {', '.join(_KINDS)}.")
        desk = self._desk
        interventions = Interventions(Person(person, "page"), desk.wishes, lambda: desk.store, lambda: self._inbox)
        try:
            sentence = _done(order, interventions).sentence
        except BadInput as error:
            raise Problem(400, f"{error}.") from error
        except NotDone as error:
            raise Problem(409, f"{error}.") from error
        except ClusterError as error:
            raise Problem(503, f"Nothing was done: {error}.") from error
        finally:
            desk.forget_asked()
        facts = {"person": person, "action": order.what, "target": order.target, "why": order.why}
        log.info("intervention requested", sentence=sentence, **facts)
        return sentence


def _done(order: ActionForm, interventions: Interventions) -> InterventionResult:
    if order.what == "hold":
        lasts = lasting(order.lasts) if order.lasts else None
        return interventions.hold(order.target, lasts, order.why)
    if order.what == "cancel":
        return interventions.cancel(order.target, order.why)
    does = {"resume": interventions.resume, "retry": interventions.retry, "drift": interventions.drift}
    return does[order.what](order.target)
