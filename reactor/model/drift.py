"""A drift: its phases, its record, and the two outcomes that a pass over it can have."""

from collections.abc import Mapping
from dataclasses import MISSING, InitVar, asdict, dataclass, field, fields, replace
from enum import StrEnum
from typing import Any, Self

from reactor.model.checked_json import checked
from reactor.model.errors import BadInput
from reactor.model.fencing import Fencing
from reactor.model.forecast import Forecast
from reactor.model.identity import VERSION, Drift, Outage, take
from reactor.model.sweep import NO_SWEEP, Sweep
from reactor.model.times import not_after

TENANTS_MAY = ("detach", "policy", "order")  # what annotations on VMs and namespaces may be allowed to ask for


class Phase(StrEnum):
    """Where a drift stands. It can end in the last four."""

    WAITING = "waiting"  # a window is running
    BLOCKED = "blocked"  # a prerequisite has not passed yet; it may later
    RELEASED = "released"  # the launcher pod was force-deleted
    DETACHING = "detaching"  # a volume is still attached to the lost node
    STARTING = "starting"  # nothing blocks the VM any more; it is starting
    COMPLETED = "completed"
    REFUSED = "refused"
    CANCELLED = "cancelled"
    FAILED = "failed"

    @property
    def is_end(self) -> bool:
        """Nothing more is to be done for now. Whether the drift has ended, `Record.ended` says."""
        return self in {Phase.COMPLETED, Phase.REFUSED, Phase.CANCELLED, Phase.FAILED}


class Proof(StrEnum):
    """What is known of the lost node's death. Silence never proves it."""

    NONE = "none"
    SILENT = "silent"
    FENCED = "fenced"


@dataclass(frozen=True, slots=True)
class Check:
    """One prerequisite: has it passed (`held`), why (reason code), and a sentence for a tired operator."""

    name: str
    held: bool
    reason: str
    sentence: str


@dataclass(frozen=True, slots=True)
class Disk:
    """One volume of the VM, for people: `claim` is "" where its kind needs none, `holders` are nodes.

    `attachment`: the VolumeAttachment that keeps it on the lost node, or did when it was released; "" where none does.
    """

    name: str
    kind: str
    claim: str = ""
    driver: str = ""
    modes: tuple[str, ...] = ()
    holders: tuple[str, ...] = ()
    attachment: str = ""


@dataclass(frozen=True, slots=True)
class Policy:
    """How this installation decides; times in seconds. The settings of the same names say why.

    `max_unreachable` is a share of the nodes ("40%") or a count ("3"); `shared_csi_drivers` are globs; `fencing` names
    providers in order; `same_storage` the clusterIDs that are one storage cluster, in groups; `tenants_may` is some of
    TENANTS_MAY. `fenced_release` is accepted, and means nothing any more.
    """

    mode: str = "auto"
    unreachable_window: float = 300.0
    virt_handler_grace: float = 180.0
    max_unreachable: str = "40%"
    suspect_after: float = 15.0
    min_available_nodes: int = 2
    shared_csi_drivers: tuple[str, ...] = ()
    allow_unfenced_rwx: bool = False
    delete_unevicted: bool = False
    detach: str = "wait"
    detach_window: float = 360.0
    start_deadline: float = 1800.0
    fencing: tuple[str, ...] = ()
    fenced_release: InitVar[str] = ""
    fence_at: str = "unreachable"
    fence_after: float = 180.0
    fence_deadline: float = 300.0
    taint_timeout: float = 600.0
    require_fence: bool = False
    fence_bystanders: str = "accept"
    max_fences: int = 4
    fence_period: float = 3600.0
    fence_control_plane: bool = False
    ceph_namespace: str = "rook-ceph"
    same_storage: tuple[tuple[str, ...], ...] = ()
    dead_pods: str = "delete"
    tenants_may: tuple[str, ...] = ()
    nodes_may_opt_out: bool = False

    def allowed(self, nodes: int) -> int:
        """How many of so many nodes may be unreachable at once. One is never too many."""
        limit = self.max_unreachable
        return max(1, nodes * int(limit[:-1]) // 100 if limit.endswith("%") else int(limit))


@dataclass(frozen=True, slots=True)
class Signs:
    """The last signs of life read of a lost node, by value: its Lease's renewTime and virt-handler's heartbeat.

    `since`: when *we* first read these values, seconds since the epoch; the values themselves are of the node's clock.
    `alive`: whose value changed while we watched ("kubelet", "virt-handler"), "" while none did.
    """

    lease: str
    heartbeat: str
    since: float
    alive: str = ""


def _disk(**data: Any) -> Disk:
    return Disk(**{**data, "modes": tuple(data["modes"]), "holders": tuple(data["holders"])})


def _version(data: Mapping[str, Any]) -> None:
    if data.get("v") != VERSION:
        raise BadInput(f"record.v: expected {VERSION}, found {str(data.get('v'))[:60]!r}")


@dataclass(frozen=True, slots=True)
class Record:
    """What was done and when, never what to do next; all of it can be found again from the cluster.

    Times are seconds since the epoch. `vmi_uid` is the lost VirtualMachineInstance ("" while unknown), `tries` how many
    passes in a row ended with this reason, `fence` the lock's counter under which it was last written, `unsteady_at`
    when the cluster as a whole was last seen too unsteady to act, `in_use_at` when another pod on the lost node was
    last seen to use a volume, `hotplugs` the volumes that only the lost instance had, `proof` what was known of the
    node's death at the last look, and `weighed` the `at` of the confirmation that was weighed then. `basis` is a digest
    of what a refusal was decided on (workers.decide.basis). `noticed_at`: when a pass first saw that Kubernetes has
    noticed an outage that had begun before, or saw an outage again after Redis' clock was set back; None of any other.
    `looked_at`: when the last pass began that read what it waits for; `awaits`: the objects (RESOURCE/NAME) whose end
    it waits to see. `again`: how often this drift began once more after it had ended, because its VM was put back onto
    the lost node. For people only: when Kubernetes asked the launcher pod to end (`terminating_at`), when the new one
    got a node (`scheduled_at`), the `disks`, and what was foreseen of it first (`forecast`).
    """

    drift: Drift
    phase: Phase
    reason: str
    sentence: str
    created_at: float
    changed_at: float
    again_at: float | None = None
    vmi_uid: str = ""
    released_at: float | None = None
    detached_at: float | None = None
    ended_at: float | None = None
    target: str = ""
    tries: int = 0
    passes: int = 0
    fence: int = 0
    checks: tuple[Check, ...] = field(default=())
    signs: Signs | None = None
    unsteady_at: float | None = None
    in_use_at: float | None = None
    hotplugs: tuple[str, ...] = ()
    terminating_at: float | None = None
    scheduled_at: float | None = None
    disks: tuple[Disk, ...] = ()
    proof: Proof = Proof.NONE
    weighed: float = 0.0
    basis: str = ""
    looked_at: float = 0.0
    awaits: tuple[str, ...] = ()
    noticed_at: float | None = None
    forecast: Forecast | None = None
    again: int = 0

    @property
    def ended(self) -> bool:
        """It is not looked at again by itself. A refusal has not ended while its outage lasts."""
        return self.ended_at is not None or (self.phase.is_end and self.again_at is None)

    @property
    def lost_at(self) -> float:
        """When the VM was lost: with its node, or when it was found there again after it had run elsewhere."""
        return self.created_at if self.again else self.drift.outage.since

    @property
    def down(self) -> bool:
        """Its VM ought to run, and is not known to."""
        return not self.ended and self.phase is not Phase.CANCELLED

    def seen_by(self, now: float) -> Self:
        """The record by a clock that shows `now`: what it has in the future counts as now, for it was set back since.

        Not so `looked_at` and `changed_at`: they show that it was (workers.decide.quick_look).
        """
        noticed_late = replace(self, noticed_at=now) if (self.noticed_at or self.created_at) > now else self
        return not_after(noticed_late, _COUNTED_FROM, now)

    def as_json(self) -> dict[str, Any]:
        """What `of` reads."""
        return {"v": VERSION, **asdict(self)}

    def kept(self) -> dict[str, Any]:
        """What `of` reads, without fields that have their default: ten thousand VMs wait in Redis at once.

        For orjson, which writes the dataclasses in it as objects, ten times as fast as `asdict` turns them into some.
        """
        own = ((row.name, getattr(self, row.name)) for row in fields(self))
        return {"v": VERSION, **{n: value for n, value in own if n not in _DEFAULTS or value != _DEFAULTS[n]}}

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> Self:
        """From JSON; BadInput for another version or shape: the caller then derives the record again."""
        _version(data)
        values = {name: value for name, value in data.items() if name != "v"}
        try:
            values["drift"] = Drift.of(take(data, "drift", dict, "record"), "record.drift")
            values["phase"] = Phase(values["phase"])
            values["proof"] = Proof(values.get("proof", Proof.NONE))
            values["checks"] = tuple(Check(**check) for check in values["checks"])
            values["signs"] = Signs(**values["signs"]) if values.get("signs") else None
            values["forecast"] = Forecast.of(values.get("forecast"))
            values["hotplugs"] = tuple(values.get("hotplugs", ()))
            values["awaits"] = tuple(values.get("awaits", ()))
            values["disks"] = tuple(_disk(**disk) for disk in values.get("disks", ()))
            return checked(cls(**values), "record")
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise BadInput(f"record: {error}") from error

    def moved(self, now: float, phase: Phase, reason: str, sentence: str, again_at: float | None) -> Self:
        """This record after one more pass, which came to `phase` for `reason`. An end without `again_at` has ended."""
        same = (phase, reason) == (self.phase, self.reason)
        return replace(
            self,
            phase=phase,
            reason=reason,
            sentence=sentence,
            again_at=again_at,
            changed_at=self.changed_at if same else now,
            ended_at=now if phase.is_end and again_at is None else None,
            tries=self.tries + 1 if same else 0,
            passes=self.passes + 1,
        )


# From these moments on something lasts for so long.
_COUNTED_FROM = ("released_at", "detached_at", "unsteady_at", "in_use_at")
# `checks` is always written: the version before this one cannot read a record without it.
_DEFAULTS = {row.name: row.default for row in fields(Record) if row.default is not MISSING and row.name != "checks"}


@dataclass(frozen=True, slots=True)
class OutageRecord:
    """An outage that is not yet done: it stays until it is over *and* every one of its drifts has ended.

    `seen_at`: when we first saw it; `recovered_at`: when we saw that it is over, None while it lasts. `fencing` is for
    people: what the fencing role reported last. It is stored apart, because others write it. `sweep`: how far the last
    look at its VMs came.
    """

    outage: Outage
    seen_at: float
    recovered_at: float | None = None
    fencing: Fencing | None = None
    sweep: Sweep = NO_SWEEP

    def as_json(self) -> dict[str, Any]:
        """What `of` reads."""
        return {
            "v": VERSION,
            "outage": self.outage.as_json(),
            "seen_at": self.seen_at,
            "recovered_at": self.recovered_at,
            "sweep": self.sweep.as_json(),
        }

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> Self:
        """From JSON; BadInput for another version or shape."""
        _version(data)
        outage = Outage.of(take(data, "outage", dict, "outage record"))
        record = cls(outage, data.get("seen_at", 0.0), data.get("recovered_at"), sweep=Sweep.of(data.get("sweep")))
        return checked(record, "outage record")


@dataclass(frozen=True, slots=True)
class Watched:
    """What a drift waits for is watched without a gap since `since`, and something happened to it at `stirred` last.

    Both in seconds since the epoch, by Redis' clock; `stirred` is 0 where nothing did.
    """

    since: float
    stirred: float = 0.0

    def brought(self, record: Record) -> bool:
        """May something have happened since it was looked at last?"""
        return max(self.since, self.stirred) > record.looked_at


@dataclass(frozen=True, slots=True)
class Again:
    """The job is not over: run it again at `at` (seconds since the epoch), because of `reason`."""

    at: float
    reason: str
    sentence: str


@dataclass(frozen=True, slots=True)
class Ended:
    """The job is over, with an outcome of the domain, or with nothing to do."""

    outcome: str
    reason: str
    sentence: str


Outcome = Again | Ended
