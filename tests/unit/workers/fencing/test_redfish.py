"""The provider redfish: the right machine is switched off, once, and only what reads Off is proof."""

from dataclasses import replace

import pytest

from reactor.model.errors import FenceError, NoAnswer
from reactor.model.fencing import State, Target
from reactor.model.identity import NodeRef, Outage
from rehearsal.twins.bmc import MachineBmcs
from simulator.machines.hypervisor import Hypervisor
from workers.fencing.providers.provider import Provider
from workers.fencing.providers.redfish import Redfish

# As vSphere and Kubernetes show one and the same machine (cloud-provider-vsphere, ConvertK8sUUIDtoNormal).
UUID, TURNED = "56492e42-22ad-3911-6d72-59cc8f26bc90", "422e4956-ad22-1139-6d72-59cc8f26bc90"
OTHER = "9d3f6c1e-41aa-4b6f-8c10-3b1f6a52c002"
NOBODYS = [
    "00000000-0000-0000-0000-000000000000",
    "FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF",
    "03000200-0400-0500-0006-000700080009",
    "00020003-0004-0005-0006-000700080009",
]


@pytest.fixture
def bmc() -> MachineBmcs:
    hypervisor = Hypervisor()
    for node in ("worker-1", "worker-2"):
        hypervisor.add_machine(node)
    return MachineBmcs(hypervisor, {"worker-1": UUID, "worker-2": OTHER})


def _target(machine: str = UUID) -> Target:
    return Target(Outage(NodeRef("worker-1", "u1"), 1795500000), "boot-1", machine)


def _refused(bmc: MachineBmcs, target: Target) -> str:
    """Nothing is sent, and neither is anything said of it."""
    with pytest.raises(FenceError) as caught:
        Redfish(bmc).fence(target)
    with pytest.raises(FenceError):
        Redfish(bmc).status(target)
    assert bmc.orders == []
    return str(caught.value)


def test_it_is_a_provider(bmc: MachineBmcs) -> None:
    provider: Provider = Redfish(bmc)
    assert provider.name == "redfish"


def test_a_machine_that_is_on_is_switched_off_and_then_proven_off(bmc: MachineBmcs) -> None:
    provider = Redfish(bmc)
    provider.fence(_target())
    standing = provider.status(_target())
    assert not bmc.hypervisor.machines["worker-1"].powered
    assert bmc.hypervisor.machines["worker-2"].powered
    assert standing.state == State.FENCED
    assert standing.sentence == (
        f"Redfish of BMC https://bmc.worker-1 reads PowerState Off for the machine of node worker-1 (UUID {UUID}): "
        "it is off."
    )
    assert (standing.by, standing.drivers) == ("https://bmc.worker-1", ())


@pytest.mark.parametrize("word", ["Off", "PoweringOff"])
def test_what_is_off_or_going_off_is_left_alone(bmc: MachineBmcs, word: str) -> None:
    bmc.words["worker-1"] = word
    Redfish(bmc).fence(_target())
    assert bmc.orders == []


@pytest.mark.parametrize("word", ["On", "PoweringOn", "Paused"])
def test_whatever_has_power_is_switched_off(bmc: MachineBmcs, word: str) -> None:
    bmc.words["worker-1"] = word
    Redfish(bmc).fence(_target())
    assert bmc.orders == ["worker-1"]


@pytest.mark.parametrize("word", ["", "Asleep", "on", "OFF"])
def test_of_a_state_that_is_not_known_nothing_is_made(bmc: MachineBmcs, word: str) -> None:
    bmc.words["worker-1"] = word
    with pytest.raises(FenceError, match="which vm-drift does not know: nothing was sent to it"):
        Redfish(bmc).fence(_target())
    assert bmc.orders == []


@pytest.mark.parametrize(
    ("word", "state"),
    [
        ("On", State.ALIVE),
        ("Off", State.FENCED),
        ("PoweringOff", State.WORKING),
        *((word, State.ABSENT) for word in ("PoweringOn", "Paused", "Asleep", "off", "")),
    ],
)
def test_only_off_is_proof(bmc: MachineBmcs, word: str, state: State) -> None:
    bmc.words["worker-1"] = word
    standing = Redfish(bmc).status(_target())
    assert standing.state == state
    assert f"reads PowerState {word or '(none)'} for the machine of node worker-1" in standing.sentence


def test_a_bmc_that_ignores_the_order_proves_nothing(bmc: MachineBmcs) -> None:
    bmc.deaf.add("worker-1")
    Redfish(bmc).fence(_target())
    assert bmc.orders == ["worker-1"]
    assert Redfish(bmc).status(_target()).state == State.ALIVE


@pytest.mark.parametrize("machine", [UUID.upper(), TURNED, TURNED.upper(), UUID.replace("-", "")])
def test_a_uuid_is_known_in_any_case_and_with_the_first_three_fields_turned(bmc: MachineBmcs, machine: str) -> None:
    Redfish(bmc).fence(_target(machine))
    assert Redfish(bmc).status(_target(machine)).state == State.FENCED


def test_another_machine_is_never_switched_off_and_its_being_off_is_no_proof(bmc: MachineBmcs) -> None:
    bmc.swapped["worker-1"] = "worker-2"
    with pytest.raises(FenceError, match="answers for the machine") as caught:
        Redfish(bmc).fence(_target())
    assert str(caught.value).endswith("check address and system. Nothing was sent to it.")
    bmc.hypervisor.power_cut("worker-2")
    standing = Redfish(bmc).status(_target())
    assert standing.state == State.FAILED
    assert f"{OTHER}, and node worker-1 is {UUID}" in standing.sentence
    assert bmc.orders == []


def test_the_file_says_who_it_is_before_the_node_does(bmc: MachineBmcs) -> None:
    bmc.expected["worker-1"] = OTHER
    assert Redfish(bmc).status(_target()).state == State.FAILED
    bmc.expected["worker-1"] = UUID
    for machine in (OTHER, ""):
        assert Redfish(bmc).status(_target(machine)).state == State.ALIVE


def test_a_uuid_that_another_node_bears_identifies_nobody_unless_the_file_pins_it(bmc: MachineBmcs) -> None:
    bmc.hypervisor.power_cut("worker-1")
    target = replace(_target(), twins=("worker-2",))
    assert "is also that of worker-2, so it is ambiguous: set uuid in worker-1.json" in _refused(bmc, target)
    bmc.expected["worker-1"] = UUID
    assert Redfish(bmc).status(target).state == State.FENCED


def test_of_a_node_that_nobody_can_tell_from_others_nothing_is_believed(bmc: MachineBmcs) -> None:
    bmc.hypervisor.power_cut("worker-1")
    assert _refused(bmc, _target("")).endswith("set uuid in worker-1.json in VMDRIFT_BMC_DIR to the machine's UUID.")


@pytest.mark.parametrize("uuid", NOBODYS)
def test_a_uuid_that_many_machines_bear_tells_nobody(bmc: MachineBmcs, uuid: str) -> None:
    bmc.uuids = {"worker-1": uuid}
    assert "is on many machines" in _refused(bmc, _target(uuid))
    bmc.expected["worker-1"] = uuid
    assert "is on many machines" in _refused(bmc, _target())


def test_a_bmc_that_tells_no_uuid_is_not_believed(bmc: MachineBmcs) -> None:
    bmc.uuids = {"worker-1": ""}
    assert "reports no UUID" in _refused(bmc, _target())


@pytest.mark.parametrize("machine", ["ec2-text", "worker-1"])
def test_what_is_no_uuid_is_compared_as_it_is(bmc: MachineBmcs, machine: str) -> None:
    assert Redfish(bmc).status(_target(machine)).state == State.FAILED
    bmc.uuids = {"worker-1": machine.upper()}
    assert Redfish(bmc).status(_target(machine)).state == State.ALIVE


@pytest.mark.parametrize("knob", ["hanging", "refusing"])
def test_a_bmc_that_does_not_answer_proves_nothing(bmc: MachineBmcs, knob: str) -> None:
    getattr(bmc, knob).add("worker-1")
    bmc.hypervisor.power_cut("worker-1")
    assert _refused(bmc, _target())


def test_a_dark_bmc_is_told_from_one_that_refuses(bmc: MachineBmcs) -> None:
    bmc.hanging.add("worker-1")
    for ask in (Redfish(bmc).status, Redfish(bmc).fence):
        with pytest.raises(NoAnswer) as caught:
            ask(_target())
        doubt = "it may have lost its power together with the host."
        assert str(caught.value) == f"BMC https://bmc.worker-1 does not answer in time (dark): {doubt}"
    bmc.hanging.clear()
    bmc.refusing.add("worker-1")
    with pytest.raises(FenceError) as refused:
        Redfish(bmc).status(_target())
    assert not isinstance(refused.value, NoAnswer)


def test_nothing_is_switched_on_again(bmc: MachineBmcs) -> None:
    provider = Redfish(bmc)
    provider.fence(_target())
    bmc.hanging.add("worker-1")
    assert provider.release(_target()).state == State.ABSENT
    assert not bmc.hypervisor.machines["worker-1"].powered
