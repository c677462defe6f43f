"""What a terminal of some size shows of a plan and of an audit, and how they end when nothing can be told."""

import io
from pathlib import Path

import orjson
import pytest
from rich.console import Console

from reactor.model.drift import Policy
from reactor.model.errors import Forbidden, NotServed, VmDriftError
from simulator.scene import Storage, Vm
from simulator.world import World
from tests.unit.vmdrift.plans import LOST, NODES, change, fates_in, listed, read, world_of
from tests.unit.vmdrift.reports import report
from vmdrift.plan import audit
from vmdrift.plan.audit import audited, findings
from vmdrift.plan.table import show
from vmdrift.snapshot import DUMP_COMMAND, ClusterSnapshot
from vmdrift.snapshot.installed import JudgedBy
from vmdrift.snapshot.source import run_on_snapshot

VMS = (
    Vm("database", Storage.RBD_BLOCK, node=LOST),
    Vm("files", Storage.TWO_DISKS, node=LOST, annotations={"vmdrift.io/detach": "delete"}),
    Vm("scratch", Storage.LOCAL, node=LOST, namespace="a-namespace-with-a-rather-long-name"),
    Vm("web", node="node-b"),
)


def _plan(there: ClusterSnapshot, width: int, node: str = LOST) -> str:
    console = Console(file=io.StringIO(), width=width)
    with console.capture() as capture:
        show(console, there, node, fates_in(there, node, Policy(tenants_may=("detach",))))
    return capture.get()


def _audit(there: ClusterSnapshot, width: int) -> str:
    nodes = audited(there, Policy())
    console = Console(file=io.StringIO(), width=width)
    with console.capture() as capture:
        audit.show(console, there, nodes, findings(there, Policy(), nodes))
    return capture.get()


def _words(text: str) -> str:
    return " ".join(text.split())


@pytest.mark.parametrize("width", [80, 100, 160])
def test_the_plan_fits_the_terminal_and_says_everything(width: int) -> None:
    text = _plan(read(world_of(*VMS)), width)
    assert max(map(len, text.splitlines())) <= width
    assert "of 3 VMs 2 would move, 1 would stay down." in text
    for word in ("database-disk", "665 s", "305-365 s", "node-local-volume:", "node-b,", "41 to 54 s"):
        assert word in text


def test_advice_about_a_node_that_is_lost_already_names_it_and_the_vm() -> None:
    world = world_of(*VMS)
    world.hypervisor.power_cut(LOST)
    world.run_for(60)
    text = _words(_plan(read(world), 160))
    assert f"-> Bring {LOST} back; or restore the disk from a backup" in text
    assert "`kubectl -n a-namespace-with-a-rather-long-name edit vm scratch`" in text


def test_a_wish_that_does_not_count_is_shown_with_its_vm_once() -> None:
    there = read(world_of(*VMS, Vm("still", node=LOST, annotations={"vmdrift.io/policy": "auto"})))
    console = Console(file=io.StringIO(), width=2000)
    with console.capture() as capture:
        show(console, there, LOST, fates_in(there, LOST, Policy(mode="never")))
    text = _words(capture.get())
    assert text.count("'s annotation vmdrift.io/detach asks for delete") == 1
    assert text.count("'s annotation vmdrift.io/policy asks for auto") == 1


def test_a_wide_terminal_shows_volumes_in_a_column_of_their_own() -> None:
    there = read(world_of(*VMS))
    assert "Volumes" in _plan(there, 100)
    assert "Volumes" not in _plan(there, 80)


def test_many_targets_are_counted_and_not_all_named() -> None:
    text = _plan(read(world_of(VMS[0], nodes=tuple(f"node-{letter}" for letter in "abcdefgh"))), 200)
    assert "To node-b, node-c, node-d, node-e and 3 more; room on each." in _words(text)


def test_vms_without_room_are_named() -> None:
    world = world_of(VMS[0], nodes=NODES[:2])
    change(world, "nodes", "node-b", {"status": {"allocatable": {"memory": "1Mi"}}}, subresource="status")
    text = _words(_plan(read(world), 200))
    assert "room on none of them now: it would be Pending" in text
    assert "Not all find room together: default/database would be Pending." in text


def test_a_node_without_vms_is_one_line() -> None:
    assert _plan(read(world_of(*VMS)), 80, "node-c") == "If node node-c were lost now: no VM runs there.\n"


def test_a_lost_node_is_told_with_since_when() -> None:
    world = world_of(*VMS)
    world.hypervisor.power_cut(LOST)
    world.run_for(100)
    assert f"Node {LOST} is lost since 20" in _plan(read(world), 80)


@pytest.mark.parametrize("width", [80, 120])
def test_the_audit_fits_the_terminal_and_names_node_vm_reason_and_change(width: int) -> None:
    text = _audit(read(world_of(*VMS)), width)
    assert max(map(len, text.splitlines())) <= width
    assert "4 nodes, if any one of them were lost: of 4 VMs 3 would move, 1 would stay down." in text
    assert "-> Put the disk on storage that other nodes reach, or keep a backup." in _words(text)


SHARED = "If default/two, which shares claim sh, comes up on the same node, or later."
NEVER = "it would be Pending, and stay so: none of them has so much nvidia.com/GA102GL_A10, even empty."


@pytest.mark.parametrize(
    ("name", "plan", "audit"),
    [
        ("r11", ("2 would move (2 of them only if", "moves, if ", SHARED), ("moves-if: default/one, default/two",)),
        ("r28", ("It comes up without hp, which was plugged into the instance only.",), ("lost-disks: default/h",)),
        ("r16", (NEVER,), ("too-much: default/gpu", "no-room: default/gpu")),
        ("d08", ("The dump holds no leases of kube-node-lease; what needs them is unknown.",), (" Unknown",)),
    ],
)
def test_what_a_move_depends_on_and_what_it_costs_is_said(
    name: str, plan: tuple[str, ...], audit: tuple[str, ...]
) -> None:
    there = report(name)
    assert all(part in _plan(there, 400) for part in plan)
    assert all(part in _audit(there, 400) for part in audit)
    for width in (80, 160):
        lines = [*_plan(there, width).splitlines(), *_audit(there, width).splitlines()]
        assert max(len(line) for line in lines if line != DUMP_COMMAND) <= width


def _file(world: World, folder: Path, *without: str) -> str:
    path = folder / "dump.json"
    path.write_bytes(orjson.dumps(listed(world, without)))
    return str(path)


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (Forbidden("nodes is forbidden"), "nodes is forbidden. This command only reads: it needs the verb list"),
        (NotServed("no such kind"), "no such kind. Is KubeVirt installed on this cluster?"),
    ],
)
def test_an_error_is_one_line_that_names_the_fix(
    error: VmDriftError, said: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    def tell(_there: ClusterSnapshot, _judged: JudgedBy) -> int:
        raise error

    assert run_on_snapshot("plan", _file(world_of(*VMS), tmp_path), tell) == 2
    err = capfd.readouterr().err
    assert err.startswith(f"vmdrift plan: {said}")
    assert err.count("\n") == 1


def test_what_nobody_can_make_anything_of_is_bad_input_and_no_traceback(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    def tell(_there: ClusterSnapshot, _judged: JudgedBy) -> int:
        raise KeyError("spec")

    assert run_on_snapshot("audit", _file(world_of(*VMS), tmp_path), tell) == 2
    assert "it contains a malformed object" in capfd.readouterr().err


def test_what_a_dump_lacks_is_told_with_a_command_that_can_be_copied(tmp_path: Path) -> None:
    from vmdrift.snapshot import from_dump

    text = _plan(from_dump(_file(world_of(*VMS), tmp_path, "leases")), 80)
    assert "The dump holds no leases; what needs them is unknown." in text
    assert DUMP_COMMAND in text.splitlines()
