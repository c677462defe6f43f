"""`kubectl describe` tells the story of a whole outage, of a VM and of its node."""

import shutil
import subprocess
from collections.abc import Callable
from typing import Any

import pytest

from reactor.doors import cluster as cluster_door
from tests.acceptance.commands import eventually
from tests.acceptance.sites import Site

ROLES = ("reactor watch", "workers events", "workers scheduler", "workers drifts", "workers drifts")
STORY = ["DriftWaiting", "DriftReleased", "DriftDetaching", "DriftCompleted"]


def told(site: Site, namespace: str, name: str) -> list[dict[str, Any]]:
    """Our Events of one object, oldest first."""
    cluster = cluster_door.connect(str(site.demo.kubeconfig("admin")), 3.0)
    fields = f"involvedObject.name={name}"
    found = [event for page in cluster.pages("events", namespace=namespace, fields=fields) for event in page.items]
    ours = [event for event in found if event["source"]["component"] == "vm-drift"]
    return sorted(ours, key=lambda event: event["lastTimestamp"])


@pytest.mark.timeout(200)
def test_an_outage_is_told_on_the_vm_and_on_the_node(site: Callable[[int], Site]) -> None:
    place = site(0)
    place.start(*ROLES)
    place.demo.cut_power()
    place.wait_for("completed", "shop/database")
    place.wait_for("refused", "shop/scratch")
    eventually("it is told", lambda: any(e["reason"] == "DriftCompleted" for e in told(place, "shop", "database")))
    reasons = {event["reason"] for event in told(place, "shop", "database")}
    assert reasons.issuperset(STORY)
    assert [event["type"] for event in told(place, "shop", "scratch") if event["reason"] == "DriftRefused"] == [
        "Warning"
    ]
    of_node = [event["message"] for event in told(place, "default", "worker-1")]
    assert any(message.startswith("shop/database: It runs on ") for message in of_node)
    assert [entry for entry in place.audit() if entry["code"] == 403] == []
    if shutil.which("kubectl") is None:
        return
    for kind, name, line in (("virtualmachine", "database", "It runs on "), ("node", "worker-1", "shop/database: It ")):
        kubeconfig = str(place.demo.kubeconfig("admin"))
        command = ["kubectl", "--kubeconfig", kubeconfig, "--namespace", "shop", "describe", kind, name]
        done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=True)
        assert line in done.stdout, done.stdout
        assert "DriftCompleted" in done.stdout
        print(done.stdout[done.stdout.index("Events:") :])  # noqa: T201 - for docs/operations.md
