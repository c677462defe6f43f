"""`vmdrift events`: what was reported of drifts, as it is reported, and what could not be delivered."""

import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from rich.table import Table
from rich.text import Text

from reactor.adapters.redis.outbox import Delivery, numbered
from reactor.adapters.redis.store import Store
from reactor.adapters.rq import delivery_entry
from reactor.model.errors import NotDone, StoreError
from reactor.model.times import format_time
from reactor.settings import Settings
from reactor.wiring import Wiring
from vmdrift import output
from vmdrift.command import answer, complain, say
from vmdrift.terminal import Terminal, rows_table

_INTERVAL = 0.5  # seconds between two reads of the stream
ALL = "all"
VERSION = 1  # of the JSON about dead letters; within a version fields are only added

Entries = Sequence[tuple[str, Mapping[str, Any]]]


def events(*, follow: bool, last: int, as_json: bool) -> int:
    """Print the `last` ones, and then each as it comes where asked to `follow`; returns the exit code."""

    def show(settings: Settings) -> int:
        store = Wiring.of(settings).store
        entries = store.events()
        _print(entries[-last:] if last else [], as_json=as_json, follow=follow)
        if follow:
            _follow(store, entries[-1][0] if entries else "0", as_json=as_json)
        return 0

    return answer("events", show)


def dead(*, resend: Sequence[str], as_json: bool) -> int:
    """Print the dead letters, or have some of them (`all`: all) delivered again; returns the exit code."""

    def show(settings: Settings) -> int:
        wiring = Wiring.of(settings)
        now = wiring.clock()
        deliveries = wiring.outbox.dead(now)
        if resend:
            revived = wiring.outbox.revive(_chosen(deliveries, resend), now)
            for delivery_id in revived:
                wiring.queue.wake(delivery_entry(delivery_id), now)
            _print_revived(revived, as_json=as_json)
        elif as_json:
            _lines(map(_letter, deliveries))
        else:
            _print_dead(deliveries)
        return 0

    return answer("events", show)


def _chosen(deliveries: Sequence[Delivery], resend: Sequence[str]) -> list[str]:
    ids = [delivery.id for delivery in deliveries]
    if ALL in resend:
        return ids
    if unknown := [delivery_id for delivery_id in resend if delivery_id not in ids]:
        raise NotDone(f"--resend: {', '.join(unknown)} is not a dead letter; `vmdrift events --dead` shows them")
    return list(resend)


def _follow(store: Store, after: str, *, as_json: bool) -> None:
    """Until Ctrl-C. Redis may come and go."""
    trouble = ""
    while True:
        try:
            time.sleep(_INTERVAL)
            entries = store.events(after)
        except KeyboardInterrupt:
            return
        except StoreError as error:
            if str(error) != trouble:
                complain(f"{error}; trying again")
            trouble = str(error)
            continue
        trouble = ""
        _print(entries, as_json=as_json, follow=True)
        after = entries[-1][0] if entries else after


def _print(entries: Entries, *, as_json: bool, follow: bool) -> None:
    if as_json:
        _lines(numbered(entry, event) for entry, event in entries)
    elif follow:
        for _, event in entries:
            say(_line(event))
        sys.stdout.flush()
    elif entries:
        Terminal().print(_table([event for _, event in entries]))
    else:
        say("No events yet: no node was lost since Redis was emptied.")


def _lines(objects: Iterable[Mapping[str, Any]]) -> None:
    for obj in objects:
        output.show(obj, pretty=False, twins=False)  # a CloudEvent stays as it is delivered
    sys.stdout.buffer.flush()


def _letter(delivery: Delivery) -> Mapping[str, Any]:
    dated: Mapping[str, Any] = output.dated({**asdict(delivery), "event": None})
    return {"version": VERSION, **dated, "event": delivery.event}


def _kind(event: Mapping[str, Any]) -> str:
    return str(event["type"]).rpartition(".")[2]


def _line(event: Mapping[str, Any]) -> str:
    return f"{event['time'][:19]}Z  {_kind(event):9}  {event['subject']}  {event['data'].get('sentence', '')}"


def _table(recorded: Sequence[Mapping[str, Any]]) -> Table:
    more = ("Reason", "Id") if output.wide() else ()
    table = _new_table("Time", "VM", "Event", *more, "Why")
    for event in recorded:
        data, why = event["data"], Text(str(event["data"].get("sentence", "")))
        cells = [Text(str(data.get("reason", ""))), Text(str(event["id"]))] if more else []
        table.add_row(f"{event['time'][:19]}Z", str(event["subject"]), _kind(event), *cells, why)
    return table


def _print_dead(deliveries: Sequence[Delivery]) -> None:
    if not deliveries:
        say("No dead letters: every event was delivered, or is still being tried.")
        return
    table = _new_table("Letter", "Died", "VM", "Event", "Why")
    for delivery in deliveries:
        died = format_time(delivery.died_at or 0)
        table.add_row(delivery.id, died, str(delivery.event["subject"]), _kind(delivery.event), Text(delivery.why))
    Terminal().print(table)
    say("Send them again: vmdrift events --resend ID, or --resend all.")


def _print_revived(revived: Sequence[str], *, as_json: bool) -> None:
    if as_json:
        _lines([{"version": VERSION, "revived": revived}])
    else:
        say(f"{len(revived)} to be delivered again, once `vmdrift work outgoing` runs.")


def _new_table(*columns: str) -> Table:
    table = rows_table()
    for name in columns[:-1]:
        table.add_column(name, overflow="fold", no_wrap=name != "VM")
    table.add_column(columns[-1], ratio=1)
    return table
