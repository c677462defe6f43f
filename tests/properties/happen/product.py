"""What happens to the control plane, and to the product's own processes and their Redis."""

from contextlib import suppress

from reactor.model.errors import ClusterError
from reactor.model.event import Event, recovered, unreachable
from reactor.model.identity import NodeRef, Outage
from simulator.client import ApiError
from simulator.migrating import migrate
from tests.properties.happen.begun import Begun
from tests.support.virtual import KilledError
from workers.intake.outage import take_event

PROCESSES = (
    *("watcher-0", "watcher-1", "waker", "scheduler", "intake", "drifts-0", "drifts-1", "fencing", "receiver", "cli"),
)


class Product(Begun):
    """Processes die and come back, their clocks are wrong, and what was told before is told again."""

    def begin(self) -> None:
        super().begin()
        self._managers, self.outages = 1, set[Outage]()

    def live(self, seconds: float) -> None:
        super().live(seconds)
        self.outages |= {record.outage for record in self.store.outages_by_id.values()}

    def manager_dies(self) -> None:
        """The controller manager is gone."""
        if self.manager_runs:
            self.manager.stop()
            self.manager_runs = False
            self.struck["controller manager dead"] += 1

    def manager_leads(self, skew: float) -> None:
        """Another controller manager takes over, on a machine with another clock."""
        self.manager_dies()
        self.world.run_for(15)
        self.manager.leader.skew = skew
        self.manager.start(f"manager-{self._managers}")
        self._managers, self.manager_runs = self._managers + 1, True
        self.struck["controller manager's clock"] += bool(skew)

    def migrate(self, vm: str) -> None:
        """A live migration begins, if it can."""
        name = f"migration-{vm}"
        if vm in self.vms and self.visible.get("virtualmachineinstancemigrations", name, "default") is None:
            with suppress(RuntimeError, ApiError):  # it does not get that far, or its VM is gone before
                migrate(self.world, self.vms[vm])
                self.struck["migration"] += 1

    def crash(self) -> None:
        """All processes die and the queue is lost; others start."""
        self.restart()
        self.struck["all processes dead"] += 1

    def kill(self, process: str, away: float) -> None:
        """One process dies, and is back after a while."""
        if process not in self.reactor.processes:  # nobody watches in this world
            return
        self.reactor.processes[process].kill(self.world.now, away)
        self.struck[f"{process} dead"] += 1

    def again(self) -> None:
        """Every job that ever was runs once more."""
        with suppress(KilledError):
            self.reactor.again()
        self.struck["jobs run again"] += 1

    def step_clock(self, process: str, seconds: float) -> None:
        """A process' clock, or Redis', jumps."""
        self.clock_of(process).step(seconds)
        self.struck[f"{process}'s clock steps"] += 1

    def drift_clock(self, process: str, rate: float) -> None:
        """A process' clock goes too fast or too slow."""
        self.clock_of(process).gain(rate)
        self.struck[f"{process}'s clock drifts"] += 1

    def tell(self, *, over: bool) -> None:
        """Every outage that ever was is told once more, as lasting or as over, the newest first."""
        for outage in sorted(self.outages, key=lambda outage: -outage.since):
            self._take(recovered(outage, "test", self.world.now) if over else unreachable(outage, "test"))
        self._take(unreachable(Outage(NodeRef("node-c", "never-was"), int(self.world.now)), "test"))
        self.struck["old news"] += 1

    def _take(self, event: Event) -> None:
        with suppress(KilledError, ClusterError):
            take_event(event, self.reactor.tools)
