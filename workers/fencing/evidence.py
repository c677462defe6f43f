"""What the providers of a node say of its boot: all of them are asked, and none of them changes anything."""

from collections.abc import Sequence
from functools import partial

from reactor import timing
from reactor.model.errors import ClusterUnreachable, FenceError, NoAnswer
from reactor.model.fencing import LASTING, Fencing, ProviderStatus, State, Target
from reactor.model.node import NodeView
from workers.context import FenceTools
from workers.fencing.act import trouble
from workers.fencing.decide.confirming import enough


def evidence(
    fence: FenceTools, names: Sequence[str], target: Target, file: Fencing, node: NodeView | None
) -> dict[str, ProviderStatus]:
    """By provider, in the order of the names. Raises StoreError, and what ends a worker."""
    questions = {name: partial(_status, fence, name, target, file) for name in names}
    answers = fence.ask_all(questions, target, partial(enough, file, node))
    settled = any(enough(file, node, name, answer) is not None for name, answer in answers.items())
    return {name: answers.get(name) or _unheard(name, file, settled=settled) for name in names}


def _status(fence: FenceTools, name: str, target: Target, file: Fencing) -> ProviderStatus:
    """A provider that was asked and cannot answer now may have made something that has to be taken back."""
    try:
        return fence.providers(name).status(target)
    except (NoAnswer, ClusterUnreachable) as error:
        sentence = f"{str(error).rstrip('.')}. That proves nothing."
        return ProviderStatus(State.MUTE, sentence, ours=_may_last(name, file))
    except FenceError as error:
        return ProviderStatus(State.ABSENT, str(error), ours=_may_last(name, file))
    except Exception as error:  # noqa: BLE001 - whatever it is, it is this provider's trouble alone
        return ProviderStatus(State.FAILED, trouble(name, error), ours=_may_last(name, file))


def _unheard(name: str, file: Fencing, *, settled: bool) -> ProviderStatus:
    """Of one that has not answered in time; `settled`: it was not waited for any longer, because another one has."""
    if settled:
        return ProviderStatus(State.ABSENT, f"{name} was not waited for.", ours=_may_last(name, file))
    sentence = f"{name} has not answered within {timing.PROVIDER_ANSWERS:g} s. That proves nothing."
    return ProviderStatus(State.MUTE, sentence, ours=_may_last(name, file))


def _may_last(name: str, file: Fencing) -> bool:
    """Was it asked for something that stays until it is taken back?"""
    return name in LASTING and name in {attempt.provider for attempt in file.attempts}
