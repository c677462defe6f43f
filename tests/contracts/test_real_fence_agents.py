"""Debian's own fence agents, through the door and the provider: one that lies, and a BMC that speaks IPMI."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from reactor.adapters.fence_agents.agents import AGENTS, FenceAgents
from reactor.model.errors import FenceError
from reactor.model.fencing import State, Target
from reactor.model.identity import NodeRef, Outage
from reactor.settings import Settings
from rehearsal.twins.plug_memory import MemoryPlugMemory
from tests.contracts.agents import ipmi_bmc
from workers.fencing.providers.fence_agent import FenceAgent

NODE = NodeRef("worker-1", "u1")
TARGET = Target(Outage(NODE, 1795500000), "boot-1")
_WITH_AGENTS = (AGENTS / "fence_dummy").exists()
_WITH_IPMI = _WITH_AGENTS and all(map(shutil.which, ("ipmi_sim", "ipmitool")))

agents = pytest.mark.skipif(not _WITH_AGENTS, reason="no fence-agents (Debian: fence-agents): make tools NIGHT=1")
ipmi = pytest.mark.skipif(
    not _WITH_IPMI, reason="no BMC that speaks IPMI (Debian: fence-agents ipmitool openipmi): make tools NIGHT=1"
)
Write = Callable[..., None]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """The node's file: an agent with these options."""

    def written(agent: str, **options: Any) -> None:
        (tmp_path / "worker-1.json").write_bytes(orjson.dumps({"agent": agent, "options": options}))

    return written


@pytest.fixture
def provider(tmp_path: Path) -> FenceAgent:
    settings = Settings.read({"VMDRIFT_FENCE_AGENT_DIR": str(tmp_path)})
    return FenceAgent(FenceAgents(settings), MemoryPlugMemory(lambda: 1000.0))


@agents
def test_a_dummy_that_says_off_without_its_file_proves_nothing_until_it_was_on(
    provider: FenceAgent, write: Write, tmp_path: Path
) -> None:
    state = tmp_path / "state"
    write("fence_dummy", status_file=str(state))
    said = provider.status(TARGET)
    assert (said.state, "nobody has read ON there" in said.sentence) == (State.ABSENT, True)
    state.write_text("on")
    assert provider.status(TARGET).state is State.ALIVE
    provider.fence(TARGET)
    assert state.read_text() == "off"
    assert provider.status(TARGET).state is State.FENCED


@agents
def test_an_option_that_a_real_agent_ignores_is_found(provider: FenceAgent, write: Write, tmp_path: Path) -> None:
    (tmp_path / "state").write_text("on")
    write("fence_dummy", status_file=str(tmp_path / "state"), statusfile="hunter2")
    for call in (provider.status, provider.fence):
        with pytest.raises(FenceError, match=r"correct option statusfile in worker-1\.json") as caught:
            call(TARGET)
        assert "hunter2" not in str(caught.value)
    assert (tmp_path / "state").read_text() == "on"


@agents
@pytest.mark.parametrize("agent", ["fence_ipmilan", "fence_apc_snmp", "fence_redfish", "fence_virsh"])
def test_a_real_agent_that_lacks_what_it_needs_says_nothing(provider: FenceAgent, write: Write, agent: str) -> None:
    write(agent)
    with pytest.raises(FenceError, match=f"{agent} does not say whether it is on \\(exit code 1: "):
        provider.status(TARGET)


@pytest.fixture
def bmc(tmp_path: Path, write: Write) -> Iterator[tuple[dict[str, Any], Path]]:
    """Its options, with which the node's file is written, and the file of its power."""
    folder = tmp_path / "bmc"
    folder.mkdir()
    with ipmi_bmc(folder) as (port, power):
        options = {"ip": "127.0.0.1", "ipport": port, "username": "fencing", "password": "secret-17", "power_wait": 0}
        options |= {"lanplus": True, "cipher": 3}
        write("fence_ipmilan", **options)
        yield options, power


@ipmi
def test_a_machine_is_read_and_switched_off_through_ipmi_and_is_then_proven_off(
    provider: FenceAgent, bmc: tuple[dict[str, Any], Path]
) -> None:
    said = provider.status(TARGET)
    assert (said.state, said.sentence) == (
        State.ALIVE,
        "fence_ipmilan at 127.0.0.1 reads ON: node worker-1 is on.",
    )
    provider.fence(TARGET)
    assert bmc[1].read_text() == "0"
    assert provider.status(TARGET).state is State.FENCED
    bmc[1].write_text("1")
    assert provider.status(TARGET).state is State.ALIVE


@ipmi
def test_a_drill_changes_nothing_and_makes_a_power_cut_proof(
    provider: FenceAgent, bmc: tuple[dict[str, Any], Path]
) -> None:
    assert [reading.on for reading in provider.look(NODE)] == [True]
    assert bmc[1].read_text() == "1"
    bmc[1].write_text("0")
    assert provider.status(TARGET).state is State.FENCED


@ipmi
def test_a_wrong_password_proves_nothing_and_is_not_shown(
    provider: FenceAgent, write: Write, bmc: tuple[dict[str, Any], Path]
) -> None:
    write("fence_ipmilan", **{**bmc[0], "password": "wrong-18"})
    for call in (provider.status, provider.fence):
        with pytest.raises(FenceError, match=r"fence_ipmilan at 127\.0\.0\.1 does not say whether it is on") as caught:
            call(TARGET)
        assert "wrong" not in str(caught.value)
    assert bmc[1].read_text() == "1"
