"""The whole product in virtual time: `Play` is a scene that is up, with a Reactor in it and an Auditor who watches."""

from reactor.adapters.rq import fence_entry
from reactor.model.drift import Policy, Record
from reactor.model.event import NODE_FENCED, Event
from reactor.model.fencing import CONFIG_MAP as FENCING_FILES
from reactor.model.fencing import fencings
from reactor.model.identity import Outage
from reactor.model.intervention import CONFIG_MAP as INTERVENTIONS
from reactor.model.intervention import Intervention
from reactor.settings import Settings
from rehearsal.clocks import Clocks
from rehearsal.processes import KilledError
from rehearsal.reactor import Reactor
from rehearsal.twins.cluster import ApiCluster
from rehearsal.twins.store import MemoryStore
from rehearsal.users import WATCHERS
from simulator.scene import Scene, Vm, staged
from simulator.world import World
from tests.support import schemas
from tests.support.auditor import Auditor
from tests.support.installation import Installation
from tests.support.policies import admission
from workers.intake.outage import take_event

__all__ = ["WATCHERS", "KilledError", "Play", "Reactor"]


class Play(Installation):
    """A scene with a Reactor and an Auditor in it."""

    def __init__(  # noqa: PLR0913 - the last ones are named
        self,
        world: World,
        vms: tuple[Vm, ...],
        policy: Policy,
        watchers: int = 1,
        clocks: Clocks | None = None,
        *,
        waker: bool = False,
        suspects: bool = False,
    ) -> None:
        self.world, self.vms, self._policy, self._clocks, self._waker = world, vms, policy, clocks, waker
        self._suspects = suspects
        self.auditor = Auditor(world, policy.unreachable_window, policy.virt_handler_grace)
        world.api.admit = admission(world.store)
        world.api.faults.append(self.auditor.sent)
        world.api.late_faults.append(self.auditor.done)
        self.install(None, watchers)

    def reactor_with(self, store: MemoryStore | None = None, watchers: int = 1) -> Reactor:
        return Reactor(
            self.world, self._policy, store, watchers, self._clocks, waker=self._waker, suspects=self._suspects
        )

    @classmethod
    def of(  # noqa: PLR0913 - as above
        cls,
        scene: Scene,
        policy: Policy | None = None,
        seed: int = 0,
        watchers: int = 1,
        clocks: Clocks | None = None,
        *,
        waker: bool = False,
        suspects: bool = False,
    ) -> "Play":
        """The scene is up and the reactor has just been started. `clocks`, `waker`, `suspects`: as in Reactor."""
        return cls.on(staged(scene, seed), scene.vms, policy, watchers, clocks, waker=waker, suspects=suspects)

    @classmethod
    def on(  # noqa: PLR0913 - as above
        cls,
        world: World,
        vms: tuple[Vm, ...] = (),
        policy: Policy | None = None,
        watchers: int = 1,
        clocks: Clocks | None = None,
        *,
        waker: bool = False,
        suspects: bool = False,
    ) -> "Play":
        """In a cluster that is up, and has the admission policies that we ship."""
        return cls(world, vms, policy or Settings().to_policy(), watchers, clocks, waker=waker, suspects=suspects)

    def record(self, vm: str) -> Record:
        """The newest record of a VM; StopIteration without one."""
        return next(r for r in sorted(self.records, key=lambda r: -r.created_at) if r.drift.vm.name == vm)

    def story(self, vm: str) -> tuple[str, str]:
        """Phase and reason of a VM's newest record, ("", "") without one."""
        known = any(record.drift.vm.name == vm for record in self.records)
        return (self.record(vm).phase.value, self.record(vm).reason) if known else ("", "")

    def outages(self) -> list[Outage]:
        """The outages that are not done with."""
        return [record.outage for record in self.reactor.store.outages()]

    def news(self, vm: str) -> list[str]:
        """What was told of a VM, in order: scheduled, released..."""
        told = [event for _, event in self.reactor.store.events() if event["subject"].endswith(f"/{vm}")]
        return [event["type"].rpartition(".")[2] for event in told]

    def take(self, event: Event) -> None:
        """Another sender's event comes in at this moment."""
        take_event(event, self.reactor.tools)

    def confirm(self, node: str) -> None:
        """Somebody entitled says that this very boot of a node is off."""
        found, now = self.world.store.get("nodes", node), self.world.now
        told = {"uid": found["metadata"]["uid"], "bootID": found["status"]["nodeInfo"]["bootID"], "how": "looked"}
        self.reactor.inbox.accept([Event(NODE_FENCED, "/pdu", f"{now}", node, now, told)], "pdu")
        self.nudge()

    def ask(self, kind: str, node: str) -> None:
        """A person wants this for what is known of a lost node."""
        files = fencings(self.world.store.get("configmaps", FENCING_FILES, "vm-drift"))
        outage = files[node].outage
        wish = Intervention(kind, f"node/{node}", "ann", "I looked", self.world.now, outage=outage.id)
        ApiCluster(self.world.api, "ann").note(INTERVENTIONS, "vm-drift", {wish.key: wish.as_text()})
        self.reactor.queue.wake(fence_entry(outage), self.world.now)
        self.nudge()

    def running(self, vm: str, namespace: str = "default") -> list[str]:
        """Where it really runs."""
        return self.world.hypervisor.running((namespace, vm))

    def until(self, vm: str, *stories: tuple[str, str], limit: float = 1500.0) -> bool:
        """Live until the VM's record has one of these (phase, reason)."""
        return self.world.run(lambda: self.story(vm) in stories, limit)

    def until_ended(self, limit: float = 1500.0) -> bool:
        """Live until there are records and every one of them has ended."""
        return self.world.run(lambda: bool(self.records) and all(r.phase.is_end for r in self.records), limit)

    def check(self) -> None:
        """What must hold in every play without a cut network."""
        self.auditor.check()
        for _, event in self.reactor.store.events():
            schemas.check(event)
        assert self.world.hypervisor.double_runs == []
