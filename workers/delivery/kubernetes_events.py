"""Changes of drifts as Kubernetes Events, so that `kubectl describe` of a VM or its node shows them.

Written by a chore of the intake workers, never by a pass: a drift makes no request to the API server for them, and
never waits for them. Nor for the API server, which they take more of than a drift: while many drifts wait for a worker,
they wait.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import structlog

from reactor.adapters.kubernetes.cluster import EventWriter
from reactor.adapters.redis.changes import Changes
from reactor.model.change import Change
from reactor.model.drift import Phase
from reactor.model.errors import ClusterError, ClusterUnreachable, Forbidden
from reactor.model.objects import JsonObject
from reactor.model.times import Clock
from workers.delivery.core_events import NORMAL, WARNING, core_event

log = structlog.get_logger()

_AT_ONCE, _WITHIN = 100, 2.0  # changes, and seconds, of one round
_PATIENT = 60.0  # seconds that a change may wait for drifts
_OLD = 3600.0  # seconds; Kubernetes itself forgets an Event after an hour
_MANY = 10  # similar ones of a node, from which on they are one; client-go's aggregator has the same
_WARNINGS = {Phase.BLOCKED, Phase.REFUSED, Phase.FAILED}


@dataclass
class ChangeReporter:
    """Reports what has changed. `crowded`: do many drifts wait for a worker?

    `_refused`: the last error was Forbidden.
    """

    changes: Changes
    cluster: EventWriter
    clock: Clock
    crowded: Callable[[], bool] = lambda: False
    _refused: bool = False

    def tell(self) -> int:
        """One round; how many were reported. StoreError. What cannot be reported now is reported the next time."""
        begun, reported = self.clock(), 0
        for change_id, change in self.changes.untold(_AT_ONCE):
            if change and begun - change.at < _PATIENT and self.crowded():
                break
            if change and begun - change.at < _OLD and not self._report(change):
                break
            self.changes.told(change_id)
            reported += 1
            if self.clock() - begun > _WITHIN:
                break
        return reported

    def _report(self, change: Change) -> bool:
        """False if it is worth another try."""
        many = self.changes.similar(_kind(change)) > _MANY
        try:
            for event in (of_vm(change), of_node(change, combined=many)):
                self.cluster.announce(event)
        except ClusterUnreachable:
            return False
        except ClusterError as error:  # without the right, or of a namespace that is being deleted: nothing to wait for
            if not isinstance(error, Forbidden) or not self._refused:
                log.warning("Kubernetes Event cannot be written", why=str(error), vm=str(change.drift.vm))
            self._refused = isinstance(error, Forbidden)
        return True


def of_vm(change: Change) -> JsonObject:
    """The Event about the VM, or about the instance that has none."""
    vm = change.drift.vm
    kind = "VirtualMachineInstance" if vm.is_instance else "VirtualMachine"
    about = {"kind": kind, "apiVersion": "kubevirt.io/v1", "namespace": vm.namespace, "name": vm.name, "uid": vm.uid}
    return _event(about, vm.namespace, change, f"{change.sentence} ({change.reason})")


def of_node(change: Change, *, combined: bool) -> JsonObject:
    """The Event about the lost node. `combined`: it stands for all similar ones, and shows the last."""
    node = change.drift.outage.node
    about = {"kind": "Node", "apiVersion": "v1", "name": node.name, "uid": node.uid}
    message = f"{change.drift.vm}: {change.sentence} ({change.reason})"
    if not combined:
        return _event(about, "default", change, message)
    return _event(about, "default", change, f"(combined from similar events): {message}", _kind(change))


def _kind(change: Change) -> str:
    return f"{change.drift.outage.id}:{change.reason}"


def _event(about: Mapping[str, str], namespace: str, change: Change, message: str, identity: str = "") -> JsonObject:
    """A core/v1 Event; a repeated one has the same name. `identity`: what makes it the same, if not the message."""
    reason = f"Drift{change.phase.value.capitalize()}"
    kind = WARNING if change.phase in _WARNINGS else NORMAL
    same = "\n".join((about["uid"], kind, reason, identity or message))
    return core_event(about, namespace, same=same, reason=reason, message=message, kind=kind, at=change.at)
