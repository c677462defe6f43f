"""`vmdrift rehearse`: what is asked, what is shown, and how it ends."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from rehearsal.twins.cluster import ApiCluster
from simulator.scene import DEMO, Scene, Vm, staged
from simulator.world import World
from tests.unit.vmdrift.plans import listed
from vmdrift.cli import main


def _dump(world: World, folder: Path) -> str:
    path = folder / "dump.json"
    path.write_text(json.dumps(listed(world)))
    return str(path)


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> str:
    return _dump(staged(DEMO), tmp_path_factory.mktemp("dump"))


def _run(*words: str) -> Result:
    return CliRunner().invoke(main, ["rehearse", *words], env={"VMDRIFT_FENCING": "", "KUBECONFIG": ""})


def test_for_people_those_that_stay_down_come_first_with_why_and_the_slowest_next(demo: str) -> None:
    done = _run("worker-1", "-f", demo)
    assert done.exit_code == 1
    text = " ".join(done.stdout.split())
    assert "worker-1 lost: of 6 VMs 4 run again within 71" in text
    order = [text.index(name) for name in ("shop/licence", "shop/scratch", "shop/database", "shop/web")]
    assert order == sorted(order)
    assert "pinned-to-node" in text


def test_as_json_with_proof_each_vm_has_its_seconds_and_its_node(demo: str) -> None:
    done = _run("worker-1", "-f", demo, "--proof", "now", "--json")
    assert done.exit_code == 1
    told = json.loads(done.stdout)
    assert (told["version"], told["proof"]) == (1, "now")
    (one,) = told["rehearsals"]
    assert one["nodes"] == ["worker-1"]
    fates = {fate["vm"]: fate for fate in one["fates"]}
    assert fates["shop/web"]["down"] < 30
    assert fates["shop/web"]["node"] in {"worker-2", "worker-3", "worker-4"}
    assert fates["shop/licence"]["down"] is None


def test_each_node_in_turn_and_a_node_without_vms(demo: str) -> None:
    done = _run("--each", "-f", demo, "--json")
    told = json.loads(done.stdout)
    assert [one["nodes"] for one in told["rehearsals"]] == [[f"worker-{number}"] for number in (1, 2, 3, 4)]
    assert "worker-4 lost: no VM runs there." in _run("worker-4", "-f", demo).stdout
    assert _run("worker-4", "-f", demo).exit_code == 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "say what is lost"),
        (("worker-1", "--each"), "say what is lost"),
        (("worker-9", "-f", "DUMP"), "there is no node 'worker-9'"),
        (("--zone", "x", "-f", "DUMP"), "no node has the label topology.kubernetes.io/zone=x"),
        (("worker-1", "-f", "/nowhere/dump.json"), "No such file"),
    ],
)
def test_what_cannot_be_played_is_said_with_exit_code_2(demo: str, words: tuple[str, ...], said: str) -> None:
    done = _run(*(demo if word == "DUMP" else word for word in words))
    assert done.exit_code == 2
    assert said in done.output


def test_what_is_not_played_of_a_vm_is_listed_with_it(tmp_path: Path) -> None:
    template = {
        "domain": {
            "devices": {"gpus": [{"name": "g", "deviceName": "nvidia.com/T4"}]},
            "cpu": {"dedicatedCpuPlacement": True},
        }
    }
    world = staged(Scene(("node-a", "node-b"), (Vm("gpu", node="node-a", template=template),)))
    assert ApiCluster(world.api, "admin").find("virtualmachines", "gpu", "default")
    done = _run("node-a", "-f", _dump(world, tmp_path))
    assert "not played: devices.gpus, cpu.dedicatedCpuPlacement" in " ".join(done.stdout.split())
