"""What annotations on a VM and its namespace ask for, and what of that counts.

Whoever may write a VM may ask for more care than the installation's settings, never for less: without leave (the
setting VMDRIFT_TENANTS_MAY) the most careful of the three counts; with it the VM's goes before its namespace's, and
that before the setting. What was asked for and does not count is reported.
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
class _Wish:
    """`words`: from the least careful on; any other counts as `unknown`, which does less.

    `may`: the word of VMDRIFT_TENANTS_MAY that gives leave; `installed`: what `setting` says.
    """

    annotation: str
    words: tuple[str, ...]
    unknown: str
    may: str
    setting: str
    installed: Callable[[Policy], str]

    def understood(self, word: str) -> str:
        """One of `words`."""
        return word if word in self.words else self.unknown

    def care(self, word: str) -> int:
        """The higher, the more careful."""
        return self.words.index(self.understood(word))


_MODE = _Wish(
    POLICY_ANNOTATION,
    ("auto", "observe", "never"),
    "observe",
    "policy",
    "VMDRIFT_POLICY",
    lambda policy: policy.mode,
)
_DETACH = _Wish(
    DETACH_ANNOTATION,
    ("delete", "wait"),
    "wait",
    "detach",
    "VMDRIFT_DETACH_POLICY",
    lambda policy: policy.detach,
)
_FENCE = _Wish(
    REQUIRE_FENCE_ANNOTATION,
    ("false", "true"),
    "true",
    "policy",
    "VMDRIFT_REQUIRE_FENCE",
    lambda policy: str(policy.require_fence).lower(),
)
_ALL = (_MODE, _DETACH, _FENCE)
# The reasons that would be others if a wish counted. A refusal by policy says it itself.
_CONCERNS = {"observe-only": _MODE, "detach-window": _DETACH, "not-fenced": _FENCE}


def wished(seen: Observation, policy: Policy) -> Policy:
    """The policy for this VM."""
    return replace(policy, mode=_counts(_MODE, seen, policy), detach=_counts(_DETACH, seen, policy))


def permitted(seen: Observation, policy: Policy) -> Verdict:
    """Passed unless nothing is ever to be done for this VM. `policy` is what `wished` made of it."""
    source = _source(_MODE, seen, policy)
    odd = [sentence for wish in _ALL for sentence in (*_unknown(wish, seen, policy), *_unheeded(wish, seen, policy))]
    if policy.mode == "never":
        return Judgement("policy-never", " ".join([f"Policy never: this VM is not to be moved ({source}).", *odd]))
    return Passed(" ".join([f"Policy {policy.mode} ({source}).", *odd]))


def fence_required(seen: Observation, policy: Policy) -> str:
    """Who asks that this VM be moved only with proof that its node is dead; "" if nobody does."""
    if seen.vm and (asking := [volume.name for volume in seen.volumes if volume.fence]):
        return f"{REQUIRE_FENCE_ANNOTATION} on the StorageClass of {', '.join(asking)}"
    return _source(_FENCE, seen, policy) if _counts(_FENCE, seen, policy) == "true" else ""


def unheeded(seen: Observation, policy: Policy, reason: str = "") -> tuple[str, ...]:
    """What was asked for and does not count, in sentences: all of it, or what this reason is about."""
    wishes = _ALL if not reason else tuple(filter(None, [_CONCERNS.get(reason)]))
    return tuple(sentence for wish in wishes for sentence in _unheeded(wish, seen, policy))


def _said(wish: _Wish, seen: Observation, policy: Policy) -> Mapping[str, str]:
    """What matters of what is asked for, and where: with leave only what the VM says, if it says anything."""
    own, around = seen.vm.annotations if seen.vm else {}, seen.namespace
    found = {"the VM": own.get(wish.annotation), "its namespace": around.get(wish.annotation)}
    said = [(where, word) for where, word in found.items() if word]
    return dict(said[:1] if wish.may in policy.tenants_may else said)


def _counts(wish: _Wish, seen: Observation, policy: Policy) -> str:
    said = [wish.understood(word) for word in _said(wish, seen, policy).values()]
    if said and wish.may in policy.tenants_may:
        return said[0]
    return max([*said, wish.installed(policy)], key=wish.care)


def _source(wish: _Wish, seen: Observation, policy: Policy) -> str:
    """Who says what counts."""
    counts = _counts(wish, seen, policy)
    asking = [where for where, word in _said(wish, seen, policy).items() if wish.understood(word) == counts]
    return f"{wish.annotation} on {' and '.join(asking)}" if asking else wish.setting


def _unheeded(wish: _Wish, seen: Observation, policy: Policy) -> list[str]:
    counts, source = _counts(wish, seen, policy), _source(wish, seen, policy)
    return [
        f"{where[0].upper()}{where[1:]}'s annotation {wish.annotation} asks for {word}; {source} is {counts}, "
        f"and VMDRIFT_TENANTS_MAY does not list {wish.may}."
        for where, word in _said(wish, seen, policy).items()
        if word in wish.words and wish.care(word) < wish.care(counts)
    ]


def _unknown(wish: _Wish, seen: Observation, policy: Policy) -> list[str]:
    """What is reported of an annotation that nobody understands."""
    return [
        f"{wish.annotation}: {word[:40]!r} is none of {', '.join(wish.words)}, so it counts as {wish.unknown}."
        for word in _said(wish, seen, policy).values()
        if word not in wish.words
    ]
