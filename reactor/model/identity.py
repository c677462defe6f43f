"""Identities of nodes, VMs, outages and drifts: all that a job carries.

An outage is a node (by uid) and the moment its Ready condition turned Unknown; a drift is one VM (by uid) leaving one
outage. So the same outage reported twice, by two watchers or after a restart, is one.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self

from reactor.model.checked_json import is_moment
from reactor.model.errors import BadInput
from reactor.model.names import is_name

VERSION = 1  # of job arguments and records; another one is not read but derived again from the cluster

INSTANCE = "VirtualMachineInstance"

# RQ's job ids take [A-Za-z0-9_-] only, and so do ours: a uid with anything else is not one of Kubernetes.
_UID = re.compile(r"[A-Za-z0-9-]{1,64}")


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


@dataclass(frozen=True, slots=True)
class Outage:
    """A node is lost. `since`: seconds since the epoch, lastTransitionTime of Ready=Unknown (whole seconds)."""

    node: NodeRef
    since: int

    @property
    def id(self) -> str:
        """The same for everyone who sees this outage."""
        return f"{self.node.uid}_{self.since}"

    @classmethod
    def of(cls, data: Mapping[str, Any], where: str = "outage") -> Self:
        """From `{"node": {...}, "since": 1}`; BadInput."""
        since = take(data, "since", int, where)
        if not is_moment(since):
            raise BadInput(f"{where}.since: {str(since)[:60]} is not a valid time")
        return cls(NodeRef.of(take(data, "node", dict, where), f"{where}.node"), since)

    def as_json(self) -> dict[str, Any]:
        """What `of` reads."""
        return asdict(self)


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
        return asdict(self)

    def __str__(self) -> str:
        return f"{self.vm} off {self.outage.node.name}"
