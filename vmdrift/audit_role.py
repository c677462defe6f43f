"""The role `audit`: what `vmdrift audit` says of the whole cluster, again and again, as a few figures in Redis.

A command of this package, and not one of the workers: it judges with `vmdrift.plan`, which stands on them. It only
lists, is judged by the settings of its own process, which are the installation's, and changes nothing but one key.
"""

import signal
import time
from collections.abc import Callable
from dataclasses import dataclass

import structlog

from reactor import roles
from reactor.adapters.kubernetes.cluster import Cluster
from reactor.adapters.redis.audits import RedisAudits
from reactor.liveness import LivenessFile
from reactor.model.audit import Audit
from reactor.model.drift import Policy
from reactor.model.errors import SettingsError, VmDriftError
from reactor.model.times import Clock
from reactor.process import Stopped, explain, raise_stopped
from reactor.settings import Settings
from reactor.wiring import Wiring
from vmdrift.plan.audit import audited
from vmdrift.plan.free_room import FreeRoom
from vmdrift.plan.totals import chosen, losses, vms
from vmdrift.snapshot import ClusterSnapshot, everything, snapshot
from vmdrift.snapshot.allowed_fields import allowed
from vmdrift.snapshot.dump_file import Dump
from vmdrift.snapshot.kinds import NEEDED

_AGAIN = 300.0  # seconds until what failed is tried again, and at least between an audit and the next process' first
_PAIRS = 60.0  # seconds, at most, for judging any two nodes
_REST = 3.0  # it rests so many times as long as it worked
_POLL = 1.0  # seconds

log = structlog.get_logger()


@dataclass
class AuditRole:
    """`every` in seconds; `clock` is Redis', `steady` a monotonic one. `step` is called after each node and set."""

    cluster: Cluster
    audits: RedisAudits
    policy: Policy
    every: float
    clock: Clock
    steady: Clock = time.monotonic
    step: Callable[[], object] = lambda: None
    _trouble: str = ""

    def first(self) -> float:
        """In how many seconds to begin: at once, unless another process has just done it."""
        last = self.audits.last()
        return min(_AGAIN, max(0.0, last.at + _AGAIN - self.clock())) if last else 0.0

    def turn(self) -> float:
        """One audit; in how many seconds the next one is due. What fails is logged, once for each cause."""
        begun = self.clock()
        try:
            audit = self._audit(begun)
            self.audits.write(audit)
        except VmDriftError as error:
            return self._failed(explain(error))
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            return self._failed(f"the cluster holds a malformed object: {error!r}")
        self._trouble = ""
        log.info("cluster audited", nodes=audit.nodes, vms=audit.vms, took=audit.took, sentence=audit.words(begun))
        return audit.next_at - audit.at - audit.took

    def _failed(self, why: str) -> float:
        if why != self._trouble:
            log.warning("audit failed, trying again", why=why)
        self._trouble = why
        return _AGAIN

    def _audit(self, begun: float) -> Audit:
        began, there = self.steady(), read(self.cluster, begun)
        nodes = audited(there, self.policy, self.step)
        until = self.steady() + _PAIRS
        found = tuple(losses(nodes, FreeRoom.of(there), self.policy, lambda: self.steady() < until, self.step))
        took = round(self.steady() - began, 3)
        due = begun + max(self.every, (1 + _REST) * took)
        counts = len(there.nodes), vms(nodes), len(chosen(nodes))
        return Audit(begun, due, took, self.policy.mode, *counts, found, there.absent)


def read(cluster: Cluster, now: float) -> ClusterSnapshot:
    """All that is judged, and nothing else of it: a large cluster's objects are many times as large. ClusterError."""
    contents = everything(cluster, now, allowed)
    return snapshot(Dump(contents.objects, {**contents.about, "read_at": cluster.time() or now}))


def work_audit(settings: Settings) -> None:
    """Until SIGTERM or SIGINT. Raises SettingsError, StoreError, ClusterError when it cannot start."""
    if not settings.audit_every:
        raise SettingsError("VMDRIFT_AUDIT_EVERY is not set: the seconds from one audit to the next, such as 3600")
    beat = LivenessFile(settings.heartbeat_file).beat if settings.heartbeat_file else lambda: None
    try:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, raise_stopped)
        _keep_auditing(Wiring.of(settings, beat), beat)
    except Stopped:
        return


def _keep_auditing(wiring: Wiring, beat: Callable[[], None]) -> None:
    clock, cluster, settings = wiring.clock, wiring.cluster, wiring.settings
    for kind in NEEDED:  # so that a missing right shows at start
        next(cluster.pages(kind.resource, limit=1))
    reporter = wiring.reporter(roles.AUDIT.name)

    def step() -> None:
        beat()
        reporter.now_and_then()

    role = AuditRole(cluster, wiring.audits, settings.to_policy(), settings.audit_every, clock, step=step)
    due = time.monotonic() + role.first()  # by no clock that anybody sets
    while True:
        step()
        if time.monotonic() >= due:
            due = time.monotonic() + role.turn()
        time.sleep(_POLL)
