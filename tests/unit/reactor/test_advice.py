"""Advice is a whole command: with the names of this VM's node, pod and attachment in it."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from reactor.model.advice import filled
from reactor.model.drift import Disk, Phase, Record
from reactor.model.groups import Group
from reactor.model.reason import REASONS
from tests.contracts.samples import record
from tests.support.places import ROOT
from vmdrift.plan.advice import BEFOREHAND

ROOMS, READABLE = ("reactor", "workers", "vmdrift"), {".py", ".html", ".js"}
HELD = Disk("disk", "block", "web-disk", attachment="csi-1234")
LAUNCHER = "Launcher pod virt-launcher-web-x1 was force-deleted, but finalizer example.com/release keeps it."
BACKUP = "Pod backup on the lost node uses claim web-disk too: while it is there, the volume stays attached."


def of(sentence: str = "It waits.", *disks: Disk) -> Record:
    return replace(record("web", sentence), disks=disks)


def advice(code: str, drift: Record) -> str:
    return filled(REASONS[code].operator, drift)


@pytest.mark.parametrize(
    ("code", "drift", "command"),
    [
        ("unreachable-window", of(), '`vmdrift confirm-off node-a --i-checked "how you know"`.'),
        ("claim-used-by-pod", of(BACKUP), '`vmdrift confirm-off node-a --i-checked "how you know"`.'),
        ("claim-used-by-pod", of(BACKUP), '`vmdrift taint node-a --why "how you know"`'),
        ("still-attached", of("", HELD), '`vmdrift confirm-off node-a --i-checked "how you know"`.'),
        ("cancelled-by-hand", of(), "`vmdrift retry shop/web`"),
        ("held", of(), "`vmdrift resume shop/web`"),
        ("launcher-kept", of(LAUNCHER.replace("x1", "x1, other-x2")), "pod virt-launcher-web-x1 other-x2 --type=merge"),
        (
            "launcher-kept",
            of(LAUNCHER),
            """`kubectl -n shop patch pod virt-launcher-web-x1 --type=merge -p '{"metadata":{"finalizers":null}}'`.""",
        ),
    ],
)
def test_it_names_what_is_known(code: str, drift: Record, command: str) -> None:
    assert command in advice(code, drift)


def test_what_is_not_known_stays_a_placeholder() -> None:
    assert "`kubectl -n shop patch pod NAME --type=merge" in advice("launcher-kept", of())


# Advice without a command: there is none that would be right for everybody, and why.
PROSE = {
    "kubelet-alive": "the network is checked by other tools",
    "node-deleted": "somebody has to look at the machine",
    "unsupported-storage": "a setting is the answer, or a backup",
    "bare-instance": "the VirtualMachine is written by who owns the instance",
    "unschedulable": "the scheduler says it",
}


def test_advice_is_a_whole_command_with_the_names_of_this_vm_and_its_node() -> None:
    given = {code: advice(code, of(LAUNCHER)) for code, reason in REASONS.items() if reason.operator != "Nothing."}
    commands = {code: re.findall(r"`([^`]+)`", said) for code, said in given.items()}
    assert {code for code, found in commands.items() if not found} == PROSE.keys()
    for command in (one for found in commands.values() for one in found):
        assert re.match(r"(vmdrift|kubectl|systemctl) ", command), command
        assert not re.search(r"\b(NODE|NAMESPACE|VM|NAME)\b", command), command


@pytest.mark.parametrize(
    ("code", "command"),
    [
        (
            "run-strategy",
            """`kubectl -n shop patch vm web --type=merge -p '{"spec":{"running":null,"runStrategy":"Always"}}'`""",
        ),
        ("policy-never", "`kubectl -n shop annotate vm web vmdrift.io/policy-`"),
        ("held", "`vmdrift resume node-a`"),
        ("pinned-to-node", "`kubectl -n shop edit vm web`"),
    ],
)
def test_advice_about_several_says_whose_names_stand_in_it(code: str, command: str) -> None:
    one, other = (replace(record(vm), reason=code, phase=Phase.REFUSED) for vm in ("web", "db"))
    assert command in Group((one,)).todo
    assert "others" not in Group((one,)).todo
    assert Group((one, other)).todo.endswith(" Likewise for the others.")
    alike = replace(one, reason="too-many-nodes-lost", phase=Phase.BLOCKED)
    assert "others" not in Group((alike, replace(other, reason="too-many-nodes-lost"))).todo


@pytest.mark.parametrize("name", ["x; rm -rf /", "$(id)", "`id`", "-A", "../x"])
def test_what_is_no_name_gets_into_no_command(name: str) -> None:
    said = filled(REASONS["launcher-kept"].operator, of(f"Pod {name} is kept.", replace(HELD, attachment=name)))
    assert name not in said


READ = [
    *(path for path in ROOT.glob("*.md") if path.name != "CHANGELOG.md"),
    *(ROOT / "docs").glob("*.md"),
    *(ROOT / "k8s").rglob("*.yaml"),
    *(
        path
        for room in ("reactor", "workers", "vmdrift")
        for path in (ROOT / room).rglob("*")
        if path.suffix in READABLE
    ),
]


def bare_deletes(path: Path) -> list[str]:
    text = " ".join(path.read_text().split())
    deletes = re.findall(r"kubectl (?:-n \S+ )?delete[^`]*", text)
    forced = re.findall(r"--grace-period|delete[^`.]*--force", text)
    return [command for command in deletes if not re.search(r"delete (-k|service redis)", command)] + forced


def test_nothing_that_people_read_has_them_delete_by_hand_without_the_products_own_checks() -> None:
    assert len(READ) > 400
    assert {str(path.relative_to(ROOT)): found for path in READ if (found := bare_deletes(path))} == {}


@pytest.mark.parametrize("text", [reason.operator for reason in REASONS.values()] + list(BEFOREHAND.values()))
def test_no_advice_has_anything_moved_by_hand(text: str) -> None:
    assert "--force" not in text
    assert "by hand" not in text


@pytest.mark.parametrize("code", sorted(REASONS))
def test_no_node_is_left_unnamed_and_code_is_closed(code: str) -> None:
    said = advice(code, of(LAUNCHER, HELD))
    assert re.search(r"\bNODE\b|\bNAMESPACE\b", said) is None
    assert said.count("`") % 2 == 0
    assert "``" not in said
