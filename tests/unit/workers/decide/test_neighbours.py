"""Other pods keep a launcher from a node as they do in the scheduler: affinity, anti-affinity, even spreading."""

from dataclasses import replace
from typing import Any

import pytest

from reactor.model.drift import Policy
from reactor.model.node import NodeView, Taint
from tests.unit.workers.decide.recorded import node
from workers.decide.decision import Judgement, Passed, Verdict
from workers.decide.observation import Neighbour
from workers.decide.placement import Candidates, placement
from workers.decide.placement.neighbours import namespaces
from workers.decide.placement.next_launcher import PlacementNeeds, UncertainSelectors

Obj = dict[str, Any]
_HOST, _ZONE = "kubernetes.io/hostname", "zone"
_DB = {"app": "db"}
_REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"


def _node(name: str, zone: str = "", **changes: Any) -> NodeView:
    found = node(name=name)
    return replace(found, labels={**found.labels, **({_ZONE: zone} if zone else {})}, **changes)


_A, _B, _C = _node("node-a"), _node("node-b"), _node("node-c")


def _pod(on: str, name: str = "other", **changes: Any) -> Neighbour:
    return replace(Neighbour("default", name, f"{name}-{on}", on, _DB), **changes)


def _term(key: str = _HOST, **more: Any) -> Obj:
    return {"topologyKey": key, "labelSelector": {"matchLabels": _DB}, **more}


def _apart(*terms: Obj, kind: str = "podAntiAffinity") -> Obj:
    return {"affinity": {kind: {_REQUIRED: list(terms)}}}


def _spread(key: str = _HOST, **more: Any) -> Obj:
    rule = {"maxSkew": 1, "topologyKey": key, "whenUnsatisfiable": "DoNotSchedule"}
    return {"topologySpreadConstraints": [{**rule, "labelSelector": {"matchLabels": _DB}, **more}]}


def _judged(spec: Obj, *pods: Neighbour, nodes: tuple[NodeView, ...] = (_A, _B), labels: Obj = _DB) -> Verdict:
    return placement(PlacementNeeds(spec, labels, "default"), (), Candidates(nodes, "node-a", pods), Policy())


def _fits(spec: Obj, *pods: Neighbour, **more: Any) -> bool:
    verdict = _judged(spec, *pods, **more)
    assert isinstance(verdict, Passed) or verdict.reason == "no-node-fits"
    return isinstance(verdict, Passed)


@pytest.mark.parametrize(
    ("term", "pod", "fits"),
    [
        (_term(), _pod("node-b"), False),
        (_term(), _pod("node-a"), True),
        (_term(), _pod("node-b", leaving=True), False),
        (_term(), _pod("node-b", labels={"app": "web"}), True),
        (_term(), _pod("node-b", namespace="elsewhere"), True),
        (_term(namespaces=["elsewhere"]), _pod("node-b", namespace="elsewhere"), False),
        (_term(namespaces=["elsewhere"]), _pod("node-b"), True),
        (_term(namespaceSelector={}), _pod("node-b", namespace="elsewhere"), False),
        (_term("rack"), _pod("node-b"), True),
        ({"topologyKey": _HOST}, _pod("node-b"), True),
        ({"topologyKey": _HOST, "labelSelector": {}}, _pod("node-b", labels={}), False),
        (_term(matchLabelKeys=["version"]), _pod("node-b", labels={**_DB, "version": "1"}), True),
        (_term(mismatchLabelKeys=["tenant"]), _pod("node-b", labels={**_DB, "tenant": "x"}), True),
        (_term(mismatchLabelKeys=["tenant"]), _pod("node-b", labels={**_DB, "tenant": "y"}), False),
    ],
)
def test_its_own_required_anti_affinity_is_kept_with_every_pod_that_is_there(
    term: Obj, pod: Neighbour, fits: bool
) -> None:
    labels = {**_DB, "version": "2", "tenant": "x"}
    assert _fits(_apart(term), pod, labels=labels) is fits


@pytest.mark.parametrize(
    ("repels", "fits"),
    [
        ([_term()], False),
        ([_term(_ZONE)], True),
        ([{**_term(), "labelSelector": {"matchLabels": {"app": "web"}}}], True),
        ([_term(namespaces=["elsewhere"])], True),
        ([], True),
    ],
)
def test_other_pods_keep_it_away_by_their_anti_affinity(repels: list[Obj], fits: bool) -> None:
    assert _fits({}, _pod("node-b", repels=repels)) is fits


def test_the_pod_that_keeps_it_away_is_named() -> None:
    verdict = _judged({}, _pod("node-b", "jealous", repels=[_term()]))
    assert isinstance(verdict, Judgement)
    assert verdict.sentence.endswith("node-b: pod jealous on node-b keeps it away by its anti-affinity.")


def test_a_terminating_pod_of_the_lost_node_keeps_its_whole_zone() -> None:
    """As the scheduler counts: of affinity only what is gone from the API is gone."""
    east = (_node("node-a", "east"), _node("node-b", "east"), _node("node-c", "west", unschedulable=True))
    assert not _fits(_apart(_term(_ZONE)), _pod("node-a", leaving=True), nodes=east)


def test_two_launchers_of_the_lost_node_do_not_wait_for_each_other() -> None:
    east = (_node("node-a", "east"), _node("node-b", "east"), _node("node-c", "west", unschedulable=True))
    launcher = _pod("node-a", leaving=True, labels={**_DB, "kubevirt.io": "virt-launcher"})
    verdict = _judged(_apart(_term(_ZONE)), launcher, nodes=east)
    assert isinstance(verdict, Passed)
    assert verdict.ifs == ("the launcher pods that node-a had are gone by then",)
    assert not _fits(_apart(_term(_ZONE)), replace(launcher, leaving=False), nodes=east)


@pytest.mark.parametrize(
    ("pods", "labels", "fits"),
    [
        ((_pod("node-b"),), {}, True),
        ((_pod("node-a"),), _DB, False),
        ((), {}, False),
        ((), _DB, True),
    ],
    ids=["one is there", "the only one is elsewhere", "nobody anywhere", "the first of its own group"],
)
def test_required_affinity_goes_where_one_of_the_group_is(pods: tuple[Neighbour, ...], labels: Obj, fits: bool) -> None:
    assert _fits(_apart(_term(), kind="podAffinity"), *pods, labels=labels) is fits


def test_affinity_needs_a_pod_that_all_of_its_terms_choose() -> None:
    both = _apart(_term(), _term(labelSelector={"matchLabels": {"tier": "1"}}), kind="podAffinity")
    apart = (_pod("node-b"), _pod("node-b", "second", labels={"tier": "1"}))
    assert not _fits(both, *apart, labels={})
    assert _fits(both, _pod("node-b", labels={**_DB, "tier": "1"}), labels={})


_LOST_AWAY = replace(_A, labels={**_A.labels, "kubevirt.io/schedulable": "false"})
_TAINTED = replace(_A, labels={**_A.labels, "kubevirt.io/schedulable": "true"}, taints=(Taint("x", "", "NoSchedule"),))


@pytest.mark.parametrize(
    ("rule", "lost", "fits"),
    [
        (_spread(), _TAINTED, False),
        (_spread(nodeTaintsPolicy="Honor"), _TAINTED, True),
        (_spread(), _LOST_AWAY, True),
        (_spread(nodeAffinityPolicy="Ignore"), _LOST_AWAY, False),
        (_spread(maxSkew=2), _TAINTED, True),
        (_spread(whenUnsatisfiable="ScheduleAnyway"), _TAINTED, True),
        (_spread("rack"), _TAINTED, False),
        (_spread(nodeTaintsPolicy="Honor", minDomains=3), _TAINTED, False),
    ],
    ids=[
        "the lost node is an empty place",
        "taints are honoured",
        "virt-controller said it takes no VM, so it is no place",
        "labels are not looked at",
        "skew 2",
        "a wish",
        "nobody has the label",
        "too few places count as one that is empty",
    ],
)
def test_an_even_spread_counts_the_lost_node_as_the_scheduler_does(rule: Obj, lost: NodeView, fits: bool) -> None:
    pods = (_pod("node-b"), _pod("node-c"))
    assert _fits(rule, *pods, nodes=(lost, _B, _C)) is fits


def test_terminating_pods_fill_no_place_of_an_even_spread() -> None:
    pods = (_pod("node-b", leaving=True), _pod("node-b", "stranger", namespace="elsewhere"), _pod("node-c"))
    assert _fits(_spread(), *pods, nodes=(_TAINTED, _B, _C))
    assert not _fits(_spread(), _pod("node-b"), _pod("node-c"), nodes=(_TAINTED, _B, _C))


def test_what_it_may_be_asked_for_is_a_condition_only_where_nothing_else_fits() -> None:
    doubt = UncertainSelectors({"gpu": "yes"}, "nobody asks for gpu")
    bears, gpu = PlacementNeeds({}, doubts=(doubt,)), replace(_B, labels={**_B.labels, "gpu": "yes"})
    assert placement(bears, (), Candidates((_A, gpu, _C), "node-a"), Policy()) == Passed("It can run on node-b.")
    told = Passed("It can run on node-b, if nobody asks for gpu.", ("nobody asks for gpu",))
    assert placement(bears, (), Candidates((_A, _B), "node-a"), Policy()) == told


def test_namespaces_that_only_their_labels_choose_are_named_as_not_looked_at() -> None:
    verdict = _judged(_apart(_term(namespaceSelector={"matchLabels": {"team": "a"}})))
    assert isinstance(verdict, Passed)
    assert verdict.ifs == ("the pods of other namespaces that its affinity chooses by their labels let it",)


def test_the_pods_of_those_namespaces_are_read_that_its_rules_name() -> None:
    spec = {**_apart(_term(namespaces=["one"])), **_spread()}
    assert namespaces(PlacementNeeds(spec, namespace="own")) == {"own", "one"}
