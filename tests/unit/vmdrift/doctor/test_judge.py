"""What the facts mean, and what is to be done: no process and no server is needed for it."""

from dataclasses import replace
from typing import Any

import pytest

from reactor.adapters.redis.queue_metrics import QueueFigures
from reactor.adapters.redis.server import Server
from reactor.model.fence_drill import FenceDrill
from reactor.model.node import NodeView
from reactor.settings import Settings
from reactor.web.page.queries import Queries
from rehearsal.twins.store import MemoryStore
from tests.contracts.samples import DRILLS
from vmdrift.doctor.facts import ClusterFacts, Configured, Facts, KubeVirt, RedisFacts, Skew, Unreadable
from vmdrift.doctor.finding import Finding, Status
from vmdrift.doctor.judge import exit_code, judge
from vmdrift.doctor.needs import ROLES, Right, rights

SAME = Skew(0.0, 0.01)
SERVER = Server("Valkey 9.1", primary=True, appends=True, writes=True, policy="noeviction", memory=0, used=1, time=1.0)
QUEUES = tuple(
    QueueFigures(name, 0, 0, 0, 0.0, scheduler=True, workers=workers)
    for name, workers in {"events": 2, "drifts": 2, "outgoing": 0}.items()
)
REDIS = RedisFacts(SERVER, QUEUES, SAME)
NODES = tuple(NodeView(f"n{number}", f"uid-{number}", "True", 0.0) for number in range(3))
CLUSTER = ClusterFacts(
    "https://api",
    SAME,
    KubeVirt("v1.9.0", "Deployed"),
    NODES,
    SAME,
    dict.fromkeys(rights(ROLES, Settings()), True),
    version="v1.36.2",
)
WELL = Facts(Configured(Settings()), REDIS, CLUSTER, ROLES)


def with_redis(**more: Any) -> Facts:
    return replace(WELL, redis=replace(REDIS, **more))


def with_server(**more: Any) -> Facts:
    return with_redis(server=replace(SERVER, **more))


def with_queue(number: int, **more: Any) -> Facts:
    return with_redis(queues=tuple(replace(q, **more) if i == number else q for i, q in enumerate(QUEUES)))


def with_cluster(**more: Any) -> Facts:
    return replace(WELL, cluster=replace(CLUSTER, **more))


FAILED, WARNING, UNKNOWN = Status.FAILED, Status.WARNING, Status.UNKNOWN


def with_settings(**more: Any) -> Facts:
    return replace(WELL, configured=Configured(Settings(**more)))


def test_a_process_whose_clock_is_off_is_named() -> None:
    (found,) = bad(with_redis(clocks={"drifts@a:1": -60.0, "drifts@b:1": 4.0}))
    assert (found.check, found.about, found.status) == ("clocks", "drifts@a:1", Status.FAILED)
    assert found.sentence == "The clock of drifts@a:1 is 60 s behind Redis', so it judges no silence."


def without(*refused: Right) -> Facts:
    return with_cluster(allowed={right: right not in refused for right in rights(ROLES, Settings())})


def bad(facts: Facts) -> list[Finding]:
    """What is not well; each says what to do."""
    found = [finding for finding in judge(facts) if finding.status is not Status.OK]
    assert all(finding.fix and finding.sentence.endswith(".") for finding in found)
    return found


def only(facts: Facts) -> Finding:
    (found,) = bad(facts)
    return found


@pytest.mark.parametrize(("late", "checks"), [(0.0, []), (10.0, []), (12.0, ["late jobs"])])
def test_page_and_doctor_call_the_same_job_late(late: float, checks: list[str]) -> None:
    """A scheduler looks ten times a second, but Redis may change its primary."""
    queues = tuple(replace(queue, late=late) if queue.name == "drifts" else queue for queue in QUEUES)
    clock = lambda: 0.0  # noqa: E731 - for both
    desk = Queries(MemoryStore(clock), lambda: iter(queues), clock, None, Settings(), clock)
    assert [finding.check for finding in bad(with_redis(queues=queues))] == checks
    assert len(desk.troubles()) == len(checks)


def drilled(*drills: FenceDrill) -> Facts:
    return replace(WELL, configured=Configured(Settings(fencing=("redfish",))), drills=drills)


def test_of_fence_drills_what_failed_is_told_by_node_and_what_passed_by_provider() -> None:
    found = [finding for finding in judge(drilled(*DRILLS)) if finding.check == "fence drill"]
    assert [(finding.about, finding.status) for finding in found] == [
        ("node-a: redfish", FAILED),
        ("node-c: redfish", WARNING),
        ("taint", Status.OK),
        ("redfish", Status.OK),
        ("network-fence", Status.OK),
    ]
    assert found[0].fix == "Change it."
    assert found[3].sentence == "1 of 3 healthy nodes passed."


def test_without_a_drill_nothing_is_told_of_it_and_what_cannot_be_drilled_is_unknown() -> None:
    assert [finding for finding in judge(WELL) if finding.check == "fence drill"] == []
    assert only(replace(WELL, drills=Unreadable("no answer"))).status is UNKNOWN
    assert "names no provider" in only(replace(WELL, drills=())).sentence


def test_where_all_is_well_nothing_is_complained_of() -> None:
    assert bad(WELL) == []
    assert exit_code(judge(WELL)) == 0


FORBIDDEN = Unreadable("GET /x: 403", refused=True)


@pytest.mark.parametrize(
    ("facts", "check", "status", "said"),
    [
        (
            replace(WELL, configured=Configured(Settings(), wrong={"A": "A: 'x' is not b"})),
            "settings",
            FAILED,
            "A: 'x'",
        ),
        (
            replace(WELL, configured=Configured(Settings(), strange=("VMDRIFT_RESINC",))),
            "settings",
            WARNING,
            "VMDRIFT_RESINC is not a setting",
        ),
        (with_settings(policy="observe"), "policy", WARNING, "only observes"),
        (with_settings(policy="never"), "policy", WARNING, "refused"),
        (with_settings(insecure_no_auth=True), "senders", WARNING, "Anybody"),
        (with_settings(sink="https://sink"), "workers", FAILED, "None is alive"),
        (with_settings(min_available_nodes=4), "nodes", FAILED, "3 of 3 are available"),
        (with_server(primary=False), "Redis", FAILED, "is a replica"),
        (with_server(appends=False), "persistence", WARNING, "appendonly is off"),
        (with_server(writes=False), "persistence", FAILED, "last write"),
        (with_server(policy="volatile-lru", memory=10), "memory", FAILED, "volatile-lru"),
        (with_server(memory=100, used=75), "memory", WARNING, "events of other systems are refused with 503"),
        (with_server(memory=100, used=91), "memory", WARNING, "Redis refuses"),
        (with_queue(0, workers=0), "workers", FAILED, "None is alive"),
        (with_redis(queues=Unreadable("NOPERM")), "queues", UNKNOWN, "NOPERM"),
        (with_redis(deaf=Unreadable("NOPERM")), "watchers", UNKNOWN, "NOPERM"),
        (with_redis(deaf=None), "watchers", FAILED, "no lost node is noticed"),
        (with_redis(deaf=241.0), "watchers", FAILED, "for 241 s"),
        (with_queue(1, scheduler=False), "scheduler", FAILED, "never becomes due"),
        (with_queue(1, late=12.0), "late jobs", FAILED, "12 s ago"),
        (with_queue(0, failed=3), "failed jobs", WARNING, "Failed jobs: 3"),
        (with_queue(2, waiting=1), "workers", FAILED, "jobs waiting: 1"),
        (with_cluster(kubevirt=None), "KubeVirt", FAILED, "not installed"),
        (with_cluster(kubevirt=FORBIDDEN), "KubeVirt", WARNING, "may not list kubevirts"),
        (with_cluster(kubevirt=KubeVirt("v1.9.0", "Deploying")), "KubeVirt", WARNING, "Deploying"),
        (with_cluster(kubevirt=KubeVirt("", "")), "KubeVirt", WARNING, "no KubeVirt object"),
        (with_cluster(version="v1.30.9"), "versions", WARNING, "older than what this vm-drift supports"),
        (with_cluster(version=Unreadable("no answer")), "versions", UNKNOWN, "no answer"),
        (with_cluster(kubevirt=KubeVirt("v1.4.0", "Deployed")), "versions", WARNING, "KubeVirt v1.4.0 is older"),
        (with_cluster(nodes=FORBIDDEN), "nodes", WARNING, "No permission"),
        (with_cluster(nodes=Unreadable("no answer")), "nodes", UNKNOWN, "no answer"),
        (with_cluster(nodes=(*NODES, replace(NODES[0], name="n9", ready="Unknown"))), "nodes", WARNING, "lost: n9"),
        (with_cluster(manager=None), "controller manager", WARNING, "no Lease"),
        (with_cluster(manager=Unreadable("its clock is off")), "controller manager", UNKNOWN, "its clock is off"),
        (with_cluster(manager=FORBIDDEN), "controller manager", WARNING, "No permission"),
        (with_cluster(allowed=FORBIDDEN), "access", UNKNOWN, "403"),
        (with_redis(skew=Skew(2.5, 0.1)), "clocks", WARNING, "Redis is 2.5 s ahead"),
        (with_cluster(skew=Skew(-60.0, 0.5)), "clocks", FAILED, "the API server is 60.0 s behind"),
    ],
)
def test_what_is_not_well_is_told_once_with_what_to_do(facts: Facts, check: str, status: Status, said: str) -> None:
    found = only(facts)
    assert (found.check, found.status) == (check, status)
    assert said in found.sentence


def test_a_verb_that_is_missing_is_named_with_who_needs_it_and_where_it_is_given() -> None:
    found = only(without(Right("delete", "pods")))
    assert (found.check, found.about, found.status) == ("access", "pods", FAILED)
    assert found.sentence == "delete not allowed, and needed by drifts; get, list and watch allowed."
    assert found.fix.endswith("k8s/components/fencing (ClusterRole vm-drift-drifts).")


def test_every_right_is_judged_verb_by_verb() -> None:
    for right in rights(ROLES, Settings()):
        assert right.verb in only(without(right)).sentence


@pytest.mark.parametrize(
    ("machines", "said"),
    [
        (("a", "b", ""), []),
        (("a", "A", "b"), ["n0 and n1 have a system UUID that another node also has, so it identifies neither."]),
    ],
)
def test_nodes_with_one_system_uuid_are_named_where_redfish_goes_by_it(
    machines: tuple[str, ...], said: list[str]
) -> None:
    nodes = tuple(replace(node, machine=machine) for node, machine in zip(NODES, machines, strict=True))
    facts = replace(with_cluster(nodes=nodes), configured=Configured(Settings(fencing=("redfish",))))
    assert [one.sentence for one in judge(facts) if one.check == "machines" and one.status is Status.WARNING] == said
    assert [one for one in judge(with_cluster(nodes=nodes)) if one.check == "machines"] == []


def test_an_annotation_of_a_node_that_does_not_count_is_a_warning_with_the_fix() -> None:
    nodes = (replace(NODES[0], fencing="none"), replace(NODES[1], fencing="event,ipmi"), replace(NODES[2], fencing=""))
    facts = replace(with_cluster(nodes=nodes), configured=Configured(Settings(fencing=("event",))))
    found = [one for one in judge(facts) if one.check == "fencing" and one.status is Status.WARNING]
    assert [one.about for one in found] == ["n0", "n1"]
    assert "VMDRIFT_NODES_MAY_OPT_OUT is false" in found[0].sentence
    assert "names ipmi" in found[1].sentence
    assert all(one.fix for one in found)


def test_without_hwameistor_its_kinds_are_not_asked_for() -> None:
    absent = ("localvolumereplicas", "localvolumes")
    allowed = {right: True for right in rights(ROLES, Settings()) if right.resource not in absent}
    facts = with_cluster(allowed=allowed, absent=absent)
    assert bad(facts) == []
    (told,) = [finding for finding in judge(facts) if finding.about == "optional kinds"]
    assert "localvolumereplicas and localvolumes: not installed" in told.sentence


def test_without_the_kinds_that_a_provider_stands_on_it_proves_nothing() -> None:
    settings = Settings(fencing=("network-fence",))
    absent = ("csiaddonsnodes", "networkfences")
    allowed = {right: True for right in rights(ROLES, settings) if right.resource not in absent}
    facts = replace(with_cluster(allowed=allowed, absent=absent), configured=Configured(settings))
    found = [one for one in bad(facts) if one.check == "fencing"]
    assert [one.status for one in found] == [FAILED, FAILED]
    assert found[1].sentence == "networkfences is not installed, so its provider can prove nothing."


def test_where_nothing_answers_what_stands_on_it_is_unknown_and_not_well() -> None:
    found = bad(replace(WELL, redis=Unreadable("Redis is away: refused"), cluster=Unreadable("no cluster")))
    assert [(one.check, one.status) for one in found] == [
        ("Redis", FAILED),
        ("queues", UNKNOWN),
        ("API server", FAILED),
        ("KubeVirt", UNKNOWN),
        ("versions", UNKNOWN),
        ("nodes", UNKNOWN),
        ("access", UNKNOWN),
        ("clocks", UNKNOWN),
    ]


@pytest.mark.parametrize(
    ("facts", "code"),
    [
        (with_settings(policy="observe"), 0),
        (with_server(primary=False), 1),
        (with_redis(queues=Unreadable("NOPERM")), 2),
        (replace(WELL, redis=Unreadable("away")), 1),
    ],
)
def test_the_exit_code_says_whether_something_is_wrong_or_could_not_be_told(facts: Facts, code: int) -> None:
    assert exit_code(judge(facts)) == code


def test_a_setting_that_is_nearly_one_is_guessed() -> None:
    strange = Configured(Settings(), strange=("VMDRIFT_UNREACHABLE_WINDW", "VMDRIFT_QQQQ"))
    assert [one.fix for one in bad(replace(WELL, configured=strange))] == [
        "Did you mean VMDRIFT_UNREACHABLE_WINDOW?",
        "See docs/settings.md for all settings.",
    ]


def test_two_clocks_that_are_both_off_in_the_same_way_are_off_from_this_machine() -> None:
    facts = replace(
        WELL, redis=replace(REDIS, skew=Skew(30.0, 0.1)), cluster=replace(CLUSTER, skew=Skew(30.0, 0.5), manager=None)
    )
    assert {one.check: one.status for one in bad(facts)}["clocks"] is FAILED


def test_what_cannot_be_measured_more_finely_is_no_skew() -> None:
    assert bad(with_cluster(skew=Skew(2.4, 0.5))) == []


def test_a_config_map_that_cannot_be_written_is_told_with_what_to_create() -> None:
    written: dict[str, Unreadable | None] = {
        "vm-drift-fencing": Unreadable("no such namespace"),
        "vm-drift-interventions": None,
    }
    (found,) = bad(with_cluster(notebooks=written))
    assert (found.check, found.about, found.status) == ("ConfigMaps", "vm-drift-fencing", Status.FAILED)
    assert "kubectl create namespace vm-drift; kubectl -n vm-drift create configmap vm-drift-fencing" in found.fix


def test_a_setting_of_an_earlier_version_is_named_with_what_to_do() -> None:
    found = judge(replace(WELL, configured=Configured(Settings(), strange=("VMDRIFT_FENCED_RELEASE",))))
    (finding,) = [finding for finding in found if "VMDRIFT_FENCED_RELEASE" in finding.sentence]
    assert finding.fix.startswith("Remove it: there is one way to release with proof now")
