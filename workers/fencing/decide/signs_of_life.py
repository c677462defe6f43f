"""What a sign of life does to confirmations of a boot: in doubt at once, and refuted once the boot is known. Pure.

A changed Lease or heartbeat says that something lives, and not which boot: a rebooted node renews its Lease up to a
minute before its Node shows the new bootID. So no earlier confirmation counts until it is silent again. The kubelet
writes bootID and Ready in one: where that was written, and the boot is the same, whoever had confirmed that it is off
was wrong, and is not believed about this boot again; only a person may check once more. Signs are compared by value.
"""

from collections.abc import Iterator
from dataclasses import replace

from reactor import timing
from reactor.model.confirmation_source import Source
from reactor.model.fencing import POWER, Attempt, Confirmation, Fencing, ProviderStatus, State, source_of
from reactor.model.identity import Outage
from reactor.model.node import NodeView
from workers.decide.life import counts
from workers.fencing.decide.view import FenceView

_FIRST_PASS = timing.PROVIDER_ANSWERS + timing.VETO  # seconds that it may take, as all providers are asked in it


def with_signs(view: FenceView, file: Fencing, now: float) -> Fencing:
    """The file with what was heard since the last pass, and with the sources that now report the boot off."""
    node = view.node
    if node is not None and (node.uid != file.node.uid or node.boot not in {"", file.boot}):
        return file  # another boot: whatever is heard now is from that one, and refutes nobody
    if node is not None and _reported(node, file):
        file = refuted(file, now)
    return _with_sources(view, _with_answers(view, _signs(view, file, now)))


def refuted(file: Fencing, now: float) -> Fencing:
    """This very boot was heard: whoever had confirmed that it is off was wrong, and their attempts have failed."""
    proof = file.confirmation
    wrong = tuple(dict.fromkeys([*file.refuted, *file.said, *([proof.source] if proof else [])]))
    void = f"boot {file.boot} was heard again after {proof.source} had confirmed that it is off" if proof else ""
    attempts = tuple(_failed_if_wrong(attempt, wrong, now) for attempt in file.attempts)
    return replace(file, said=(), refuted=wrong, void=void, attempts=attempts)


def _failed_if_wrong(attempt: Attempt, wrong: tuple[Source, ...], now: float) -> Attempt:
    if attempt.over or Source(attempt.provider) not in wrong:
        return attempt
    return replace(attempt, over="it was wrong about this boot before", over_at=now)


def in_new_outage(file: Fencing, outage: Outage, now: float, *, reported: bool = True) -> Fencing:
    """The file in another outage of the same boot. What was asked for still stands.

    `reported`: it was Ready in between; else only its Lease has changed, and whose boot that was is not known.
    """
    file = file if file.ready_since is not None or not reported else refuted(file, now)
    void = file.void or ("it was of an earlier outage" if file.confirmation else "")
    file = replace(_silent_from(now, file), outage=outage, at=now, void=void)
    return replace(file, release=None, ready_since=None, closed=False, answers=())


def believed(provider: str, standing: ProviderStatus, file: Fencing) -> bool:
    """Does it report the boot off, after the last sign of life, and was it never wrong about that?"""
    if standing.state is not State.FENCED or standing.evidence in file.stale:
        return False
    return standing.person or _source(provider, standing) not in file.refuted


def wrong_before(file: Fencing) -> str:
    """For people who read a new confirmation."""
    if not file.refuted:
        return ""
    return f" An earlier confirmation of this boot was wrong ({'; '.join(map(str, file.refuted))})."


def _reported(node: NodeView, file: Fencing) -> bool:
    """Has the kubelet of this boot written to its Node since the last pass?"""
    if node.boot != file.boot or not (file.lease or file.heartbeat or file.reported):
        return False
    is_back = node.ready == "True" and file.ready_since is None and not node.may_be_in(file.outage)
    return is_back or file.reported not in {"", node.reported}  # the version before this one did not write it down


def _signs(view: FenceView, file: Fencing, now: float) -> Fencing:
    """Since when the signs are these. What is reported fenced in the pass of a change may have been so before it."""
    node = view.node
    heartbeat, reported = (node.heartbeat, node.reported) if node else (file.heartbeat, file.reported)
    before, signs = (file.lease, file.heartbeat, file.reported or reported), (view.lease, heartbeat, reported)
    if signs == before:
        steady = counts(file.silent_since, view.steady_since, now)
        return _with_beat(view, replace(file if steady else _silent_from(now, file), reported=reported))
    updated = replace(_silent_from(now, file), lease=view.lease, heartbeat=heartbeat, reported=reported)
    if not (file.lease or file.heartbeat or file.confirmation):  # the first pass
        return _with_beat(view, updated)
    doubt = "the node gave a sign of life after {} had confirmed that it is dead"
    void = file.void or (doubt.format(file.confirmation.provider) if file.confirmation else "")
    return replace(updated, void=void, stale=tuple(dict.fromkeys([*file.stale, *_evidence(view)])))


def _with_beat(view: FenceView, file: Fencing) -> Fencing:
    """A watcher writes down what it knows once Kubernetes calls the node Unknown: of a suspicion, only later.

    It counts as long as nothing was heard since the first pass, and where it was earlier than what was read here.
    """
    unheard = file.silent_since <= file.at + _FIRST_PASS
    watched = view.beat_since and not file.beat_since and counts(view.beat_since, view.steady_since, file.silent_since)
    return replace(file, beat_since=view.beat_since) if watched and unheard else file


def _silent_from(now: float, file: Fencing) -> Fencing:
    return replace(file, silent_since=now, beat_since=0.0)


def _evidence(view: FenceView) -> Iterator[str]:
    fenced = (standing for standing in view.standings.values() if standing.state is State.FENCED)
    yield from (standing.evidence for standing in fenced if standing.evidence)


def _with_answers(view: FenceView, file: Fencing) -> Fencing:
    """What is said of the machine's power until somebody is asked to fence it: that tells what kind of loss it was."""
    if file.confirmation or any(attempt.at >= file.at for attempt in file.attempts):
        return file
    said = {name: standing.state for name, standing in view.standings.items() if name in POWER}
    definite = {name: state.value for name, state in said.items() if state is not State.ABSENT}
    return replace(file, answers=tuple((dict(file.answers) | definite).items()))


def _with_sources(view: FenceView, file: Fencing) -> Fencing:
    sources = [_source(name, standing) for name, standing in view.standings.items() if believed(name, standing, file)]
    return replace(file, said=_other_sources(file.confirmation, *file.said, *sources))


def confirmed(file: Fencing, proof: Confirmation) -> Fencing:
    """The file with a proof. Whoever confirmed it before is not forgotten."""
    sources = [*file.said, *([file.confirmation.source] if file.confirmation else [])]
    return replace(file, confirmation=proof, void="", release=None, said=_other_sources(proof, *sources))


def _other_sources(proof: Confirmation | None, *sources: Source) -> tuple[Source, ...]:
    return tuple(source for source in dict.fromkeys(sources) if proof is None or source != proof.source)


def _source(provider: str, standing: ProviderStatus) -> Source:
    return source_of(provider, standing.by, person=standing.person)
