"""Advice is a whole command: with the names of this VM's node, pod and attachment in it."""

import re
from dataclasses import replace

import pytest

from reactor.model.advice import filled
from reactor.model.drift import Disk, Record
from reactor.model.reason import REASONS
from tests.contracts.samples import record
from vmdrift.plan.advice import BEFOREHAND

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
    assert "`kubectl patch pod NAME --type=merge" in advice("launcher-kept", of())


@pytest.mark.parametrize("name", ["x; rm -rf /", "$(id)", "`id`", "-A", "../x"])
def test_what_is_no_name_gets_into_no_command(name: str) -> None:
    said = filled(REASONS["launcher-kept"].operator, of(f"Pod {name} is kept.", replace(HELD, attachment=name)))
    assert name not in said


@pytest.mark.parametrize("text", [reason.operator for reason in REASONS.values()] + list(BEFOREHAND.values()))
def test_nothing_is_deleted_by_hand_without_the_products_own_checks(text: str) -> None:
    assert "--force" not in text
    assert "kubectl delete" not in text


@pytest.mark.parametrize("code", sorted(REASONS))
def test_no_node_is_left_unnamed_and_code_is_closed(code: str) -> None:
    said = advice(code, of(LAUNCHER, HELD))
    assert re.search(r"\bNODE\b|\bNAMESPACE/VM\b", said) is None
    assert said.count("`") % 2 == 0
    assert "``" not in said
