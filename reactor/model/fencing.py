"""Proof of death: which boot of a node has ended or can write no more, who says so, and how far fencing has come.

A proof is bound to a node's uid *and* bootID: a boot that has ended never comes back, and the next one is another. It
is stored in a ConfigMap that only the fencing role writes, so that it survives a lost Redis: one key per boot. What
people and other systems claim is in another one, a key per node: whoever may write there can claim something, and prove
nothing. Objects that are changed for a fence bear annotations by which they are found again.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from hashlib import sha256
from typing import Any, Self, TypeVar

from reactor.model.checked_json import checked
from reactor.model.confirmation_source import EVENT, Source
from reactor.model.errors import BadInput
from reactor.model.identity import NodeRef, Outage, take
from reactor.model.objects import from_json

CONFIG_MAP = "vm-drift-fencing"
CLAIMS = "vm-drift-claims"
PROVIDERS = ("event", "remediation", "network-fence", "redfish", "fence-agent", "metal3")
LASTING = frozenset({"remediation", "network-fence", "metal3"})  # what they make remains when the boot has ended
KEEP_OFF = frozenset({"metal3"})  # while what they make remains, no other boot can begin
POWER = frozenset({"redfish", "fence-agent"})  # they read the machine's power
_NEW = frozenset({"unanswered", "unanswered_since", "answers"})  # since the version before this one
# On every object that is changed for a fence, in the same request.
OUTAGE_ANNOTATION = "vmdrift.io/outage"
BOOT_ANNOTATION = "vmdrift.io/boot-id"
NODE_ANNOTATION = "vmdrift.io/node"  # the node's name
_SHOWN = 10  # pods or VMs in a sentence
_LONGEST = 200  # characters of a key; Kubernetes takes 253
_OPEN, _CLOSED = "fence", "heard"  # the first word of a key


class State(StrEnum):
    """What a provider knows of one boot of a node."""

    ABSENT = "absent"  # nothing was requested, or it does not know
    WORKING = "working"  # it was requested and is under way
    FENCED = "fenced"  # verified: this boot is off, or its storage clients are blocked
    ALIVE = "alive"  # verified: the machine is on
    MUTE = "mute"  # it does not answer: it may be without power itself, which proves nothing
    FAILED = "failed"  # it was requested and ended otherwise, or it answers for another machine


class Loss(StrEnum):
    """What kind of loss it is, by what the machine's BMC says: the first of these that any of them says."""

    ON = "on"  # hung, panicked, or cut off: only an act proves anything
    DARK = "dark"  # the BMC does not answer: it proves nothing, and neither can it act
    OFF = "off"  # it can be proven by reading alone
    UNKNOWN = ""  # nobody reads its power


_SAID_OF = {Loss.ON: State.ALIVE, Loss.DARK: State.MUTE, Loss.OFF: State.FENCED}


@dataclass(frozen=True, slots=True)
class Target:
    """Whom to fence: one boot, in one outage. `machine` is the node's status.nodeInfo.systemUUID, "" if unknown.

    `lease`, `heartbeat` and `reported`: its signs of life as they are now, by value. `twins`: the other nodes that
    report the same systemUUID, or did so since this boot was lost.
    """

    outage: Outage
    boot: str
    machine: str = ""
    lease: str = ""
    heartbeat: str = ""
    reported: str = ""
    twins: tuple[str, ...] = ()

    @property
    def node(self) -> NodeRef:
        """The node, and which incarnation of it."""
        return self.outage.node

    @property
    def marks(self) -> dict[str, str]:
        """The annotations of every object that is created or changed for this target."""
        return {OUTAGE_ANNOTATION: self.outage.id, BOOT_ANNOTATION: self.boot, NODE_ANNOTATION: self.node.name}


@dataclass(frozen=True, slots=True)
class ProviderStatus:
    """What a provider reports of a target: a whole sentence for people, which also says how it was verified.

    `by`: who says so, where that is not the provider itself, and whether that is a `person`. `storage`: the storage
    that is blocked, as (CSI driver, storage cluster), "" for a cluster that is not known; () where the machine itself
    is off. `ours`: something that we created for it is there, and has to be removed some day. `evidence`: what it rests
    on, where that is not read again each time: the same evidence is no newer than it was.
    """

    state: State
    sentence: str
    by: str = ""
    storage: tuple[tuple[str, str], ...] = ()
    ours: bool = False
    person: bool = False
    evidence: str = ""

    @property
    def drivers(self) -> tuple[str, ...]:
        """Those of `storage`."""
        return _drivers(self.storage)


@dataclass(frozen=True, slots=True)
class Claim:
    """Somebody entitled claims that this boot of a node is off: `by` whom, `how` they know, when (s since the epoch).

    `lease`, `heartbeat` and `reported`: the node's signs of life as they were then, by value. A living node writes
    others. `person`: as in Source.
    """

    node: NodeRef
    boot: str
    by: str
    how: str
    at: float
    lease: str
    heartbeat: str
    reported: str = ""
    person: bool = False

    @property
    def key(self) -> str:
        """In the ConfigMap of claims."""
        return key_of("claim", self.node.name)

    def as_text(self) -> str:
        """What `of` reads."""
        return json.dumps(asdict(self))

    @classmethod
    def of(cls, text: str) -> Self:
        """From JSON; BadInput."""
        data = _json(text, "claim")
        try:
            node = NodeRef.of(take(data, "node", dict, "claim"), "claim.node")
            texts = {name: str(data[name]) for name in ("boot", "by", "how", "lease", "heartbeat")}
            texts["reported"] = str(data.get("reported", ""))
            return cls(node, at=float(data["at"]), person=data.get("person") is True, **texts)
        except (KeyError, TypeError, ValueError) as error:
            raise BadInput(f"claim: {error}") from error


@dataclass(frozen=True, slots=True)
class Confirmation:
    """A provider verified it, `at` (seconds since the epoch); the others as in ProviderStatus, `how` is its sentence.

    `lease` and `heartbeat` are the node's signs of life as they were then, by value: any other value contradicts.
    """

    provider: str
    by: str
    how: str
    at: float
    lease: str
    heartbeat: str
    storage: tuple[tuple[str, str], ...] = ()
    person: bool = False

    @property
    def drivers(self) -> tuple[str, ...]:
        """Those of `storage`."""
        return _drivers(self.storage)

    @property
    def source(self) -> Source:
        """Who is refuted if it turns out to be wrong."""
        return source_of(self.provider, self.by, person=self.person)


@dataclass(frozen=True, slots=True)
class Attempt:
    """A provider was asked to fence, at `at`; `over`: why it counts as failed, since `over_at` (s since the epoch).

    `unanswered_since`: since when it has not answered, 0.0 while it does; `unanswered`: why nobody knows whether the
    order itself arrived, "" where that is known. It may have been done all the same.
    """

    provider: str
    at: float
    over: str = ""
    over_at: float = 0.0
    unanswered: str = ""
    unanswered_since: float = 0.0


class ReleaseWay(StrEnum):
    """How the VMs of a fenced node are released."""

    FORCE_DELETE = "force-delete"  # pods and VolumeAttachments one by one
    NO_SCHEDULE = "no-schedule"  # pods one by one, under the out-of-service taint that keeps new ones away
    TAINT = "taint"  # as a person may want it: the taint with the effect NoExecute, which removes all


@dataclass(frozen=True, slots=True)
class ChosenRelease:
    """The way that was chosen for this node, why, and when (seconds since the epoch).

    `pods`, as namespace/name: what the taint removes (`taint`), or the launchers that were there (`no-schedule`).
    `tries`: how often the taint was set without lasting, and `tried_at` when last.
    """

    way: ReleaseWay
    why: str
    at: float
    pods: tuple[str, ...] = ()
    tries: int = 0
    tried_at: float = 0.0

    @property
    def removes(self) -> tuple[str, ...]:
        """What the taint removes."""
        return self.pods if self.way is ReleaseWay.TAINT else ()


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """A node's heartbeat by value, "" where it has none; `at` by Redis' clock, when a watcher first saw it so."""

    value: str
    at: float


@dataclass(frozen=True, slots=True)
class Fencing:
    """What is known of one boot of a lost node. Times in seconds since the epoch.

    `reason`, `sentence`: how far it is. `lease`, `heartbeat`, `reported`: the signs of life at the last look, by
    value, and `silent_since` when they were first read here; `beat_since` when a watcher saw that heartbeat first, 0.0
    where none did before. `ready_since`: when the node was first seen Ready again, None
    while it is not. `void`: why the confirmation does not count any more. `releases`: the VMs for which somebody was
    asked to fence it, as namespace/name, and `bystanders` those that stay down because of it, each with the reason code
    why it is not moved. `said`: who confirmed it since the kubelet reported last. `refuted`: who did so before this
    very boot was heard from again. `stale`: the evidence that is older than a sign of life. `twins`: as in Target.
    `closed`: nothing is to be done any more; it stays while the boot lasts because of `refuted`. `answers`: what
    those of POWER said before anybody was asked to fence.
    """

    outage: Outage
    boot: str
    at: float
    reason: str = ""
    sentence: str = ""
    lease: str = ""
    heartbeat: str = ""
    silent_since: float = 0.0
    beat_since: float = 0.0
    attempts: tuple[Attempt, ...] = ()
    confirmation: Confirmation | None = None
    void: str = ""
    release: ChosenRelease | None = None
    ready_since: float | None = None
    releases: tuple[str, ...] = ()
    bystanders: tuple[tuple[str, str], ...] = ()
    reported: str = ""
    said: tuple[Source, ...] = ()
    refuted: tuple[Source, ...] = ()
    stale: tuple[str, ...] = ()
    twins: tuple[str, ...] = ()
    closed: bool = False
    answers: tuple[tuple[str, str], ...] = ()

    @property
    def key(self) -> str:
        """In the ConfigMap: another one for each boot. It is hashed, because a bootID may be any text."""
        boot = sha256(f"{self.node.uid} {self.boot}".encode()).hexdigest()[:16]
        return f"{key_of(_CLOSED if self.closed else _OPEN, self.node.name)}_{boot}"

    @property
    def node(self) -> NodeRef:
        """Which node, and which incarnation of it."""
        return self.outage.node

    @property
    def proof(self) -> Confirmation | None:
        """The confirmation, while it counts."""
        return None if self.void else self.confirmation

    @property
    def summary(self) -> str:
        """For people: how far it is, who failed before, which VMs stay down with it, and what the taint removes."""
        failed = [f"{attempt.provider}: {attempt.over.rstrip('.')}" for attempt in self.attempts if attempt.over]
        missed = f" Failed: {'; '.join(failed)}." if failed and self.reason != "fence-failed" else ""
        pods = self.release.removes if self.release else ()
        removed = f" The taint removes {some(pods)}." if pods else ""
        wrong = f" Wrong about this boot before: {'; '.join(map(str, self.refuted))}." if self.refuted else ""
        return f"{self.sentence}{missed}{self._unanswered}{wrong}{self.bystanding}{removed}"

    @property
    def _unanswered(self) -> str:
        mute = [attempt for attempt in self.attempts if attempt.unanswered_since and not attempt.over]
        return f" Does not answer: {', '.join(attempt.provider for attempt in mute)}." if mute else ""

    @property
    def loss(self) -> Loss:
        """By what was heard of the machine's power before anybody was asked to fence it."""
        heard = {said for _, said in self.answers}
        return next((loss for loss in Loss if _SAID_OF.get(loss) in heard), Loss.UNKNOWN)

    @property
    def bystanding(self) -> str:
        """The VMs that stay down because of the fence, as a sentence; "" where there are none."""
        named = some([f"{vm} ({reason})" for vm, reason in self.bystanders])
        return f" Stopped with it, and not moved: {named}." if named else ""

    def with_reason(self, reason: str, sentence: str) -> Self:
        """This with another reason and sentence."""
        return replace(self, reason=reason, sentence=sentence)

    def as_text(self) -> str:
        """What `of` reads. What the version before this one does not know is left out where it says nothing."""
        data = _without_new({**asdict(self), "outage": self.outage.as_json()})
        return json.dumps({**data, "attempts": [_without_new(attempt) for attempt in data["attempts"]]})

    @classmethod
    def of(cls, text: str) -> Self:
        """From JSON; BadInput."""
        data = dict(_json(text, "fencing"))
        try:
            data["outage"] = Outage.of(take(data, "outage", dict, "fencing"), "fencing.outage")
            data["attempts"] = tuple(Attempt(**attempt) for attempt in data.get("attempts", ()))
            data["confirmation"] = _confirmation(data.get("confirmation"))
            data["release"] = _release(data.get("release"))
            data["releases"] = tuple(data.get("releases", ()))
            data["bystanders"] = tuple((str(vm), str(why)) for vm, why in data.get("bystanders", ()))
            data |= {name: tuple(Source(**source) for source in data.get(name, ())) for name in ("said", "refuted")}
            data |= {name: tuple(data.get(name, ())) for name in ("stale", "twins")}
            data["answers"] = tuple((str(provider), str(said)) for provider, said in data.get("answers", ()))
            return checked(cls(**data), "fencing")
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise BadInput(f"fencing: {error}") from error


_Entry = TypeVar("_Entry", Claim, Fencing)


def some(names: Sequence[str]) -> str:
    """The first of them, as in a sentence, and how many more."""
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more


def key_of(kind: str, name: str) -> str:
    """A key of the ConfigMap, for a node's name. Kubernetes allows no underscore in a name."""
    key = f"{kind}_{name}"
    return key if len(key) <= _LONGEST else f"{key[:_LONGEST]}_{sha256(name.encode()).hexdigest()[:16]}"


def read_fencing(text: str) -> Fencing | None:
    """From JSON; None where it cannot be read."""
    return _read(Fencing, text)


def fencing_entries(config_map: Mapping[str, Any] | None, node: str = "") -> dict[str, Fencing]:
    """All that can be read, by key; of one node, if it is named. Closed ones, too."""
    data = (config_map or {}).get("data") or {}
    keys = [key for key in sorted(data) if any(_is_of(key, kind, node) for kind in (_OPEN, _CLOSED))]
    read = {key: _read(Fencing, data[key]) for key in keys}
    return {key: file for key, file in read.items() if file and node in {"", file.node.name}}


def fencing_of(config_map: Mapping[str, Any] | None, node: str, boot: str = "") -> Fencing | None:
    """What is known of a node's boot, or of the last that was lost; None where there is nothing that can be read."""
    of_boot = [
        file for file in fencing_entries(config_map, node).values() if not file.closed and boot in {"", file.boot}
    ]
    return max(of_boot, key=_age, default=None)


def fencings(config_map: Mapping[str, Any] | None) -> dict[str, Fencing]:
    """What is known of each node's boot that was lost last, by the node's name."""
    oldest_first = sorted((file for file in fencing_entries(config_map).values() if not file.closed), key=_age)
    return {file.node.name: file for file in oldest_first}


def claim_of(config_map: Mapping[str, Any] | None, node: str) -> Claim | None:
    """The last claim about a node; None where there is none that can be read."""
    return _read(Claim, ((config_map or {}).get("data") or {}).get(key_of("claim", node)))


def _read(kind: type[_Entry], text: str | None) -> _Entry | None:
    try:
        return kind.of(text) if text else None
    except BadInput:
        return None


def _age(file: Fencing) -> tuple[float, float]:
    return file.outage.since, file.at


def _is_of(key: str, kind: str, node: str) -> bool:
    """The version before this one had one entry per node, under a key without the boot."""
    whole = key_of(kind, node)
    return (key == whole or key.startswith(f"{whole}_")) if node else key.startswith(f"{kind}_")


def _drivers(storage: tuple[tuple[str, str], ...]) -> tuple[str, ...]:
    return tuple(sorted({driver for driver, _ in storage}))


def source_of(provider: str, by: str, *, person: bool) -> Source:
    """`by` counts only for `event`: of other providers it names an object that they read, which is no source itself."""
    return Source(provider, by, person) if provider == EVENT else Source(provider)


def _without_new(data: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in data.items() if value or name not in _NEW}


def _json(text: str, where: str) -> Mapping[str, Any]:
    try:
        data = from_json(text)
    except ValueError as error:
        raise BadInput(f"{where}: {error}") from error
    if not isinstance(data, dict):
        raise BadInput(f"{where}: expected a JSON object, found {str(data)[:60]!r}")
    return data


def _confirmation(data: Mapping[str, Any] | None) -> Confirmation | None:
    """The version before this one knew drivers only: for none of their clusters is it known to be blocked."""
    if not data:
        return None
    storage = data.get("storage") or [(driver, "") for driver in data.get("drivers", ())]
    values = {name: value for name, value in data.items() if name != "drivers"}
    return Confirmation(**{**values, "storage": tuple((str(driver), str(cluster)) for driver, cluster in storage)})


def _release(data: Mapping[str, Any] | None) -> ChosenRelease | None:
    if not data:
        return None
    return ChosenRelease(**{**data, "way": ReleaseWay(data["way"]), "pods": tuple(data.get("pods", ()))})
