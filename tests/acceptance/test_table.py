"""What a terminal of some size shows; no process is needed for it."""

import io
from dataclasses import replace

from rich.console import Console

from reactor.model.drift import Check, OutageRecord, Phase, Record
from reactor.model.identity import Drift, NodeRef, Outage, VmRef
from vmdrift.status import StatusSnapshot
from vmdrift.status.live import Live
from vmdrift.status.table import checks_table, overview

NOW = 1_000_000_100.0
OUTAGE = Outage(NodeRef("worker-1", "uid-1"), 1_000_000_000)
SENTENCE = "Node worker-1 is unreachable since 01:46:40Z; the window of 300 s ends at 01:51:40Z."


def waiting(name: str, outage: Outage = OUTAGE) -> Record:
    drift = Drift(VmRef("shop", name, f"uid-{name}"), outage)
    return Record(drift, Phase.WAITING, "unreachable-window", SENTENCE, NOW, NOW, again_at=outage.since + 300.0)


def completed(name: str) -> Record:
    record = waiting(name).moved(NOW, Phase.COMPLETED, "running-elsewhere", "It runs on worker-2.", None)
    return replace(record, ended_at=1_000_000_042.0)


def snapshot(*records: Record) -> StatusSnapshot:
    return StatusSnapshot([(OutageRecord(OUTAGE, NOW), list(records))])


def shown(snapshot: StatusSnapshot, width: int = 80) -> str:
    console = Console(file=io.StringIO(), width=width)
    with console.capture() as capture:
        console.print(overview(snapshot.outages, snapshot.records, NOW))
    return capture.get()


def followed(snapshot: StatusSnapshot, *, height: int = 24) -> str:
    """What the live table draws last on a terminal."""
    screen = io.StringIO()
    console = Console(file=screen, width=80, height=height, force_terminal=True, color_system=None)
    with Live(console) as live:
        live.show(snapshot, NOW)
        return screen.getvalue()


def words(text: str) -> str:
    return " ".join(text.split())


def test_every_word_of_the_sentence_is_there_at_80_columns() -> None:
    text = shown(snapshot(waiting("web")))

    assert all(word in text for word in SENTENCE.split())
    assert max(map(len, text.splitlines())) <= 80


def test_a_very_long_name_is_folded_and_the_sentence_stays_readable() -> None:
    name = "customer-database-of-the-north-western-region-number-0042"
    text = shown(snapshot(waiting(name)), width=100)

    assert "".join(line[10:35].strip() for line in text.splitlines()[4:]) == f"shop/{name}"
    assert all(word in text for word in SENTENCE.split())


def test_a_row_names_the_node_what_is_left_of_the_window_and_how_long_the_vm_is_down() -> None:
    lines = shown(snapshot(waiting("web"), completed("mail")), width=140).splitlines()

    assert lines[2].split() == ["Node", "VM", "Phase", "Why", "Window", "left", "Down", "for"]
    rows = {line.split()[1]: line for line in lines[4:] if "worker-1  shop" in line}
    assert rows["shop/web"].split()[0] == "worker-1"
    assert rows["shop/web"].split()[-4:] == ["1", "min", "40", "s"]
    assert rows["shop/mail"].split()[-2:] == ["42", "s"]


def test_the_head_counts_phases() -> None:
    assert "2 VMs: 1 waiting, 1 completed." in shown(snapshot(waiting("web"), completed("mail")))


def test_a_node_that_is_back_is_not_called_lost() -> None:
    back = StatusSnapshot([(OutageRecord(OUTAGE, NOW, recovered_at=NOW), [waiting("web")])])

    assert "Node worker-1 was lost at 01:46:40Z and is back since 01:48:20Z; 1 VM: 1 waiting." in shown(back, 120)


def test_an_outage_without_vms_says_so() -> None:
    assert shown(snapshot()) == "Node worker-1 is lost since 01:46:40Z; no VM was found there yet.\n"


def test_until_the_first_outage_of_the_demo_it_says_what_is_waited_for() -> None:
    screen = io.StringIO()
    console = Console(file=screen, width=80, color_system=None)
    with Live(console, before="Waiting for Kubernetes to notice (about 2 s).") as live:
        for one in (StatusSnapshot([]), snapshot(waiting("web")), StatusSnapshot([])):
            live.show(one, NOW)
    first, *_, last = screen.getvalue().splitlines()
    assert first == "Waiting for Kubernetes to notice (about 2 s)."
    assert last == "No node is lost, as far as Kubernetes knows."


def test_while_no_node_is_lost_the_live_table_says_when_it_looked() -> None:
    assert "No node is lost, as far as Kubernetes knows at 01:48:20Z." in followed(StatusSnapshot([]))


def refused(name: str) -> Record:
    return waiting(name).moved(NOW, Phase.REFUSED, "pinned-to-node", "Only there.", NOW + 60)


def test_a_vm_that_is_down_counts_on_whatever_became_of_its_drift() -> None:
    by_hand = waiting("old").moved(NOW, Phase.CANCELLED, "cancelled-by-hand", "Cancelled.", None)
    cancelled = replace(by_hand, ended_at=1_000_000_042.0)
    rows = [line.split() for line in shown(snapshot(refused("here"), cancelled), 140).splitlines() if "  shop/" in line]
    assert {row[1]: " ".join(row[-4:]) for row in rows} == {"shop/here": "1 min 40 s", "shop/old": "1 min 40 s"}


def test_a_terminal_too_low_for_all_shows_a_line_for_those_that_say_the_same() -> None:
    many = [completed(f"done-{number}") for number in range(30)]
    crowd = snapshot(*many, refused("here"), waiting("slow"))

    text = followed(crowd)

    assert "shop/slow" in text
    assert "shop/here" in text, "it is down"
    assert "30: shop/done-0, shop/done-1" in text
    assert "shop/done-29" not in text
    assert "worker-1 lost 1 min 40 s ago · 32 VMs: 30 run again, 1 not foreseen yet" in words(text)
    assert "shop/done-29" in followed(crowd, height=80)


def test_brackets_in_a_sentence_are_no_markup() -> None:
    check = Check("placement", False, "unschedulable", "The scheduler says: [/red] preemption: [0/4 nodes].")
    console = Console(file=io.StringIO(), width=200)

    with console.capture() as capture:
        console.print(checks_table(replace(waiting("web"), checks=(check,))))

    assert check.sentence in capture.get()
    assert "✗ failed" in capture.get()
