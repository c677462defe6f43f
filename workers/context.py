"""What a pass works with: the adapters, the policy, and the clocks."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from reactor.adapters.kubernetes.cluster import Cluster, ConfigMapWriter, Survey, Writer
from reactor.adapters.redis.coverage import Coverage
from reactor.adapters.redis.store import Store
from reactor.adapters.rq import Queue
from reactor.model.drift import Policy
from reactor.model.times import Clock
from reactor.model.witness import WitnessReport
from workers.fencing.providers.provider import Provider
from workers.fencing.together import AskAll, one_by_one
from workers.observe.cache import Surroundings


@dataclass(frozen=True, slots=True)
class Tools:
    """`source`: the CloudEvents source of the workers' events. `claims`: where they write down what others reported.

    `clock`: within a pass Redis' (workers.pass_time), else this process' own, which decides nothing. `steady_since`:
    when Redis' clock stepped last; `clock_off`: how far this process' own is off, as a sentence, "" while it is right.
    `may_send`: may the sender of this name send events of this type, from this source, now?
    """

    cluster: Cluster
    store: Store
    coverage: Coverage
    queue: Queue
    policy: Policy
    clock: Clock
    source: str
    around: Surroundings
    claims: ConfigMapWriter
    may_send: Callable[[str, str, str], bool] = lambda *_: False
    steady_since: float = 0.0
    clock_off: str = ""


class Changer(Cluster, Writer, ConfigMapWriter, Survey, Protocol):
    """A cluster that can be read, changed, and written to, and says what we may do."""


@dataclass(frozen=True, slots=True)
class FenceTools:
    """`providers`: one of each name, made when it is first needed. `namespace`: where the ConfigMaps are.

    `ask_all`: how all of them are asked for evidence. `reports`: what watchers heard of the node with this uid, or
    StoreError.
    """

    tools: Tools
    cluster: Changer
    providers: Callable[[str], Provider]
    namespace: str
    ask_all: AskAll = one_by_one
    reports: Callable[[str], Sequence[WitnessReport]] = lambda _: ()
