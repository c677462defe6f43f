"""One pass over one drift, on a cluster whose node has been lost for 400 seconds; nobody else acts for us."""

from dataclasses import replace

import pytest

from reactor.adapters.redis.store import Lock, Store
from reactor.model.drift import Again, Ended, Outcome, Phase, Policy, Signs
from reactor.model.errors import ClusterUnreachable, StoreUnreachable
from reactor.model.identity import Drift, NodeRef, VmRef
from reactor.model.intervention import CANCEL, CONFIG_MAP, Intervention
from reactor.model.node import node_view
from reactor.model.times import format_time
from reactor.settings import Settings
from rehearsal.twins.cluster import ApiCluster
from rehearsal.twins.store import MemoryStore
from simulator.audit import Request
from simulator.client import ApiError
from simulator.scene import Scene, Storage, Vm
from tests.support.auditor import WORKERS, fail
from tests.support.virtual import Play, Reactor
from workers.drift.run import LOCK_TTL, first_record, retried, run_pass

LOST = "node-a"
_SCENE = Scene((LOST, "node-b", "node-c"), (Vm("db", Storage.RBD_BLOCK, node=LOST), Vm("web", node=LOST)))


_AT_ONCE = Policy(virt_handler_grace=0.0)  # nobody took the event in, so nobody watched the node until now


class _Pass:
    """A play in which passes are made by hand."""

    def __init__(self, policy: Policy = _AT_ONCE) -> None:
        self.play = Play.of(_SCENE, policy)
        self.world = self.play.world
        self.world.remove(self.play.reactor)
        self.world.hypervisor.power_cut(LOST)
        self.world.run_for(400)
        self.tools = self.play.reactor.tools

    @property
    def reactor(self) -> Reactor:
        return self.play.reactor

    def drift(self, vm: str = "web") -> Drift:
        lost = node_view(self.world.store.get("nodes", LOST)).outage
        assert lost is not None
        uid = self.world.store.get("virtualmachines", vm, "default")["metadata"]["uid"]
        return Drift(VmRef("default", vm, uid), lost)

    def run(self, vm: str = "web") -> Outcome:
        return run_pass(self.drift(vm), self.tools)

    def reason(self, vm: str = "web") -> str:
        record = self.tools.store.record(self.drift(vm).id)
        return record.reason if record else ""

    def beat(self) -> None:
        """virt-handler of the lost node gives a sign of life."""
        heartbeat = {"annotations": {"kubevirt.io/heartbeat": format_time(self.world.now)}}
        self.world.api.client("virt-handler").patch("nodes", LOST, {"metadata": heartbeat})

    def requests(self) -> int:
        return sum(self.reactor.requests.values())


@pytest.fixture
def passing() -> _Pass:
    return _Pass()


def test_a_pass_releases_and_records_it(passing: _Pass) -> None:
    outcome = passing.run()
    record = passing.play.record("web")
    assert isinstance(outcome, Again)
    assert (outcome.reason, outcome.at) == ("force-deleted", passing.world.now + 3)
    assert (record.phase, record.released_at, record.passes) == (Phase.RELEASED, passing.world.now, 1)
    assert len(passing.play.auditor.deleted("pods")) == 1
    passing.play.check()


def test_a_vm_that_another_worker_looks_at_is_tried_again_soon_and_not_touched(passing: _Pass) -> None:
    passing.tools.store.acquire(passing.drift().vm.uid, LOCK_TTL)
    outcome = passing.run()
    assert isinstance(outcome, Again)
    assert (outcome.reason, outcome.at) == ("locked", passing.world.now + 2)
    assert passing.requests() == 0


def test_the_lock_is_given_back_after_a_pass_and_after_trouble(passing: _Pass) -> None:
    passing.run()
    fail(passing.world.api, 503, 1, verb="get")
    passing.run()
    assert passing.tools.store.acquire(passing.drift().vm.uid, LOCK_TTL)


def test_a_second_pass_in_the_middle_of_a_first_one_does_nothing(passing: _Pass) -> None:
    second: list[Outcome] = []

    def meanwhile() -> None:
        passing.reactor.before_call = lambda: None
        second.append(passing.run())

    passing.reactor.before_call = meanwhile
    passing.run()
    assert [outcome.reason for outcome in second] == ["locked"]
    assert passing.play.record("web").passes == 1


def test_a_drift_that_has_ended_is_told_and_nothing_is_asked(passing: _Pass) -> None:
    ended = first_record(passing.drift(), passing.tools)
    passing.tools.store.create(
        replace(ended, phase=Phase.REFUSED, reason="run-strategy", sentence="No.", again_at=None), []
    )
    assert passing.run() == Ended("refused", "run-strategy", "No.")
    assert passing.requests() == 0
    assert passing.play.auditor.deletions == []


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (401, "api-refused"),
        (403, "api-refused"),
        (429, "api-unavailable"),
        (500, "api-unavailable"),
        (503, "api-unavailable"),
        (504, "api-unavailable"),
    ],
)
@pytest.mark.parametrize("verb", ["get", "list", "delete"])
def test_trouble_with_the_api_is_a_reason_to_wait_that_ends_by_itself(code: int, reason: str, verb: str) -> None:
    passing = _Pass()
    fail(passing.world.api, code, 1, verb=verb)
    outcome = passing.run()
    assert isinstance(outcome, Again)
    assert (outcome.reason, passing.play.story("web")) == (reason, ("blocked", reason))
    assert passing.play.record("web").released_at is None
    assert passing.play.auditor.deletions == []
    passing.run()
    assert passing.reason() == "force-deleted"
    passing.play.check()


def test_a_kind_that_is_not_served_is_a_refusal(passing: _Pass) -> None:
    missing = ApiError(404, "NotFound", "the server could not find the requested resource")

    def fault(request: Request) -> ApiError | None:
        return missing if request.resource == "virtualmachines" else None

    passing.world.api.faults.append(fault)
    passing.run()
    assert passing.reason() == "api-refused"


def test_to_ask_for_what_is_no_name_is_a_bug_that_is_reported_and_ends_no_pass(passing: _Pass) -> None:
    record = first_record(passing.drift(), passing.tools)
    odd = replace(record.drift, outage=replace(record.drift.outage, node=NodeRef("../x", "u")))
    outcome = run_pass(odd, passing.tools)
    assert outcome.reason == "api-refused"
    assert outcome.sentence.startswith("'../x' is not a valid name of a Kubernetes object, so no request was sent")


def test_trouble_that_lasts_is_looked_at_ever_less_often(passing: _Pass) -> None:
    fail(passing.world.api, 503, 5, verb="get")
    pauses = []
    for _ in range(5):
        outcome = passing.run()
        assert isinstance(outcome, Again)
        pauses.append(outcome.at - passing.world.now)
    assert pauses == [1, 1, 2, 5, 10]


class _Busy:
    """A Cluster whose server says when to come again."""

    def __getattr__(self, _: str) -> None:
        raise ClusterUnreachable("busy", retry_after=17.0)


def test_the_servers_wish_when_to_come_again_is_honoured(passing: _Pass) -> None:
    outcome = run_pass(passing.drift(), replace(passing.tools, cluster=_Busy()))  # type: ignore[arg-type]
    assert isinstance(outcome, Again)
    assert (outcome.reason, outcome.at) == ("api-unavailable", passing.world.now + 17)


def test_the_checks_of_the_last_whole_look_stay_while_the_api_is_away() -> None:
    passing = _Pass(replace(_AT_ONCE, mode="observe"))
    passing.run()
    checks = passing.play.record("web").checks
    fail(passing.world.api, 503, 1, verb="get")
    passing.run()
    assert passing.reason() == "api-unavailable"
    assert checks
    assert passing.play.record("web").checks == checks


def test_a_delete_that_took_effect_though_its_answer_was_lost_is_found_by_the_next_pass(passing: _Pass) -> None:
    fail(passing.world.api, 504, 1, verb="delete", late=True)
    passing.run()
    assert passing.play.story("web") == ("blocked", "api-unavailable")
    passing.world.run_for(5)
    passing.run()
    assert passing.play.story("web") == ("completed", "running-elsewhere")
    assert passing.play.record("web").released_at is not None
    assert passing.play.news("web")[-3:] == ["released", "detached", "completed"]
    assert len(passing.play.auditor.deletions) == 1
    passing.play.check()


@pytest.mark.parametrize("after", [0, 5, 200, 400])
def test_a_record_that_was_lost_is_derived_from_the_cluster_anew(passing: _Pass, after: int) -> None:
    passing.run("db")
    passing.world.run_for(after)
    passing.run("db")
    expected = passing.play.story("db")
    passing.reactor.flush()
    passing.run("db")
    assert passing.play.story("db") == expected
    assert len(passing.play.auditor.deletions) == 1
    passing.play.check()


def test_a_pass_that_lost_its_lock_on_the_way_writes_and_deletes_nothing(passing: _Pass) -> None:
    later: list[int] = []

    def paused() -> None:
        """At the fifth call the worker is paused for longer than its lock lives, and another one takes over."""
        if passing.requests() == 5 and not later:
            passing.world.now += LOCK_TTL + 1
            lock = passing.tools.store.acquire(passing.drift().vm.uid, LOCK_TTL)
            assert lock is not None
            later.append(lock.fence)

    passing.reactor.before_call = paused
    outcome = passing.run()
    assert later
    assert isinstance(outcome, Again)
    assert outcome.reason == "locked"
    assert passing.play.records == []
    assert passing.play.auditor.deletions == []


class _Paused(MemoryStore):
    """The same Redis, for a worker that got its lock long ago."""

    def __init__(self, store: Store, lock: Lock) -> None:
        vars(self).update(vars(store))
        self._lock = lock

    def acquire(self, name: str, ttl: float, drift_id: str = "") -> Lock:  # noqa: ARG002 - the Store's signature
        return replace(self._lock, record=self.record(drift_id))


def test_a_pass_that_a_later_one_has_overtaken_writes_nothing(passing: _Pass) -> None:
    early = passing.tools.store.acquire("another name", LOCK_TTL)
    assert early is not None
    passing.run()
    written = passing.play.record("web")
    passing.world.run_for(5)
    outcome = run_pass(passing.drift(), replace(passing.tools, store=_Paused(passing.tools.store, early)))
    assert isinstance(outcome, Again)
    assert outcome.reason == "locked"
    assert passing.play.record("web") == written


class _Away(MemoryStore):
    """Redis is away from the writing of the record on."""

    def save(self, *_: object) -> None:
        raise StoreUnreachable("Redis is away")


def test_when_the_record_cannot_be_written_after_the_delete_the_next_pass_finds_it_released(passing: _Pass) -> None:
    with pytest.raises(StoreUnreachable):
        run_pass(passing.drift(), replace(passing.tools, store=_Away(passing.world.clock)))
    passing.world.run_for(5)
    passing.run()
    assert passing.play.story("web") == ("completed", "running-elsewhere")
    passing.play.check()


def test_a_first_record_waits_for_the_end_of_the_window(passing: _Pass) -> None:
    record = first_record(passing.drift(), passing.tools, "an-instance")
    assert (record.phase, record.reason, record.vmi_uid) == (Phase.WAITING, "unreachable-window", "an-instance")
    assert record.again_at == passing.drift().outage.since + Settings().unreachable_window


def test_a_first_record_keeps_the_signs_of_life_that_were_read_with_it(passing: _Pass) -> None:
    signs = Signs("then", "before", passing.world.now)
    assert first_record(passing.drift(), passing.tools, "an-instance", signs).signs == signs
    assert first_record(passing.drift(), passing.tools).signs is None


def test_a_node_that_nobody_watched_is_watched_for_the_grace_before_anything_is_done() -> None:
    passing = _Pass(Policy())
    begin = passing.world.now
    outcome = passing.run()
    assert isinstance(outcome, Again)
    assert (outcome.reason, outcome.at) == ("watching-for-life", begin + 180)
    passing.world.run_for(179)
    passing.run()
    assert (passing.reason(), passing.play.auditor.deletions) == ("watching-for-life", [])
    passing.world.run_for(1)
    passing.run()
    assert passing.reason() == "force-deleted"
    passing.play.check()


def test_a_sign_of_life_is_remembered_from_pass_to_pass() -> None:
    passing = _Pass(Policy())
    passing.run()
    passing.world.run_for(100)
    passing.beat()
    passing.world.run_for(80)
    passing.run()
    assert passing.play.story("web") == ("blocked", "virt-handler-alive")
    seen_at = passing.world.now
    passing.world.run_for(179)
    passing.run()
    assert passing.reason() == "virt-handler-alive"
    known = passing.play.record("web").signs
    assert known is not None
    assert (known.since, known.alive) == (seen_at, "virt-handler")


def test_a_sign_of_life_between_decision_and_act_is_a_change_underway(passing: _Pass) -> None:
    reads: list[Request] = []

    def meanwhile(request: Request) -> None:
        """The node is read to decide, and once more to act."""
        if (request.user, request.verb, request.resource) == (WORKERS, "get", "nodes"):
            reads.append(request)
            if len(reads) == 2:
                passing.beat()

    passing.world.api.faults.append(meanwhile)
    passing.run()
    assert passing.play.story("web") == ("blocked", "changed-underway")
    assert passing.play.auditor.deletions == []


def test_a_cluster_that_is_out_of_order_is_remembered_for_the_cool_down(passing: _Pass) -> None:
    passing.world.hypervisor.power_cut("node-b")
    passing.world.run_for(60)
    passing.run()
    assert passing.play.story("web") == ("blocked", "too-many-nodes-lost")
    unsteady_at = passing.world.now
    passing.world.hypervisor.power_on("node-b")
    passing.world.run_for(40)
    outcome = passing.run()
    assert isinstance(outcome, Again)
    assert (outcome.reason, int(outcome.at)) == ("cool-down", int(unsteady_at) + 90)  # Kubernetes has whole seconds
    assert passing.play.record("web").unsteady_at == unsteady_at
    passing.world.run_for(50)
    passing.run()
    assert passing.reason() == "force-deleted"


def _cancel(one: _Pass) -> Intervention:
    wish = Intervention(CANCEL, "vm/default/web", "ann", "enough", one.world.now, outage=one.drift().outage.id)
    ApiCluster(one.world.api, "ann").note(CONFIG_MAP, "vm-drift", {wish.key: wish.as_text()})
    return wish


def test_a_cancelled_drift_ends_with_who_and_why() -> None:
    one = _Pass()
    _cancel(one)
    outcome = one.run()
    assert isinstance(outcome, Ended)
    assert (outcome.outcome, outcome.reason) == ("cancelled", "cancelled-by-hand")
    assert outcome.sentence.endswith("enough.")
    assert one.play.auditor.deletions == []


def test_an_ended_drift_that_is_taken_up_says_so_and_knows_what_was_done() -> None:
    one = _Pass()
    wish = _cancel(one)
    one.run()
    before = one.play.record("web")
    anew = retried(before, "ann", one.world.now)
    assert (anew.phase, anew.reason, anew.ended_at) == (Phase.WAITING, "taken-up-again", None)
    assert anew.sentence == f"Retried by ann, after cancelled: {before.sentence}"
    assert (anew.released_at, anew.created_at, anew.tries) == (before.released_at, before.created_at, 0)
    ApiCluster(one.world.api, "ann").note(CONFIG_MAP, "vm-drift", {wish.key: None})
    lock = one.tools.store.acquire("x", 10.0)
    assert lock
    one.tools.store.save(anew, lock, [])
    assert isinstance(one.run(), Again)
    assert one.play.story("web") == ("released", "force-deleted")
