"""Is it the nodes that are lost, or the control plane that does not hear them?"""

from collections.abc import Sequence
from dataclasses import replace

from reactor.model.drift import Policy, Record
from reactor.model.identity import Outage
from reactor.model.node import NodeView
from reactor.model.times import clock_time
from workers.decide.decision import Judgement, Passed, Verdict
from workers.decide.node import began
from workers.decide.observation import Manager, Observation

# Seconds after the last look at a cluster in disorder. Looks are up to 30 s apart, so it was in order for a minute.
# For as long a node that is Ready again counts as lost.
COOL_DOWN = 90.0
_RENEWS = 15.0  # seconds; a kubelet renews its Lease every 10, so the last renewal may be older than its becoming Ready
_CALM = 3600.0  # seconds between two losses that are not one trouble
_NEW = 300.0  # seconds; a node that was created since then was never lost
# Seconds by which a controller manager's Lease is older than what it wrote itself. A leader that cannot renew its Lease
# ends within 15 s, so that Lease is one that nobody renews any more: leader election was switched off since.
ABANDONED = 3600.0


def quorum(seen: Observation, record: Record, policy: Policy, now: float) -> Verdict:
    """The cluster as a whole: not too many nodes lost, the control plane awake, and both for a while."""
    objection = unsteady(seen, record, policy) or returning(seen, record, policy, now)
    if objection:
        return objection
    calm = (record.unsteady_at or 0.0) + COOL_DOWN
    if now < calm:
        return Judgement(
            "cool-down",
            f"The cluster is in order again; nothing is done before {clock_time(calm)}, in case it is not.",
            again_at=calm,
        )
    lost = sum(node.outage is not None for node in seen.nodes)
    return Passed(f"{lost} of {len(seen.nodes)} nodes are unreachable, and the control plane hears the others.")


def unsteady(seen: Observation, record: Record, policy: Policy) -> Judgement | None:
    """What is wrong with the cluster as a whole, if something is."""
    return _too_many(_recent(seen, record.drift.outage), policy) or _asleep(seen, record)


def returning(seen: Observation, record: Record, policy: Policy, now: float) -> Judgement | None:
    """Too many nodes are lost, or were until a moment ago, which the cluster itself says, whoever looked meanwhile."""
    seen = _recent(seen, record.drift.outage)
    lost, back = _lost(seen), _back(seen)
    over = len(lost) + len(back) - allowed(policy, len(seen.nodes))
    if over <= 0 or not back:
        return None
    left = COOL_DOWN - sorted(back.values(), reverse=True)[min(over, len(back)) - 1]
    return Judgement(
        "cool-down",
        f"{len(lost)} of {len(seen.nodes)} nodes are unreachable, and {_names([*back])} came back less than "
        f"{COOL_DOWN:g} s ago: more than {policy.max_unreachable} together, so nothing is done yet.",
        again_at=now + left,
    )


def _recent(seen: Observation, outage: Outage) -> Observation:
    """Without the nodes that were lost in another trouble: the objects of machines that were scrapped long ago.

    One trouble is whatever was lost without an hour of calm in between, so that a slow cascade counts as one.
    """
    begin = float(outage.since)
    for since in sorted((node.outage.since for node in seen.nodes if node.outage), reverse=True):
        begin = min(begin, since) if since > begin - _CALM else begin
    return replace(seen, nodes=tuple(node for node in seen.nodes if not node.outage or node.outage.since >= begin))


def _back(seen: Observation) -> dict[str, float]:
    """The nodes that came back a moment ago, and how many seconds ago that was.

    The kubelet writes both when it became Ready and its Lease, so its clock may be anywhere. Where it was set back in
    between, the API server's clock counts; where by that one, too, it is yet to become Ready, nobody can say.
    """
    if seen.date is None:
        return {}
    old = [node for node in seen.nodes if node.ready == "True" and seen.date - node.created >= _NEW]
    ago = {node.name: _ago(node, seen.renewals.get(node.name) or seen.date, seen.date) for node in old}
    return {name: seconds for name, seconds in ago.items() if -_RENEWS < seconds < COOL_DOWN}


def _ago(node: NodeView, renewed: float, date: float) -> float:
    own = renewed - node.ready_since
    return own if own > -_RENEWS else date - node.ready_since


def allowed(policy: Policy, nodes: int) -> int:
    """How many of so many nodes may be unreachable at once. One is never too many."""
    text = policy.max_unreachable
    return max(1, nodes * int(text[:-1]) // 100 if text.endswith("%") else int(text))


def _too_many(seen: Observation, policy: Policy) -> Judgement | None:
    lost = _lost(seen)
    if len(lost) <= allowed(policy, len(seen.nodes)):
        return None
    return Judgement(
        "too-many-nodes-lost",
        f"{len(lost)} of {len(seen.nodes)} nodes are unreachable ({_names(lost)}), more than {policy.max_unreachable}: "
        "that looks like the network or the control plane, not like dead nodes.",
    )


def _lost(seen: Observation) -> list[str]:
    """Nodes that are proven dead do not count: they are no riddle."""
    return [node.name for node in seen.nodes if node.outage and node.name not in seen.proven]


def _names(nodes: Sequence[str]) -> str:
    return ", ".join(nodes[:5]) + (", ..." if len(nodes) > 5 else "")  # noqa: PLR2004 - names in a sentence


def _asleep(seen: Observation, record: Record) -> Judgement | None:
    """Steady: the controller manager and most other nodes have renewed their Leases since the outage began.

    Nodes that are lost themselves do not count: how many of those there may be is `VMDRIFT_MAX_UNREACHABLE`'s to say.
    The nodes' stamps are of their own clocks; a clock that is behind can only make us wait. A cluster that shows no
    Lease of a controller manager (some hosted ones), or one that was abandoned, is judged by its nodes alone.
    """
    outage, (begin, _) = record.drift.outage, began(record, seen.manager)
    if seen.manager and seen.manager.renewed <= outage.since and not _abandoned(seen.manager, outage):
        return Judgement(
            "control-plane-unsteady",
            f"The controller manager has not renewed its Lease since {clock_time(seen.manager.renewed, outage.since)}, "
            "so nobody keeps the nodes' conditions up to date.",
        )
    others = [node for node in seen.nodes if node.name != outage.node.name and node.outage is None]
    heard = sum(seen.renewals.get(node.name, 0.0) > begin for node in others)
    if not others or 2 * heard > len(others):  # without others there is no place to go, which placement says
        return None
    return Judgement(
        "control-plane-unsteady",
        f"Of the {len(others)} nodes not lost only {heard} have renewed their Leases since "
        f"{clock_time(begin, record.created_at)}.",
    )


def _abandoned(manager: Manager, outage: Outage) -> bool:
    """It is the controller manager that wrote when the outage began: long after it renewed this Lease last."""
    return 0.0 < manager.renewed < outage.since - ABANDONED
