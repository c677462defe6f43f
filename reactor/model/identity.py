"""Identities of nodes, VMs, outages and drifts: all that a job carries.

An outage is a node (by uid) and its silence: the boot, and the last that its kubelet wrote; where that is not known,
the moment its Ready condition turned Unknown. A drift is one VM (by uid) leaving one outage. So the same outage
reported twice, by two watchers, after a restart, or before and after Kubernetes noticed it, is one.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from hashlib import sha256
from typing import Any, Self

from reactor.model.checked_json import is_moment
from reactor.model.errors import BadInput
from reactor.model.names import is_name

VERSION = 1  # of job arguments and records; another one is not read but derived again from the cluster

INSTANCE = "VirtualMachineInstance"

# RQ's job ids take [A-Za-z0-9_-] only, and so do ours: a uid with anything else is not one of Kubernetes.
_UID = re.compile(r"[A-Za-z0-9-]{1,64}")

_HALF = 8  # hex digits
_SILENCE = re.compile(rf"[0-9a-f]{{{2 * _HALF}}}")


def take(data: Mapping[str, Any], field: str, kind: type, where: str) -> Any:
    """`data[field]` if it is a `kind`; BadInput naming the field otherwise."""
    value = data.get(field)
    if not isinstance(value, kind) or isinstance(value, bool):
        raise BadInput(f"{where}.{field}: expected {kind.__name__}, found {str(value)[:60]!r}")
    return value


def _name(data: Mapping[str, Any], field: str, where: str) -> str:
    return _valid(is_name, data, field, where)


def _uid(data: Mapping[str, Any], where: str) -> str:
    return _valid(_UID.fullmatch, data, "uid", where)


def _valid(fits: Callable[[str], object], data: Mapping[str, Any], field: str, where: str) -> str:
    text: str = take(data, field, str, where)
    if not fits(text):
        raise BadInput(f"{where}.{field}: {text[:60]!r} is not a valid Kubernetes {field}")
    return text


@dataclass(frozen=True, slots=True)
class NodeRef:
    """A node: its name, and the uid of this incarnation of it."""

    name: str
    uid: str

    @classmethod
    def of(cls, data: Mapping[str, Any], where: str) -> Self:
        """From a JSON object with `name` and `uid`; BadInput."""
        return cls(_name(data, "name", where), _uid(data, where))


@dataclass(frozen=True, slots=True)
class VmRef:
    """A VirtualMachine, or an instance (VirtualMachineInstance) without one.

    `owner` is the VirtualMachineInstanceReplicaSet of such an instance, "" if it has none.
    """

    namespace: str
    name: str
    uid: str
    kind: str = "VirtualMachine"
    owner: str = ""

    @classmethod
    def of(cls, data: Mapping[str, Any], where: str) -> Self:
        """From a JSON object with `namespace`, `name`, `uid`, and perhaps `kind` and `owner`; BadInput."""
        kind = data.get("kind", "VirtualMachine")
        if kind not in ("VirtualMachine", INSTANCE):
            raise BadInput(f"{where}.kind: expected VirtualMachine or {INSTANCE}, found {str(kind)[:60]!r}")
        return cls(
            _name(data, "namespace", where),
            _name(data, "name", where),
            _uid(data, where),
            kind,
            _name(data, "owner", where) if data.get("owner") else "",
        )

    @property
    def is_instance(self) -> bool:
        """It has no VirtualMachine."""
        return self.kind == INSTANCE

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"


def silence_of(boot: str, reported: str, renewed: float) -> str:
    """What does not change while a node is silent: its boot and its kubelet's last report, and its Lease's renewTime.

    The first half is a digest of boot and report, the second one of the Lease; "" where any of them is not known.
    """
    if not (boot and reported and renewed > 0):
        return ""
    return _digest(boot, reported) + _digest(f"{renewed:.6f}")


def _digest(*texts: str) -> str:
    return sha256("\n".join(texts).encode(errors="replace")).hexdigest()[:_HALF]


@dataclass(frozen=True, slots=True, eq=False)
class Outage:
    """A node is lost. `silence`: as that function says; where it is known, it is the identity.

    Times in whole seconds since the epoch. `since`: lastTransitionTime of Ready=Unknown; of an outage that began before
    Kubernetes noticed it, when its silence was first seen, by the clock that all processes share. `noticed`: of such a
    one that lastTransitionTime, 0 until it is known.
    """

    node: NodeRef
    since: int
    silence: str = ""
    noticed: int = 0

    @property
    def id(self) -> str:
        """The same for everyone who sees this outage."""
        return f"{self.node.uid}_{self.silence or self.since}"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Outage) and self._key == other._key

    def __hash__(self) -> int:
        return hash(self._key)

    @property
    def _key(self) -> tuple[NodeRef, str | int]:
        return self.node, self.silence or self.since

    @property
    def unknown_since(self) -> int:
        """As Kubernetes says, once it has noticed."""
        return self.noticed or self.since

    def began_with(self, report: str) -> bool:
        """Is this silence one after this report, of this boot? `report`: a silence, whatever the Lease in it."""
        return bool(report) and self.silence[:_HALF] == report[:_HALF]

    @classmethod
    def of(cls, data: Mapping[str, Any], where: str = "outage") -> Self:
        """From `{"node": {...}, "since": 1}`, and perhaps `silence` and `noticed`; BadInput."""
        data = {"silence": "", "noticed": 0, **data}  # the version before this one knew neither
        node = NodeRef.of(take(data, "node", dict, where), f"{where}.node")
        return cls(node, _time(data, "since", where), _silence(data, where), _time(data, "noticed", where))

    def as_json(self) -> dict[str, Any]:
        """What `of` reads."""
        return {name: value for name, value in asdict(self).items() if value or name == "since"}


def _time(data: Mapping[str, Any], field: str, where: str) -> int:
    moment: int = take(data, field, int, where)
    if not is_moment(moment):
        raise BadInput(f"{where}.{field}: {str(moment)[:60]} is not a valid time")
    return moment


def _silence(data: Mapping[str, Any], where: str) -> str:
    text: str = take(data, "silence", str, where)
    if text and not _SILENCE.fullmatch(text):
        raise BadInput(f"{where}.silence: {text[:60]!r} is not {2 * _HALF} hex digits")
    return text


@dataclass(frozen=True, slots=True)
class Drift:
    """One VM leaving one outage."""

    vm: VmRef
    outage: Outage

    @property
    def id(self) -> str:
        """Also the id of its job in RQ."""
        return f"{self.vm.uid}_{self.outage.id}"

    @classmethod
    def of(cls, data: Mapping[str, Any], where: str = "drift") -> Self:
        """From `{"vm": {...}, "outage": {...}}`; BadInput."""
        vm = VmRef.of(take(data, "vm", dict, where), f"{where}.vm")
        return cls(vm, Outage.of(take(data, "outage", dict, where), f"{where}.outage"))

    def as_json(self) -> dict[str, Any]:
        """What `of` reads."""
        return {"vm": asdict(self.vm), "outage": self.outage.as_json()}

    def __str__(self) -> str:
        return f"{self.vm} from {self.outage.node.name}"
