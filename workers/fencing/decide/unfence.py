"""The node is not lost any more: what was done to fence it is taken back, each thing when it may be. Pure.

What fences a boot stays until that boot has ended: a new bootID says so, or a person. A node that is heard again with
the same boot may still have VMs that were started elsewhere meanwhile. What was only asked for, and is not done, is
taken back at once: it would hit a machine that lives. What keeps a machine off that is proven dead ends only when a
person says so: by itself it never has a new boot, and whoever is on call may want to look at it first.
"""

from dataclasses import replace

from reactor.model.drift import Proof
from reactor.model.fencing import KEEP_OFF, Fencing, State
from reactor.model.intervention import MONTH
from reactor.model.node import NodeView
from reactor.model.times import ahead, clock_time
from workers.fencing.decide.marks import NO_SCHEDULE, evicts_nobody, has_begun, is_marked, is_tainted
from workers.fencing.decide.obstacle import WOULD_EVICT, obstacle_to
from workers.fencing.decide.view import FenceCase, FenceDecision, RemoveTaint, Unfence

_LOOK = 10.0  # seconds
_CLOSED_LOOK = 300.0  # seconds, for a file that is only kept
_TAKEN_BACK = "its out-of-service taint is taken back"


def is_lost(node: NodeView | None, file: Fencing) -> bool:
    """Is this very boot still in this outage, whether Kubernetes has noticed or not? An undated node denies neither."""
    if node is None or node.boot != file.boot:
        return False
    return node.is_in(file.outage) or (node.undated and node.uid == file.node.uid)


def afterwards(case: FenceCase) -> FenceDecision:
    """One thing at a time, until nothing of ours is left; then the file is closed."""
    view, node, now = case.seen, case.seen.node, case.now
    ours = tuple(name for name, standing in {**view.standings, **view.left}.items() if standing.ours)
    ready = node is not None and node.ready == "True"
    file = replace(case.file, ready_since=(case.file.ready_since or now) if ready else None)
    case = replace(case, file=file)
    if node is None or node.uid != file.node.uid:
        return _deleted(case, ours)
    evicts = is_tainted(node, file) and not evicts_nobody(node, file)
    cordoned = _cordoned(case, node) if is_tainted(node, file) and not evicts else None
    if cordoned and cordoned.deed:  # a provider that never ends to take back keeps nobody from the node
        return cordoned
    if taken_back := _taken_back(case, node, ours):
        return taken_back
    if evicts:
        return _tainted(case, node)
    if ours:
        return FenceDecision(_half_fenced(file, node, ours), now + _LOOK)
    return cordoned or closed_file(file, node, now)


def let_boot(case: FenceCase) -> FenceDecision | None:
    """The boot is proven dead, and its machine is kept off: only a person says that another one may begin."""
    names, asked = _keeping_off(case), case.seen.unfence
    if not (names and asked):
        return None
    sentence = f"{asked} What keeps {case.file.node.name} off ({', '.join(names)}) is taken back."
    return FenceDecision(case.file.with_reason("unfencing", sentence), case.now + 1, Unfence(names))


def kept_off(decision: FenceDecision, case: FenceCase) -> FenceDecision:
    """The decision, whose sentence says that nobody can switch it on, and what to do about it."""
    names, file, remedy = _keeping_off(case), decision.file, f"`vmdrift unfence {case.file.node.name}`"
    if not names or file is None or remedy in file.sentence:
        return decision
    sentence = f"{file.sentence} It is kept off by {', '.join(names)} until {remedy}."
    return replace(decision, file=file.with_reason(file.reason, sentence))


def _keeping_off(case: FenceCase) -> tuple[str, ...]:
    standings = {**case.seen.standings, **case.seen.left}
    return tuple(name for name, standing in standings.items() if standing.ours and name in KEEP_OFF)


def _taken_back(case: FenceCase, node: NodeView, ours: tuple[str, ...]) -> FenceDecision | None:
    """All that is ours, once its boot has ended or a person asks; what is not done, as soon as the node is heard."""
    file, asked = case.file, case.seen.unfence
    names = ours if asked or has_ended(file, node) else unfinished(case)
    if not names:
        return None
    sentence = f"Boot {file.boot} of {node.name} has ended: what {', '.join(names)} made is taken back."
    if not has_ended(file, node):
        what = f"what {', '.join(names)} was asked for, and has not done"
        sentence = f"Node {node.name} is heard again: {what}, is taken back."
    return FenceDecision(file.with_reason("unfencing", asked or sentence), case.now + 1, Unfence(names))


def unfinished(case: FenceCase) -> tuple[str, ...]:
    """Providers that were asked and hang, and might fence the node later for nobody.

    What is done already stays, and so does all of a boot that was proven dead once: others rely on that.
    """
    if case.file.confirmation or any(record.proof is Proof.FENCED for record in case.seen.drifts):
        return ()
    standings = {**case.seen.standings, **case.seen.left}
    return tuple(name for name, standing in standings.items() if standing.ours and standing.state is not State.FENCED)


def has_ended(file: Fencing, node: NodeView) -> bool:
    """Another boot runs; one that is not known is none."""
    return node.boot not in {"", file.boot}


def closed_file(file: Fencing, node: NodeView | None, now: float) -> FenceDecision:
    """Nothing of ours is left. Sources that were wrong about this boot are kept while it may go on: a month, unseen."""
    ended = has_ended(file, node) if node else now >= file.at + MONTH
    if ended or not file.refuted:
        return FenceDecision(None, now)
    wrong = "; ".join(map(str, file.refuted))
    sentence = f"Boot {file.boot} was heard after it had been confirmed to be off; for this boot not believed: {wrong}."
    closed = replace(file, confirmation=None, void="", attempts=(), release=None, closed=True)
    return FenceDecision(closed.with_reason("refuted", sentence), now + _CLOSED_LOOK)


def after_void(case: FenceCase) -> FenceDecision | None:
    """The boot is still lost, but nothing is proven any more: NoSchedule goes, if nothing was released under it."""
    node, file = case.seen.node, case.file
    if node is None or not is_marked(node, file) or not evicts_nobody(node, file):
        return None
    return _unproven(case, node, "Nothing is proven any more. ")


def _unproven(case: FenceCase, node: NodeView, preface: str = "") -> FenceDecision | None:
    """A taint NoSchedule without proof; None as long as it stays."""
    if case.seen.unfence or not has_begun(case.seen, case.file):
        return _without_taint(case, preface + (case.seen.unfence or f"Nothing was deleted: {_TAKEN_BACK}."))
    obstacle = obstacle_to(case, proven=False) if node.ready != "True" else ""
    return _without_taint(case, f"{preface}{obstacle}: {_TAKEN_BACK}.", WOULD_EVICT) if obstacle else None


def _without_taint(case: FenceCase, sentence: str, reason: str = "untainting") -> FenceDecision:
    return FenceDecision(case.file.with_reason(reason, sentence), case.now + 1, RemoveTaint(NO_SCHEDULE))


def noted(decision: FenceDecision, case: FenceCase) -> FenceDecision:
    """While nothing is proven any more: what becomes of a taint under which VMs were released. It is looked after."""
    node, file = case.seen.node, decision.file
    if file is None or file.proof or node is None or not is_marked(node, file) or not evicts_nobody(node, file):
        return decision
    if file.reason in {"awaiting-proof", "fence-waits"}:
        file = file.with_reason("half-fenced", f"{_stays_tainted(node)} {file.sentence}")
    return replace(decision, file=file, again_at=min(decision.again_at, case.now + _LOOK))


def _stays_tainted(node: NodeView) -> str:
    return (
        f"Node {node.name} gave a sign of life after VMs of it were released: its out-of-service taint stays until it "
        f"is rebooted. Reboot it, or `vmdrift unfence {node.name}`."
    )


def _cordoned(case: FenceCase, node: NodeView) -> FenceDecision:
    """A new boot needs it no more. Under the same one VMs may run that were started elsewhere meanwhile."""
    if has_ended(case.file, node):
        return _without_taint(case, f"Boot {case.file.boot} of {node.name} has ended: {_TAKEN_BACK}.")
    if decision := _unproven(case, node):
        return decision
    file = replace(case.file, void=case.file.void or "the node was heard again")
    return FenceDecision(file.with_reason("half-fenced", _stays_tainted(node)), case.now + _LOOK)


def _deleted(case: FenceCase, ours: tuple[str, ...]) -> FenceDecision:
    """The machine may be on for all that anybody knows."""
    view, file, now = case.seen, case.file, case.now
    if not ours:
        return closed_file(file, view.node, now)
    if view.unfence:
        return FenceDecision(file.with_reason("unfencing", view.unfence), now + 1, Unfence(ours))
    sentence = (
        f"Node {file.node.name} was deleted while fenced by {', '.join(ours)}: that stays until `vmdrift unfence`."
    )
    return FenceDecision(file.with_reason("half-fenced", sentence), now + _LOOK)


def _half_fenced(file: Fencing, node: NodeView, ours: tuple[str, ...]) -> Fencing:
    by = ", ".join((*ours, *(["its out-of-service taint"] if is_tainted(node, file) else [])))
    sentence = f"Node {node.name} is heard again with the same boot, while fenced by {by}: reboot it."
    return replace(file, void=file.void or "the node was heard again").with_reason("half-fenced", sentence)


def _tainted(case: FenceCase, node: NodeView) -> FenceDecision:
    """Kubernetes asks that the taint stay until the node has been power-cycled and nothing of before is left on it."""
    file, now = case.file, case.now
    if file.ready_since is None:
        sentence = f"Node {node.name} is {node.ready or 'not heard'}; its out-of-service taint stays until it is Ready."
        return FenceDecision(file.with_reason("tainted", sentence), now + _LOOK)
    end, leftovers = file.ready_since + case.policy.taint_timeout, _leftovers(case)
    if has_ended(file, node) and not leftovers:
        return FenceDecision(
            file.with_reason("untainting", f"Nothing of before is left on node {node.name}."), now + 1, RemoveTaint()
        )
    why = f"{', '.join(leftovers[:5])} of before are left there" if leftovers else "it was not rebooted"
    if now >= end:
        warning = f"Node {node.name} is Ready since {clock_time(file.ready_since)}, but {why}."
        return FenceDecision(file.with_reason("untainting", warning), now + 1, RemoveTaint(warning=warning))
    sentence = f"Node {node.name} is Ready, but {why}: its taint stays, at the longest until {clock_time(end)}."
    return FenceDecision(file.with_reason("tainted", sentence), min(now + _LOOK, end))


def _leftovers(case: FenceCase) -> list[str]:
    """Pods that were there before the taint, and attachments of the boot that has ended, by the API server's clock."""
    view, file = case.seen, case.file
    since = (file.release.at if file.release else file.at) + ahead(view.date, case.now)
    return [leftover.name for leftover in (*view.pods, *view.attachments) if leftover.created < since]
