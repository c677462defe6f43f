"""Each kind of harm counts: stories in which it is done, by others than the product or as documented."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from reactor.settings import Settings
from simulator.scene import Vm
from tests.properties.excuses import EXCUSES, WINDOWS
from tests.properties.happen.hostile import EVIL, HOSTILE
from tests.properties.happen.tenants import OWNERS
from tests.properties.life import Life
from tests.properties.tally import TROUBLES, Tally
from tests.properties.vms import ELIGIBLE, UNTOUCHABLE
from tests.support.auditor import WORKERS

LOST = "node-a"
_PATIENCE = WINDOWS + 600.0  # seconds
VMS = {vm.name: vm for vm in (*ELIGIBLE, *UNTOUCHABLE)}
REDFISH = replace(Settings().to_policy(), fencing=("redfish",))


def _by_night(*values: Any) -> Any:
    return pytest.param(*values, marks=pytest.mark.nightly)


def _life(*names: str, policy: Any = None) -> Life:
    return Life([VMS[name] for name in names], policy=policy)


def _lost(life: Life) -> None:
    """Its network is cut, and everybody sees that."""
    life.lose(LOST, "cut_network")
    assert life.world.run(lambda: life.visible.nodes[LOST].ready == "Unknown", 100)
    life.live(10)


def _let_go(life: Life, vm: Vm, user: str) -> None:
    """Somebody force-deletes its launcher."""
    client = life.world.api.client(user)
    pods = client.list("pods", vm.namespace, labels=f"vm.kubevirt.io/name={vm.name}")
    client.delete("pods", pods[0]["metadata"]["name"], vm.namespace, uid=pods[0]["metadata"]["uid"], grace=0)


def test_a_vm_that_was_released_by_silence_and_lives_runs_twice_in_a_column_of_its_own() -> None:
    life = _life("web")
    life.lose(LOST, "cut_network")
    life.live(900)
    assert life.judge.doubles.counts == {"double runs, silent": 1}


def test_a_vm_that_runs_twice_for_no_reason_that_is_documented_is_wrong() -> None:
    life = _life("web")
    _lost(life)
    _let_go(life, VMS["web"], "system:admin")
    life.world.run_for(120)
    assert life.judge.doubles.counts == {"double runs, wrong": 1}
    assert "nothing that is documented explains it" in life.judge.wrong[0]


def _four_nodes(*names: str) -> Life:
    life = _life(*names)
    life.lose("node-c", "power_cut")
    life.live(60)
    life.remove("node-c")
    return life


@pytest.mark.parametrize(("calm", "moves"), [(3700.0, True), (3000.0, False)])
def test_what_was_lost_an_hour_before_is_another_trouble(calm: float, moves: bool) -> None:
    life = _four_nodes("web")
    life.lose("node-b", "power_cut")
    life.live(calm)
    life.lose(LOST, "power_cut")
    life.live(900)
    assert bool(life.judge.released) is moves
    assert (LOST in life.visible.crowded) is not moves


def test_a_release_among_too_many_lost_nodes_is_wrong() -> None:
    life = _four_nodes("web")
    life.lose("node-b", "power_cut")
    life.lose(LOST, "power_cut")
    life.live(900)
    _let_go(life, VMS["web"], WORKERS)
    assert "too many nodes are lost" in life.judge.wrong[0]


def test_a_release_before_its_time_is_wrong_whatever_came_of_it() -> None:
    life = _life("web")
    life.hypervisor.power_cut(LOST)
    assert life.world.run(lambda: life.visible.nodes[LOST].ready == "Unknown", 100)
    _let_go(life, VMS["web"], WORKERS)
    assert any("s after node-a was lost" in why for why in life.judge.wrong)


def test_a_release_that_only_the_vms_owner_asked_for_without_leave_is_wrong() -> None:
    life = _life("web", "queue", policy=replace(REDFISH, mode="observe"))
    life.ask_for_more("web")
    _lost(life)
    _let_go(life, VMS["web"], WORKERS)
    assert any("the mode is observe, and web has no leave" in why for why in life.judge.wrong)
    (attachment,) = life.visible.list("volumeattachments")[:1]
    client, meta = life.world.api.client(WORKERS), attachment["metadata"]
    client.delete("volumeattachments", meta["name"], uid=meta["uid"])
    assert any("nobody asked for" in why for why in life.judge.wrong)


def test_a_disk_of_a_pod_that_is_no_vm_has_two_writers() -> None:
    life = _life("web")
    _lost(life)
    taint = {"key": "node.kubernetes.io/out-of-service", "value": "nodeshutdown", "effect": "NoExecute"}
    admin = life.world.api.client("system:admin")
    taints = admin.get("nodes", LOST)["spec"].get("taints", [])
    admin.patch("nodes", LOST, {"spec": {"taints": [*taints, taint]}})
    life.world.run_for(120)
    assert [write.disk for write in life.hypervisor.double_writes if "ledger" in write.disk]
    assert life.judge.doubles.counts["double writers, wrong"] > 0


def test_a_living_machine_that_is_stopped_for_no_vm_counts() -> None:
    life = _life("stay", policy=REDFISH)
    _lost(life)
    life.live(200)
    life.bmcs.force_off(LOST, life.uuids[LOST])
    life.world.run_for(1000)
    assert "for no VM that was released by it" in life.harm.for_nothing()[0]


@pytest.mark.parametrize("what", ["all", f"node/{LOST}", "vm/default/web"])
def test_a_machine_that_is_stopped_against_a_hold_counts(what: str) -> None:
    life = _life("web", policy=REDFISH)
    life.hold(what)
    _lost(life)
    life.bmcs.force_off(LOST, life.uuids[LOST])
    assert any("Held by ann" in why for why in life.judge.wrong)


def test_a_machine_that_is_stopped_against_the_mode_counts() -> None:
    life = _life("web", policy=replace(REDFISH, mode="observe"))
    _lost(life)
    life.bmcs.force_off(LOST, life.uuids[LOST])
    assert any("the mode is observe" in why for why in life.judge.wrong)


def test_a_healthy_machine_that_is_stopped_counts() -> None:
    life = _life("web", policy=REDFISH)
    life.live(10)
    life.bmcs.force_off("node-b", life.uuids["node-b"])
    assert any("the node is True" in why for why in life.judge.wrong)


def test_a_machine_that_fate_stops_is_nobodys_harm() -> None:
    life = _life("web", policy=REDFISH)
    life.lose(LOST, "power_cut")
    assert (life.harm.stops, life.judge.wrong) == ([], [])


def test_who_lived_there_and_was_not_moved_is_a_bystander_of_a_fence_that_was_allowed() -> None:
    life = _life("web", "stay", policy=REDFISH)
    life.lose(LOST, "cut_network")
    life.live(1300)
    assert len(life.harm.stops) == 1
    assert life.harm.bystanders() == 1


def test_a_vm_that_stays_down_although_it_could_run_counts_in_seconds() -> None:
    life = _life("web")
    life.kill("drifts-0", 1e6)
    life.kill("drifts-1", 1e6)
    life.lose(LOST, "power_cut")
    life.live(_PATIENCE + 600)
    assert 400 < life.down.overdue <= 660  # it is looked at each 30 s


def test_what_a_hold_explains_is_not_overdue() -> None:
    life = _life("web")
    life.hold("all")
    life.lose(LOST, "power_cut")
    life.live(_PATIENCE + 600)
    assert life.down.overdue == 0
    assert life.down.seconds > _PATIENCE


@pytest.mark.parametrize(("name", "how"), [("web", "pinned"), _by_night("db", "never"), _by_night("quick", "manual")])
def test_an_edited_vm_is_excused_and_moves_within_ten_minutes_once_it_is_as_before(name: str, how: str) -> None:
    life = _life(name)
    life.edit(name, how)
    life.lose(LOST, "power_cut")
    life.live(_PATIENCE + 600)
    assert (life.down.overdue, life.hypervisor.running(("default", name))) == (0, [])
    life.undo()
    life.live(_PATIENCE)
    assert (life.down.overdue, len(life.hypervisor.running(("default", name)))) == (0, 1)


def test_pods_that_look_like_launchers_keep_nobody_down() -> None:
    life = _life("web", "db")
    for owner in OWNERS:
        life.fake_launcher(LOST, owner)
    life.lose(LOST, "power_cut")
    life.live(_PATIENCE)
    assert life.down.overdue == 0
    assert life.homeless() == []


def test_every_excuse_is_a_sentence_in_the_docs() -> None:
    text = " ".join(Path("docs/safety.md").read_text().split())
    assert [why for why in EXCUSES if why not in text] == []


def test_a_kind_of_trouble_that_never_struck_is_missing() -> None:
    tally, life = Tally(), _life("web")
    life.lose(LOST, "power_cut")
    tally.add(life, 1)
    assert set(tally.missing) == set(TROUBLES) - {"power_cut"}


def test_a_proof_of_blocked_storage_goes_for_what_was_hotplugged_too() -> None:
    life = _life("plug", policy=replace(Settings().to_policy(), fencing=("network-fence",)))
    life.lose(LOST, "power_cut")
    life.live(1300)
    assert life.judge.wrong == []
    assert "plug" in {vm for vm, *_ in life.judge.proven}


@pytest.mark.parametrize(
    "fencing", [("network-fence",), *(pytest.param(one, marks=pytest.mark.nightly) for one in ((), ("remediation",)))]
)
def test_a_tenant_who_means_harm_stops_no_move_and_has_nothing_of_others_deleted(fencing: tuple[str, ...]) -> None:
    life = _life("queue", "db", policy=replace(Settings().to_policy(), fencing=fencing))
    life.evil_vm("queue", HOSTILE[0])
    life.live(60)
    for how in HOSTILE:
        life.evil_pod(LOST, "queue", how)
        life.evil_vm("queue", how)
        life.live(1)
    life.evil_claim("queue")
    life.evil_records(LOST)
    life.lose(LOST, "power_cut")
    life.live(_PATIENCE)
    assert life.down.overdue == 0
    assert life.homeless() == []


def test_a_pod_that_no_vm_instance_knows_must_not_be_deleted() -> None:
    life = _life("web")
    life.evil_pod(LOST, "web", HOSTILE[0])
    life.lose(LOST, "power_cut")
    life.world.run_for(WINDOWS)
    _let_go(life, replace(VMS["web"], namespace=EVIL), WORKERS)
    assert any("no VM instance knows it" in why for why in life.judge.wrong)
