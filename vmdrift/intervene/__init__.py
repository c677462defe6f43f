"""`vmdrift hold|resume|holds|cancel|retry|drift`: what a person can do about drifts, with who, when and why."""

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict

from rich.table import Table
from rich.text import Text

from reactor.adapters.redis.inbox import Inbox
from reactor.interventions import InterventionResult
from reactor.model.intervention import HOLD, Intervention
from reactor.model.receipt import Result
from reactor.model.times import format_time
from reactor.settings import Settings
from vmdrift.cli.command import CANNOT_TELL, NOT_SO, answer, print_json, say
from vmdrift.cli.terminal import Terminal, rows_table
from vmdrift.intervene.person import CommandLine

_PATIENCE = 20.0  # seconds until a worker has looked at what was asked for
NOBODY = "Accepted; no worker has looked at it yet (is `vmdrift work intake` running?)."


def hold(what: str, lasts: float | None, why: str, *, as_json: bool) -> int:
    """Leave a node, a VM or everything alone, for `lasts` seconds or until resumed; returns the exit code."""
    return run("hold", lambda hands: hands.interventions.hold(what, lasts, why), as_json=as_json)


def resume(what: str, *, as_json: bool) -> int:
    """Lift a hold; returns the exit code: 1 if there was none."""
    return run("resume", lambda hands: hands.interventions.resume(what), as_json=as_json)


def holds(*, as_json: bool) -> int:
    """Show what people asked for; returns the exit code."""

    def show(settings: Settings) -> int:
        found = CommandLine.of(settings).wishes.in_force()
        if as_json:
            print_json([one.as_json() for one in found])
        elif found:
            Terminal().print(_table(found))
        else:
            say("Nobody asked for anything to be left alone.")
        return 0

    return answer("holds", show)


def cancel(vm: str, why: str, *, as_json: bool) -> int:
    """Give a VM's drift up; returns the exit code: 1 if there is none, or it has ended."""
    return run("cancel", lambda hands: hands.interventions.cancel(vm, why), as_json=as_json)


def retry(vm: str, *, as_json: bool) -> int:
    """Have a VM's ended drift begin again, or one that goes on look now; returns the exit code.

    1 if there is none, 2 while nobody has looked at it.
    """
    return run("retry", lambda hands: hands.interventions.retry(vm), as_json=as_json)


def drift(vm: str, *, as_json: bool) -> int:
    """Ask for the drift of one VM of a lost node, as another system would; returns the exit code.

    1 where there is nothing to do, 2 while nobody has looked at it.
    """
    return run("drift", lambda hands: hands.interventions.drift(vm), as_json=as_json)


def run(command: str, do: Callable[[CommandLine], InterventionResult], *, as_json: bool) -> int:
    """Do it, wait for the workers where they have to say what came of it, and say so; the exit code."""

    def work(settings: Settings) -> int:
        hands = CommandLine.of(settings)
        deed = do(hands)
        sentence, facts, code = deed.sentence, dict(deed.facts), 0
        if deed.receipt:
            result = _awaited(hands.wiring.inbox, deed.receipt)
            sentence = result.sentence if result else NOBODY
            facts |= {"receipt": deed.receipt, "result": asdict(result) if result else None}
            code = CANNOT_TELL if result is None else 0 if result.outcome == "taken" else NOT_SO
        if as_json:
            print_json({"command": command, "sentence": sentence, **facts})
        else:
            say(sentence)
        return code

    return answer(command, work)


def _awaited(inbox: Inbox, receipt_id: str) -> Result | None:
    """What a worker found; None: none has looked yet."""
    end = time.monotonic() + _PATIENCE
    while time.monotonic() < end:
        receipt = inbox.receipt(receipt_id)
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
