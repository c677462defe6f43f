"""The manifest allows exactly what is called: with its rules enforced the story ends well, and no rule is left over."""

from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import pytest
import yaml

from reactor.doors.cluster import uid
from reactor.model.event import DRIFT_REQUESTED, NODE_UNREACHABLE, Event
from reactor.model.node import node_view
from reactor.watch.stream import follow
from simulator.resources import SERVED
from simulator.scene import Kind, Scene, Storage, Vm
from simulator.twins.cluster import ApiCluster
from tests.auditor import WORKERS
from tests.virtual import WATCHERS, Play
from workers.role import check

MANIFEST = Path(__file__).parents[2] / "k8s" / "base" / "vm-drift.yaml"
ROLES = {"vm-drift-watcher": WATCHERS, "vm-drift-workers": WORKERS}
GROUPS = {kind.plural: kind.group for kind in SERVED}
LOST = "node-a"
SCENE = Scene(
    (LOST, "node-b", "node-c"),
    (
        Vm("plain", node=LOST),
        Vm("waits", Storage.RBD_BLOCK, node=LOST),
        Vm("deletes", Storage.RBD_BLOCK, node=LOST, annotations={"vmdrift.io/detach": "delete"}),
        Vm("state", Storage.PERSISTENT_STATE, node=LOST),
        Vm("mirrored", Storage.HWAMEISTOR_HA, node=LOST),
        Vm("set", node=LOST, kind=Kind.REPLICA_SET),
        Vm("unknown", Storage.HWAMEISTOR_ONE, node=LOST),
    ),
)

Rule = tuple[str, str, str]  # API group, resource, verb


def _rules(role: str) -> set[Rule]:
    documents = yaml.safe_load_all(MANIFEST.read_text())
    found = next(d for d in documents if d["kind"] == "ClusterRole" and d["metadata"]["name"] == role)
    return {
        (group, resource, verb)
        for rule in found["rules"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }


ALLOWED = {user: _rules(role) for role, user in ROLES.items()}


def _authorized(user: str, verb: str, resource: str, _namespace: str) -> bool:
    return user not in ALLOWED or (GROUPS[resource.partition("/")[0]], resource, verb) in ALLOWED[user]


@pytest.fixture(scope="module")
def play() -> Play:
    """Everything that either role ever asks, with the manifest's rules enforced."""
    play = Play.of(SCENE)
    play.world.api.authorize = _authorized
    watcher, workers = (ApiCluster(play.world.api, user) for user in (WATCHERS, WORKERS))
    uid(watcher)
    uid(workers)
    check(workers)
    _forget_replicas(play, "default-unknown-disk")
    play.world.hypervisor.power_cut(LOST)
    changes: Iterator[object] = follow(watcher, "nodes", node_view, 1.0, play.world.run_for)
    list(islice(changes, 2))  # the list, and a change from the watch after it
    assert play.until("waits", ("detaching", "detach-window"))
    for number, (kind, subject) in enumerate([(NODE_UNREACHABLE, LOST), (DRIFT_REQUESTED, "default/waits")]):
        hint = Event(kind, "/monitoring", f"{number}", subject, play.world.now)
        play.reactor.inbox.accept([hint], "monitoring")
    play.world.run_for(100)
    play.reactor.flush()  # what was released is then found by its VolumeAttachments
    play.until_ended()
    return play


def _forget_replicas(play: Play, volume: str) -> None:
    """How many it has is then the StorageClass' word."""
    admin = play.world.api.client("system:admin")
    admin.delete("localvolumes", volume)
    admin.patch("persistentvolumes", volume, {"spec": {"csi": {"volumeAttributes": None}}})


def test_the_story_ends_well_under_the_manifests_rules(play: Play) -> None:
    assert {record.phase.value for record in play.records if record.drift.vm.name != "unknown"} == {"completed"}
    assert play.story("unknown") == ("refused", "node-local-volume")
    assert [entry for entry in play.world.api.audit if entry.code == 403 and entry.user in ALLOWED] == []


@pytest.mark.parametrize("role", sorted(ROLES))
def test_a_role_may_do_exactly_what_it_does(play: Play, role: str) -> None:
    used = {(GROUPS[e.resource], e.resource, e.verb) for e in play.world.api.audit if e.user == ROLES[role]}
    assert used == ALLOWED[ROLES[role]]
