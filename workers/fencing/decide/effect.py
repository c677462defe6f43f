"""What a fence of a node would do to its VMs, and why nobody may want that. Pure.

A fence stops whatever still lives on the node. So it must release at least one VM, nobody may have asked to leave one
of them alone, and the VMs that it stops and does not move are named before.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from reactor.model.drift import Phase, Policy, Proof
from reactor.model.fencing import some
from reactor.model.node import POLICY_ANNOTATION, NodeView
from workers.decide.decision import Decision
from workers.decide.observation import Observation

_NOT_BY_POWER = frozenset({"event", "network-fence"})  # every other provider switches the machine off
_STAYS = frozenset({Phase.WAITING, Phase.BLOCKED, Phase.REFUSED})
_CANCELLED = "cancelled-by-hand"  # a person decided that this VM stays where it is


@dataclass(frozen=True, slots=True)
class Effect:
    """Of a fence by one provider, judged on what is there now.

    `releases`: the VMs that would be released by it. `bystanders`: those that would be stopped, if they live, and stay
    down, each with the reason code why. `vetoes`: who does not want it, in sentences. `power`: why the node's power may
    not be cut now, "" if it may.
    """

    releases: tuple[str, ...] = ()
    bystanders: tuple[tuple[str, str], ...] = ()
    vetoes: tuple[str, ...] = ()
    power: str = ""


@dataclass(frozen=True, slots=True)
class VmEffect:
    """What becomes of one VM by the fence: does the proof release it, and if not, is it hit at all?"""

    phase: str
    reason: str
    moves: bool = False
    hit: bool = True

    @property
    def stays(self) -> bool:
        """Is it stopped, and left down? One that is on its way elsewhere, or is not to run, is not."""
        return not self.moves and self.hit and (self.phase in _STAYS or self.reason == _CANCELLED)


def vm_effect(decision: Decision, observation: Observation, drivers: Collection[str]) -> VmEffect:
    """`drivers`: whose storage alone would be blocked, () where the whole machine is off.

    A VM that is released without that proof, only not at this moment, needs no fence.
    """
    judgement, moves = decision.judgement, decision.judgement.action is not None and decision.proof is Proof.FENCED
    hit = not drivers or any(volume.driver in drivers for volume in observation.volumes)
    return VmEffect(judgement.phase, judgement.reason, moves, hit)


def namespace_vetoes(namespaces: Mapping[str, Mapping[str, str]]) -> tuple[str, ...]:
    """What the administrator says about the namespaces of the node's VMs. A word that is not known counts as never."""
    modes = ((name, annotations.get(POLICY_ANNOTATION, "auto")) for name, annotations in sorted(namespaces.items()))
    return tuple(f"{POLICY_ANNOTATION} on namespace {name} is {mode[:40]}." for name, mode in modes if mode != "auto")


def refused(effect: Effect, provider: str, policy: Policy) -> str:
    """Why this provider is not asked to fence the node; "" if it is."""
    named = some([f"{vm} ({reason})" for vm, reason in effect.bystanders])
    if effect.vetoes:
        return " ".join(effect.vetoes)
    if not effect.releases:
        return "no VM would be released by it" + (f"; not moved: {named}." if named else ".")
    if named and policy.fence_bystanders == "refuse":
        return f"VMDRIFT_FENCE_BYSTANDERS is refuse, and it would stop {named}."
    return effect.power if provider not in _NOT_BY_POWER else ""


def never(node: NodeView, policy: Policy) -> str:
    """Why this node is not to be fenced at all, whatever runs there; "" if it may be."""
    if policy.mode != "auto":
        return f"this installation's policy is {policy.mode}."
    if node.policy not in {"", "auto"}:
        return f"{POLICY_ANNOTATION} on the node is {node.policy[:40]}."
    if node.control_plane and not policy.fence_control_plane:
        return "it is a node of the control plane, and VMDRIFT_FENCE_CONTROL_PLANE is false."
    return ""


def ceph_at_risk(hosts: Iterable[str], nodes: Iterable[NodeView], lost: str) -> str:
    """Why no node's power may be cut: another host of Ceph's mons or OSDs is down. `hosts`: the nodes of their pods."""
    ready = {node.name for node in nodes if node.ready == "True"}
    down = sorted(set(hosts) - ready - {lost})
    if not down:
        return ""
    return f"a host of Ceph's mons or OSDs is down already ({some(down)}); another one could take the storage away."
