"""What people do: confirm, truly or not, hold and resume, and say who may fence a node."""

from collections.abc import Mapping
from dataclasses import replace

from reactor.model.event import NODE_FENCED, Event
from reactor.model.fencing import CONFIG_MAP as FENCING
from reactor.model.fencing import KEEP_OFF, fencing_entries
from reactor.model.intervention import CONFIG_MAP, HOLD, UNFENCE, Intervention, node_target
from reactor.model.node import FENCING_ANNOTATION
from rehearsal.twins.cluster import ApiCluster
from tests.properties.happen.begun import Begun


class People(Begun):
    """At machines whose clocks may be wrong, too."""

    def begin(self) -> None:
        super().begin()
        self._said: list[Event] = []

    def confirm(self, node: str) -> None:
        """Somebody who may switches it off, and says so. It may be one that is there, or was lost long ago."""
        self.harm.overtaken[node] = self.world.now
        self.hypervisor.power_cut(node)
        self._confirm(node)
        self.struck["confirmed"] += 1

    def confirm_falsely(self, node: str) -> None:
        """Somebody who may is mistaken."""
        self.judge.doubles.lied.add((node, self.hypervisor.machines[node].boot_id))
        self._confirm(node)
        self.struck["confirmed, not true"] += 1

    def confirm_again(self) -> None:
        """Everything that was ever confirmed is delivered once more, whatever became of these nodes since."""
        for event in tuple(self._said[-5:]):
            self._say(replace(event, id=f"{event.id}+{self.world.now}"))
            self.struck["confirmed again"] += 1

    def hold(self, target: str, seconds: float | None = None) -> None:
        """Somebody asks that it be left alone, for so long."""
        now = self.world.now
        one = Intervention(HOLD, target, "ann", "looking at it", now, now + seconds if seconds else None)
        self.harm.overtaken.update(dict.fromkeys(self.hypervisor.machines, now))
        self._note({one.key: one.as_text()})
        self.struck["hold"] += 1

    def resume(self) -> None:
        """Every hold is lifted."""
        found = self.visible.get("configmaps", CONFIG_MAP, "vm-drift") or {}
        self._note(dict.fromkeys(found.get("data") or {}))

    def unfence_what_is_gone(self) -> None:
        """What fenced Nodes that were deleted since, or keeps them off: the product leaves that to people."""
        now = self.world.now
        kept = fencing_entries(self.visible.get("configmaps", FENCING, "vm-drift")).values()
        for file in [file for file in kept if not file.closed]:
            node = self.visible.get("nodes", file.node.name)
            keeps_off = any(attempt.provider in KEEP_OFF for attempt in file.attempts)
            if keeps_off or node is None or node["metadata"]["uid"] != file.node.uid:
                target = node_target(file.node.name)
                one = Intervention(UNFENCE, target, "ann", "it is another now", now, now + 3600, file.outage.id)
                self._note({one.key: one.as_text()})

    def forbid_fencing(self, node: str) -> None:
        """The administrator says that nobody may fence it."""
        if self.visible.get("nodes", node):
            self._fencing(node, "none")
            self.harm.overtaken[node] = self.world.now
            self.struck["nobody may fence it"] += 1

    def allow_fencing(self) -> None:
        """Whoever the settings name may fence any node."""
        for node in self.visible.nodes:
            self._fencing(node, None)

    def _fencing(self, node: str, who: str | None) -> None:
        annotations = {"metadata": {"annotations": {FENCING_ANNOTATION: who}}}
        self.world.api.client("system:admin").patch("nodes", node, annotations)

    def _confirm(self, node: str) -> None:
        if found := self.visible.get("nodes", node):
            now = self.reactor.cli.clock()
            told = {"uid": found["metadata"]["uid"], "bootID": found["status"]["nodeInfo"]["bootID"], "how": "looked"}
            self._say(Event(NODE_FENCED, "/pdu", f"{now}", node, now, told))

    def _say(self, event: Event) -> None:
        self._said.append(event)
        self.reactor.inbox.accept([event], "pdu")

    def _note(self, data: Mapping[str, str | None]) -> None:
        ApiCluster(self.world.api, "ann").note(CONFIG_MAP, "vm-drift", data)
