"""A node's annotation names fewer of who may prove it dead; it adds nobody and takes no confirmation away."""

import pytest

from reactor.model.drift import Policy
from reactor.model.node import NodeView
from workers.fencing.decide.allowed import providers, unusable

_ALL = ("redfish", "event", "remediation")


def _node(said: str) -> NodeView:
    return NodeView("node-a", "uid-a", "Unknown", 0.0, fencing=said)


@pytest.mark.parametrize(
    ("said", "setting", "found"),
    [
        ("", _ALL, _ALL),
        ("redfish", _ALL, ("redfish", "event")),
        ("remediation, redfish", _ALL, _ALL),
        ("remediation,event,redfish", _ALL, _ALL),
        ("event", _ALL, ("event",)),
        ("network-fence", _ALL, _ALL),
        ("network-fence,redfish", _ALL, ("redfish", "event")),
        ("none", _ALL, _ALL),
        ("none,redfish", _ALL, ("redfish", "event")),
        ("None", ("redfish",), ("redfish",)),
        ("nonsense", ("redfish",), ("redfish",)),
        (",", _ALL, _ALL),
        ("remediation", ("redfish", "remediation"), ("remediation",)),
        ("event", ("redfish",), ("redfish",)),
        ("event", (), ()),
        ("redfish,event", (), ()),
    ],
)
def test_it_only_narrows_the_setting_and_keeps_its_order(
    said: str, setting: tuple[str, ...], found: tuple[str, ...]
) -> None:
    assert providers(_node(said), Policy(fencing=setting)) == found


@pytest.mark.parametrize(("setting", "found"), [(_ALL, ("event",)), (("redfish",), ()), ((), ())])
def test_none_counts_where_nodes_may_opt_out_and_leaves_who_is_asked_by_nobody(
    setting: tuple[str, ...], found: tuple[str, ...]
) -> None:
    assert providers(_node("none"), Policy(fencing=setting, nodes_may_opt_out=True)) == found
    assert unusable(_node("none"), Policy(fencing=setting, nodes_may_opt_out=True)) == ("", "")


@pytest.mark.parametrize("said", ["", "event", "redfish, remediation", ","])
def test_of_what_counts_nothing_is_reported(said: str) -> None:
    assert unusable(_node(said), Policy(fencing=_ALL)) == ("", "")


@pytest.mark.parametrize(
    ("said", "named"),
    [("none", "says none"), ("ipmi", "names ipmi"), ("event,ipmi,network-fence", "names ipmi, network-fence")],
)
def test_what_does_not_count_is_reported_with_the_node_and_what_to_do(said: str, named: str) -> None:
    told, fix = unusable(_node(said), Policy(fencing=_ALL))
    assert told.startswith(f"Annotation vmdrift.io/fencing on node node-a {named}, which does not count: VMDRIFT_")
    assert "remove it" in fix


def test_however_much_a_kubelet_writes_the_report_stays_short() -> None:
    said = ",".join(f"{number}{'x' * 1000}" for number in range(1000))
    assert len(" ".join(unusable(_node(said), Policy(fencing=_ALL)))) < 800
