"""Tenants make odd pods and edit their VMs, and one of them means harm; nodes bear taints for a while."""

from hypothesis import strategies as st
from hypothesis.stateful import rule

from tests.properties.happen.hostile import HOSTILE, VICTIMS
from tests.properties.happen.tenants import EDITS, OWNERS, TAINTS
from tests.properties.rules.lives import NODE, PAUSES, Lives
from tests.properties.vms import ELIGIBLE, NODES

_VICTIM, _HOW = st.sampled_from(VICTIMS), st.sampled_from(HOSTILE)
_VM = st.sampled_from([vm.name for vm in ELIGIBLE if vm.running is not True])


class TenantRules(Lives):
    """What people do on ordinary days."""

    @rule(pause=PAUSES, node=NODE, owner=st.sampled_from(OWNERS))
    def a_tenant_makes_a_pod_that_looks_like_a_launcher(self, pause: float, node: str, owner: str) -> None:
        self.after(pause).fake_launcher(node, owner)

    @rule(pause=PAUSES, node=st.sampled_from(NODES[2:]), what=st.sampled_from(TAINTS))
    def a_node_bears_a_taint(self, pause: float, node: str, what: str) -> None:
        self.after(pause).taint(node, what)

    @rule(pause=PAUSES)
    def the_taints_are_gone(self, pause: float) -> None:
        self.after(pause).untaint()

    @rule(pause=PAUSES, vm=_VM, how=st.sampled_from(EDITS))
    def a_vm_is_edited(self, pause: float, vm: str, how: str) -> None:
        self.after(pause).edit(vm, how)

    @rule(pause=PAUSES, vm=_VM)
    def an_owner_asks_for_more(self, pause: float, vm: str) -> None:
        self.after(pause).ask_for_more(vm)

    @rule(pause=PAUSES)
    def what_was_edited_is_as_before(self, pause: float) -> None:
        self.after(pause).undo()

    @rule(pause=PAUSES, node=NODE, victim=_VICTIM, how=_HOW)
    def a_hostile_tenant_makes_pods(self, pause: float, node: str, victim: str, how: str) -> None:
        self.after(pause).evil_pod(node, victim, how)

    @rule(pause=PAUSES, victim=_VICTIM, how=_HOW)
    def a_hostile_tenant_has_a_vm(self, pause: float, victim: str, how: str) -> None:
        self.after(pause).evil_vm(victim, how)

    @rule(pause=PAUSES, victim=_VICTIM)
    def a_hostile_tenant_makes_a_claim(self, pause: float, victim: str) -> None:
        self.after(pause).evil_claim(victim)

    @rule(pause=PAUSES, node=NODE)
    def a_hostile_tenant_writes_what_storage_writes(self, pause: float, node: str) -> None:
        self.after(pause).evil_records(node)
