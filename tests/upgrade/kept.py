"""What a version keeps in Redis and in ConfigMaps, at moments of an outage: written by it, read by later ones.

    python -m tests.upgrade.kept FILE

writes it as the version that is checked out keeps it. Files of earlier versions are never written again.
"""

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import orjson

from reactor.model.drift import Policy
from simulator.client import Obj
from simulator.scene import Scene, Storage, Vm
from simulator.store.selectors import Selection
from tests.support.virtual import Play

LOST = "node-a"
SCENE = Scene(
    ("node-a", "node-b", "node-c"),
    (
        Vm("db", Storage.RBD_BLOCK, node=LOST),
        Vm("web", node=LOST),
        Vm("old", Storage.LOCAL, node=LOST),
        Vm("here", Storage.RBD_BLOCK, node="node-b"),
    ),
)
# Seconds after the loss at which a story is told: windows run, a pod was deleted, a volume is not detached yet.
MOMENTS = {"windows": (200, 353, 500), "proof": (95, 101, 150)}
CONFIRMED_AT = 100
_KINDS = ("nodes", "virtualmachines", "virtualmachineinstances", "pods")
_NAMESPACE = "vm-drift"


def play(story: str) -> Play:
    """The node has just lost its power."""
    found = Play.of(SCENE, Policy(fencing=("event",)) if story == "proof" else None)
    found.world.hypervisor.power_cut(LOST)
    return found


def until(found: Play, story: str, since: float, moment: int) -> None:
    """Live on until so many seconds after the loss."""
    if story == "proof" and found.world.now < since + CONFIRMED_AT <= since + moment:
        found.world.run_for(since + CONFIRMED_AT - found.world.now)
        found.confirm(LOST)
    found.world.run_for(since + moment - found.world.now)


def kept(found: Play) -> dict[str, Any]:
    """All of it as JSON, and the uids of the cluster's objects."""
    store, queue = found.reactor.store, found.reactor.queue
    return {
        "outages": [record.as_json() for record in store.outages_by_id.values()],
        "open": sorted(store.open_outages),
        "records": [orjson.loads(orjson.dumps(record.kept())) for record in store.records_by_drift.values()],
        "fencings": [file.as_text() for file in store.fencings_by_outage.values()],
        "heartbeats": {outage: asdict(one) for outage, one in store.heartbeats_by_outage.items()},
        "receipts": [receipt.as_json() for receipt in found.reactor.inbox.receipts_by_id.values()],
        "changes": [change.as_json() for change in store.changes],
        "events": [event for _, event in store.events()],
        "jobs": [{**asdict(job.entry), "due": job.due} for job in queue.jobs.values()],
        "configmaps": {
            one["metadata"]["name"]: one.get("data") or {}
            for one in _list(found, "configmaps")
            if one["metadata"]["namespace"] == _NAMESPACE
        },
        "uids": {f"{kind} {name(one)}": one["metadata"]["uid"] for kind in _KINDS for one in _list(found, kind)},
    }


def _list(found: Play, kind: str) -> list[Obj]:
    return found.world.store.list(Selection(kind)).items


def name(obj: Any) -> str:
    """With its namespace."""
    return f"{obj['metadata'].get('namespace', '')}/{obj['metadata']['name']}"


def everything() -> dict[str, dict[str, Any]]:
    """By story and moment."""
    stories: dict[str, dict[str, Any]] = {}
    for story, moments in MOMENTS.items():
        found = play(story)
        since = found.world.now
        for moment in moments:
            until(found, story, since, moment)
            stories.setdefault(story, {})[str(moment)] = kept(found)
    return stories


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(json.dumps(everything()) + "\n")
