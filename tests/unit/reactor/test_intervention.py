"""What people ask for, as it stands in the ConfigMap."""

from dataclasses import replace

import pytest

from reactor.model.errors import BadInput
from reactor.model.intervention import (
    ALL,
    CANCEL,
    HOLD,
    Intervention,
    active_holds,
    cancelled,
    interventions,
    node_target,
    vm_target,
)
from tests.contracts.samples import LOST_AT, drift, outage

NOW = 1795502400.0  # 06:40:00Z
WEB = drift("web")
FOREVER = Intervention(HOLD, ALL, "ann", "maintenance of the storage", NOW)


def config_map(*several: Intervention) -> dict[str, object]:
    return {"data": {one.key: one.as_text() for one in several}}


@pytest.mark.parametrize(
    ("target", "meant"),
    [
        (ALL, True),
        (node_target("node-a"), True),
        (node_target("node-b"), False),
        (vm_target(WEB.vm), True),
        ("vm/shop/db", False),
        ("vm/other/web", False),
    ],
)
def test_a_hold_is_for_everything_a_node_or_a_vm(target: str, meant: bool) -> None:
    found = active_holds([replace(FOREVER, target=target)], WEB, NOW)
    assert found == (("Held by ann at 06:40:00Z: maintenance of the storage.",) if meant else ())


def test_a_hold_ends_with_its_time() -> None:
    limited = replace(FOREVER, until=NOW + 60)
    assert active_holds([limited], WEB, NOW + 59) == (
        "Held until 06:41:00Z by ann at 06:40:00Z: maintenance of the storage.",
    )
    assert active_holds([limited], WEB, NOW + 60) == ()


def test_a_cancel_is_for_one_vm_in_one_outage() -> None:
    one = Intervention(CANCEL, vm_target(WEB.vm), "ann", "it is to stay down", NOW, outage=WEB.outage.id)
    assert cancelled([one], WEB) == "Cancelled by ann at 06:40:00Z: it is to stay down."
    assert active_holds([one], WEB, NOW) == ()
    assert cancelled([one], drift("db")) == ""
    assert cancelled([one], drift("web", outage(since=LOST_AT + 600))) == ""
    assert cancelled([FOREVER], WEB) == ""


def test_what_is_written_is_read_back() -> None:
    several = (
        replace(FOREVER, target=node_target("node-a"), until=NOW + 60),
        Intervention(CANCEL, vm_target(WEB.vm), "ann", 'why "not"', NOW, outage=WEB.outage.id),
    )
    assert sorted(interventions(config_map(*several)), key=lambda one: one.target) == list(several)


@pytest.mark.parametrize("empty", [None, {}, {"data": None}, {"data": {}}])
def test_without_a_config_map_nobody_wants_anything(empty: dict[str, object] | None) -> None:
    assert interventions(empty) == ()


@pytest.mark.parametrize(
    "text",
    ["", "no", "[]", "{}", FOREVER.as_text().replace("hold", "pause"), FOREVER.as_text().replace("hold", "cancel")],
)
def test_what_cannot_be_read_holds_everything_and_names_its_key(text: str) -> None:
    with pytest.raises(BadInput):
        Intervention.of(text)
    (sentence,) = active_holds(interventions({"data": {"hold_all": text}}), WEB, NOW)
    assert "key hold_all of ConfigMap vm-drift-interventions cannot be read" in sentence


def test_each_target_has_a_key_of_its_own_that_kubernetes_takes() -> None:
    long = ["vm/" + "n" * 63 + "/" + "v" * 252 + end for end in "ab"]
    targets = [ALL, "node/a.b", "vm/a/b", "vm/a.b/c", "vm/a/b.c", *long]
    keys = [replace(FOREVER, target=target).key for target in targets]
    assert len(set(keys)) == len(keys)
    assert all(len(key) <= 253 and set(key) <= set("abcdefghijklmnopqrstuvwxyz0123456789._-") for key in keys)
