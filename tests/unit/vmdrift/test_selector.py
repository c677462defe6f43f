"""`-n`, `-A` and `-l`: which VMs a command speaks of."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson
import pytest

from reactor.model.drift import OutageRecord
from reactor.model.errors import BadInput
from reactor.model.sweep import Sweep
from rehearsal.twins.store import MemoryStore
from simulator.scene import Storage, Vm
from simulator.store.selectors import by_labels
from tests.contracts.samples import LOST_AT, outage, record
from tests.support.commands import vmdrift
from tests.unit.vmdrift.plans import LOST, change, listed, world_of
from vmdrift.selector import VmSelector, requirements
from vmdrift.status import read
from vmdrift.status.history import read as read_history

LABELS: Mapping[str, str] = {"app": "web", "example.com/tier": "1", "empty": ""}


@pytest.mark.parametrize(
    ("selector", "meant"),
    [
        ("app=web", True),
        ("app==web", True),
        ("app = api", False),
        ("app!=web", False),
        ("none!=web", True),
        ("app in (api, web)", True),
        ("app in (api)", False),
        ("app notin (api)", True),
        ("none notin (api)", True),
        ("app", True),
        ("!app", False),
        ("! none", True),
        ("example.com/tier=1,app=web", True),
        ("example.com/tier=2,app=web", False),
        ("app in (a,web),!none", True),
        ("empty=", True),
        ("none=", False),
        ("", True),
    ],
)
def test_labels_select_as_kubernetes_has_it(selector: str, meant: bool) -> None:
    assert VmSelector(labels=selector).covers("shop", lambda: LABELS) is meant
    assert by_labels(selector)({"metadata": {"labels": dict(LABELS)}}) is meant  # the API server's own


@pytest.mark.parametrize(
    "selector", ["app=web,", "=web", "app in web", "app in (we b)", "a b", "app>1", "-a", "app=w/b"]
)
def test_a_malformed_selector_selects_nothing_and_says_how(selector: str) -> None:
    with pytest.raises(BadInput, match=r"invalid label selector .*app!=web"):
        requirements(selector)


def test_what_has_no_known_labels_is_not_left_out() -> None:
    assert VmSelector("shop", "app=web").covers("shop")
    assert not VmSelector("shop", "app=web").covers("bank")


@pytest.fixture(scope="module")
def dump(tmp_path_factory: pytest.TempPathFactory) -> Path:
    world = world_of(
        Vm("web", Storage.RBD_BLOCK, node=LOST),
        Vm("local", Storage.LOCAL, node=LOST),
        Vm("web", Storage.LOCAL, node=LOST, namespace="bank"),
    )
    change(world, "virtualmachines", "web", {"metadata": {"labels": {"tier": "front"}}}, "default")
    path = tmp_path_factory.mktemp("dumps") / "kubectl.json"
    path.write_bytes(orjson.dumps(listed(world)))
    return path


def _vms(dump: Path, *words: str) -> tuple[int, list[str]]:
    done = vmdrift("plan", LOST, "-o", "json", "-f", str(dump), *words)
    found: list[dict[str, Any]] = orjson.loads(done.out)["vms"]
    return done.code, [f"{vm['namespace']}/{vm['name']}" for vm in found]


@pytest.mark.parametrize(
    ("words", "code", "vms"),
    [
        (("-A",), 1, ["bank/web", "default/local", "default/web"]),
        (("-n", "default"), 1, ["default/local", "default/web"]),
        (("-n", "default", "-l", "tier=front"), 0, ["default/web"]),
        (("-l", "!tier"), 1, ["bank/web", "default/local"]),
        (("-n", "nowhere"), 0, []),
    ],
)
def test_a_plan_and_its_exit_code_are_of_those_that_are_selected(
    dump: Path, words: tuple[str, ...], code: int, vms: list[str]
) -> None:
    assert _vms(dump, *words) == (code, vms)


def test_an_audit_says_of_which_vms_it_is(dump: Path) -> None:
    done = vmdrift("audit", "-n", "bank", "-f", str(dump))
    assert done.out.splitlines()[1] == "Only VMs of namespace bank; counts and exit code are of these."
    assert "bank/web" in done.out
    assert "default/" not in done.out
    assert "of 1 VM 1 would stay down" in " ".join(done.out.split())


def test_our_own_dump_holds_labels_of_vms_and_one_of_earlier_versions_is_refused(dump: Path, tmp_path: Path) -> None:
    from vmdrift.snapshot.dump import as_list
    from vmdrift.snapshot.dump_file import Dump, about, parsed

    contents = parsed(dump.read_bytes(), "dump")
    own = as_list(Dump(contents.objects, about(contents.objects, LOST_AT)), nameless=False)
    (tmp_path / "own.json").write_bytes(orjson.dumps(own))
    assert _vms(tmp_path / "own.json", "-l", "tier=front") == (0, ["default/web"])

    del own["vmdrift"]["vm_labels"]
    (tmp_path / "old.json").write_bytes(orjson.dumps(own))
    done = vmdrift("plan", LOST, "-f", str(tmp_path / "old.json"), "-l", "tier=front")
    assert (done.code, done.out) == (2, "")
    assert "this dump holds no labels of VMs" in done.err
    again = vmdrift("dump", "-f", str(tmp_path / "old.json"))
    assert "vm_labels" not in orjson.loads(again.out)["vmdrift"]


def a_store() -> MemoryStore:
    store = MemoryStore(lambda: LOST_AT)
    store.save_outage(OutageRecord(outage(), LOST_AT), done=False)
    store.create(record("web"), [])
    return store


def test_status_and_history_leave_out_outages_without_such_vms() -> None:
    here, elsewhere = VmSelector("shop"), VmSelector("bank")
    assert [len(records) for _, records in read(a_store()).only(here).outages] == [1]
    assert read(a_store()).only(elsewhere).outages == []
    assert read(a_store()).only(elsewhere).quiet == "No VM of namespace bank is on a lost node"
    store = a_store()
    store.save_outage(OutageRecord(outage(), LOST_AT), done=True)
    assert len(read_history(store, 10, here)) == 1
    assert read_history(store, 10, elsewhere) == []


def test_an_outage_of_which_not_all_vms_were_found_stays() -> None:
    store = a_store()
    store.save_outage(OutageRecord(outage(), LOST_AT, sweep=Sweep(LOST_AT, "forbidden", False, ())), done=False)
    assert len(read(store).only(VmSelector("bank")).outages) == 1


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("status", "-l", "app=web"), "which Redis does not hold: use -n here"),
        (("history", "--selector=app"), "which Redis does not hold: use -n here"),
        (("audit", "-A", "-n", "shop"), "-A and -n cannot be combined"),
        (("plan", "n", "-n", "Shop"), "'Shop' is not a valid namespace name"),
        (("audit", "-l", "a b"), "invalid label selector 'a b'"),
    ],
)
def test_what_cannot_be_selected_is_refused_with_the_usage(words: tuple[str, ...], said: str) -> None:
    done = vmdrift(*words)
    assert done.code == 2
    assert "Usage: " in done.err
    assert said in " ".join(done.err.split())
