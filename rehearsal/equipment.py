"""What each process of a simulated installation works with: connections, a clock and a memory of its own."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from reactor.adapters.tcp import Place
from reactor.model.drift import Policy
from reactor.model.event import watcher_source, worker_source
from reactor.model.intervention import CONFIG_MAP, Intervention, interventions
from reactor.model.lease import NODE_LEASES, renewal
from reactor.model.node import node_view
from reactor.model.witness import SUSPICION, Answer
from reactor.settings import Settings
from reactor.wake.waker import Waker
from reactor.watch.leases import Leases, Renewal
from reactor.watch.publisher import Publisher
from reactor.watch.suspecting import Office, Suspecting
from reactor.watch.watcher import Watcher
from reactor.watch.witness import Witness
from rehearsal.clocks import ProcessClock
from rehearsal.suspecting import LeaseStream, Suspecter
from rehearsal.twins.cluster import ApiCluster
from rehearsal.twins.coverage import MemoryCoverage
from rehearsal.twins.queue import MemoryQueue
from rehearsal.twins.store import MemoryStore
from rehearsal.twins.summaries import MemorySummaries
from rehearsal.twins.witness_reports import MemoryWitnessReports
from rehearsal.users import FENCING, INTAKE, WATCHERS, WORKERS
from simulator.client import Informer
from simulator.fencing import METAL3, TEMPLATE
from simulator.world import World
from workers.context import Tools
from workers.fencing.providers.provider import Provider
from workers.fencing.providers.registry import provider
from workers.fencing.run import FenceTools
from workers.observe.cache import Surroundings

NAMESPACE = Settings().namespace


class Equipment:
    """`called` before each API request. `providers`: the product's, unless a test put others there before."""

    def __init__(
        self,
        world: World,
        policy: Policy,
        store: MemoryStore,
        summaries: MemorySummaries,
        called: Callable[[], None],
    ) -> None:
        self._world, self._policy, self._store, self._summaries = world, policy, store, summaries
        self._called = called
        self.coverage = MemoryCoverage(store.time)
        self.witness_reports = MemoryWitnessReports(store.time)
        self.providers: dict[str, Provider] = {}
        self.settings = Settings(remediation_template=TEMPLATE, metal3_namespace=METAL3)
        self.entitled = True  # are all who send events entitled to those?
        self._cluster = world.store.get("namespaces", "kube-system")["metadata"]["uid"]

    def drifts(self, clock: ProcessClock, queue: MemoryQueue) -> Tools:
        """Of a worker of the queue `drifts`."""
        return self._tools(WORKERS, clock, queue)

    def intake(self, clock: ProcessClock, queue: MemoryQueue) -> Tools:
        """Of a worker of the queue `events`."""
        return self._tools(INTAKE, clock, queue)

    def fencing(self, clock: ProcessClock, queue: MemoryQueue) -> FenceTools:
        """Of a worker of the queue `fencing`."""
        cluster = ApiCluster(self._world.api, FENCING, self._called)
        tools = self._tools(FENCING, clock, queue)
        providers = partial(self._provider, cluster)
        return FenceTools(tools, cluster, providers, tools.around.namespace, reports=self.witness_reports.of)

    def watcher(self, queue: MemoryQueue, through: Callable[[Any], Any] = lambda adapter: adapter) -> Watcher:
        """A watcher that knows nothing yet. Its store and its queue are what `through` makes of them."""
        adapters = through(self._store), through(queue)
        return Watcher(*adapters, watcher_source(self._cluster), self._store.time, self._renewed)

    def waker(self, clock: ProcessClock, queue: MemoryQueue) -> tuple[Waker, ApiCluster]:
        """A waker that knows nothing yet, and what its streams go through."""
        cluster = ApiCluster(self._world.api, WATCHERS)

        def asked() -> tuple[Intervention, ...]:
            return interventions(cluster.find("configmaps", CONFIG_MAP, NAMESPACE))

        adapters = self._store, self.coverage, queue
        return Waker(*adapters, asked=asked, steady=clock.steady, namespace=NAMESPACE), cluster

    def publisher(self, watcher: Watcher, leases: Leases, clock: ProcessClock) -> Publisher:
        """What a watcher publishes with."""
        return Publisher(watcher, leases, self._summaries, self._store.time, clock.steady)

    def suspecter(
        self, queue: MemoryQueue, name: str, watcher: Watcher, leases: Leases, clock: ProcessClock
    ) -> Suspecter:
        """Whoever suspects nodes, of the watcher of this name that has just begun."""
        cluster = ApiCluster(self._world.api, WATCHERS)
        office = Office(self._store, queue, watcher_source(self._cluster), self._store.time)
        suspecting = Suspecting(leases, watcher.by_name, cluster, self._policy, office, steady=clock.steady)
        witness = self._witness(int(name.rpartition("-")[2])) if self._policy.fence_at == SUSPICION else None
        return Suspecter(LeaseStream(cluster, leases, clock.steady), suspecting, witness, lambda: watcher.nodes)

    def _witness(self, number: int) -> Witness:
        """Watchers run on the last nodes."""
        own = sorted(self._world.hypervisor.machines)[-1 - number]

        def ask(places: Sequence[Place], _: float) -> list[Answer]:
            views = [node_view(node) for node in self._world.store.objects("nodes").values()]
            names = {view.address: view.name for view in views}
            return [self._answer(own, names.get(address, "")) for address, _ in places]

        return Witness(own, Settings().witness_ports, ask, self.witness_reports, self._store.time)

    def _answer(self, own: str, asked: str) -> Answer:
        """The kubelet's port answers where machine and network work; a machine without a kubelet refuses."""
        machines = [self._world.hypervisor.machines[name] for name in (own, asked) if name]
        if not asked or not all(machine.network and machine.powered for machine in machines):
            return Answer.SILENT
        return Answer.ACCEPTED if machines[-1].kubelet_alive else Answer.REFUSED

    def leases(self) -> list[Renewal]:
        """What a watcher hears of Leases: all of them, as they are now."""
        self._world.api.before_reads("leases")
        leases = self._world.store.objects("leases")
        return [renewal(lease) for (namespace, _), lease in leases.items() if namespace == NODE_LEASES]

    def _renewed(self, node: str) -> float:
        lease = self._world.store.objects("leases").get((NODE_LEASES, node))
        return renewal(lease)[1] if lease else 0.0

    def nodes(self) -> Informer:
        """What a watcher hears."""
        return self._world.api.client(WATCHERS).informer("nodes")

    def _tools(self, user: str, clock: ProcessClock, queue: MemoryQueue) -> Tools:
        cluster, source = ApiCluster(self._world.api, user, self._called), worker_source(self._cluster)

        def may(*_: str) -> bool:
            return self.entitled

        around = Surroundings(clock.steady, summaries=self._summaries)
        return Tools(
            cluster, self._store, self.coverage, queue, self._policy, clock, source, around, cluster, may_send=may
        )

    def _provider(self, cluster: ApiCluster, name: str) -> Provider:
        if name not in self.providers:
            self.providers[name] = provider(name, cluster, self.settings)
        return self.providers[name]
