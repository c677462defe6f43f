"""`vmdrift doctor` and `vmdrift history` on a site of real processes, with the rights that the manifests give."""

import re

import orjson
import pytest

from reactor.roles import ON_CLUSTER
from tests.acceptance.examined import checks
from tests.acceptance.story import Stage
from tests.support.commands import vmdrift


def test_where_all_is_well_it_says_so_and_changes_nothing(story: Stage) -> None:
    well = story.said["calm: doctor --json"]
    assert (well.code, well.err) == (0, "")
    assert orjson.loads(well.out)["summary"] == {"ok": len(checks(well)), "warning": 0, "failed": 0, "unknown": 0}
    assert checks(well)["KubeVirt", ""]["sentence"] == "v1.9.0-simulated is deployed."
    assert checks(well)["workers", "drifts"]["sentence"] == "2 alive."
    reviews, tried = "selfsubjectaccessreviews", "configmaps"  # the writes to the latter are dry runs
    asked = [entry for entry in story.seen["doctor asked"] if entry["resource"] not in {reviews, tried}]
    assert {entry["verb"] for entry in asked} <= {"get", "list"}
    assert checks(well)["ConfigMaps", "vm-drift-interventions"]["status"] == "ok"


def test_what_is_broken_it_names_with_what_to_do(story: Stage) -> None:
    done = story.said["broken: doctor --json"]
    assert done.code == 1
    wrong = {name: one for name, one in checks(done).items() if one["status"] != "ok"}
    assert {name for name, _ in wrong} == {"scheduler", "settings"}
    assert all(one["status"] == "failed" and one["fix"] for one in wrong.values())


def test_an_api_server_that_is_away_it_tells_with_what_to_do(story: Stage) -> None:
    told = story.said["broken: doctor"]
    assert told.code == 1
    assert "The API server gave no answer" in told.out
    assert "-> Set KUBECONFIG to a kubeconfig file" in told.out


@pytest.mark.parametrize("role", [role.name for role in ON_CLUSTER])
def test_each_role_has_by_the_manifest_what_it_needs(story: Stage, role: str) -> None:
    found = checks(story.said[f"calm: doctor --role {role} --json"])
    access = [one for (name, _), one in found.items() if name == "access"]
    assert access
    assert {one["status"] for one in access} == {"ok"}


def test_a_role_that_may_not_delete_is_told_so_verb_by_verb(story: Stage) -> None:
    done = story.said["without rights: doctor --role drifts --json"]
    assert done.code == 1
    told = checks(done)["access", "pods"]
    assert told["sentence"] == "get and delete not allowed, and needed by drifts; list allowed."
    assert "ClusterRole vm-drift-drifts" in told["fix"]
    plain = story.said["without rights: doctor --role drifts"]
    assert "get and delete not allowed" in " ".join(plain.out.split())


def test_without_anything_it_tells_what_to_set() -> None:
    done = vmdrift("doctor", env={"VMDRIFT_REDIS_URL": "redis://:secret@127.0.0.1:1/0", "COLUMNS": "80"})
    assert (done.code, done.err) == (1, "")
    assert "secret" not in done.out
    assert max(map(len, done.out.splitlines())) <= 80
    for text in ("VMDRIFT_REDIS_URL", "KUBECONFIG"):
        assert text in done.out


def test_an_outage_whose_drifts_have_ended_is_no_history_before_its_node_is_back(story: Stage) -> None:
    assert story.said["calm: history"].out.startswith("No outages are recorded")
    (before,) = story.told("ended", "history")["outages"]
    assert (before["done"], before["recovered_at"]) == (False, None)


# How a VM that stayed may end when its node is back, and it runs there. Which one it is depends on what is seen first
# of the return: that the node is Ready, its Lease, or that its kubelet has removed the old launcher pod.
BACK = {("cancelled", "node-returned"), ("completed", "returned-node")}


def test_an_outage_that_is_over_is_history(story: Stage) -> None:
    (past,) = story.told("over", "history")["outages"]
    expected, drifts = story.site.demo.expected, {drift["vm"]: drift for drift in past["drifts"]}
    assert (past["node"], past["done"], past["going_on"]) == (story.site.demo.lost, True, 0)
    assert past["recovered_at"] > past["lost_at"]
    assert drifts.keys() == expected.keys()
    for vm, phase in expected.items():
        end = drifts[vm]["phase"], drifts[vm]["reason"]
        assert end[0] == phase or (phase == "refused" and end in BACK), (vm, end)
        assert not drifts[vm]["not_back"], vm
        assert (drifts[vm]["recovery"] is None) == (phase == "refused"), vm
    times = [drift["recovery"] for drift in past["drifts"] if drift["recovery"] is not None]
    assert past["recovery"]["longest"] == max(times) > min(times) > 0
    table = story.said["over: history"].out
    assert re.search(r"\d completed.*\. Recovery: median", table)
    for vm in expected:
        assert vm in table
