"""`vmdrift hold|resume|holds|cancel|retry|drift`: what a person can do about drifts, with who, when and why."""

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import orjson
from rich.table import Table
from rich.text import Text

from reactor.doors.cluster import Cluster
from reactor.model.drift import Record
from reactor.model.errors import NotDone
from reactor.model.event import DRIFT_REQUESTED, Event
from reactor.model.intervention import CANCEL, HOLD, MONTH, Intervention, target_of
from reactor.model.names import is_name
from reactor.model.receipt import Receipt, Result
from reactor.model.times import format_time
from reactor.settings import Settings
from vmdrift.command import CANNOT_TELL, NOT_SO, answer, print_json, say
from vmdrift.hands import Hands, who
from vmdrift.terminal import Terminal, rows_table

_PATIENCE = 20.0  # seconds until a worker has looked at what was asked for
NOBODY = "Accepted; no worker has looked at it yet (is `vmdrift work events` running?)."


@dataclass(frozen=True, slots=True)
class Deed:
    """What was done, as a sentence, and in facts for machines; `code` is the exit code."""

    sentence: str
    facts: dict[str, Any] = field(default_factory=dict)
    code: int = 0


def hold(what: str, lasts: float | None, why: str, *, as_json: bool) -> int:
    """Leave a node, a VM or everything alone, for `lasts` seconds or until resumed; returns the exit code."""
    return run("hold", lambda hands: write_hold(hands, what, lasts, why), as_json=as_json)


def write_hold(hands: Hands, what: str, lasts: float | None, why: str) -> Deed:
    """It ends by the API server's clock: this machine may show any other. BadInput, ClusterError."""
    now = hands.wishes.now()
    until = now + lasts if lasts else None
    one = Intervention(HOLD, target_of(what), who(), why, now, until)
    unknown = _unknown(hands.cluster, one.target)
    hands.wishes.write(one)
    end = f"until {format_time(until)}" if until else "until `vmdrift resume`"
    sentence = f"{what} is held {end}. Windows go on; nothing of it is deleted.{unknown}"
    return Deed(sentence, {**told(one), "exists": not unknown})


def resume(what: str, *, as_json: bool) -> int:
    """Lift a hold; returns the exit code: 1 if there was none."""

    def do(hands: Hands) -> Deed:
        target = target_of(what)
        mine = [one for one in hands.wishes.written() if one.kind == HOLD and one.target == target]
        if not mine:
            raise NotDone(f"{what} is not held; `vmdrift holds` shows what is")
        for one in mine:
            hands.wishes.lift(one)
        sentence = f"{what} is not held any more. Blocked drifts look again within half a minute."
        return Deed(sentence, {"target": target, "lifted": [told(one) for one in mine]})

    return run("resume", do, as_json=as_json)


def holds(*, as_json: bool) -> int:
    """Show what people asked for; returns the exit code."""

    def show(settings: Settings) -> int:
        wishes = Hands.of(settings).wishes
        found = [one for one in wishes.written() if not one.is_over(wishes.clock())]
        if as_json:
            print_json([told(one) for one in found])
        elif found:
            Terminal().print(_table(found))
        else:
            say("Nobody asked for anything to be left alone.")
        return 0

    return answer("holds", show)


def cancel(vm: str, why: str, *, as_json: bool) -> int:
    """Give a VM's drift up; returns the exit code: 1 if there is none, or it has ended."""

    def do(hands: Hands) -> Deed:
        record = _last(hands, vm)
        if record.ended:
            raise NotDone(f"{vm}: its drift has ended already, {record.phase}: {record.sentence}")
        now = hands.wishes.now()
        one = Intervention(CANCEL, target_of(vm), who(), why, now, now + MONTH, record.drift.outage.id)
        hands.wishes.write(one)
        hands.wake(record)
        sentence = f"{vm} is given up in this outage. `vmdrift retry {vm}` takes it up again."
        return Deed(sentence, {**told(one), **_of(record)})

    return run("cancel", do, as_json=as_json)


def retry(vm: str, *, as_json: bool) -> int:
    """Begin a VM's ended drift anew, or have one that goes on look now; returns the exit code: 1 if there is none."""

    def do(hands: Hands) -> Deed:
        record = _last(hands, vm)
        mine = [one for one in hands.wishes.written() if one.kind == CANCEL and one.meets(record.drift)]
        for one in mine:
            hands.wishes.lift(one)
        if record.phase.is_end:
            hands.begin_anew(record)
        hands.wake(record)
        facts = {**_of(record), "began_anew": record.phase.is_end, "lifted": [told(one) for one in mine]}
        return Deed(f"{vm} is looked at anew; `vmdrift status` shows how it goes.", facts)

    return run("retry", do, as_json=as_json)


def drift(vm: str, *, as_json: bool) -> int:
    """Ask for the drift of one VM of a lost node, as another system would; returns the exit code.

    1 where there is nothing to do, 2 while nobody has looked at it.
    """

    def do(hands: Hands) -> Deed:
        now = time.time()
        receipt, result = asked(hands, Event(DRIFT_REQUESTED, f"/cli/{who()}", f"{now:.3f}", vm, now))
        facts = {"vm": vm, "receipt": receipt.id, "result": asdict(result) if result else None}
        if result is None:
            return Deed(NOBODY, facts, CANNOT_TELL)
        return Deed(result.sentence, facts, 0 if result.outcome == "taken" else NOT_SO)

    return run("drift", do, as_json=as_json)


def run(command: str, do: Callable[[Hands], Deed], *, as_json: bool) -> int:
    """Do it and say so; the exit code."""

    def work(settings: Settings) -> int:
        deed = do(Hands.of(settings))
        if as_json:
            print_json({"command": command, "sentence": deed.sentence, **deed.facts})
        else:
            say(deed.sentence)
        return deed.code

    return answer(command, work)


def told(one: Intervention) -> dict[str, Any]:
    """As it stands in the ConfigMap."""
    told: dict[str, Any] = orjson.loads(one.as_text())
    return told


def _of(record: Record) -> dict[str, Any]:
    return {"vm": str(record.drift.vm), "node": record.drift.outage.node.name, "drift": record.drift.id}


def _last(hands: Hands, vm: str) -> Record:
    records = hands.records(vm)
    if not records:
        raise NotDone(f"{vm}: no drift in any open outage; `vmdrift status` shows them")
    return records[-1]


def _unknown(cluster: Cluster, target: str) -> str:
    """A word of warning for what may be a slip of the pen."""
    kind, _, name = target.partition("/")
    if kind == "node" and (not is_name(name) or cluster.find("nodes", name) is None):
        return f" There is no node {name} now."
    namespace, _, vm = name.partition("/")
    named = is_name(vm) and is_name(namespace)
    if kind == "vm" and (not named or cluster.find("virtualmachines", vm, namespace) is None):
        return f" There is no VM {name} now."
    return ""


def asked(hands: Hands, event: Event) -> tuple[Receipt, Result | None]:
    """Tell it as another system would, and wait for a worker to look at it; None: none has yet."""
    inbox = hands.wiring.inbox
    receipt = inbox.accept([event], who(), person=True)[0].receipt
    return receipt, _awaited(lambda: inbox.receipt(receipt.id))


def _awaited(read: Callable[[], Receipt | None]) -> Result | None:
    end = time.monotonic() + _PATIENCE
    while time.monotonic() < end:
        receipt = read()
        if receipt and receipt.result:
            return receipt.result
        time.sleep(0.2)
    return None


def _table(found: Sequence[Intervention]) -> Table:
    table = rows_table(expand=False)
    for name in ("What", "Target", "Until", "By", "Since", "Why"):
        table.add_column(name, overflow="fold")
    for one in found:
        until = format_time(one.until) if one.until and one.kind == HOLD else ""
        table.add_row(one.kind, one.target, until, Text(one.by), format_time(one.at), Text(one.why))
    return table
