"""Witnesses lie: of a living node that nothing answers there, of a dead one that something does, or of another time."""

from hypothesis import strategies as st
from hypothesis.stateful import rule

from tests.properties.rules.lives import PAUSES, Lives
from tests.properties.testimony import LIES
from tests.properties.vms import WITNESSES


class WitnessRules(Lives):
    """What happens to what watchers say."""

    @rule(pause=PAUSES, witness=st.sampled_from(WITNESSES), how=st.sampled_from(sorted(LIES)))
    def a_witness_lies(self, pause: float, witness: str, how: str) -> None:
        self.after(pause).witness_lies(witness, how)

    @rule(pause=PAUSES)
    def witnesses_are_honest_again(self, pause: float) -> None:
        self.after(pause).witnesses_are_honest()
