"""`vmdrift hold|resume|holds|cancel|retry|drift`: what a person can do about drifts, with who, when and why."""

import getpass
import os
import re
import socket
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Self

import orjson
from redis import Redis
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from reactor.doors import cluster as cluster_door
from reactor.doors import redis as redis_door
from reactor.doors.cluster import KubernetesCluster
from reactor.doors.inbox import RedisInbox
from reactor.doors.queue import RqQueue, drift_entry
from reactor.doors.store import RedisStore
from reactor.model.drift import Record
from reactor.model.errors import SettingsError
from reactor.model.event import DRIFT_REQUESTED, Event
from reactor.model.intervention import (
    ALL,
    CANCEL,
    CONFIG_MAP,
    HOLD,
    Intervention,
    interventions,
    node_target,
)
from reactor.model.receipt import Receipt
from reactor.model.times import format_time
from reactor.process import start
from reactor.settings import Settings
from workers.drift import taken_up

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_MONTH = 30 * 86400.0  # seconds; after so long nobody needs to know of a cancelled drift
_PATIENCE = 20.0  # seconds until a worker has looked at what was asked for


@dataclass(frozen=True)
class Hands:
    """What an intervention is made with. `redis` is connected when it is first needed."""

    settings: Settings
    cluster: KubernetesCluster

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """Raises SettingsError, ClusterError."""
        return cls(settings, cluster_door.connect(os.environ.get("KUBECONFIG", ""), settings.api_timeout))

    def redis(self) -> Redis:
        """Raises SettingsError, StoreError."""
        return redis_door.connect(self.settings.redis_url)

    def written(self) -> tuple[Intervention, ...]:
        """Everything that people asked for."""
        return interventions(self.cluster.find("configmaps", CONFIG_MAP, self.settings.namespace))

    def write(self, one: Intervention) -> None:
        """Write it down; what is over for long is taken out on the way."""
        now = time.time()
        old = {known.key: None for known in self.written() if known.is_over(now)}
        self.cluster.note(CONFIG_MAP, self.settings.namespace, {**old, one.key: one.as_text()})

    def lift(self, one: Intervention) -> None:
        """Take it out."""
        self.cluster.note(CONFIG_MAP, self.settings.namespace, {one.key: None})

    def records(self, vm: str) -> list[Record]:
        """The VM's drifts in all open outages, newest last."""
        store = RedisStore(self.redis(), self.settings.history_ttl)
        found = [record for outage in store.outages() for record in store.records(outage.outage.id)]
        return sorted((r for r in found if str(r.drift.vm) == vm), key=lambda record: record.created_at)

    def wake(self, record: Record) -> None:
        """Its next look is now."""
        RqQueue(self.redis(), time.time, self.settings.history_ttl).wake(drift_entry(record.drift), time.time())


def hold(what: str, lasts: str, why: str) -> int:
    """Leave a node, a VM or everything alone; returns the exit code."""

    def do(hands: Hands) -> str:
        target, now = target_of(what), time.time()
        until = now + seconds(lasts) if lasts else None
        one = Intervention(HOLD, target, who(), why, now, until)
        unknown = _unknown(hands.cluster, target)
        hands.write(one)
        end = f"until {format_time(until)}" if until else "until `vmdrift resume`"
        return f"{what} is held {end}. Windows go on; nothing of it is deleted.{unknown}"

    return _run("hold", do)


def resume(what: str) -> int:
    """Lift a hold; returns the exit code: 1 if there was none."""

    def do(hands: Hands) -> str:
        target = target_of(what)
        mine = [one for one in hands.written() if one.kind == HOLD and one.target == target]
        if not mine:
            raise SettingsError(f"{what} is not held; `vmdrift holds` shows what is")
        for one in mine:
            hands.lift(one)
        return f"{what} is not held any more. Blocked drifts look again within half a minute."

    return _run("resume", do)


def holds(*, as_json: bool) -> int:
    """Show what people asked for; returns the exit code."""

    def do(hands: Hands) -> str:
        found = [one for one in hands.written() if not one.is_over(time.time())]
        if as_json:
            return orjson.dumps([orjson.loads(one.as_text()) for one in found], option=orjson.OPT_INDENT_2).decode()
        if found:
            Console().print(_table(found))
        return "" if found else "Nobody asked for anything to be left alone."

    return _run("holds", do)


def cancel(vm: str, why: str) -> int:
    """Give a VM's drift up; returns the exit code."""

    def do(hands: Hands) -> str:
        record = _last(hands, vm)
        if record.phase.is_end:
            raise SettingsError(f"{vm}: its drift has ended already, {record.phase}: {record.sentence}")
        now = time.time()
        target = target_of(vm)
        hands.write(Intervention(CANCEL, target, who(), why, now, now + _MONTH, record.drift.outage.id))
        hands.wake(record)
        return f"{vm} is given up in this outage. `vmdrift retry {vm}` takes it up again."

    return _run("cancel", do)


def retry(vm: str) -> int:
    """Begin a VM's ended drift anew, or have one that goes on look again now; returns the exit code."""

    def do(hands: Hands) -> str:
        record = _last(hands, vm)
        for one in hands.written():
            if one.kind == CANCEL and one.meets(record.drift):
                hands.lift(one)
        if record.phase.is_end:
            _begin_anew(hands, record)
        hands.wake(record)
        return f"{vm} is looked at anew; `vmdrift status` shows how it goes."

    return _run("retry", do)


def drift(vm: str) -> int:
    """Ask for the drift of one VM of a lost node, as another system would; returns the exit code."""

    def do(hands: Hands) -> str:
        target_of(vm)
        now = time.time()
        event = Event(DRIFT_REQUESTED, f"/cli/{who()}", f"{now:.3f}", vm, now)
        settings = hands.settings
        inbox = RedisInbox(hands.redis(), time.time, settings.dedup_ttl, settings.fsync_wait)
        receipt = inbox.accept([event], who())[0].receipt
        told = _awaited(lambda: inbox.receipt(receipt.id))
        return told or "Accepted; no worker has looked at it yet (is `vmdrift work events` running?)."

    return _run("drift", do)


def target_of(text: str) -> str:
    """`all`, a node's name, or NAMESPACE/NAME of a VM; SettingsError."""
    if text == ALL:
        return ALL
    if re.fullmatch(r"[a-z0-9]([-a-z0-9.]*[a-z0-9])?", text):
        return node_target(text)
    if re.fullmatch(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?/[a-z0-9]([-a-z0-9.]*[a-z0-9])?", text):
        return f"vm/{text}"
    raise SettingsError(f"{text!r} is neither a node's name, nor a VM as NAMESPACE/NAME, nor all")


def seconds(text: str) -> float:
    """30m, 2h, 90s, 1d; SettingsError."""
    found = re.fullmatch(r"([0-9]{1,6})([smhd])", text)
    if not found or not int(found[1]):
        raise SettingsError(f"--for: {text!r} is no time such as 30m, 2h or 1d")
    return float(found[1]) * _UNITS[found[2]]


def who() -> str:
    """As the machine knows the person; the API server's own audit log knows better."""
    try:
        name = getpass.getuser()
    except (KeyError, OSError):  # a container's user has no name
        name = f"user-{os.getuid()}"
    return f"{name}@{socket.gethostname()}"


def _run(command: str, do: Callable[[Hands], str]) -> int:
    def work(settings: Settings) -> None:
        if said := do(Hands.of(settings)):
            sys.stdout.write(f"{said}\n")

    return start(command, work)


def _last(hands: Hands, vm: str) -> Record:
    if not target_of(vm).startswith("vm/"):
        raise SettingsError(f"{vm!r} is no VM as NAMESPACE/NAME")
    records = hands.records(vm)
    if not records:
        raise SettingsError(f"{vm}: no drift in any open outage; `vmdrift status` shows them")
    return records[-1]


def _begin_anew(hands: Hands, record: Record) -> None:
    """Under its lock, so that no pass writes over it. What was done stays known."""
    store = RedisStore(hands.redis(), hands.settings.history_ttl)
    lock = store.acquire(record.drift.vm.uid, 10.0)
    if lock is None:
        raise SettingsError(f"{record.drift.vm}: a worker looks at it right now; try again")
    store.save(taken_up(record, who(), time.time()), lock, [])
    store.release(lock)


def _unknown(cluster: KubernetesCluster, target: str) -> str:
    """A word of warning for what may be a slip of the pen."""
    kind, _, name = target.partition("/")
    if kind == "node" and cluster.find("nodes", name) is None:
        return f" There is no node {name} now."
    namespace, _, vm = name.partition("/")
    if kind == "vm" and cluster.find("virtualmachines", vm, namespace) is None:
        return f" There is no VM {name} now."
    return ""


def _awaited(read: Callable[[], Receipt | None]) -> str:
    end = time.monotonic() + _PATIENCE
    while time.monotonic() < end:
        receipt = read()
        if receipt and receipt.result:
            return receipt.result.sentence
        time.sleep(0.2)
    return ""


def _table(found: Sequence[Intervention]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    for name in ("What", "Target", "Until", "By", "Since", "Why"):
        table.add_column(name, overflow="fold")
    for one in found:
        until = format_time(one.until) if one.until and one.kind == HOLD else ""
        table.add_row(one.kind, one.target, until, Text(one.by), format_time(one.at), Text(one.why))
    return table
