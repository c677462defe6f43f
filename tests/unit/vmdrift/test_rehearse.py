"""`vmdrift rehearse`: what is asked, what is shown, and how it ends."""

import json
import os
import re
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from click.testing import CliRunner, Result

from rehearsal.loaded import loaded
from simulator.scene import DEMO, Scene, Vm, staged
from simulator.world import World
from tests.unit.vmdrift.plans import listed
from vmdrift.cli import main
from vmdrift.rehearse import play


def _dump(world: World, folder: Path) -> str:
    path = folder / "dump.json"
    path.write_text(json.dumps(listed(world)))
    return str(path)


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> str:
    return _dump(staged(DEMO), tmp_path_factory.mktemp("dump"))


def _run(*words: str, env: dict[str, str] | None = None) -> Result:
    return CliRunner().invoke(main, ["rehearse", *words], env={"VMDRIFT_FENCING": "", "KUBECONFIG": "", **(env or {})})


def test_for_people_those_that_stay_down_come_first_with_why_and_the_slowest_next(demo: str) -> None:
    done = _run("worker-1", "-f", demo)
    assert done.exit_code == 1
    text = " ".join(done.stdout.split())
    assert "worker-1 lost: of 6 VMs 4 run again within 11 min 58 s, 2 stay down." in text
    order = [text.index(name) for name in ("shop/licence", "shop/scratch", "shop/database", "shop/web")]
    assert order == sorted(order)
    assert "pinned-to-node" in text
    assert "-> Put the disk on storage that other" in text


def test_as_json_with_proof_each_vm_has_its_seconds_and_its_node(demo: str) -> None:
    done = _run("worker-1", "-f", demo, "--proof", "now", "-o", "json")
    assert done.exit_code == 1
    told = json.loads(done.stdout)
    (one,) = told["rehearsals"]
    assert (told["version"], told["not_begun"], one["nodes"]) == (1, 0, ["worker-1"])
    fates = {fate["vm"]: fate for fate in one["fates"]}
    assert fates["shop/web"]["down"] < 30
    assert fates["shop/web"]["node"] in {"worker-2", "worker-3", "worker-4"}
    assert fates["shop/licence"]["down"] is None
    assert fates["shop/licence"]["fix"].startswith("Change what the VM asks for")


def test_each_node_in_turn_in_children_of_this_process_and_a_node_without_vms(demo: str) -> None:
    told = json.loads(_run("--each", "-f", demo, "--json").stdout)
    assert [one["nodes"] for one in told["rehearsals"]] == [[f"worker-{number}"] for number in (1, 2, 3, 4)]
    alone = json.loads(_run("worker-1", "-f", demo, "--json").stdout)
    assert told["rehearsals"][0] == alone["rehearsals"][0], "none changes the cluster of the next one"
    done = _run("worker-4", "-f", demo)
    assert (done.exit_code, "worker-4 lost: no VM runs there." in done.stdout) == (0, True)
    assert "4 losses played: 1 of them leaves VMs down" in _run("--each", "-f", demo).stdout


def test_a_zone_is_lost_at_once(tmp_path: Path) -> None:
    world = staged(Scene(("node-a", "node-b", "node-c", "node-d", "node-e"), (Vm("web", node="node-a"),)))
    for node in ("node-a", "node-b"):
        labels = {"topology.kubernetes.io/zone": "east"}
        world.api.client("system:admin").patch("nodes", node, {"metadata": {"labels": labels}})
    told = json.loads(_run("--zone", "east", "-f", _dump(world, tmp_path), "--json").stdout)
    assert [one["nodes"] for one in told["rehearsals"]] == [["node-a", "node-b"]]


def test_pairs_are_those_that_survival_cannot_decide_and_end_with_their_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    half = {"domain": {"resources": {"requests": {"memory": "3Gi"}}}}
    vms = tuple(Vm(f"vm-{number}", node=f"node-{number % 3}", template=half) for number in range(6))
    dump = _dump(staged(Scene(("node-0", "node-1", "node-2"), vms)), tmp_path)
    env = {"VMDRIFT_MAX_UNREACHABLE": "2", "VMDRIFT_FENCING": "redfish"}
    undecided = [("node-0", "node-1"), ("node-0", "node-2")]
    monkeypatch.setattr("vmdrift.rehearse.sets._undecided", lambda *_: undecided)
    told = json.loads(_run("--pairs", "--for", "1h", "-f", dump, "--json", env=env).stdout)
    assert ([one["nodes"] for one in told["rehearsals"]], told["not_begun"]) == ([list(pair) for pair in undecided], 0)


def test_what_is_to_happen_is_asked_for_in_words(demo: str) -> None:
    def downs(*words: str) -> dict[str, float | None]:
        (one,) = json.loads(_run("worker-1", "-f", demo, "--json", *words).stdout)["rehearsals"]
        return {fate["vm"]: fate["down"] for fate in one["fates"]}

    assert downs("--proof", "after=100s")["shop/web"] > 100  # type: ignore[operator]
    assert downs("--proof", "silent") == downs("--proof", "none")
    assert downs("--back-after", "15m")["shop/licence"] > 900  # type: ignore[operator]
    late = downs("--proof", "now", "--lose-own-node")["shop/web"]
    assert late
    assert late > 75
    assert downs("--lose-redis", "--lose-worker").keys() == downs().keys()


def test_for_ci_there_is_junit_with_a_failure_for_each_vm_that_stays_down(demo: str, tmp_path: Path) -> None:
    file = tmp_path / "junit.xml"
    assert _run("worker-1", "-f", demo, "--junit", str(file)).exit_code == 1
    (suite,) = ET.parse(file).getroot()  # noqa: S314 - our own
    assert (suite.get("tests"), suite.get("failures"), suite.get("skipped")) == ("6", "2", "0")
    failed = {case.get("name") for case in suite if case.find("failure") is not None}
    assert failed == {"shop/licence", "shop/scratch"}


def test_the_page_needs_nothing_else_and_draws_a_timeline_for_each_vm(demo: str, tmp_path: Path) -> None:
    file = tmp_path / "page.html"
    _run("worker-1", "-f", demo, "--html", str(file))
    text = file.read_text()
    assert not re.findall(r"(?:src|href)=\"(?!#)", text), "neither scripts, styles nor pictures from elsewhere"
    assert "Timeline of shop/web:" in text
    assert "stays down" in text
    assert "<code>kubectl -n shop edit vm licence</code>" in text
    assert "&#34;" not in text.partition("</style>")[0]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "say what is lost"),
        (("worker-1", "--each"), "say what is lost"),
        (("worker-1", "--proof", "soon"), "'soon' is not one of"),
        (("worker-1", "--back-after", "soon"), "invalid duration 'soon'"),
        (("worker-9", "-f", "DUMP"), "there is no node 'worker-9'. Did you mean worker-"),
        (("--zone", "x", "-f", "DUMP"), "no node has the label topology.kubernetes.io/zone=x"),
        (("worker-1", "-f", "/nowhere/dump.json"), "No such file"),
        (("worker-1", "-f", "DUMP", "--html", "/nowhere/page.html"), "No such file"),
    ],
)
def test_what_cannot_be_played_is_said_with_exit_code_2(demo: str, words: tuple[str, ...], said: str) -> None:
    done = _run(*(demo if word == "DUMP" else word for word in words))
    assert done.exit_code == 2
    assert said in done.output


def test_where_the_simulated_cluster_is_not_installed_it_says_what_to_install(
    demo: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, "vmdrift.rehearse.command", raising=False)
    monkeypatch.setitem(sys.modules, "rehearsal.course", None)
    done = _run("worker-1", "-f", demo)
    assert (done.exit_code, "pip install vm-drift[rehearse]" in done.output) == (2, True)


def test_what_is_not_played_of_a_vm_is_listed_with_it(demo: str, tmp_path: Path) -> None:
    listed_objects = json.loads(Path(demo).read_text())
    for obj in listed_objects["items"]:
        if obj["kind"] == "VirtualMachineInstance" and obj["metadata"]["name"] == "web":
            devices = {"gpus": [{"name": "g", "deviceName": "nvidia.com/T4"}]}
            obj["spec"]["domain"] |= {"devices": devices, "cpu": {"numa": {"guestMappingPassthrough": {}}}}
    file = tmp_path / "dump.json"
    file.write_text(json.dumps(listed_objects))
    done = _run("worker-1", "-f", str(file), "-o", "wide")
    assert "not played: GPU (only how many a node has), NUMA" in " ".join(done.stdout.split())


def _full(tmp_path: Path) -> str:
    big = {"domain": {"resources": {"requests": {"memory": "18Gi"}}}}
    vms = tuple(Vm(f"vm-{number}", node=f"node-{number % 2}", template=big) for number in range(6))
    return _dump(staged(Scene(("node-0", "node-1"), (*vms, Vm("small", node="node-0")))), tmp_path)


def test_who_is_pending_for_want_of_room_is_told_once_with_what_to_free(tmp_path: Path) -> None:
    done = _run("node-0", "-f", _full(tmp_path), env={"COLUMNS": "200"})
    assert "node-0 lost: of 4 VMs 1 runs again within 5 min 55 s, 3 stay down, for want of room." in done.stdout
    text = " ".join(done.stdout.split())
    assert text.count("-> Make room: free 18 GiB of memory on one of node-1 for it, or add a node.") == 1
    assert [name in text for name in ("default/vm-0", "default/vm-2", "default/vm-4")] == [True] * 3
    told = json.loads(_run("node-0", "-f", _full(tmp_path), "--json").stdout)
    pending = {fate["vm"]: fate["pending"] for fate in told["rehearsals"][0]["fates"]}
    assert pending == {f"default/vm-{number}": ["memory"] for number in (0, 2, 4)} | {"default/small": []}


def test_the_heads_of_losses_are_sentences(demo: str) -> None:
    text = " ".join(_run("--each", "-f", demo).stdout.split())
    assert "worker-2 lost: its only VM runs again within 11 min 58 s." in text
    assert "worker-4 lost: no VM runs there." in text


def test_on_the_page_what_is_said_of_many_is_said_once_and_nothing_is_to_come(tmp_path: Path) -> None:
    file = tmp_path / "page.html"
    assert _run("--each", "-f", _full(tmp_path), "--html", str(file)).exit_code == 1
    text = file.read_text()
    assert text.count("What would help:") == 2, "once for each loss"
    assert text.count("as above") == 4
    assert 'href="#loss-0">node-0</a> (3)' in text
    assert " to come</span>" not in text


def test_pairs_that_only_proof_can_decide_are_played_with_it(demo: str) -> None:
    env = {"VMDRIFT_MAX_UNREACHABLE": "1", "VMDRIFT_FENCING": "redfish"}
    done = _run("--pairs", "--for", "1h", "-f", demo, "--json", env=env)
    told = json.loads(done.stdout)
    pairs = [tuple(one["nodes"]) for one in told["rehearsals"]]
    assert sorted(pairs) == [("worker-2", "worker-3"), ("worker-2", "worker-4"), ("worker-3", "worker-4")]
    assert (done.exit_code, told["not_begun"]) == (0, 0), "of worker-1 the audit knows that VMs stay down"


def test_the_cluster_is_loaded_once_and_its_memory_copied_for_each_loss(
    demo: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    loads = list[int]()

    def counted(*given: Any) -> World:
        assert os.getpid() == ours, "a child loads nothing"
        loads.append(1)
        return loaded(*given)

    ours = os.getpid()
    monkeypatch.setattr(play, "loaded", counted)
    assert len(json.loads(_run("--each", "-f", demo, "--json").stdout)["rehearsals"]) == 4
    assert loads == [1]


def test_of_a_node_that_is_lost_already_nothing_is_played_and_that_is_said(tmp_path: Path) -> None:
    world = staged(Scene(("node-a", "node-b", "node-c"), (Vm("web", node="node-a"),)))
    world.hypervisor.power_cut("node-a")
    world.run_for(120)
    done = _run("node-a", "-f", _dump(world, tmp_path))
    text = " ".join(done.stdout.split())
    assert done.exit_code == 2
    assert "node-a lost: none of its VMs is played." in text
    assert "default/web: Its node is lost already, and what it ran is not known: vmdrift plan node-a says" in text


def test_providers_that_nobody_plays_are_named(demo: str) -> None:
    env = {"VMDRIFT_FENCING": "redfish,network-fence,event"}
    assert "Not played: network-fence of VMDRIFT_FENCING" in _run("worker-2", "-f", demo, env=env).stdout
    assert json.loads(_run("worker-2", "-f", demo, "--json", env=env).stdout)["not_played"] == ["network-fence"]
    assert "Not played: network-fence" not in _run("worker-2", "-f", demo, "--proof", "none", env=env).stdout
