"""`vmdrift doctor --role drifts --fencing`: what a recovery would delete is deleted as a dry run, so nothing is."""

from rehearsal.twins.cluster import ApiCluster
from simulator.audit import Request
from simulator.client import ApiError
from simulator.scene import Scene, Storage, Vm
from tests.support.auditor import WORKERS
from tests.support.policies import SHIPPED, admission
from tests.support.virtual import Play
from vmdrift.doctor.deletions import rehearsed
from vmdrift.doctor.drills import deletion_findings
from vmdrift.doctor.finding import Status

NODES = ("node-a", "node-b")
DISK, PLAIN = Vm("disk", Storage.RBD_BLOCK, node="node-a"), Vm("plain", node="node-b", namespace="shop")


def _play() -> Play:
    play = Play.of(Scene(NODES, (DISK, PLAIN)))
    play.world.run_for(30)
    play.world.api.audit.clear()
    return play


def _statuses(play: Play) -> list[tuple[Status, str]]:
    findings = deletion_findings(tuple(rehearsed(ApiCluster(play.world.api, WORKERS))))
    return sorted((finding.status, finding.about.split(" ")[0]) for finding in findings)


def test_a_launcher_of_each_namespace_and_its_attachment_may_be_deleted_and_none_is() -> None:
    play = _play()
    before = play.world.store.version
    assert _statuses(play) == [(Status.OK, "pods"), (Status.OK, "volumeattachments")]
    assert play.world.store.version == before
    asked = [entry.resource for entry in play.world.api.audit if entry.verb == "delete"]
    assert sorted(asked) == ["pods", "pods", "volumeattachments"]
    assert (play.running("disk"), play.running("plain", "shop")) == (["node-a"], ["node-b"])
    play.check()


def test_whoever_forbids_one_is_found_before_it_counts() -> None:
    play = _play()

    def forbidden(request: Request) -> ApiError | None:
        hit = request.verb == "delete" and request.namespace == "shop"
        return ApiError(403, "Forbidden", 'admission webhook "keep.example" denied the request') if hit else None

    play.world.api.faults.append(forbidden)
    found = tuple(rehearsed(ApiCluster(play.world.api, WORKERS)))
    (bad,) = [finding for finding in deletion_findings(found) if finding.status is Status.FAILED]
    assert "keep.example" in bad.sentence
    assert bad.about.startswith("pods shop/virt-launcher-plain-")


def test_a_webhook_that_knows_no_dry_run_is_no_failure() -> None:
    play = _play()
    told = ApiError(400, "BadRequest", 'admission webhook "x.example" does not support dry run')
    play.world.api.faults.append(lambda request: told if request.verb == "delete" else None)
    assert _statuses(play) == [
        (Status.WARNING, "pods"),
        (Status.WARNING, "pods"),
        (Status.WARNING, "volumeattachments"),
    ]


def test_without_its_exception_our_own_policy_would_refuse_it() -> None:
    play = _play()
    strict = SHIPPED.replace("has(request.dryRun) && request.dryRun", "1 == 2")
    play.world.api.admit = admission(play.world.store, strict)
    assert (Status.FAILED, "pods") in _statuses(play)


def test_where_no_vm_runs_nothing_is_tried_and_that_is_said() -> None:
    (finding,) = deletion_findings(())
    assert finding.status is Status.WARNING
