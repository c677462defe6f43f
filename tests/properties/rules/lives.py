"""A life in the hands of Hypothesis, and what all rules draw."""

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine

from tests.properties.life import Life
from tests.properties.vms import NODES

PAUSES = st.one_of(st.integers(0, 60), st.integers(60, 450)).map(float)
NODE = st.sampled_from((*NODES[:2], *NODES[:2], *NODES[:2], *NODES))  # the first two have the VMs


class Lives(RuleBasedStateMachine):
    """`life` is there once the machine has begun."""

    life: Life | None = None
    steps = 0

    def after(self, pause: float) -> Life:
        """The life, so many seconds later."""
        assert self.life
        self.steps += 1
        self.life.live(pause)
        return self.life
