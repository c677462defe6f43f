"""What a fence of the node would do, as `vmdrift plan` shows it: judged by the same code as before a real one."""

from dataclasses import dataclass
from typing import Any

from reactor.model.drift import Policy
from reactor.model.errors import ClusterError
from reactor.model.fencing import Fencing, some
from vmdrift.plan.judge import records_of
from vmdrift.plan.what_if import IfLost
from vmdrift.snapshot import ClusterSnapshot
from workers.fencing.decide.allowed import providers
from workers.fencing.decide.effect import Effect, never, refused
from workers.fencing.effect import AssumedProven, effect_on, proving
from workers.observe import lease
from workers.observe.cache import Surroundings

# A person or another system reports it, or only storage is blocked, of which a dump holds nothing.
_NOT_SHOWN = frozenset({"event", "network-fence"})


@dataclass(frozen=True, slots=True)
class FencePreview:
    """By the first provider that would be asked; `refused`: why it would not be, "" if it would."""

    provider: str
    effect: Effect
    refused: str

    def as_object(self) -> dict[str, Any]:
        """The shape that docs/plan.md documents."""
        bystanders = [{"vm": vm, "reason": reason} for vm, reason in self.effect.bystanders]
        preview = {"provider": self.provider, "releases": list(self.effect.releases), "bystanders": bystanders}
        return {**preview, "refused": self.refused}

    @property
    def sentence(self) -> str:
        """For people."""
        if self.refused:
            return f"{self.provider} would not be asked to fence it: {self.refused}"
        bystanders = some([f"{vm} ({reason})" for vm, reason in self.effect.bystanders])
        stopped = f" Stopped with it, and not moved: {bystanders}." if bystanders else ""
        return f"{self.provider} would be asked to fence it, for {some(self.effect.releases)}.{stopped}"


def fence_of(snapshot: ClusterSnapshot, node: str, policy: Policy) -> FencePreview | None:
    """None where no provider would be asked to fence this node, or the dump lacks what that depends on."""
    lost = IfLost.of(snapshot, node, policy)
    name = next((name for name in providers(lost.node, policy) if name not in _NOT_SHOWN), None)
    if name is None:
        return None
    renewed, boot = lease(snapshot, lost.outage), lost.node.boot or "unknown"
    fencing = Fencing(lost.outage, boot, lost.now, lease=renewed, heartbeat=lost.node.heartbeat)
    cache = Surroundings(lambda: snapshot.at)
    assumed = AssumedProven(proving(fencing, name, lost, cache, lost.now), lost, policy, lost.now, cache)
    try:
        effect = effect_on(records_of(lost), assumed)
    except ClusterError:
        return None
    return FencePreview(name, effect, never(lost.node, policy) or refused(effect, name, policy))
