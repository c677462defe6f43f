"""The fence drill: each provider of each healthy node is tried, as far as that changes nothing anywhere.

A provider that failed its drill is asked all the same when it counts.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, replace
from functools import partial

import structlog

from reactor import timing
from reactor.adapters.redis.store import Lock
from reactor.in_thread import begun
from reactor.model.drift import Policy
from reactor.model.errors import AccessRefused, ClusterUnreachable, FenceError, Forbidden, NoAnswer, VmDriftError
from reactor.model.fence_drill import TAINT, Drilled, FenceDrill, due
from reactor.model.fencing import Target
from reactor.model.identity import NodeRef, Outage
from reactor.model.machine_uuid import same
from reactor.model.node import NodeView
from workers.context import Changer, FenceTools
from workers.fencing.act import trouble, with_taint
from workers.fencing.decide.allowed import providers
from workers.fencing.decide.marks import NO_SCHEDULE
from workers.fencing.providers.provider import GRANT, Provider

log = structlog.get_logger()

Begin = Callable[[Callable[[], list[FenceDrill]], str], Future[list[FenceDrill]]]
_LOCK, _AT_ONCE = "fence-drill", 4
_REST = 10.0  # seconds between two looks for what is due
_CREDENTIALS = "Change its credentials: until then it is not tried again, so that its account is not locked."
_HEARD_NOTHING = "Check that it has power, and that the fencing role reaches its address."


@dataclass(frozen=True, slots=True)
class Tried:
    """What is tried: the providers, by name, as `policy` says whose they are, and the taint in this cluster."""

    policy: Policy
    cluster: Changer
    providers: Callable[[str], Provider]


def drill_node(
    node: NodeView, nodes: Sequence[NodeView], before: Sequence[FenceDrill], tried: Tried, now: float
) -> list[FenceDrill]:
    """Of each provider of a node that has anything to try, and of the taint; `before`: the last ones.

    `nodes`: all of them. Raises StoreError.
    """
    names, target = providers(node, tried.policy), _target(node, nodes, now)
    last = {drill.provider: drill for drill in before if drill.uid == node.uid}
    found = [_of_provider(name, target, last.get(name), tried.providers, now) for name in names]
    if any(name != "network-fence" for name in names):  # it blocks storage: no taint follows from that
        found.append(_row(TAINT, target, now, partial(_taint, tried.cluster, target)))
    return [drill for drill in found if drill]


def _target(node: NodeView, nodes: Sequence[NodeView], now: float) -> Target:
    twins = tuple(other.name for other in nodes if other.name != node.name and same(other.machine, node.machine))
    return Target(Outage(NodeRef(node.name, node.uid), int(now)), node.boot, node.machine, twins=twins)


def _of_provider(
    name: str, target: Target, last: FenceDrill | None, named: Callable[[str], Provider], now: float
) -> FenceDrill | None:
    """What is locked out stays as it was found."""
    try:
        credentials = named(name).credentials(target)
    except FenceError:
        credentials = ""  # the drill says why there are none
    if last and last.is_locked_out(credentials):
        return replace(last, at=now)
    failed = last is not None and not last.passed and now - last.at >= timing.FENCE_DRILL_AGAIN
    row = _row(name, target, now, lambda: named(name).drill(target, failed_before=failed))
    return row and _counted(replace(row, credentials=credentials), last)


def _counted(row: FenceDrill, last: FenceDrill | None) -> FenceDrill:
    """`refused` goes on counting from the last one with the same credentials."""
    if not row.refused:
        return row
    before = last.refused if last and last.credentials == row.credentials else 0
    counted = replace(row, refused=before + 1)
    return replace(counted, fix=_CREDENTIALS) if counted.is_locked_out(row.credentials) else counted


def _row(name: str, target: Target, now: float, ask: Callable[[], Drilled | None]) -> FenceDrill | None:
    """What came of asking, whatever it raised: one provider's trouble is that provider's alone."""
    refused = 0
    try:
        found = ask()
    except AccessRefused as error:
        found, refused = Drilled(False, _sentence(error)), 1
    except (NoAnswer, ClusterUnreachable) as error:
        found = Drilled(False, _sentence(error), _HEARD_NOTHING)
    except Exception as error:  # noqa: BLE001 - as above
        found = Drilled(False, _sentence(trouble(name, error)), GRANT if isinstance(error, Forbidden) else "")
    if found is None:
        return None
    node = target.node
    return FenceDrill(node.name, node.uid, name, now, found.passed, found.sentence, found.fix, refused)


def _sentence(error: object) -> str:
    text = str(error)
    return text if text.endswith((".", "?")) else f"{text}."


def _taint(cluster: Changer, target: Target) -> Drilled | None:
    """Kubernetes checks it as ever, and stores nothing (dryRun=All)."""
    node = cluster.find("nodes", target.node.name)
    if node is None:
        return None
    cluster.rehearse_change("nodes", node, with_taint(node, target, NO_SCHEDULE))
    return Drilled(True, "Its out-of-service taint can be set (checked by a dry run).")


class FenceDrilling:
    """The drills of one process; of all processes of the role, one drills at a time."""

    def __init__(self, fence: FenceTools, begin: Begin = begun) -> None:
        """`begin` begins work of this name in a thread."""
        self._fence, self._drills, self._begin = fence, fence.tools.store.drills, begin

    def turn(self) -> float:
        """A few of the nodes whose drill is due; in how many seconds to look again. Raises ClusterError, StoreError."""
        store = self._fence.tools.store
        lock = store.acquire(_LOCK, timing.FENCING_LOCK)
        if lock is None:
            return _REST
        try:
            return self._drill(lock)
        finally:
            store.release(lock)

    def _drill(self, lock: Lock) -> float:
        nodes, before = self._fence.tools.around.nodes(self._fence.cluster, own=True), self._drills.all()
        waiting = due(nodes, before, lock.now)
        fence = self._fence
        tried = Tried(fence.tools.policy, fence.cluster, fence.providers)
        drill = partial(drill_node, nodes=nodes, before=before, tried=tried, now=lock.now)
        asked = [self._begin(partial(drill, node), f"drill of {node.name}") for node in waiting[:_AT_ONCE]]
        found = [row for answer in asked for row in answer.result()]
        self._drills.write(found, _gone(before, nodes, waiting[:_AT_ONCE], found))
        _log(before, found)
        return 0.0 if len(waiting) > _AT_ONCE else _REST


def _gone(
    before: Sequence[FenceDrill], nodes: Sequence[NodeView], drilled: Sequence[NodeView], found: Sequence[FenceDrill]
) -> list[FenceDrill]:
    """Those of nodes that are no more, and of providers that a node has no more."""
    uids, now = {node.uid for node in nodes}, {(drill.node, drill.provider) for drill in found}
    names = {node.name for node in drilled}
    return [
        drill
        for drill in before
        if (drill.node, drill.provider) not in now and (drill.uid not in uids or drill.node in names)
    ]


def _log(before: Sequence[FenceDrill], found: Sequence[FenceDrill]) -> None:
    """What has changed."""
    last = {(drill.node, drill.provider): drill.passed for drill in before}
    for drill in found:
        if last.get((drill.node, drill.provider), True) != drill.passed:
            facts = {"node": drill.node, "provider": drill.provider, "sentence": drill.sentence, "fix": drill.fix}
            log.log(20 if drill.passed else 30, "fence drill", passed=drill.passed, **facts)


def keep_drilling(turn: Callable[[], float], ended: Callable[[], bool], rest: Callable[[float], object]) -> None:
    """Turn after turn until `ended`; `rest` waits for so many seconds. What goes wrong is logged once, and tried on."""
    trouble = ""
    while not ended():
        try:
            seconds, why = turn(), ""
        except VmDriftError as error:
            seconds, why = _REST, str(error)
        if why and why != trouble:
            log.warning("fence drills cannot be made", why=why)
        trouble = why
        rest(seconds)
