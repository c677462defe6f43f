"""docs/reasons.md: each advice is followed, and nothing else is done, and the VM runs; or it is said why not."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from reactor.model.drift import Policy
from reactor.model.reason import REASONS
from rehearsal.reactor import Reactor
from simulator.client import Client
from simulator.scene import FOR_EVER, Kind, Scene, Storage, Vm
from tests.scenarios.golden import load
from tests.support.virtual import Play

LOST = "node-a"
_DONE = ("completed", "running-elsewhere")
_SCENARIOS = load()

_RESTORED = "{name: data, persistentVolumeClaim: {claimName: restored-disk}}"
# Reason, the scenario in which its advice is followed, and what is done there after the reason was told.
FOLLOWED = [
    ("unreachable-window", "advice for unreachable-window", ["confirm node-a"]),
    ("clock-off", "the clocks of both workers are a minute behind", ["clock drifts-0 60", "clock drifts-1 60"]),
    (
        "virt-handler-alive",
        "the kubelet comes back while virt-handler's heartbeat blocks",
        ["start-kubelet node-a"],
    ),
    ("too-many-nodes-lost", "two of three nodes are lost", ["power-on node-b"]),
    (
        "control-plane-unsteady",
        "the controller manager dies right after it marked the node",
        ["start controller-manager"],
    ),
    (
        "kubelet-reports-not-ready",
        "a sick node that becomes Ready in the end",
        ["kill node-a", "power-on node-a"],
    ),
    ("lost-since-unknown", "a lost node that does not say since when", ["undated node-a no"]),
    ("too-few-nodes", "more available nodes are asked for than there are", ["uncordon node-c"]),
    ("no-node-fits", "the only node that fits is cordoned", ["uncordon node-c"]),
    (
        "claim-not-ready",
        "trouble with a claim that is lost",
        ["status persistentvolumeclaims vm-disk {status: {phase: Bound}}"],
    ),
    ("shared-volume-not-fenced", "shared volume with proof", ["confirm node-a"]),
    ("not-fenced", "nothing but proof is good enough", ["confirm node-a"]),
    (
        "replica-not-synced",
        "storage HwameiStor HA whose replica is not synced",
        ["status localvolumereplicas default-vm-disk-node-b {status: {synced: true}}"],
    ),
    ("claim-used-by-pod", "advice for claim-used-by-pod", ["confirm node-a"]),
    ("claim-used-by-pod", "a dead backup pod where such pods are kept", ["taint node-a"]),
    ("launcher-kept", "a finalizer keeps the launcher that was force-deleted", ["finalizer vm"]),
    (
        "manual-recovery-required",
        "a VM that somebody has to repair first",
        ["status virtualmachines vm {status: {conditions: []}}"],
    ),
    ("not-running-again", "the kubelet that comes back cannot end the launcher", ["finalizer vm"]),
    ("observe-only", "advice for observe-only", ["annotate virtualmachines vm vmdrift.io/policy=auto"]),
    ("held", "hold a node and resume", ["resume node/node-a"]),
    (
        "pinned-to-node",
        "a pinned VM is unpinned during the outage",
        ["patch virtualmachines vm {spec: {template: {spec: {nodeSelector: null}}}}"],
    ),
    (
        "pinned-to-node",
        "the replacement of a pool's only node joins later",
        ["patch nodes node-c {metadata: {labels: {pool: gpu}}}"],
    ),
    (
        "node-local-volume",
        "advice for node-local-volume",
        [f"patch virtualmachines vm {{spec: {{template: {{spec: {{volumes: [{_RESTORED}]}}}}}}}}"],
    ),
    ("run-strategy", "advice for run-strategy", ["patch virtualmachines vm {spec: {runStrategy: Always}}"]),
    (
        "policy-never",
        "policy never is taken back during the outage",
        ["annotate virtualmachines vm vmdrift.io/policy=auto"],
    ),
    ("detach-window", "advice for detach-window", ["confirm node-a"]),
    ("still-attached", "detach by waiting while the CSI attacher is down", ["start csi-attacher"]),
    (
        "waiting-for-replacement",
        "trouble with virt-controller which is away after the release",
        ["start virt-controller"],
    ),
    (
        "unschedulable",
        "ending that the scheduler does not allow in time",
        ["patch nodes node-b {spec: {taints: null}}"],
    ),
    (
        "start-deadline",
        "ending that the scheduler does not allow in time",
        ["patch nodes node-b {spec: {taints: null}}"],
    ),
    ("cancelled-by-hand", "cancel and retry", ["retry vm/default/vm"]),
]
# Advice of which following it gets no VM to run, and why.
NOT_TO_FOLLOW = {
    "kubelet-alive": "The VM runs where it is, or its node falls silent and it is moved; the advice finds out which.",
    "node-deleted": "Kubernetes removes the launcher by itself; the advice is about what else runs on the machine.",
    "api-unavailable": "Nothing can be read; with the API server back every look goes on by itself.",
    "api-refused": "The same, with the permission back.",
    "waiting-for-running": "The VM is on its way; the advice is where to look if it does not get there.",
}


def _after(reason: str, log: str) -> Iterator[str]:
    """What was done after the reason was told."""
    lines = log.splitlines()
    first = next(number for number, line in enumerate(lines) if f" {reason}: " in line)
    return (line.split("# ", 1)[1] for line in lines[first:] if " # " in line)


@pytest.mark.parametrize(("reason", "scenario", "advice"), FOLLOWED)
def test_an_advice_that_is_followed_is_enough(reason: str, scenario: str, advice: list[str]) -> None:
    log = _SCENARIOS[scenario].log
    assert list(_after(reason, log)) == advice
    ends = [line for line in log.splitlines() if line.startswith(("END default/vm", "END default/web"))]
    assert ends
    assert not any("runs on no node" in line for line in ends)


def _lost(vm: Vm, policy: Policy) -> Play:
    play = Play.of(Scene((LOST, "node-b", "node-c"), (vm,)), policy)
    play.world.hypervisor.power_cut(LOST)
    return play


@pytest.mark.parametrize(
    ("vm", "before", "after", "story"),
    [
        (
            Vm("vm", Storage.OTHER_CSI, node=LOST),
            Policy(),
            Policy(shared_csi_drivers=("*",)),
            ("refused", "unsupported-storage"),
        ),
        (Vm("vm", node=LOST), Policy(mode="never"), Policy(), ("refused", "policy-never")),
        (Vm("vm", node=LOST), Policy(mode="observe"), Policy(), ("blocked", "observe-only")),
        (
            Vm("vm", Storage.RBD_SHARED, node=LOST),
            Policy(),
            Policy(allow_unfenced_rwx=True),
            ("blocked", "shared-volume-not-fenced"),
        ),
        (
            Vm("vm", node=LOST, toleration=FOR_EVER),
            Policy(),
            Policy(delete_unevicted=True),
            ("blocked", "not-terminating"),
        ),
    ],
    ids=lambda value: value[1] if isinstance(value, tuple) else "",
)
def test_a_setting_that_is_advised_is_enough_once_the_workers_have_it(
    vm: Vm, before: Policy, after: Policy, story: tuple[str, str]
) -> None:
    play = _lost(vm, before)
    assert play.until("vm", story, limit=900)
    play.world.remove(play.reactor)
    play.reactor = Reactor(play.world, replace(after), play.reactor.store)
    play.world.add(play.reactor)
    assert play.until("vm", _DONE, limit=1200)


def _makes_it_a_vm(play: Play, admin: Client) -> None:
    """KubeVirt has a VirtualMachine adopt an instance of its name that nobody owns."""
    vmi = admin.get("virtualmachineinstances", "vm", "default")
    template = {"spec": vmi["spec"]}
    meta = {"name": "vm", "namespace": "default"}
    made = admin.create("virtualmachines", {"metadata": meta, "spec": {"runStrategy": "Always", "template": template}})
    owner = {"apiVersion": "kubevirt.io/v1", "kind": "VirtualMachine", "name": "vm", "uid": made["metadata"]["uid"]}
    tables = play.world.store.objects("virtualmachineinstances")
    tables["default", "vm"]["metadata"]["ownerReferences"] = [{**owner, "controller": True}]


def test_a_bare_instance_that_is_made_a_vm_is_moved_as_one() -> None:
    play = _lost(Vm("vm", node=LOST, kind=Kind.VMI), Policy())
    assert play.until("vm", ("refused", "bare-instance"), limit=600)
    _makes_it_a_vm(play, play.world.api.client("system:admin"))
    assert play.until("vm", _DONE, limit=1200)


def test_every_advice_is_followed_somewhere_or_it_is_said_why_not() -> None:
    given = {code for code, reason in REASONS.items() if reason.operator != "Nothing."}
    by_setting = {"unsupported-storage", "not-terminating", "bare-instance"}
    followed = {reason for reason, _, _ in FOLLOWED} | by_setting
    assert followed | NOT_TO_FOLLOW.keys() == given
    assert followed.isdisjoint(NOT_TO_FOLLOW)
    assert all(why.endswith(".") for why in NOT_TO_FOLLOW.values())
