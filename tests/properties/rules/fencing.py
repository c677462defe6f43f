"""Whoever fences fails, lies, or hits another; people confirm, hold and forbid."""

from hypothesis import strategies as st
from hypothesis.stateful import rule

from tests.properties.rules.lives import NODE, PAUSES, Lives
from tests.properties.vms import NODES


class FenceRules(Lives):
    """What happens to fences, and what people say of them."""

    @rule(pause=PAUSES, node=NODE)
    def a_node_is_switched_off_and_somebody_says_so(self, pause: float, node: str) -> None:
        self.after(pause).confirm(node)

    @rule(pause=PAUSES, node=NODE)
    def somebody_says_so_and_is_mistaken(self, pause: float, node: str) -> None:
        self.after(pause).confirm_falsely(node)

    @rule(pause=PAUSES)
    def everything_that_was_confirmed_is_told_again(self, pause: float) -> None:
        self.after(pause).confirm_again()

    @rule(pause=PAUSES, node=NODE, how=st.sampled_from(("fail", "hang", "refuse", "mute")))
    def whoever_fences_does_not(self, pause: float, node: str, how: str) -> None:
        self.after(pause).fences_fail(node, how)

    @rule(pause=PAUSES, node=NODE)
    def whoever_fences_lies(self, pause: float, node: str) -> None:
        self.after(pause).fences_lie(node)

    @rule(pause=PAUSES, one=NODE, other=NODE)
    def the_addresses_of_two_bmcs_are_swapped(self, pause: float, one: str, other: str) -> None:
        if one != other:
            self.after(pause).bmcs_swapped(one, other)

    @rule(pause=PAUSES, one=NODE, other=NODE)
    def a_machine_bears_anothers_uuid_or_none(self, pause: float, one: str, other: str) -> None:
        self.after(pause).uuid_of_another(one, other)

    @rule(pause=PAUSES, one=NODE, other=NODE)
    def two_nodes_are_behind_one_address(self, pause: float, one: str, other: str) -> None:
        self.after(pause).behind_one_address(one, other)

    @rule(pause=PAUSES)
    def fencing_is_forbidden(self, pause: float) -> None:
        self.after(pause).fencing_forbidden()

    @rule(pause=PAUSES, node=NODE, forged=st.booleans())
    def there_is_a_remediation_of_somebody_elses(self, pause: float, node: str, *, forged: bool) -> None:
        self.after(pause).remediated(node, forged=forged)

    @rule(pause=PAUSES, lasts=st.sampled_from((60.0, 300.0, 1800.0)))
    def somebody_removes_out_of_service_taints(self, pause: float, lasts: float) -> None:
        self.after(pause).out_of_service_removed(lasts)

    @rule(pause=PAUSES)
    def whoever_fences_works_again(self, pause: float) -> None:
        self.after(pause).fences_work()

    @rule(pause=PAUSES, node=NODE)
    def nobody_may_fence_a_node(self, pause: float, node: str) -> None:
        self.after(pause).forbid_fencing(node)

    @rule(
        pause=PAUSES,
        what=st.sampled_from(("all", f"node/{NODES[0]}", f"node/{NODES[1]}", "vm/default/web")),
        seconds=st.sampled_from((None, 300.0, 1800.0)),
    )
    def somebody_asks_to_leave_it_alone(self, pause: float, what: str, seconds: float | None) -> None:
        self.after(pause).hold(what, seconds)

    @rule(pause=PAUSES)
    def every_hold_is_lifted(self, pause: float) -> None:
        self.after(pause).resume()
