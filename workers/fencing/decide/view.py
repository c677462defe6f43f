"""What one fence pass saw, and what it may do. Pure data."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from reactor.model.drift import Policy, Record
from reactor.model.fence_requests import FenceRequest
from reactor.model.fencing import Fencing, ProviderStatus
from reactor.model.node import NodeView
from reactor.model.witness import WitnessReport
from workers.decide.decision import Judgement
from workers.fencing.decide.effect import Effect
from workers.fencing.decide.witnesses import Heard

SOON, IDLE = 1.0, 30.0  # seconds until the next check: while something should happen any moment, and otherwise


@dataclass(frozen=True, slots=True)
class Leftover:
    """A pod or a VolumeAttachment of the lost node: `created` in seconds since the epoch.

    `vm`: the VM whose launcher a pod is, as namespace/name, "" for any other. `stays`: no taint removes it.
    `tolerates`: for how many seconds a node that is unreachable; None: for ever. `terminating`: it was asked to end.
    """

    name: str
    created: float
    vm: str = ""
    stays: bool = False
    tolerates: float | None = None
    terminating: bool = False


@dataclass(frozen=True, slots=True)
class FenceView:
    """One snapshot.

    `node`: the lost node as it is now, None if it was deleted, and `lease` its renewTime. `standings`: what each
    provider reports, in the order in which they are tried. `drifts`: those of this outage. `holds`: why it is to be
    left alone. `disorder`: what is wrong with the cluster as a whole, None if nothing is. `although`: who asked for the
    taint whatever it hits; `unfence`: who asked to take the fences back. `pods` and `attachments` of the node are read
    where a taint is to be set, or bears on them. `date`, `steady_since`, `clock_off`: as in an Observation. `done`: the
    fences that were requested lately, on any node; `lease_lasts`: the Lease's leaseDurationSeconds. `beat_since`:
    when a watcher saw the present heartbeat first; 0.0 where none did, and once it is in the file. `effects`: by
    provider, what its fence would do; judged only of one that is about to be asked. `left`: the reports of those that
    were asked and may not prove it any more; only what they made matters, to be taken back. `reports`: what watchers
    heard of the node over TCP, read where VMDRIFT_FENCE_AT is suspicion; `heard`: what that means.
    """

    node: NodeView | None
    lease: str
    standings: Mapping[str, ProviderStatus]
    drifts: tuple[Record, ...] = ()
    holds: tuple[str, ...] = ()
    disorder: Judgement | None = None
    although: str = ""
    unfence: str = ""
    pods: tuple[Leftover, ...] = ()
    attachments: tuple[Leftover, ...] = ()
    date: float | None = None
    steady_since: float = 0.0
    clock_off: str = ""
    done: tuple[FenceRequest, ...] = ()
    lease_lasts: float = 0.0
    beat_since: float = 0.0
    effects: Mapping[str, Effect] = field(default_factory=dict)
    reports: tuple[WitnessReport, ...] = ()
    heard: Heard | None = None
    left: Mapping[str, ProviderStatus] = field(default_factory=dict)
    manager_ahead: float | None = None

    @property
    def going(self) -> tuple[Record, ...]:
        """The drifts that have not ended."""
        return tuple(record for record in self.drifts if not record.phase.is_end)


@dataclass(frozen=True, slots=True)
class FenceCase:
    """The fencing of one boot as it is judged: what was seen, what its file says, what is wanted, and when.

    The file has what was heard in this pass. `now` in seconds since the epoch.
    """

    seen: FenceView
    file: Fencing
    policy: Policy
    now: float


@dataclass(frozen=True, slots=True)
class AskProvider:
    """Ask this provider to fence the node."""

    provider: str


@dataclass(frozen=True, slots=True)
class SetTaint:
    """Set Kubernetes' out-of-service taint with this effect."""

    effect: str


@dataclass(frozen=True, slots=True)
class RemoveTaint:
    """Remove our taint, of this effect or ("") of any; `warning`: what is left on the node all the same."""

    effect: str = ""
    warning: str = ""


@dataclass(frozen=True, slots=True)
class Unfence:
    """Have these providers take back what they made."""

    providers: tuple[str, ...]


Deed = AskProvider | SetTaint | RemoveTaint | Unfence


@dataclass(frozen=True, slots=True)
class FenceDecision:
    """The file as it is to be written first, None: nothing is left to be done, and it is closed. Then the deed.

    `again_at`: when to check again, seconds since the epoch. `wake`: drifts that have not been judged under this proof.
    `begins`: with this proof an outage begins that Kubernetes has not noticed, if it has not begun yet.
    """

    file: Fencing | None
    again_at: float
    deed: Deed | None = None
    wake: tuple[Record, ...] = field(default=())
    begins: bool = False
