"""The VMs that worlds are drawn from: those that have to run again, and those that nobody may touch, with why."""

from simulator.scene import FOR_EVER, ClaimPod, Kind, Storage, Vm

NODES = ("node-a", "node-b", "node-c", "node-d", "node-e")
WITNESSES = NODES[:-3:-1]  # where the watchers run
_AT_ONCE = {"vmdrift.io/detach": "delete"}
ELIGIBLE = (
    Vm("web", node="node-a"),
    Vm("wiki", node="node-b", running=True),
    Vm("quick", node="node-a", toleration=10),
    Vm("db", Storage.RBD_BLOCK, node="node-a"),
    Vm("files", Storage.RBD_FILESYSTEM, node="node-b"),
    Vm("queue", Storage.RBD_BLOCK, node="node-a", annotations=_AT_ONCE),
    Vm("two", Storage.TWO_DISKS, node="node-b", annotations=_AT_ONCE),
    Vm("plug", Storage.RBD_HOTPLUGGED, node="node-a"),
    Vm("edge", Storage.RBD_EDGE, node="node-a"),
)
_POLICY = "vmdrift.io/policy"
_WHY = (
    (Vm("scratch", Storage.LOCAL, node="node-a"), "its disk is on the node"),
    (Vm("shared", Storage.RBD_SHARED, node="node-b"), "nothing keeps a second writer out"),
    (Vm("foreign", Storage.OTHER_CSI, node="node-a"), "nobody knows its driver"),
    (Vm("licence", node="node-b", pinned=True), "it names its node"),
    (Vm("hand", node="node-a", run_strategy="Manual"), "nobody would start it again"),
    (Vm("bare", node="node-b", kind=Kind.VMI), "nobody would start it again"),
    (Vm("stay", node="node-a", annotations={_POLICY: "never"}), "its owner said never"),
    (Vm("watched", node="node-b", annotations={_POLICY: "observe"}), "its owner said observe"),
    (Vm("patient", node="node-a", toleration=FOR_EVER), "Kubernetes never gives it up"),
    (
        Vm("sealed", node="node-b", annotations={"vmdrift.io/require-fence": "true"}),
        "silence is not enough for its owner",
    ),
)
# Pods beside the VMs that write: to a driver that nobody knows, and to another storage cluster of a known one.
# None has the name of a VM in front: by that the judge knows which volumes are a VM's.
PODS = (
    ClaimPod("ledger", "ledger-disk", "node-a", storage=Storage.OTHER_CSI, stateful_set="ledger"),
    ClaimPod("journal", "journal-disk", "node-b", storage=Storage.RBD_EDGE, stateful_set="journal"),
)
# What keeps these where they are is that nobody knows.
WITH_PROOF = frozenset({"shared", "patient", "sealed"})
UNTOUCHABLE = tuple(vm for vm, _ in _WHY)
WHY = {vm.name: why for vm, why in _WHY}
