"""What tenants and administrators do on ordinary days: odd pods, edited VMs, taints that come and go."""

from collections.abc import Mapping

from simulator.client import Obj
from tests.properties import excuses
from tests.properties.happen.begun import Begun

_LAUNCHER = {"kubevirt.io": "virt-launcher"}
_TAINTS: Mapping[str, Obj] = {
    "startup": {"key": "node.cilium.io/agent-not-ready", "effect": "NoSchedule"},
    "maintenance": {"key": "kubevirt.io/drain", "effect": "NoSchedule"},
    "pressure": {"key": "node.kubernetes.io/disk-pressure", "effect": "NoSchedule"},
}
# Each with what takes it back.
_EDITS: Mapping[str, tuple[Obj, Obj]] = {
    "pinned": (
        {"spec": {"template": {"spec": {"nodeSelector": {"pool": "nowhere"}}}}},
        {"spec": {"template": {"spec": {"nodeSelector": None}}}},
    ),
    "never": (
        {"metadata": {"annotations": {"vmdrift.io/policy": "never"}}},
        {"metadata": {"annotations": {"vmdrift.io/policy": None}}},
    ),
    "manual": ({"spec": {"runStrategy": "Manual"}}, {"spec": {"runStrategy": "Always"}}),
}
# All that an owner can ask to have done sooner, or with less care.
_MORE = {"vmdrift.io/policy": "auto", "vmdrift.io/detach": "delete", "vmdrift.io/require-fence": "false"}
TAINTS, EDITS = tuple(_TAINTS), tuple(_EDITS)
OWNERS = ("nobody", "somebody else's instance", "a path", "no instance")


class Tenants(Begun):
    """None of it may keep another VM from being moved; what is undone is as if it had never been."""

    def begin(self) -> None:
        super().begin()
        self._edited: dict[str, str] = {}
        self._admin = self.world.api.client("system:admin")

    def excuses(self) -> dict[str, bool]:
        tainted = any(set(self._foreign(node)) for node in self.visible.list("nodes"))
        return super().excuses() | {excuses.TAINTED: tainted, excuses.EDITED: bool(self._edited)}

    def fake_launcher(self, node: str, owner: str) -> None:
        """A pod that looks like a launcher, on this node."""
        vm = next(iter(self.vms))
        name = {"a path": f"../../default/virtualmachines/{vm}", "somebody else's instance": vm}.get(owner, "ghost")
        ref = {"apiVersion": "kubevirt.io/v1", "kind": "VirtualMachineInstance", "name": name, "uid": "no-such-uid"}
        meta = {"generateName": "fake-", "namespace": "default", "labels": _LAUNCHER | {"vm.kubevirt.io/name": vm}}
        owners = {} if owner == "nobody" else {"ownerReferences": [ref]}
        self._admin.create("pods", {"metadata": meta | owners, "spec": {"nodeName": node, "containers": []}})
        self.struck[f"a pod of {owner}"] += 1

    def taint(self, node: str, what: str) -> None:
        """Somebody, or an agent that has yet to start, keeps new pods from a node."""
        self._taints(node, [_TAINTS[what]])
        self.struck["taint"] += 1

    def untaint(self) -> None:
        """All of these are gone."""
        for node in self.visible.nodes:
            self._taints(node, [])

    def edit(self, vm: str, how: str) -> None:
        """A VM that may move may not any more."""
        if vm in self.vms and vm not in self._edited and self.visible.get("virtualmachines", vm, "default"):
            self._admin.patch("virtualmachines", vm, _EDITS[how][0], "default")
            self._edited[vm] = how
            self.judge.edited[vm] = self.world.now
            self.harm.overtaken.update(dict.fromkeys(self.hypervisor.machines, self.world.now))
            self.struck[f"edited: {how}"] += 1

    def ask_for_more(self, vm: str) -> None:
        """Its owner does, whether that counts or not."""
        if vm in self.vms and vm not in self._edited and self.visible.get("virtualmachines", vm, "default"):
            self._admin.patch("virtualmachines", vm, {"metadata": {"annotations": _MORE}}, "default")
            self.judge.deleting |= {vm} if "detach" in self.policy.tenants_may else set()
            self.judge.bold |= {vm} if "policy" in self.policy.tenants_may else set()
            self.struck["asked for more"] += 1

    def undo(self) -> None:
        """It may again, as for all that was edited."""
        for vm, how in self._edited.items():
            self._admin.patch("virtualmachines", vm, _EDITS[how][1], "default")
            self._restart(vm)
            self.judge.edited[vm] = float("inf")
        self._edited.clear()

    def _restart(self, vm: str) -> None:
        """An instance that was made of an edited template keeps what it was made of: its owner has it made again."""
        found = self.visible.get("virtualmachineinstances", vm, "default")
        if found and "pool" in (found["spec"].get("nodeSelector") or {}):
            self._admin.delete("virtualmachineinstances", vm, "default")

    def _taints(self, node: str, foreign: list[Obj]) -> None:
        if found := self.visible.get("nodes", node):
            ours = [one for one in found["spec"].get("taints") or () if one["key"] not in self._foreign(found)]
            self._admin.patch("nodes", node, {"spec": {"taints": [*ours, *foreign] or None}})

    def _foreign(self, node: Obj) -> list[str]:
        keys = {taint["key"] for taint in _TAINTS.values()}
        return [one["key"] for one in node["spec"].get("taints") or () if one["key"] in keys]
