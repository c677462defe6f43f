"""What Kubernetes Events tell of a whole outage, and `kubectl describe` of a VM and of its node."""

import shutil
import subprocess
from typing import Any

from reactor.adapters.kubernetes import cluster as cluster_door
from tests.support.commands import eventually
from tests.support.sites import Site

STORY = ["DriftWaiting", "DriftReleased", "DriftDetaching", "DriftCompleted"]


def told(site: Site, namespace: str, name: str) -> list[dict[str, Any]]:
    """Our Events of one object, oldest first."""
    cluster = cluster_door.connect(str(site.demo.kubeconfig("admin")), 3.0)
    fields = f"involvedObject.name={name}"
    found = [event for page in cluster.pages("events", namespace=namespace, fields=fields) for event in page.items]
    ours = [event for event in found if event["source"]["component"] == "vm-drift"]
    return sorted(ours, key=lambda event: event["lastTimestamp"])


def assert_told(place: Site) -> None:
    """Once its story has ended."""
    eventually("it is told", lambda: any(e["reason"] == "DriftCompleted" for e in told(place, "shop", "database")))
    reasons = {event["reason"] for event in told(place, "shop", "database")}
    assert reasons.issuperset(STORY)
    assert [event["type"] for event in told(place, "shop", "scratch") if event["reason"] == "DriftRefused"] == [
        "Warning"
    ]
    of_node = [event["message"] for event in told(place, "default", "worker-1")]
    assert any(message.startswith("shop/database: It runs on ") for message in of_node)
    if shutil.which("kubectl") is None:
        return
    for kind, name, line in (("virtualmachine", "database", "It runs on "), ("node", "worker-1", "shop/database: It ")):
        kubeconfig = str(place.demo.kubeconfig("admin"))
        command = ["kubectl", "--kubeconfig", kubeconfig, "--namespace", "shop", "describe", kind, name]
        done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=True)
        assert line in done.stdout, done.stdout
        assert "DriftCompleted" in done.stdout
