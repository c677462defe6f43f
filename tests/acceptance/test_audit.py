"""The role `audit` as it is shipped: its own process, account and user in Redis; and what people see of it."""

import re
import signal
from pathlib import Path

import orjson
import pytest

from tests.support.commands import eventually, vmdrift
from tests.support.redis_users import denied, guarded
from tests.support.sites import Site
from vmdrift.processes import Processes

ROLE, HOUR = "vmdrift work audit", {"VMDRIFT_AUDIT_EVERY": "3600", "VMDRIFT_POLICY": "auto"}


@pytest.mark.long(15)
def test_it_audits_at_once_and_says_how_many_would_stay_down_and_ends_when_asked(folder: Path) -> None:
    heartbeat = folder / "heartbeat"
    with Processes(folder) as processes:
        site = Site(processes, folder, 0, guarded(processes, folder))
        (role,) = site.start(ROLE, **HOUR, VMDRIFT_HEARTBEAT_FILE=str(heartbeat))
        eventually("it has audited", lambda: site.redis.exists("vmdrift:audit") == 1)
        env = {"VMDRIFT_REDIS_URL": site.urls["drifts"], "COLUMNS": "400", **HOUR}
        told = vmdrift("status", env=env).out
        assert re.search(
            r"covered \d nodes, \d+ VMs; \d would stay down if a node were lost: vmdrift audit --any 1", told
        )
        audit = orjson.loads(vmdrift("status", "--json", env=env).out)["audit"]
        assert [loss["lost"] for loss in audit["losses"]][:3] == ["own-node", "any-1", "any-2"]
        assert any("shop/licence" in worst["vms"] for loss in audit["losses"] for worst in loss["worst"])
        assert audit["absent"] == []
        assert vmdrift("probe", env={"VMDRIFT_HEARTBEAT_FILE": str(heartbeat)}).code == 0
        asked = [entry for entry in site.audit() if entry["user"].endswith(":audit")]
        assert {entry["verb"] for entry in asked} == {"list"}
        assert [entry for entry in asked if entry["code"] == 403] == []
        site.take(ROLE)
        role.send_signal(signal.SIGTERM)
        assert role.wait(30) == 0
        assert denied(site.urls["tester"]) == []


def test_without_the_setting_it_does_not_start_and_says_which(redis_url: str) -> None:
    done = vmdrift("work", "audit", env={"VMDRIFT_REDIS_URL": redis_url, "VMDRIFT_AUDIT_EVERY": "0"})
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("vmdrift work audit: cannot start: VMDRIFT_AUDIT_EVERY is not set: ")
