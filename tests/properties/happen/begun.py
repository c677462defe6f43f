"""What every life begins with: a cluster that is up, the product in it, a judge, and fate."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace

from reactor.model.drift import Policy
from reactor.model.witness import SUSPICION
from reactor.settings import Settings
from rehearsal.clocks import ProcessClock
from rehearsal.twins.store import MemoryStore
from simulator.fencing import METAL3
from simulator.manager import ControllerManager
from simulator.scene import Scene, Vm, staged
from simulator.timing import SLOWEST_STATUS, Timing
from tests.properties import excuses
from tests.properties.fate import Fate
from tests.properties.harm import Downtime
from tests.properties.judge import Judge
from tests.properties.redis import JudgedStore, Photographed
from tests.properties.testimony import Testimony
from tests.properties.vms import ELIGIBLE, NODES, PODS, WHY
from tests.support.installation import Installation
from workers.fencing.providers.metal3 import REBOOT
from workers.fencing.providers.provider import Provider

_SLOW = replace(Timing(), node_status_after_boot=SLOWEST_STATUS)


class Begun(Installation):
    """`struck`: how often each kind of trouble had an effect."""

    reactor: Photographed

    def __init__(self, vms: Iterable[Vm], seed: int = 0, policy: Policy | None = None) -> None:
        self.waker = bool(seed % 2)  # in every other world somebody watches what drifts wait for
        self.suspects = bool(seed // 2 % 2)  # in every other world watchers suspect nodes
        self.witnesses = self.suspects and bool(seed // 4 % 2)  # and in every other one of these they are witnesses
        self.vms, self.policy = {vm.name: vm for vm in vms}, policy or Settings().to_policy()
        if self.witnesses:
            self.policy = replace(self.policy, fence_at=SUSPICION)
        self.world = staged(Scene(NODES, tuple(self.vms.values()), PODS), seed, _SLOW)
        self.hypervisor, self.began = self.world.hypervisor, self.world.now
        self.manager, self.manager_runs = ControllerManager(self.world), True
        asking = (vm.name for vm in self.vms.values() if vm.annotations.get("vmdrift.io/detach") == "delete")
        asked = frozenset(asking if "detach" in self.policy.tenants_may else ())
        self.clocks: dict[str, ProcessClock] = {}
        self.judge = Judge(self.world, WHY, asked, self.policy, self.clock_of("redis"))
        self.visible, self.harm = self.judge.visible, self.judge.harm
        self.struck: Counter[str] = Counter()
        self.testimony = self.harm.testimony = Testimony(self.visible, self.struck)
        self.testimony.begin(seed // 8)
        self.fate = Fate(self.world, self.lose_last_second, struck=self.struck)
        self.fate.hold(self.world.api)
        self.judge.known_until = self.fate.known_until
        self.providers: dict[str, Provider] = {}
        self.begin()
        self.store = JudgedStore(self.clock_of("redis"), self.judge)
        self.install(self.store, watchers=2)
        self.down = Downtime(self.world, self.wanted, self.excuses)
        self.world.add(self.down)

    @property
    def wanted(self) -> list[tuple[str, str]]:
        """The VMs that have to run again, whatever happens: none where we only observe."""
        names = {vm.name for vm in ELIGIBLE} if self.policy.mode == "auto" else set[str]()
        return [(vm.namespace, vm.name) for vm in self.vms.values() if vm.name in names]

    def booted(self, node: str) -> None:
        """This machine is on again."""

    def begin(self) -> None:
        """For whoever has something to prepare before the product starts."""

    def reactor_with(self, store: MemoryStore | None = None, watchers: int = 1) -> Photographed:
        """On machines whose clocks go on."""
        processes = {"waker": self.waker, "suspects": self.suspects}
        reactor = Photographed(self.world, self.policy, store or self.store, watchers, self.clock_of, **processes)
        reactor.providers.update(self.providers)
        reactor.witness_reports.through = self.testimony.said
        return reactor

    def clock_of(self, process: str) -> ProcessClock:
        """That of its machine."""
        return self.clocks.setdefault(process, ProcessClock(self.world.clock))

    def lose_last_second(self) -> None:
        """Redis comes back without its last second."""
        self.reactor.lose_last_second()

    def is_kept_off(self, node: str) -> bool:
        """Was its host, of Metal3's, ordered to be off until that is taken back?"""
        host = self.world.store.find("baremetalhosts", f"host-{node}", METAL3)
        return host is not None and REBOOT in (host["metadata"].get("annotations") or {})

    def live(self, seconds: float) -> None:
        """Time goes by, then the judge speaks."""
        self.world.run_for(seconds)
        assert not self.judge.wrong, self.judge.wrong
        assert not (idle := self.harm.for_nothing()), idle
        self.down.trouble()

    def excuses(self) -> dict[str, bool]:
        """What may keep the product, or Kubernetes, from what they would do, and whether it does."""
        lost = sum(node.ready != "True" for node in self.visible.nodes.values())
        return {
            excuses.CLOCK: any(excuses.off(clock.ahead) for clock in self.clocks.values()),
            excuses.MANAGER: not self.manager_runs,
            excuses.LOST: lost > len(NODES) - excuses.NODES_THAT_MUST_BE_THERE,
            excuses.BLOWS: bool(self.fate.blows),
            excuses.HELD: bool(self.visible.held),
            excuses.CORDONED: self.visible.cordoned(),
        }
