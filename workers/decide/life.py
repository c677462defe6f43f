"""Is anything of the lost node still alive? By what changes between our own reads, never by the age of a timestamp.

Timestamps are by the node's own clock, which may be anywhere; a value that changes between two of our reads was written
by something alive (Kubernetes does the same, `node_lifecycle_controller.go`). How long nothing changed is measured on
Redis' clock, and again from zero after that stepped.
"""

from dataclasses import replace

from reactor.model.drift import Policy, Signs
from reactor.model.times import clock_time
from workers.decide.decision import Judgement, Passed, Verdict
from workers.decide.observation import Observation


def signs(before: Signs | None, observation: Observation, now: float) -> Signs | None:
    """What is known after this pass; `before` when the node could not be read."""
    if observation.node is None or observation.lease is None:
        return before
    lease, heartbeat = observation.lease, observation.node.heartbeat
    if before is None:
        return Signs(lease, heartbeat, now)
    if heartbeat != before.heartbeat:
        return Signs(lease, heartbeat, now, "virt-handler")
    if lease != before.lease:
        return Signs(lease, heartbeat, now, "kubelet")
    return before if counts(before.since, observation.steady_since, now) else replace(before, since=now)


def counts(since: float, steady_since: float, now: float) -> bool:
    """Was that moment taken since the clock last stepped? One in the future was taken before it was set back."""
    return steady_since <= since <= now


def silent(current: Signs | None, policy: Policy, now: float) -> Verdict:
    """Passed when it was watched for the whole grace and nothing changed. That is silence, and no proof of death."""
    if current is None:
        return Judgement("watching-for-life", "The node's signs of life have not been read yet.")
    since, end = current.since, current.since + policy.virt_handler_grace
    if now >= end:
        return Passed(f"Neither its Lease nor virt-handler's heartbeat has changed since {clock_time(since, now)}.")
    if current.alive:
        sign = "virt-handler's heartbeat" if current.alive == "virt-handler" else "the kubelet's Lease"
        return Judgement(
            f"{current.alive}-alive",
            f"{sign[0].upper()}{sign[1:]} changed at {clock_time(since, now)}: its VMs may well run. "
            f"Silent until {clock_time(end, now)}, it would count as gone.",
            again_at=end,
        )
    return Judgement(
        "watching-for-life",
        f"Watching the node for signs of life since {clock_time(since, now)}, until {clock_time(end, now)}.",
        again_at=end,
    )
