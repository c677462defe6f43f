"""Is this outage still going on, and has the node been unreachable for the whole window?"""

from reactor.model.drift import Policy
from reactor.model.identity import Outage
from reactor.model.node import NodeView
from reactor.model.times import clock_time
from workers.decide.decision import Held, Judgement, Verdict


def still_lost(node: NodeView | None, outage: Outage) -> Verdict:
    """Only Ready=Unknown since the very moment of this outage counts as this outage."""
    name = outage.node.name
    if node is None:
        return Judgement("node-deleted", f"Node {name} was deleted; that does not prove that the machine is off.")
    if node.uid != outage.node.uid:
        return Judgement("node-replaced", f"A new node registered as {name}; what runs there is left alone.")
    if node.ready == "False":
        return Judgement(
            "kubelet-reports-not-ready", f"Node {name} itself says that it is not Ready, so its kubelet is alive."
        )
    if node.outage is None:
        return Judgement("node-returned", f"Node {name} is Ready again since {clock_time(node.ready_since)}.")
    if node.outage != outage:
        return Judgement("newer-outage", f"Node {name} came back and was lost again at {clock_time(node.ready_since)}.")
    return Held(f"Nothing was heard of node {name} since {clock_time(outage.since)}.")


def window(outage: Outage, policy: Policy, now: float) -> Verdict:
    """Never trust being called: the job's due time is no proof that the window is over."""
    end = outage.since + policy.unreachable_window
    if now < end:
        return Judgement(
            "unreachable-window",
            f"Node {outage.node.name} is unreachable since {clock_time(outage.since)}; "
            f"the window of {policy.unreachable_window:g} s ends at {clock_time(end)}.",
            again_at=end,
        )
    return Held(f"The window of {policy.unreachable_window:g} s ended at {clock_time(end)}.")
