"""What became of each VM of one loss, and what of it could not be played."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from reactor.model.drift import Record
from reactor.model.objects import Obj, part, text
from rehearsal.outage import Played
from vmdrift.plan.advice import change_of
from vmdrift.plan.prediction import Outcome, Prediction
from vmdrift.snapshot import ClusterSnapshot

_LONGEST, _LONG = 63, "Its name is longer than the simulated cluster takes."
_NO_DRIFT = "vm-drift began no recovery of it."
# What a VM may ask for that the simulated scheduler and hypervisor know nothing of: the field, and what to call it.
_NOT_PLAYED: Mapping[tuple[str, ...], str] = {
    ("devices", "gpus"): "GPU",
    ("devices", "hostDevices"): "PCI device",
    ("cpu", "dedicatedCpuPlacement"): "dedicated CPUs",
    ("cpu", "numa"): "NUMA",
    ("memory", "hugepages"): "hugepages",
    ("launchSecurity",): "confidential computing",
}


@dataclass(frozen=True, slots=True)
class Fate:
    """One VM. `down`: seconds until it ran again, None where it does not run within the play.

    `phase`, `reason`, `sentence`: of its drift at the end; `fix`: what a person would have to do, "" where nothing;
    `unplayed`: what it asks for that was not played.
    """

    vm: str
    lost_on: str
    down: float | None
    node: str
    phase: str
    reason: str
    sentence: str
    fix: str
    twice: bool
    unplayed: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """One loss of these nodes at once. `unknown`: VMs there that are not played, and why; `records`: for drawing."""

    nodes: tuple[str, ...]
    fates: tuple[Fate, ...]
    unknown: Mapping[str, str]
    records: tuple[Record, ...] = ()

    @property
    def staying(self) -> tuple[Fate, ...]:
        """Those that did not run again."""
        return tuple(fate for fate in self.fates if fate.down is None)


def rehearsed(
    snapshot: ClusterSnapshot, nodes: tuple[str, ...], told: Mapping[str, Prediction], found: list[Played]
) -> Rehearsal:
    """`told`: what a plan says of each VM, for what only it knows."""
    unknown = {vm: one.sentence for vm, one in told.items() if one.outcome is Outcome.UNKNOWN}
    unknown |= {str(one.vm): _LONG for one in found if len(one.vm.name) > _LONGEST}
    known = [one for one in found if str(one.vm) not in unknown]
    fates = tuple(_fate(one, told.get(str(one.vm)), snapshot) for one in known)
    return Rehearsal(nodes, fates, unknown, tuple(one.record for one in known if one.record))


def _fate(one: Played, told: Prediction | None, snapshot: ClusterSnapshot) -> Fate:
    record, volumes = one.record, told.volumes if told else ()
    stays = record if one.down is None else None
    return Fate(
        vm=str(one.vm),
        lost_on=one.lost_on,
        down=one.down,
        node=one.node,
        phase=record.phase.value if record else "",
        reason=record.reason if record else "",
        sentence=record.sentence if record else _NO_DRIFT,
        fix=change_of(one.vm, stays.reason, volumes, lost=False, node=one.lost_on) if stays else "",
        twice=one.twice,
        unplayed=tuple(_unplayed(snapshot.find("virtualmachineinstances", one.vm.name, one.vm.namespace) or {})),
    )


def _unplayed(vmi: Obj) -> Iterator[str]:
    domain = part(vmi, "spec", "domain")
    for path, name in _NOT_PLAYED.items():
        if part(domain, *path[:-1]).get(path[-1]):
            yield name
    scheduler = text(vmi, "spec", "schedulerName")
    if scheduler not in {"", "default-scheduler"}:
        yield f"scheduler {scheduler[:60]}"
