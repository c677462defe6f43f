"""What a pass works with: the doors, the policy, and the clock."""

from dataclasses import dataclass

from reactor.doors.cluster import Cluster, Notebook
from reactor.doors.queue import Queue
from reactor.doors.store import Store
from reactor.model.drift import Policy
from reactor.model.times import Clock
from workers.surroundings import Surroundings


@dataclass(frozen=True, slots=True)
class Tools:
    """`source`: the CloudEvents source of what the workers tell. `claims`: where they write down what others said."""

    cluster: Cluster
    store: Store
    queue: Queue
    policy: Policy
    clock: Clock
    source: str
    around: Surroundings
    claims: Notebook
