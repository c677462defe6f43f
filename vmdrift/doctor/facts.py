"""What the doctor reads, before it is judged. Pure data."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from reactor.adapters.redis.queue_metrics import QueueFigures
from reactor.adapters.redis.server import Server
from reactor.model.fence_drill import FenceDrill
from reactor.model.node import NodeView
from reactor.settings import Settings
from vmdrift.doctor.needs import Right


@dataclass(frozen=True, slots=True)
class Unreadable:
    """It could not be read, and why. `refused`: whoever runs this may not read it."""

    why: str
    refused: bool = False


@dataclass(frozen=True, slots=True)
class Skew:
    """A clock is `ahead` of this machine's by so many seconds, give or take `within`."""

    ahead: float
    within: float


@dataclass(frozen=True, slots=True)
class Configured:
    """The settings, as far as they can be read; what is wrong, by name; and VMDRIFT_ variables that are no setting."""

    settings: Settings
    given: tuple[str, ...] = ()
    wrong: Mapping[str, str] | None = None
    strange: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RedisFacts:
    """What Redis, and RQ in it, report of themselves.

    `deaf`: for how many seconds no watcher has heard from the API server; None if none ever did. `clocks`: by process,
    how many seconds its clock is ahead of Redis'.
    """

    server: Server
    queues: tuple[QueueFigures, ...] | Unreadable
    skew: Skew | Unreadable
    deaf: float | Unreadable | None = 0.0
    clocks: Mapping[str, float] | Unreadable = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class KubeVirt:
    """What its operator reports: "" where it reports nothing."""

    version: str
    phase: str


@dataclass(frozen=True, slots=True)
class ClusterFacts:
    """`kubevirt` is None where it is not installed; `manager`: None where no Lease shows the controller manager.

    `allowed`: of each right that was checked; kinds that are not installed are left out, and named in `absent`.
    `notebooks`: why a ConfigMap that we write to could not be written, by its name, None where it could.
    `version`: Kubernetes' own, as the API server reports it.
    """

    host: str
    skew: Skew | Unreadable
    kubevirt: KubeVirt | Unreadable | None
    nodes: tuple[NodeView, ...] | Unreadable
    manager: Skew | Unreadable | None
    allowed: Mapping[Right, bool] | Unreadable
    absent: tuple[str, ...] = ()
    notebooks: Mapping[str, Unreadable | None] = field(default_factory=dict)
    version: str | Unreadable = ""


@dataclass(frozen=True, slots=True)
class Rehearsed:
    """A deletion as a dry run, of `resource` and `name`: `why` it was not accepted, "" where it was.

    `forbidden`: somebody forbids it; else it could not be tried.
    """

    resource: str
    name: str
    why: str = ""
    forbidden: bool = False


@dataclass(frozen=True, slots=True)
class Facts:
    """All facts. `roles`: whose rights are checked.

    None where they were not asked for: `drills` of every healthy node, and `deletions` that were rehearsed.
    """

    configured: Configured
    redis: RedisFacts | Unreadable
    cluster: ClusterFacts | Unreadable
    roles: tuple[str, ...]
    drills: tuple[FenceDrill, ...] | Unreadable | None = None
    deletions: tuple[Rehearsed, ...] | Unreadable | None = None
