"""Is this outage still going on, and has the node been unreachable for the whole window?"""

from dataclasses import replace

from reactor.model.drift import Policy, Record
from reactor.model.identity import Outage
from reactor.model.node import NodeView
from reactor.model.times import clock_time
from workers.decide.decision import Judgement, Passed, Verdict
from workers.decide.observation import Manager

_TOLERANCE = 10.0  # seconds by which two clocks that are trusted may differ


def still_lost(node: NodeView | None, outage: Outage, now: float | None = None) -> Verdict:
    """Only what says no more than it did when this outage began counts as this outage. `now`: for dates."""
    name = outage.node.name
    if node is None:
        return Judgement("node-deleted", f"Node {name} was deleted; that does not prove that the machine is off.")
    if node.uid != outage.node.uid:
        return Judgement("node-replaced", f"A new node registered as {name}; what runs there is left alone.")
    if node.ready == "False":
        return Judgement(
            "kubelet-reports-not-ready", f"Node {name} itself says that it is not Ready, so its kubelet is alive."
        )
    if node.is_in(outage):
        return Passed(f"Nothing was heard of node {name} since {clock_time(outage.since, now)}.")
    if node.outage:
        again = clock_time(node.ready_since, now)
        return Judgement("newer-outage", f"Node {name} came back and was lost again at {again}.")
    return _undated(node) or _returned(node, outage, now)


def _returned(node: NodeView, outage: Outage, now: float | None) -> Judgement:
    if node.ready == "True" and node.ready_since < outage.since:
        return Judgement("node-returned", f"Node {node.name} was heard again, and is Ready.")
    return Judgement("node-returned", f"Node {node.name} is Ready again since {clock_time(node.ready_since, now)}.")


def looks_ready(node: NodeView | None) -> bool:
    """Does Kubernetes take it for alive? Then the scheduler uses it, too."""
    return node is not None and node.ready == "True"


def unnoticed(node: NodeView | None, outage: Outage) -> Judgement | None:
    """What speaks against doing anything without proof: Kubernetes has not noticed that the node is lost."""
    if node is None or not looks_ready(node) or not node.is_in(outage):
        return None
    sentence = f"Node {node.name} has been silent since {clock_time(outage.since)}; Kubernetes has not noticed yet"
    return Judgement("not-noticed", f"{sentence}; without proof nothing is done before that.")


def with_notice(record: Record, node: NodeView | None, now: float) -> Record:
    """The record with the moment since when Kubernetes calls its node Unknown, if only this pass has seen that."""
    outage = node.noticed(record.drift.outage) if node else record.drift.outage
    if outage.noticed == record.drift.outage.noticed:
        return record
    return replace(record, drift=replace(record.drift, outage=outage), noticed_at=now)


def _undated(node: NodeView) -> Judgement | None:
    if not node.undated:
        return None
    return Judgement(
        "lost-since-unknown",
        f"Node {node.name} is Unknown, but since when cannot be read: its Ready condition has no valid "
        "lastTransitionTime. Whether this is the same outage is not known, so nothing is deleted.",
    )


BACK = frozenset({"node-returned", "node-replaced"})  # the reasons that say so


def is_back(node: NodeView | None, outage: Outage) -> bool:
    """Is it Ready again, or is there another one of its name?"""
    verdict = still_lost(node, outage)
    return isinstance(verdict, Judgement) and verdict.reason in BACK


def is_over(node: NodeView | None, outage: Outage) -> bool:
    """Is this outage over? A deleted node, and one that only reports itself not Ready, prove no end."""
    verdict = still_lost(node, outage)
    return isinstance(verdict, Judgement) and verdict.reason in BACK | {"newer-outage"}


def window(record: Record, manager: Manager | None, policy: Policy, now: float) -> Verdict:
    """Whenever the job runs: its due time is no proof that the window is over."""
    outage = record.drift.outage
    begin, why = began(record, manager)
    end = begin + policy.unreachable_window
    since = f"Node {outage.node.name} is unreachable since {clock_time(outage.unknown_since, now)}{why}"
    if now < end:
        sentence = f"{since}; the window of {policy.unreachable_window:g} s ends at {clock_time(end, now)}."
        return Judgement("unreachable-window", sentence, again_at=end)
    return Passed(f"{since}; the window of {policy.unreachable_window:g} s ended at {clock_time(end, now)}.")


def began(record: Record, manager: Manager | None) -> tuple[float, str]:
    """When the node turned Unknown by Redis' clock, and what to add about that for people.

    `lastTransitionTime` was written by the controller manager's clock. One that may be wrong is not used at all:
    an hour ahead, it would make us wait for an hour.
    """
    seen_at = record.noticed_at or record.created_at
    since, first_seen = record.drift.outage.unknown_since, f"first seen at {clock_time(seen_at)}"
    if manager is None or manager.ahead is None:
        return seen_at, f", by a clock that may be wrong ({first_seen})"
    if manager.acquired > since:  # how wrong the one before it was, nobody can say any more
        return seen_at, f", by a controller manager that is gone ({first_seen})"
    if since - manager.ahead > seen_at + _TOLERANCE:  # one that is gone wrote it, and its clock was ahead
        return seen_at, f", which is later than it was {first_seen}"
    if manager.ahead:
        return since - manager.ahead, f" (a clock that is {manager.ahead:+.0f} s off)"
    return since, ""
