"""A job -> its pass, and the tools for it: the one dispatch, for RQ (workers.rq) and for the tests in virtual time.

A job carries an identity, or what others reported of one; the pass reads the cluster again.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from typing import Any, Self

from reactor.adapters.cloudevents import decode
from reactor.adapters.kubernetes import cluster as cluster_adapter
from reactor.adapters.redis.inbox import Inbox
from reactor.adapters.rq import DELIVER, RUN_DRIFT, RUN_FENCE, RUN_FORECAST, TAKE_EVENT, TAKE_POST, Queue
from reactor.model.drift import Outcome
from reactor.model.errors import BadInput
from reactor.model.event import worker_source
from reactor.model.identity import VERSION, Drift, Outage, take
from reactor.model.times import Clock
from reactor.web.auth.senders import Senders
from reactor.wiring import Wiring
from workers.context import Tools
from workers.delivery.sink import DeliveryTools, deliver
from workers.drift.run import run_pass
from workers.fencing.providers.registry import provider
from workers.fencing.run import FenceTools, run_fence
from workers.fencing.together import Together
from workers.forecast.run import run_forecast
from workers.intake.events import take_post
from workers.intake.outage import take_event
from workers.observe.cache import Surroundings

TROUBLE_RETRY = 5  # seconds until a job that could not do its work is tried again
Body = dict[str, Any]


@dataclass(frozen=True, slots=True)
class App:
    """The jobs of one process. A job asks for its tools when it runs."""

    queue: Callable[[], Queue]
    inbox: Callable[[], Inbox]
    tools: Callable[[], Tools]
    fence: Callable[[], FenceTools]
    delivery: Callable[[], DeliveryTools]
    clock: Callable[[], Clock]

    @classmethod
    def of(cls, wiring: Wiring) -> Self:
        """The product's. Each tool is made once, at its first use: a process may lack a cluster, or a sink."""
        tools = cache(lambda: _tools(wiring))
        fence = cache(lambda: _fence_tools(wiring, tools()))
        delivery = cache(lambda: _delivery_tools(wiring))
        return cls(lambda: wiring.queue, lambda: wiring.inbox, tools, fence, delivery, lambda: wiring.clock)

    def now(self) -> float:
        """By Redis' clock, in seconds since the epoch. Raises StoreError where it has never answered."""
        return self.clock()()

    def run(self, function: str, args: Sequence[Any]) -> Outcome:
        """A job that calls this function. Raises BadInput, ClusterError, StoreError: then its result is unknown."""
        return _PASSES[function](self, body(args))


def body(args: Sequence[Any]) -> Body:
    """A job's payload, if this version can read it. Another version's job ends here; the sweep queues it again."""
    version, payload = args if len(args) == 2 else (None, None)  # noqa: PLR2004 - a version and a body
    if version != VERSION or not isinstance(payload, dict):
        raise BadInput(f"job: expected version {VERSION} and a JSON object, found {str(args)[:80]}")
    return payload


# What a job of each name does; its function in workers.rq documents its payload.
_PASSES: Mapping[str, Callable[[App, Body], Outcome]] = {
    TAKE_EVENT: lambda app, payload: take_event(decode(payload), app.tools()),
    TAKE_POST: lambda app, payload: take_post(payload, app.inbox(), app.tools()),
    RUN_DRIFT: lambda app, payload: run_pass(Drift.of(payload), app.tools()),
    RUN_FORECAST: lambda app, payload: run_forecast(Outage.of(payload), app.tools()),
    RUN_FENCE: lambda app, payload: run_fence(Outage.of(payload), app.fence()),
    DELIVER: lambda app, payload: deliver(take(payload, "letter", str, "job"), app.delivery()),
}


def _tools(wiring: Wiring) -> Tools:
    settings = wiring.settings
    return Tools(
        store=wiring.store,
        coverage=wiring.coverage,
        queue=wiring.queue,
        cluster=wiring.cluster,
        policy=settings.to_policy(),
        clock=time.time,
        source=worker_source(cluster_adapter.uid(wiring.cluster)),
        around=Surroundings(
            time.monotonic,
            namespace=settings.namespace,
            csi_addons=settings.csi_addons_namespaces,
            summaries=wiring.summaries,
        ),
        claims=wiring.cluster,
        may_send=Senders.of(settings).may,
    )


def _fence_tools(wiring: Wiring, tools: Tools) -> FenceTools:
    """Each provider is made when it is first used."""
    made = partial(provider, before_call=wiring.before_call, memory=wiring.plug_memory)
    providers = cache(lambda name: made(name, wiring.cluster, wiring.settings))
    ask_all, reports = Together(wiring.before_call), wiring.witness_reports.of
    return FenceTools(tools, wiring.cluster, providers, wiring.settings.namespace, ask_all, reports)


def _delivery_tools(wiring: Wiring) -> DeliveryTools:
    """It needs no cluster. SettingsError without a sink."""
    return DeliveryTools(
        sink=wiring.sink,
        outbox=wiring.outbox,
        queue=wiring.queue,
        clock=wiring.clock,
        give_up=wiring.settings.sink_give_up,
    )
