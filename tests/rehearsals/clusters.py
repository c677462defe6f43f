"""The six clusters, in the shapes of public objects: recorded ones, and examples of Rook, Longhorn and HwameiStor.

They were brought up by the simulated controllers: no real cluster's dump may be published.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from rehearsal.twins.cluster import ApiCluster
from simulator.scene import DEMO, Scene, Storage, Vm, staged
from vmdrift.snapshot import everything
from vmdrift.snapshot.dump import as_list
from vmdrift.snapshot.dump_file import Dump

_ZONE = "topology.kubernetes.io/zone"
_LONGHORN = "driver.longhorn.io"


@dataclass(frozen=True)
class GoldenCluster:
    """`labels`: of nodes, once all is up; `settings`: of the installation; `renamed`: words of its objects."""

    scene: Scene
    labels: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    settings: Mapping[str, str] = field(default_factory=dict)
    renamed: Mapping[str, str] = field(default_factory=dict)


def dump(cluster: GoldenCluster) -> Mapping[str, Any]:
    """As `vmdrift dump` writes it."""
    world = staged(cluster.scene)
    admin = world.api.client("system:admin")
    for name, labels in cluster.labels.items():
        admin.patch("nodes", name, {"metadata": {"labels": dict(labels)}})
    world.run_for(30)
    there = everything(ApiCluster(world.api, "admin"), world.now)
    text = json.dumps(there.objects)
    for word, other in cluster.renamed.items():
        text = text.replace(word, other)
    settings = {"config_map": "vm-drift/settings", "why": "", "data": dict(cluster.settings)}
    return as_list(Dump(json.loads(text), {**there.about, "settings": settings}), nameless=False)


def _big(memory: str) -> Mapping[str, Any]:
    return {"domain": {"resources": {"requests": {"memory": memory}}}}


def _apart(group: str, key: str) -> Mapping[str, Any]:
    term = {"labelSelector": {"matchLabels": {"group": group}}, "topologyKey": key}
    return {"affinity": {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [term]}}}


def _rook() -> GoldenCluster:
    kinds = (
        *(Storage.RBD_BLOCK, Storage.RBD_FILESYSTEM, Storage.RBD_SHARED, Storage.CEPHFS),
        *(Storage.DATA_VOLUME, Storage.PERSISTENT_STATE, Storage.TWO_DISKS, Storage.RBD_HOTPLUGGED),
    )
    nodes = tuple(f"storage-{number}" for number in range(4))
    vms = tuple(Vm(kind.value, kind, "office", nodes[number % 4]) for number, kind in enumerate(kinds))
    return GoldenCluster(Scene(nodes, vms))


def _harvester() -> GoldenCluster:
    nodes = ("harvester-0", "harvester-1", "harvester-2")
    vms = (
        Vm("web", Storage.OTHER_CSI, "prod", nodes[0]),
        Vm("db", Storage.OTHER_CSI, "prod", nodes[0], run_strategy="RerunOnFailure"),
        Vm("build", Storage.OTHER_CSI, "prod", nodes[1], run_strategy="Manual"),
        Vm("jump", node=nodes[2], namespace="prod"),
    )
    renamed = {"csi.example.com": _LONGHORN}
    return GoldenCluster(Scene(nodes, vms), settings={"VMDRIFT_SHARED_CSI_DRIVERS": _LONGHORN}, renamed=renamed)


def _hwameistor() -> GoldenCluster:
    nodes = ("k8s-0", "k8s-1", "k8s-2")
    vms = (
        Vm("two-replicas", Storage.HWAMEISTOR_HA, "data", nodes[0]),
        Vm("one-replica", Storage.HWAMEISTOR_ONE, "data", nodes[0]),
        Vm("no-disk", node=nodes[1], namespace="data"),
    )
    return GoldenCluster(Scene(nodes, vms))


def _two_zones() -> GoldenCluster:
    nodes = tuple(f"{zone}-{number}" for zone in ("east", "west") for number in range(3))
    by_host, by_zone = _apart("quorum", "kubernetes.io/hostname"), _apart("pair", _ZONE)
    vms = (
        *(Vm(f"quorum-{n}", node=f"east-{n}", labels={"group": "quorum"}, template=by_host) for n in range(3)),
        *(
            Vm(f"pair-{zone}", node=f"{zone}-0", labels={"group": "pair"}, template=by_zone)
            for zone in ("east", "west")
        ),
        Vm("disk", Storage.RBD_BLOCK, node="west-1"),
        Vm("at-home", node="east-1", pinned=True),
    )
    labels = {name: {_ZONE: name.partition("-")[0]} for name in nodes}
    return GoldenCluster(Scene(nodes, vms), labels, {"VMDRIFT_MAX_UNREACHABLE": "50%"})


def _full() -> GoldenCluster:
    nodes = ("full-0", "full-1", "full-2")
    vms = tuple(Vm(f"vm-{n}", node=nodes[n % 3], template=_big("18Gi")) for n in range(9))
    return GoldenCluster(Scene(nodes, (*vms, Vm("small", node="full-0"))))


CLUSTERS: Mapping[str, GoldenCluster] = {
    "small": GoldenCluster(DEMO, settings={"VMDRIFT_FENCING": "redfish"}),
    "harvester-longhorn": _harvester(),
    "rook-ceph": _rook(),
    "hwameistor": _hwameistor(),
    "two-zones": _two_zones(),
    "full": _full(),
}
