"""What annotations on a VM and its namespace ask for, and what of it counts.

Whoever may write a VM may ask for more care than the installation's settings, never for less: without permission
(the setting VMDRIFT_TENANTS_MAY) the most careful of the three counts; with it the VM's goes before its namespace's,
and that before the setting. What was asked for and does not count is reported.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from reactor.model.drift import Policy
from reactor.model.node import POLICY_ANNOTATION
from workers.decide.decision import Judgement, Passed, Verdict
from workers.decide.observation import Observation

DETACH_ANNOTATION = "vmdrift.io/detach"
REQUIRE_FENCE_ANNOTATION = "vmdrift.io/require-fence"  # true or false; on a StorageClass only true counts


@dataclass(frozen=True, slots=True)
class _Option:
    """`words`: from the least careful on; any other counts as `unknown`, which does less.

    `permission`: the word of VMDRIFT_TENANTS_MAY that permits less; `from_setting`: the value of `setting`.
    """

    annotation: str
    words: tuple[str, ...]
    unknown: str
    permission: str
    setting: str
    from_setting: Callable[[Policy], str]

    def understood(self, word: str) -> str:
        """One of `words`: this one, or `unknown`."""
        return word if word in self.words else self.unknown

    def care(self, word: str) -> int:
        """The higher, the more careful."""
        return self.words.index(self.understood(word))


_MODE = _Option(
    POLICY_ANNOTATION,
    ("auto", "observe", "never"),
    "observe",
    "policy",
    "VMDRIFT_POLICY",
    lambda policy: policy.mode,
)
_DETACH = _Option(
    DETACH_ANNOTATION,
    ("delete", "wait"),
    "wait",
    "detach",
    "VMDRIFT_DETACH_POLICY",
    lambda policy: policy.detach,
)
_FENCE = _Option(
    REQUIRE_FENCE_ANNOTATION,
    ("false", "true"),
    "true",
    "policy",
    "VMDRIFT_REQUIRE_FENCE",
    lambda policy: str(policy.require_fence).lower(),
)
_OPTIONS = (_MODE, _DETACH, _FENCE)
# The reasons that would differ if a request counted. A refusal by policy says so itself.
_OPTION_OF = {"observe-only": _MODE, "detach-window": _DETACH, "not-fenced": _FENCE}


def wished(observation: Observation, policy: Policy) -> Policy:
    """The policy for this VM."""
    return replace(policy, mode=_counts(_MODE, observation, policy), detach=_counts(_DETACH, observation, policy))


def permitted(observation: Observation, policy: Policy) -> Verdict:
    """Passed unless nothing is ever to be done for this VM. `policy` is what `wished` returned."""
    source = _source(_MODE, observation, policy)
    remarks = [
        sentence
        for option in _OPTIONS
        for sentence in (*_unknown_words(option, observation, policy), *_ignored(option, observation, policy))
    ]
    if policy.mode == "never":
        return Judgement("policy-never", " ".join([f"Policy never: this VM is not to be moved ({source}).", *remarks]))
    return Passed(" ".join([f"Policy {policy.mode} ({source}).", *remarks]))


def fence_required(observation: Observation, policy: Policy) -> str:
    """Who asks that this VM be moved only with proof that its node is dead; "" if nobody does."""
    if observation.vm and (volumes := [volume.name for volume in observation.volumes if volume.fence]):
        return f"{REQUIRE_FENCE_ANNOTATION} on the StorageClass of {', '.join(volumes)}"
    return _source(_FENCE, observation, policy) if _counts(_FENCE, observation, policy) == "true" else ""


def ignored_annotations(observation: Observation, policy: Policy, reason: str = "") -> tuple[str, ...]:
    """What was asked for and does not count, in sentences: all of it, or what this reason is about."""
    options = _OPTIONS if not reason else tuple(filter(None, [_OPTION_OF.get(reason)]))
    return tuple(sentence for option in options for sentence in _ignored(option, observation, policy))


def _requested(option: _Option, observation: Observation, policy: Policy) -> Mapping[str, str]:
    """The words to consider, by where they are written: with permission only the VM's, if it has one."""
    vm_annotations, namespace = observation.vm.annotations if observation.vm else {}, observation.namespace
    by_source = {"the VM": vm_annotations.get(option.annotation), "its namespace": namespace.get(option.annotation)}
    requested = [(where, word) for where, word in by_source.items() if word]
    return dict(requested[:1] if option.permission in policy.tenants_may else requested)


def _counts(option: _Option, observation: Observation, policy: Policy) -> str:
    words = [option.understood(word) for word in _requested(option, observation, policy).values()]
    if words and option.permission in policy.tenants_may:
        return words[0]
    return max([*words, option.from_setting(policy)], key=option.care)


def _source(option: _Option, observation: Observation, policy: Policy) -> str:
    """Where the word that counts is written."""
    counts = _counts(option, observation, policy)
    sources = [
        where for where, word in _requested(option, observation, policy).items() if option.understood(word) == counts
    ]
    return f"{option.annotation} on {' and '.join(sources)}" if sources else option.setting


def _ignored(option: _Option, observation: Observation, policy: Policy) -> list[str]:
    counts, source = _counts(option, observation, policy), _source(option, observation, policy)
    return [
        f"{where[0].upper()}{where[1:]}'s annotation {option.annotation} asks for {word}; {source} is {counts}, "
        f"and VMDRIFT_TENANTS_MAY does not list {option.permission}."
        for where, word in _requested(option, observation, policy).items()
        if word in option.words and option.care(word) < option.care(counts)
    ]


def _unknown_words(option: _Option, observation: Observation, policy: Policy) -> list[str]:
    """What is reported of words that are not known."""
    return [
        f"{option.annotation}: {word[:40]!r} is none of {', '.join(option.words)}, so it counts as {option.unknown}."
        for word in _requested(option, observation, policy).values()
        if word not in option.words
    ]
