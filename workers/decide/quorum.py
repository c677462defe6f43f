"""Is it the nodes that are lost, or the control plane that does not hear them?"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from reactor.model.drift import Policy, Record
from reactor.model.identity import Outage
from reactor.model.node import NodeView
from reactor.model.times import clock_time
from workers.decide.decision import Judgement, Passed, Verdict
from workers.decide.node import began
from workers.decide.observation import Manager, Observation
from workers.decide.remembered import remembered

# Seconds after the last check of a cluster in disorder. Checks are up to 30 s apart: it was in order for a minute.
# For as long a node that is Ready again counts as lost.
COOL_DOWN = 90.0
_RENEWS = 15.0  # seconds; a kubelet renews its Lease every 10, so the last renewal may be older than its becoming Ready
_DIFFER = 5.0  # seconds between two clocks of which one is wrong
# Seconds: a Lease of a kubelet lasts 40, and what was read of it may be some seconds old.
_FRESH = 60.0
_CALM = 3600.0  # seconds between two losses that are not one incident
_NEW = 300.0  # seconds; a node that was created since then was never lost
# Seconds by which a controller manager's Lease is older than what it wrote itself. A leader that cannot renew its Lease
# ends within 15 s, so that Lease is one that nobody renews any more: leader election was switched off since.
ABANDONED = 3600.0


def quorum(observation: Observation, record: Record, policy: Policy, now: float) -> Verdict:
    """The cluster as a whole: not too many nodes lost, the control plane awake, and both for a while."""
    objection = unsteady(observation, record, policy, now) or returning(observation, record, policy, now)
    if objection:
        return objection
    cool_until = (record.unsteady_at or 0.0) + COOL_DOWN
    if now < cool_until:
        return Judgement(
            "cool-down",
            f"The cluster is in order again; nothing is done before {clock_time(cool_until)}, in case it is not.",
            again_at=cool_until,
        )
    lost = len(_lost_nodes(observation.nodes))
    return Passed(f"{lost} of {len(observation.nodes)} nodes are unreachable, and the control plane hears the others.")


def unsteady(observation: Observation, record: Record, policy: Policy, now: float) -> Judgement | None:
    """What is wrong with the cluster as a whole, if something is."""
    recent = _without_older_outages(observation, record.drift.outage)
    return _too_many(recent, policy) or _asleep(observation, record, now)


def returning(observation: Observation, record: Record, policy: Policy, now: float) -> Judgement | None:
    """Too many nodes are lost, or were until a moment ago, as the cluster itself shows, even if nobody watched."""
    observation = _without_older_outages(observation, record.drift.outage)
    lost, back = _lost(observation), _recently_back(observation.nodes, observation.renewals, observation.date)
    excess = len(lost) + len(back) - allowed(policy, len(observation.nodes))
    if excess <= 0 or not back:
        return None
    remaining = COOL_DOWN - sorted(back.values(), reverse=True)[min(excess, len(back)) - 1]
    return Judgement(
        "cool-down",
        f"{len(lost)} of {len(observation.nodes)} nodes are unreachable, and {_joined([*back])} came back less than "
        f"{COOL_DOWN:g} s ago: more than {policy.max_unreachable} together, so nothing is done yet.",
        again_at=now + remaining,
    )


def _without_older_outages(observation: Observation, outage: Outage) -> Observation:
    """Without the nodes that were lost in another incident: the objects of machines that were scrapped long ago.

    One incident is whatever was lost without an hour of calm in between, so that a slow cascade counts as one.
    """
    begin, outages = float(outage.since), _outages(observation.nodes)
    for since in sorted((each.since for each in outages), reverse=True):
        begin = min(begin, since) if since > begin - _CALM else begin
    older = {each.node.name for each in outages if each.since < begin}
    return _without(observation, older) if older else observation


@remembered
def _outages(nodes: Sequence[NodeView]) -> list[Outage]:
    """The dated ones of the nodes that are lost."""
    return [outage for node in nodes if (outage := node.outage)]


def _without(observation: Observation, names: Collection[str]) -> Observation:
    return replace(observation, nodes=tuple(node for node in observation.nodes if node.name not in names))


@remembered
def _recently_back(nodes: Sequence[NodeView], renewals: Mapping[str, float], date: float | None) -> dict[str, float]:
    """The nodes that came back a moment ago, and how many seconds ago that was.

    The kubelet writes both when it became Ready and its Lease, so its clock may be anywhere. Where it was set back in
    between, the API server's clock counts; where by that one, too, it is yet to become Ready, nobody can say.
    """
    if date is None:
        return {}
    ready = [node for node in nodes if node.ready == "True" and date - node.created >= _NEW]
    seconds_back = {node.name: _seconds_back(node, renewals.get(node.name) or date, date) for node in ready}
    return {name: seconds for name, seconds in seconds_back.items() if -_RENEWS < seconds < COOL_DOWN}


def _seconds_back(node: NodeView, renewed: float, date: float) -> float:
    by_own_clock = renewed - node.ready_since
    return by_own_clock if by_own_clock > -_RENEWS else date - node.ready_since


def allowed(policy: Policy, nodes: int) -> int:
    """How many of so many nodes may be unreachable at once. One is never too many."""
    return policy.allowed(nodes)


def _too_many(observation: Observation, policy: Policy) -> Judgement | None:
    lost = _lost(observation)
    if len(lost) <= allowed(policy, len(observation.nodes)):
        return None
    return Judgement(
        "too-many-nodes-lost",
        f"{len(lost)} of {len(observation.nodes)} nodes are unreachable ({_joined(lost)}), "
        f"more than {policy.max_unreachable}: that looks like the network or the control plane, not like dead nodes.",
    )


def _lost(observation: Observation) -> list[str]:
    """Nodes that are proven dead do not count: they are in no doubt."""
    return [name for name in _lost_nodes(observation.nodes) if name not in observation.proven]


@remembered
def _lost_nodes(nodes: Sequence[NodeView]) -> list[str]:
    return [node.name for node in nodes if node.lost]


def _joined(nodes: Sequence[str]) -> str:
    return ", ".join(nodes[:5]) + (", ..." if len(nodes) > 5 else "")  # noqa: PLR2004 - names in a sentence


def _asleep(observation: Observation, record: Record, now: float) -> Judgement | None:
    """Steady: the controller manager and most other nodes have renewed their Leases since the outage began.

    Nodes that are lost themselves do not count: `VMDRIFT_MAX_UNREACHABLE` limits how many there may be.
    The nodes' stamps are of their own clocks; a clock that is behind can only make us wait. A cluster that shows no
    Lease of a controller manager (some hosted ones), or one that was abandoned, is judged by its nodes alone.
    """
    outage, (begin, _) = record.drift.outage, began(record, observation.manager)
    if (
        observation.manager
        and observation.manager.renewed <= outage.unknown_since
        and not _abandoned(observation.manager, outage)
    ):
        return Judgement(
            "control-plane-unsteady",
            "The controller manager has not renewed its Lease since "
            f"{clock_time(observation.manager.renewed, outage.unknown_since)}, "
            "so nobody keeps the nodes' conditions up to date.",
        )
    others = [node for node in observation.nodes if node.name != outage.node.name and not node.lost]
    renewals, apart = [observation.renewals.get(node.name, 0.0) for node in others], observation.server_ahead
    renewed, differ = _renewed(renewals, begin, now, apart), abs(apart) > _DIFFER
    if not others or 2 * renewed > len(others):  # without others there is no place to go, which placement says
        return None
    return Judgement(
        "control-plane-unsteady",
        f"Of the {len(others)} nodes not lost only {renewed} have renewed their Leases "
        + (f"within {_FRESH:g} s." if differ else f"since {clock_time(begin, record.created_at)}."),
    )


def _renewed(renewals: Sequence[float], begin: float, now: float, apart: float) -> int:
    """How many were renewed since `begin`, by Redis' clock or the API server's, which is `apart` seconds ahead of it.

    Where these differ one of them is wrong, and by a wrong one each old Lease may look new. Then only those count that
    are as young as Leases of living nodes are: what was renewed long ago is so by one clock at one moment at most.
    """
    if abs(apart) <= _DIFFER:
        return sum(at > begin for at in renewals)
    clocks = [(now, begin), (now + apart, begin + apart)]
    return max(sum(max(start, time - _FRESH) < at < time + _FRESH for at in renewals) for time, start in clocks)


def _abandoned(manager: Manager, outage: Outage) -> bool:
    """The controller manager wrote when the outage began, long after it last renewed this Lease."""
    return 0.0 < manager.renewed < outage.unknown_since - ABANDONED
