"""The simulated scheduler keeps Kubernetes' rules; its words are those of the real one."""

from typing import Any

import pytest

from simulator.actors.scheduler import Scheduler
from simulator.client import Client, Obj
from simulator.timing import Timing
from simulator.world import World

HOSTNAME, ZONE = "kubernetes.io/hostname", "topology.kubernetes.io/zone"
REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
WEB = {"matchLabels": {"app": "web"}}


class Cluster:
    """Three nodes in two zones (a and b in east, c in west), a scheduler, and nobody else."""

    def __init__(self) -> None:
        self.world = World()
        self.admin: Client = self.world.api.client("system:admin")
        for name, zone in (("a", "east"), ("b", "east"), ("c", "west")):
            labels = {HOSTNAME: name, ZONE: zone, "cores": str(8 * (1 + "abc".index(name)))}
            self.admin.create("nodes", {"metadata": {"name": name, "labels": labels}, "spec": {}})
        for name in ("default", "other"):
            labels = {"kubernetes.io/metadata.name": name}
            self.admin.create("namespaces", {"metadata": {"name": name, "labels": labels}})
        self.world.add(Scheduler(self.world.api.client("system:kube-scheduler"), Timing()))

    def pod(self, name: str, namespace: str = "default", labels: Obj | None = None, **spec: Any) -> None:
        meta = {"name": name, "namespace": namespace, "labels": {"app": "web"} if labels is None else labels}
        self.admin.create("pods", {"metadata": meta, "spec": {"containers": [], **spec}})

    def placed(self, name: str = "new", labels: Obj | None = None, **spec: Any) -> str:
        """Where a pod goes, or why nowhere."""
        self.pod(name, labels=labels, **spec)
        self.world.run_for(10)
        pod = self.world.store.get("pods", name, "default")
        return str(pod["spec"].get("nodeName") or pod["status"]["conditions"][0]["message"])

    def patch(self, kind: str, name: str, patch: Obj, **more: Any) -> None:
        self.admin.patch(kind, name, patch, "default" if kind == "pods" else "", **more)


@pytest.fixture
def cluster() -> Cluster:
    return Cluster()


def apart(key: str = HOSTNAME, **term: Any) -> Obj:
    return {"podAntiAffinity": {REQUIRED: [{"labelSelector": WEB, "topologyKey": key, **term}]}}


def near(key: str = ZONE, **term: Any) -> Obj:
    return {"podAffinity": {REQUIRED: [{"labelSelector": WEB, "topologyKey": key, **term}]}}


def spread(key: str = HOSTNAME, **more: Any) -> list[Obj]:
    required = {"maxSkew": 1, "topologyKey": key, "whenUnsatisfiable": "DoNotSchedule", "labelSelector": WEB}
    return [{**required, **more}]


def on_nodes(*operators: tuple[str, str, str]) -> Obj:
    rules = [{"key": key, "operator": operator, "values": [value]} for key, operator, value in operators]
    return {"nodeAffinity": {REQUIRED: {"nodeSelectorTerms": [{"matchExpressions": rules}]}}}


def test_pods_that_repel_each_other_go_to_other_nodes_until_there_is_none(cluster: Cluster) -> None:
    nodes = {cluster.placed(name, affinity=apart()) for name in ("one", "two", "three")}
    assert nodes == {"a", "b", "c"}
    assert cluster.placed("four", affinity=apart()) == (
        "0/3 nodes are available: 3 node(s) didn't match pod anti-affinity rules. no new claims to deallocate, "
        "preemption: 0/3 nodes are available: 3 No preemption victims found for incoming pod."
    )


def test_anti_affinity_goes_for_the_whole_domain(cluster: Cluster) -> None:
    cluster.pod("old", nodeName="a")
    assert cluster.placed(affinity=apart(ZONE)) == "c"


def test_a_node_outside_of_every_domain_takes_pods_that_repel_each_other(cluster: Cluster) -> None:
    cluster.patch("nodes", "b", {"metadata": {"labels": {"rack": None}}})
    cluster.patch("nodes", "a", {"metadata": {"labels": {"rack": "1"}}})
    cluster.patch("nodes", "c", {"metadata": {"labels": {"rack": "1"}}})
    cluster.pod("old", nodeName="a")
    assert cluster.placed(affinity=apart("rack")) == "b"


def test_a_running_pod_keeps_away_one_that_wants_nothing(cluster: Cluster) -> None:
    cluster.pod("old", labels={"app": "db"}, nodeName="a", affinity=apart(ZONE))
    cluster.patch("nodes", "c", {"spec": {"unschedulable": True}})
    assert cluster.placed().startswith(
        "0/3 nodes are available: 1 node(s) were unschedulable, "
        "2 node(s) didn't satisfy existing pods anti-affinity rules."
    )
    assert cluster.placed("db", labels={"app": "db"}) in {"a", "b"}


@pytest.mark.parametrize("phase", ["Succeeded", "Failed"])
def test_a_finished_pod_repels_nobody_and_a_terminating_one_still_does(cluster: Cluster, phase: str) -> None:
    for node in "abc":
        cluster.pod(f"on-{node}", nodeName=node)
        cluster.patch("pods", f"on-{node}", {"metadata": {"finalizers": ["example.com/hold"]}})
    cluster.admin.delete("pods", "on-a", "default")
    assert "3 node(s) didn't match pod anti-affinity" in cluster.placed("first", affinity=apart())
    cluster.patch("pods", "on-a", {"status": {"phase": phase}}, subresource="status")
    cluster.world.run_for(10)
    assert cluster.world.store.get("pods", "first", "default")["spec"]["nodeName"] == "a"


@pytest.mark.parametrize(
    ("term", "there"),
    [
        ({}, False),
        ({"namespaces": ["other"]}, True),
        ({"namespaceSelector": {}}, True),
        ({"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "other"}}}, True),
        ({"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "third"}}}, False),
        ({"namespaces": ["third"], "namespaceSelector": {"matchLabels": {"a": "b"}}}, False),
    ],
)
def test_a_term_means_pods_of_its_own_namespace_unless_it_says_others(
    cluster: Cluster, term: Obj, *, there: bool
) -> None:
    for node in "abc":
        cluster.pod(f"on-{node}", "other", nodeName=node)
    assert (cluster.placed(affinity=apart(**term)) not in set("abc")) is there


@pytest.mark.parametrize(
    ("rule", "repelled"),
    [
        ({"operator": "In", "values": ["web", "db"]}, True),
        ({"operator": "NotIn", "values": ["web"]}, False),
        ({"operator": "Exists"}, True),
        ({"operator": "DoesNotExist"}, False),
    ],
)
def test_expressions_select_pods(cluster: Cluster, rule: Obj, *, repelled: bool) -> None:
    for node in "abc":
        cluster.pod(f"on-{node}", nodeName=node)
    term: Obj = {"labelSelector": {"matchExpressions": [{"key": "app", **rule}]}}
    assert (cluster.placed(affinity=apart(**term)) not in set("abc")) is repelled


@pytest.mark.parametrize(("how", "repelled"), [("matchLabelKeys", False), ("mismatchLabelKeys", True)])
def test_label_keys_compare_with_the_pods_own(cluster: Cluster, how: str, *, repelled: bool) -> None:
    for node in "abc":
        cluster.pod(f"on-{node}", labels={"app": "web", "version": "1"}, nodeName=node)
    keys: Obj = {how: ["version"]}
    affinity = apart(**keys)
    assert (cluster.placed(labels={"app": "web", "version": "2"}, affinity=affinity) not in set("abc")) is repelled


def test_a_pod_goes_where_those_are_that_it_wants(cluster: Cluster) -> None:
    cluster.pod("old", nodeName="c")
    assert cluster.placed(labels={"app": "cache"}, affinity=near()) == "c"


def test_without_any_it_wants_it_waits_unless_it_is_the_first_of_its_kind(cluster: Cluster) -> None:
    assert cluster.placed("stranger", labels={"app": "cache"}, affinity=near()).startswith(
        "0/3 nodes are available: 3 node(s) didn't match pod affinity rules. no new claims to deallocate, "
        "preemption: 0/3 nodes are available: 3 Preemption is not helpful for scheduling."
    )
    assert cluster.placed("first", affinity=near()) in set("abc")


def test_who_meets_only_one_of_two_terms_is_no_neighbour(cluster: Cluster) -> None:
    cluster.pod("old", nodeName="c")
    second = {"labelSelector": {"matchLabels": {"tier": "front"}}, "topologyKey": ZONE}
    both = {"podAffinity": {REQUIRED: [*near()["podAffinity"][REQUIRED], second]}}
    assert "3 node(s) didn't match pod affinity rules" in cluster.placed(labels={"app": "x"}, affinity=both)


def test_tainted_nodes_are_domains_to_be_spread_over(cluster: Cluster) -> None:
    cluster.pod("one", nodeName="b")
    cluster.pod("two", nodeName="c")
    taint = {"key": "node.kubernetes.io/unreachable", "effect": "NoSchedule"}
    cluster.patch("nodes", "a", {"spec": {"taints": [taint]}})
    assert cluster.placed(topologySpreadConstraints=spread()) == (
        "0/3 nodes are available: 1 node(s) had untolerated taint(s), "
        "2 node(s) didn't match pod topology spread constraints. no new claims to deallocate, "
        "preemption: 0/3 nodes are available: 1 Preemption is not helpful for scheduling, "
        "2 No preemption victims found for incoming pod."
    )
    assert cluster.placed("honest", topologySpreadConstraints=spread(nodeTaintsPolicy="Honor")) in {"b", "c"}


def test_terminating_pods_are_not_counted_for_an_even_spread(cluster: Cluster) -> None:
    for node in "abc":
        cluster.pod(f"on-{node}", nodeName=node)
        cluster.patch("pods", f"on-{node}", {"metadata": {"finalizers": ["example.com/hold"]}})
    cluster.pod("more", nodeName="a")
    cluster.admin.delete("pods", "on-c", "default")
    assert cluster.placed(topologySpreadConstraints=spread()) == "c"


def test_nodes_that_the_pod_does_not_admit_are_no_domains_unless_they_are_to_be(cluster: Cluster) -> None:
    cluster.pod("old", nodeName="a")
    here: Obj = {"nodeSelector": {HOSTNAME: "a"}}
    ignored = spread(nodeAffinityPolicy="Ignore")
    assert "didn't match pod topology spread" in cluster.placed(topologySpreadConstraints=ignored, **here)
    assert cluster.placed("honest", topologySpreadConstraints=spread(), **here) == "a"


def test_fewer_domains_than_asked_for_count_as_one_without_pods(cluster: Cluster) -> None:
    for node in "abc":
        cluster.pod(f"on-{node}", nodeName=node)
    assert "didn't match pod topology spread" in cluster.placed(topologySpreadConstraints=spread(minDomains=4))
    assert cluster.placed("three", topologySpreadConstraints=spread(minDomains=3)) in set("abc")


def test_a_node_without_the_label_is_no_place_to_spread_to(cluster: Cluster) -> None:
    cluster.patch("nodes", "b", {"metadata": {"labels": {"rack": "1"}}})
    assert cluster.placed(topologySpreadConstraints=spread("rack")) == "b"
    cluster.patch("nodes", "b", {"spec": {"unschedulable": True}})
    told = cluster.placed("late", topologySpreadConstraints=spread("rack"))
    assert "2 node(s) didn't match pod topology spread constraints (missing required label)" in told


def test_what_would_be_nice_keeps_nobody_waiting(cluster: Cluster) -> None:
    for name in ("one", "two"):
        cluster.pod(name, nodeName="a")
    cluster.patch("nodes", "b", {"spec": {"unschedulable": True}})
    cluster.patch("nodes", "c", {"spec": {"unschedulable": True}})
    assert cluster.placed(topologySpreadConstraints=spread(whenUnsatisfiable="ScheduleAnyway")) == "a"


@pytest.mark.parametrize(
    ("rules", "where"),
    [
        ([("cores", "Gt", "16")], "c"),
        ([("cores", "Lt", "9")], "a"),
        ([("cores", "Gt", "8"), ("cores", "Lt", "24")], "b"),
        ([("cores", "Gt", "many")], ""),
        ([(ZONE, "Gt", "1")], ""),
        ([(ZONE, "Near", "east")], ""),
    ],
)
def test_numbers_in_labels_are_compared(cluster: Cluster, rules: list[tuple[str, str, str]], where: str) -> None:
    found = cluster.placed(affinity=on_nodes(*rules))
    assert found == where if where else "3 node(s) didn't match Pod's node affinity/selector" in found


def test_an_empty_term_admits_no_node(cluster: Cluster) -> None:
    nowhere: Obj = {"nodeAffinity": {REQUIRED: {"nodeSelectorTerms": [{}]}}}
    assert "3 node(s) didn't match Pod's node affinity" in cluster.placed(affinity=nowhere)


def test_who_tolerates_the_cordon_goes_to_a_cordoned_node(cluster: Cluster) -> None:
    for node in "abc":
        cluster.patch("nodes", node, {"spec": {"unschedulable": True}})
    tolerated = [{"key": "node.kubernetes.io/unschedulable", "operator": "Exists"}]
    assert cluster.placed(tolerations=tolerated) in set("abc")


def test_a_pod_of_another_scheduler_is_left_to_it(cluster: Cluster) -> None:
    cluster.pod("theirs", schedulerName="stork")
    cluster.world.run_for(60)
    assert cluster.world.store.get("pods", "theirs", "default")["status"] == {"phase": "Pending"}
