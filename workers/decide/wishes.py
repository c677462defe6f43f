"""What the owners of a VM wish: annotations on it, or else on its namespace, or else the installation's setting."""

from collections.abc import Sequence
from dataclasses import replace

from reactor.model.drift import Policy
from reactor.model.node import POLICY_ANNOTATION
from workers.decide.decision import Held, Judgement, Verdict
from workers.decide.observation import Observation

DETACH_ANNOTATION = "vmdrift.io/detach"
REQUIRE_FENCE_ANNOTATION = "vmdrift.io/require-fence"  # true or false; on a StorageClass only true counts
_MODES = ("auto", "observe", "never")
_DETACH = ("wait", "delete")
_LESS = {POLICY_ANNOTATION: "observe", DETACH_ANNOTATION: "wait"}


def wished(seen: Observation, policy: Policy) -> Policy:
    """The policy for this VM. A word that is not known counts as the one that does less."""
    mode = _annotated(seen, POLICY_ANNOTATION) or policy.mode
    detach = _annotated(seen, DETACH_ANNOTATION) or policy.detach
    return replace(
        policy,
        mode=mode if mode in _MODES else _LESS[POLICY_ANNOTATION],
        detach=detach if detach in _DETACH else _LESS[DETACH_ANNOTATION],
    )


def permitted(seen: Observation, policy: Policy) -> Verdict:
    """Held unless nothing is ever to be done for this VM. `policy` is what `wished` made of it."""
    if policy.mode == "never":
        return Judgement("policy-never", f"Policy never: this VM is not to be moved ({_source(seen)}).")
    unknown = _unknown(seen, POLICY_ANNOTATION, _MODES) + _unknown(seen, DETACH_ANNOTATION, _DETACH)
    return Held(" ".join([f"Policy {policy.mode} ({_source(seen)}).", *unknown]))


def fence_required(seen: Observation, policy: Policy) -> str:
    """Who asks that this VM be moved only with proof that its node is dead; "" if nobody does."""
    if seen.vm and (asking := [volume.name for volume in seen.volumes if volume.fence]):
        return f"{REQUIRE_FENCE_ANNOTATION} on the StorageClass of {', '.join(asking)}"
    if found := _annotated(seen, REQUIRE_FENCE_ANNOTATION):
        # A word that is not known counts as the one that does less.
        return "" if found == "false" else f"{REQUIRE_FENCE_ANNOTATION} on the VM or its namespace"
    return "VMDRIFT_REQUIRE_FENCE" if policy.require_fence else ""


def _unknown(seen: Observation, name: str, words: Sequence[str]) -> list[str]:
    """What is told of an annotation that nobody understands."""
    found = _annotated(seen, name)
    if not found or found in words:
        return []
    return [f"{name}: {found[:40]!r} is none of {', '.join(words)}, so it counts as {_LESS[name]}."]


def _annotated(seen: Observation, name: str) -> str:
    own = seen.vm.annotations if seen.vm else {}
    return own.get(name) or seen.namespace.get(name, "")


def _source(seen: Observation) -> str:
    if seen.vm and seen.vm.annotations.get(POLICY_ANNOTATION):
        return f"{POLICY_ANNOTATION} on the VM"
    if seen.namespace.get(POLICY_ANNOTATION):
        return f"{POLICY_ANNOTATION} on its namespace"
    return "VMDRIFT_POLICY"
