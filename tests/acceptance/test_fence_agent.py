"""A real fence agent, asked by the real role with no more than its own rights: ON is remembered, and OFF is proof."""

from pathlib import Path

import orjson
import pytest

from reactor.adapters.fence_agents.agents import AGENTS
from tests.support.commands import eventually, vmdrift
from tests.support.forked import ForkedProcesses
from tests.support.redis_users import denied, guarded
from tests.support.sites import Site

ROLES = ("reactor watch", "workers intake", "workers scheduler", "workers drifts", "workers fencing")
VMS = ("crowd/vm-000", "crowd/vm-001")
SETTINGS = {
    "VMDRIFT_FENCING": "fence-agent",
    "VMDRIFT_UNREACHABLE_WINDOW": "600",
    "VMDRIFT_VIRT_HANDLER_GRACE": "600",
}


def _answers(site: Site) -> list[list[str]]:
    """What the node's provider said before anybody was asked to fence it."""
    outages = orjson.loads(vmdrift("status", "--json", env=site.env("operator")).out)["outages"]
    return [answer for outage in outages for answer in (outage["fencing"] or {}).get("answers", ())]


@pytest.mark.skipif(
    not (AGENTS / "fence_dummy").exists(), reason="no fence-agents (Debian: fence-agents): make tools NIGHT=1"
)
@pytest.mark.long(25)
@pytest.mark.timeout(200)
def test_a_plug_that_was_on_and_is_off_has_its_vms_run_elsewhere_long_before_any_window(folder: Path) -> None:
    with ForkedProcesses(folder) as processes:
        users = guarded(processes, folder)
        site = Site(processes, folder, len(VMS), users)
        files, power = folder / "agents", folder / "power"
        files.mkdir()
        agent = {"agent": "fence_dummy", "options": {"status_file": str(power)}}
        (files / f"{site.demo.lost}.json").write_bytes(orjson.dumps(agent))
        power.write_text("on")
        site.start(*ROLES, **SETTINGS, VMDRIFT_FENCE_AGENT_DIR=str(files))

        site.demo.cut_power()
        site.wait_for("waiting", *VMS)
        eventually("it is read as on", lambda: ["fence-agent", "alive"] in _answers(site))
        assert site.deletes("pods") == []
        power.write_text("off")
        site.wait_for("completed", *VMS)
        assert {drift["proof"] for drift in site.drifts().values()} == {"fenced"}
        assert len(site.deletes("pods")) == len(VMS)
        assert site.truth()["twice"] == []
        assert denied(users["tester"]) == []
