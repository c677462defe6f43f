"""Advice is a whole command: with the names of this VM's node, pod and attachment in it."""

import re
from dataclasses import replace

import pytest

from reactor.model.advice import filled
from reactor.model.drift import Disk, Record
from reactor.model.reason import REASONS
from tests.contracts.samples import record

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
        ("claim-used-by-pod", of(BACKUP), "`kubectl -n shop delete pod backup --grace-period=0 --force`."),
        ("claim-used-by-pod", of(BACKUP.replace("backup", "a, b")), "`kubectl -n shop delete pod a b --grace-period=0"),
        ("claim-used-by-pod", of(BACKUP), "`vmdrift taint node-a`"),
        ("still-attached", of("", HELD), "`kubectl delete volumeattachment csi-1234`."),
        ("detach-window", of("", HELD, HELD, replace(HELD, attachment="csi-5")), "volumeattachment csi-1234 csi-5`."),
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
    assert "`kubectl delete volumeattachment NAME`" in advice("still-attached", of())
    assert "`kubectl delete pod NAME --grace-period=0 --force`" in advice("claim-used-by-pod", of())


@pytest.mark.parametrize("name", ["x; rm -rf /", "$(id)", "`id`", "-A", "../x"])
def test_what_is_no_name_gets_into_no_command(name: str) -> None:
    said = filled(REASONS["still-attached"].operator, of(f"Pod {name} uses it.", replace(HELD, attachment=name)))
    assert name not in said


@pytest.mark.parametrize("code", sorted(REASONS))
def test_no_node_is_left_unnamed_and_code_is_closed(code: str) -> None:
    said = advice(code, of(LAUNCHER, HELD))
    assert re.search(r"\bNODE\b", said) is None
    assert said.count("`") % 2 == 0
    assert "``" not in said
