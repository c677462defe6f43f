"""Is anything of the lost node still alive? By what changes before our own eyes, never by the age of a stamp.

The stamps are the node's own clock, which may be anywhere; a value that changes between two of our reads was written by
somebody who lives (so does Kubernetes itself, `node_lifecycle_controller.go`). How long none did is measured on Redis'
clock, and anew since that stepped.
"""

from dataclasses import replace

from reactor.model.drift import Policy, Signs
from reactor.model.times import clock_time
from workers.decide.decision import Judgement, Passed, Verdict
from workers.decide.observation import Observation


def signs(before: Signs | None, seen: Observation, now: float) -> Signs | None:
    """What is known after this look; `before` when the node could not be looked at."""
    if seen.node is None or seen.lease is None:
        return before
    lease, heartbeat = seen.lease, seen.node.heartbeat
    if before is None:
        return Signs(lease, heartbeat, now)
    if heartbeat != before.heartbeat:
        return Signs(lease, heartbeat, now, "virt-handler")
    if lease != before.lease:
        return Signs(lease, heartbeat, now, "kubelet")
    return before if counts(before.since, seen.steady_since, now) else replace(before, since=now)


def counts(since: float, steady_since: float, now: float) -> bool:
    """Was that moment read off the clock as it runs now? One that is yet to come was read before it was set back."""
    return steady_since <= since <= now


def silent(now_known: Signs | None, policy: Policy, now: float) -> Verdict:
    """Passed when it was watched for the whole grace and nothing changed. That is silence, and no proof of death."""
    if now_known is None:
        return Judgement("watching-for-life", "The node's signs of life have not been read yet.")
    since, end = now_known.since, now_known.since + policy.virt_handler_grace
    if now >= end:
        return Passed(f"Neither its Lease nor virt-handler's heartbeat has changed since {clock_time(since)}.")
    if now_known.alive:
        what = "virt-handler's heartbeat" if now_known.alive == "virt-handler" else "the kubelet's Lease"
        return Judgement(
            f"{now_known.alive}-alive",
            f"{what[0].upper()}{what[1:]} changed at {clock_time(since)}: its VMs may well run. "
            f"Silent until {clock_time(end)}, it would count as gone.",
            again_at=end,
        )
    return Judgement(
        "watching-for-life",
        f"Watching the node for signs of life since {clock_time(since)}, until {clock_time(end)}.",
        again_at=end,
    )
