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
from vmdrift import output
from vmdrift.command import CANNOT_TELL, NOT_SO, answer, say
from vmdrift.intervene.person import CommandLine
from vmdrift.intervene.wait import Wait, checked, held
from vmdrift.terminal import Terminal, rows_table

VERSION = 1  # of the JSON; within a version fields are only added
_PATIENCE = 20.0  # seconds that we wait for a worker to process the request
NOT_PROCESSED_YET = "Accepted; no worker has processed it yet (is `vmdrift work intake` running?)."


def hold(  # noqa: PLR0913 - an option each
    what: str, lasts: float | None, why: str, *, force: bool, as_json: bool, waits: float | None = None
) -> int:
    """Hold a node, a VM or everything, for `lasts` seconds or until resumed; returns the exit code.

    1 if there is no such node or VM; `force`: held all the same.
    """

    def do(command_line: CommandLine) -> InterventionResult:
        return command_line.interventions.hold(what, lasts, why, force=force)

    return run("hold", do, as_json=as_json, wait=Wait(held(what), waits) if waits else None)


def resume(what: str, *, as_json: bool) -> int:
    """Lift a hold; returns the exit code: 1 if there was none."""
    return run("resume", lambda command_line: command_line.interventions.resume(what), as_json=as_json)


def holds(*, as_json: bool) -> int:
    """Show which interventions are in force; returns the exit code."""

    def show(settings: Settings) -> int:
        interventions = CommandLine.of(settings).wishes.in_force()
        if as_json:
            entries = [intervention.as_json() for intervention in interventions]
            output.show(entries if output.as_of_old() else {"version": VERSION, "holds": entries})
        elif interventions:
            Terminal().print(_table(interventions))
        else:
            say("Nothing is held or cancelled.")
        return 0

    return answer("holds", show)


def cancel(vm: str, why: str, *, as_json: bool) -> int:
    """Cancel a VM's drift; returns the exit code: 1 if there is none, or it has ended."""
    return run("cancel", lambda command_line: command_line.interventions.cancel(vm, why), as_json=as_json)


def retry(vm: str, *, as_json: bool, waits: float | None = None) -> int:
    """Have a VM's ended drift start again, or one that goes on check now; returns the exit code.

    1 if there is none, 2 while no worker has processed it.
    """
    wait = Wait(checked(vm), waits) if waits else None
    return run("retry", lambda command_line: command_line.interventions.retry(vm), as_json=as_json, wait=wait)


def drift(vm: str, *, as_json: bool, waits: float | None = None) -> int:
    """Ask for the drift of one VM of a lost node, as another system would; returns the exit code.

    1 where there is nothing to do, 2 while no worker has processed it.
    """
    wait = Wait(checked(vm), waits) if waits else None
    return run("drift", lambda command_line: command_line.interventions.drift(vm), as_json=as_json, wait=wait)


def run(
    command: str, do: Callable[[CommandLine], InterventionResult], *, as_json: bool, wait: Wait | None = None
) -> int:
    """Do it, wait for the workers' result where they have to give one, and print it; returns the exit code.

    With `wait` also until it has taken effect: the code is 2 if it has not.
    """

    def work(settings: Settings) -> int:
        command_line = CommandLine.of(settings)
        before = wait.before(command_line) if wait else None
        done = do(command_line)
        sentence, facts, code = done.sentence, dict(done.facts), 0
        if done.receipt:
            result = _awaited(command_line.wiring.inbox, done.receipt)
            sentence = result.sentence if result else NOT_PROCESSED_YET
            facts |= {"receipt": done.receipt, "result": asdict(result) if result else None}
            code = CANNOT_TELL if result is None else 0 if result.outcome == "taken" else NOT_SO
        if wait and code == 0:
            progress = wait.after(command_line, before)
            sentence, code = f"{sentence} {progress.sentence}", 0 if progress.done else CANNOT_TELL
            facts |= {"effect": asdict(progress)}
        if as_json:
            output.show({"version": VERSION, "command": command, "sentence": sentence, **facts})
        else:
            say(sentence)
        return code

    return answer(command, work)


def _awaited(inbox: Inbox, receipt_id: str) -> Result | None:
    """A worker's result; None: no worker has processed it yet."""
    end = time.monotonic() + _PATIENCE
    while time.monotonic() < end:
        receipt = inbox.receipt(receipt_id)
        if receipt and receipt.result:
            return receipt.result
        time.sleep(0.2)
    return None


def _table(interventions: Sequence[Intervention]) -> Table:
    table = rows_table(expand=False)
    more = ("Outage",) if output.wide() else ()
    for name in ("What", "Target", "Until", "By", "Since", *more, "Why"):
        table.add_column(name, overflow="fold")
    for intervention in interventions:
        until = format_time(intervention.until) if intervention.until and intervention.kind == HOLD else ""
        table.add_row(
            intervention.kind,
            intervention.target,
            until,
            Text(intervention.person),
            format_time(intervention.at),
            *([Text(intervention.outage)] if more else []),
            Text(intervention.why),
        )
    return table
