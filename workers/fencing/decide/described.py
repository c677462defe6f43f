"""What people read of a lost node's fencing: a reason, and a sentence. Pure."""

from reactor.model.fencing import Fencing, State
from workers.fencing.decide.allowed import unusable
from workers.fencing.decide.signs_of_life import wrong_before
from workers.fencing.decide.view import FenceCase, FenceView

_NOBODY = "Nobody may prove that this node is dead; the documented windows count."


def file_with(case: FenceCase, reason: str, sentence: str) -> Fencing:
    """The file with this reason; or with that of two providers that contradict each other, so nothing is proven.

    A provider that does not answer is named with it.
    """
    view, file = case.seen, case.file
    notes = unusable(view.node, case.policy) if view.node else ()
    mute = [said for said in in_state(view, State.MUTE) if said not in sentence]
    sentence = " ".join(filter(None, (sentence, *mute, *notes)))
    storage = {f"{name}: {standing.sentence}" for name, standing in view.standings.items() if standing.storage}
    dead, alive = (in_state(view, state) for state in (State.FENCED, State.ALIVE))
    if alive and (dead := [said for said in dead if said not in storage]):  # blocked storage is no claim that it is off
        return file.with_reason("at-odds", f"Nothing is proven. {' '.join(dead)} But {' '.join(alive)} {sentence}")
    return file.with_reason(reason, sentence)


def in_state(view: FenceView, state: State) -> list[str]:
    """What each provider in this state says."""
    return [f"{name}: {standing.sentence}" for name, standing in view.standings.items() if standing.state is state]


def awaiting(case: FenceCase) -> str:
    """What each provider says, while none proves anything."""
    sentences = " ".join(standing.sentence for standing in case.seen.standings.values())
    return f"{sentences or _NOBODY}{wrong_before(case.file)}"
