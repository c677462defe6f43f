"""A simulated cluster with the reactor in it, and the log of what the reactor decides and writes."""

import math
import re
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from reactor.model.drift import Policy, Record
from reactor.model.fencing import Fencing
from reactor.model.witness import SUSPICION
from rehearsal.clocks import ProcessClock
from rehearsal.reactor import Reactor
from rehearsal.twins.store import MemoryStore
from simulator.actors.attach_detach import attachment_name
from simulator.audit import AuditEntry
from simulator.manager import ControllerManager
from simulator.store.selectors import Selection
from simulator.vms import Kind, Vm
from simulator.world import Actor, World
from tests.support.auditor import OURS
from tests.support.foreign import Keeping
from tests.support.installation import Installation
from tests.support.undated import Undated

_DAY = 86400
_READS = frozenset({"get", "list", "watch"})
_USUALLY_LOST = "node-a"


class Stage(Installation):
    """The world, the reactor, and a log of both.

    `zero` is the moment that the log counts from, seconds since the epoch; `lead`: how many seconds before it begin.
    `ahead`: by how many all of our clocks, Redis' among them, are ahead of the cluster's.
    """

    def __init__(  # noqa: PLR0913, PLR0917 - what a scenario says
        self, world: World, vms: Sequence[Vm], policy: Policy, lead: int, watchers: int = 1, ahead: float = 0.0
    ) -> None:
        self.world, self.vms, self.zero = world, vms, math.ceil(world.now) + lead
        self._ahead = ahead
        self.manager = ControllerManager(world)
        self.actors: dict[str, Actor] = {actor.name: actor for actor in world.actors}
        self.undated: dict[str, Undated] = {}
        self._lines: list[str] = []
        world.api.audit = _Writes(self)
        self._foreign = Keeping(world)
        world.api.late_faults.append(self._foreign.written_by)
        self._policy = policy
        self.install(None, watchers)

    def reactor_with(self, store: MemoryStore | None = None, watchers: int = 1) -> Reactor:
        suspects = self._policy.fence_at == SUSPICION
        return Reactor(self.world, self._policy, store or _Records(self), watchers, self.clock_of, suspects=suspects)

    def clock_of(self, _process: str) -> ProcessClock:
        """All of them show the same."""
        return ProcessClock(self.world.clock, self._ahead)

    def over(self) -> bool:
        """Is everything that began at an end?"""
        return bool(self.records) and all(record.phase.is_end for record in self.records)

    def note(self, text: str) -> None:
        """One line of the log, of now."""
        self._lines.append(f"T{math.floor(self.world.now - self.zero):+} {text}")

    def note_removed(self, old: Fencing | None, file: Fencing) -> None:
        """What a taint removes is listed before it is set."""
        before = old.release if old else None
        if file.release and file.release != before and file.release.removes:
            self.note(f"fencing {file.node.name} removes {', '.join(file.release.removes)}")

    def log(self) -> str:
        """All of it, with what is random in names taken out, and how it ended."""
        return "".join(f"{self._plain(line)}\n" for line in [*self._lines, *self._ends()])

    def _ends(self) -> list[str]:
        hypervisor, stories = self.world.hypervisor, {str(r.drift.vm): r for r in self.records}
        running = {f"{p.vm[0]}/{p.vm[1]}" for p in hypervisor.processes.values() if p.vm}
        lines = []
        for name in sorted({*stories, *running}):
            nodes = hypervisor.running((name.partition("/")[0], name.partition("/")[2]))
            story = stories.get(name)
            told = f" {story.phase} {story.reason};" if story else ""
            lines.append(f"END {name}{told} runs on {' and '.join(nodes) or 'no node'}")
        lines += [
            f"TWICE {'/'.join(r.vm)} runs on {' and '.join(r.nodes)} from T{math.floor(r.at - self.zero):+} on"
            for r in hypervisor.double_runs
        ]
        lines += [f"INVALID {wrong}" for wrong in self._foreign.wrong]
        return lines + [
            f"TWO WRITERS of {w.disk} on {' and '.join(w.nodes)} from T{math.floor(w.at - self.zero):+} on"
            for w in hypervisor.double_writes
        ]

    def _plain(self, text: str) -> str:
        text = re.sub(r"\b(\d\d):(\d\d):(\d\d)Z", self._moment, text)
        text = re.sub(r"csi-[0-9a-f]{64}", lambda found: self._attachments().get(found[0], "csi-?"), text)
        text = re.sub(r"(virt-launcher-\S+?|hp-volume|persistent-state-for-\S+?)-[a-z0-9]{5}\b", r"\1-?", text)
        text = re.sub(r"\bpvc-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b", "pvc-?", text)
        for vm in self.vms:
            if vm.kind is Kind.REPLICA_SET:
                text = re.sub(rf"\b{vm.name}[a-z0-9]{{5}}\b", f"{vm.name}?", text)
        return text.replace("0001-0009-rook-ceph-0000000000000001-", "")

    def _moment(self, found: re.Match[str]) -> str:
        hours, minutes, seconds = (int(part) for part in found.groups())
        apart = (hours * 3600 + minutes * 60 + seconds - self.zero) % _DAY
        return f"T{apart if apart < _DAY // 2 else apart - _DAY:+}"

    def _attachments(self) -> Mapping[str, str]:
        volumes = [pv for pv in self.world.store.list(Selection("persistentvolumes")).items if "csi" in pv["spec"]]
        return {
            attachment_name(pv, node): f"csi-({pv['metadata']['name']} on {node})"
            for pv in volumes
            for node in self.world.hypervisor.machines
        }


class _Records(MemoryStore):
    """Tells the stage of each record whose phase or reason changes."""

    def __init__(self, stage: Stage) -> None:
        super().__init__(stage.clock_of("redis"), stage.world.clock)
        self._stage = stage

    def _write(self, record: Record, events: Sequence[Mapping[str, Any]]) -> None:
        old = self.records_by_drift.get(record.drift.id)
        if old is None or (old.phase, old.reason) != (record.phase, record.reason) or _advises_anew(old, record):
            node = record.drift.outage.node.name
            off = "" if node == _USUALLY_LOST else f" off {node}"
            self._stage.note(f"{record.drift.vm}{off} {record.phase} {record.reason}: {record.sentence}")
        super()._write(replace(record), events)

    def save_fencing(self, file: Fencing) -> None:
        old = self.fencings_by_outage.get(file.outage.id)
        if old is None or (old.reason, old.release) != (file.reason, file.release):
            self._stage.note(f"fencing {file.node.name} {file.reason}: {file.sentence}")
            self._stage.note_removed(old, file)
        super().save_fencing(file)


def _advises_anew(old: Record, new: Record) -> bool:
    """The step that would be taken is another one."""
    return new.reason == "observe-only" and old.sentence != new.sentence


class _Writes(deque[AuditEntry]):
    """The API's audit: tells the stage of whatever the workers want changed, and keeps nothing."""

    def __init__(self, stage: Stage) -> None:
        super().__init__(maxlen=0)
        self._stage = stage

    def append(self, entry: AuditEntry, /) -> None:
        if entry.user not in OURS or entry.verb in _READS or entry.resource == "configmaps":
            return
        name = f"{entry.namespace}/{entry.name}" if entry.namespace else entry.name
        grace = "" if entry.grace_period is None else f" grace {entry.grace_period}"
        careless = " WITHOUT UID" if entry.verb == "delete" and not entry.uid_precondition else ""
        failed = "" if entry.code < 300 else f" -> {entry.code}"
        self._stage.note(f"{entry.verb.upper()} {entry.resource} {name}{grace}{careless}{failed}")
