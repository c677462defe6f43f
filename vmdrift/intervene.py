"""`vmdrift hold|resume|holds|cancel|retry|drift`: what a person can do about drifts, with who, when and why."""

import sys
import time
from collections.abc import Callable, Sequence

import orjson
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from reactor.doors.cluster import KubernetesCluster
from reactor.doors.inbox import RedisInbox
from reactor.model.drift import Record
from reactor.model.errors import SettingsError
from reactor.model.event import DRIFT_REQUESTED, Event
from reactor.model.intervention import (
    CANCEL,
    HOLD,
    Intervention,
)
from reactor.model.receipt import Receipt
from reactor.model.times import format_time
from reactor.process import start
from reactor.settings import Settings
from vmdrift.hands import Hands, seconds, target_of, who

_MONTH = 30 * 86400.0  # seconds; after so long nobody needs to know of a cancelled drift
_PATIENCE = 20.0  # seconds until a worker has looked at what was asked for


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
            hands.begin_anew(record)
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
