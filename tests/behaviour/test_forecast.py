"""What is foreseen of a VM first stays with its drift, and is compared with what came."""

from reactor.model.drift import Phase, Record
from reactor.model.headline import headline
from reactor.model.outlook import Outlook, forecast_result, outlook
from reactor.model.recovery import Windows, forecasts
from simulator.scene import Kind, Scene, Storage, Vm
from tests.support.virtual import Play

LOST = "node-a"
SCENE = Scene(
    ("node-a", "node-b", "node-c"),
    (Vm("db", Storage.RBD_BLOCK, node=LOST), Vm("web", node=LOST), Vm("old", Storage.LOCAL, node=LOST)),
)


def outlooks(play: Play) -> dict[str, Outlook]:
    return {record.drift.vm.name: outlook(record) for record in play.records}


def foreseen(play: Play) -> dict[str, Record]:
    return {record.drift.vm.name: record for record in play.records if record.forecast}


def test_each_vm_has_a_forecast_while_its_window_runs_and_it_is_kept() -> None:
    play = Play.of(SCENE)
    play.world.hypervisor.power_cut(LOST)
    play.world.run_for(200)
    assert outlooks(play) == {"db": Outlook.MOVES, "web": Outlook.MOVES, "old": Outlook.STAYS}
    early = {name: record.forecast for name, record in foreseen(play).items()}
    assert len(early) == 3
    play.world.run_for(200)
    assert outlooks(play) == {"db": Outlook.MOVING, "web": Outlook.BACK, "old": Outlook.STAYS}
    said = {name: record.forecast for name, record in foreseen(play).items()}
    assert said == early
    assert {name: one.moves for name, one in said.items() if one} == {"db": True, "web": True, "old": False}
    play.world.run_for(600)
    assert {name: record.forecast for name, record in foreseen(play).items()} == said
    assert {name: forecast_result(record) for name, record in foreseen(play).items()} == {
        "db": "kept",
        "web": "kept",
        "old": "",  # its node may come back yet
    }
    play.world.hypervisor.power_on(LOST)
    play.world.run_for(900)
    assert outlooks(play)["old"] is Outlook.BACK
    assert forecasts(play.reactor.store.took()) == {"kept": 3, "missed": 0, "overtaken": 0}


def test_what_keeps_a_vm_down_whatever_comes_is_known_from_the_first_sweep_on() -> None:
    vms = (
        Vm("pin", pinned=True, node=LOST),
        Vm("manual", run_strategy="Manual", node=LOST),
        Vm("never", node=LOST, annotations={"vmdrift.io/policy": "never"}),
        Vm("bare", node=LOST, kind=Kind.VMI),
        Vm("web", node=LOST),
    )
    play = Play.of(Scene(SCENE.nodes, vms))
    play.world.hypervisor.power_cut(LOST)
    assert play.world.run(lambda: len(play.records) == 5, 120)
    assert {record.reason for record in play.records} == {"unreachable-window"}
    early = {name: record.forecast for name, record in foreseen(play).items()}
    assert {name: one.reason for name, one in early.items() if one} == {
        "pin": "pinned-to-node",
        "manual": "run-strategy",
        "never": "policy-never",
        "bare": "bare-instance",
    }
    assert outlooks(play)["pin"] is Outlook.STAYS
    outage = play.reactor.store.outages()[0]
    line = headline(outage, play.records, Windows(), outage.outage.since + 60.0).text
    assert line.endswith("5 VMs: 1 not foreseen yet (first in 4 min), 4 will stay down: act now")
    play.world.run_for(500)
    found = foreseen(play)
    assert {name: found[name].phase for name in early} == dict.fromkeys(early, Phase.REFUSED)
    assert {name: found[name].forecast for name in early} == early


def test_a_vm_that_moves_after_all_since_somebody_helped_was_foreseen_wrongly() -> None:
    play = Play.of(Scene(SCENE.nodes, (Vm("pin", pinned=True, node=LOST),)))
    play.world.hypervisor.power_cut(LOST)
    play.world.run_for(400)
    assert outlooks(play) == {"pin": Outlook.STAYS}
    spec = {"spec": {"template": {"spec": {"nodeSelector": None}}}}
    play.world.api.client("admin").patch("virtualmachines", "pin", spec, play.records[0].drift.vm.namespace)
    play.world.run_for(1200)
    assert outlooks(play) == {"pin": Outlook.BACK}
    assert forecasts(play.reactor.store.took())["missed"] == 1
