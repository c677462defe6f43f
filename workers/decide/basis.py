"""What a refusal was decided on, as a digest: while that is the same, the same would be decided again. Pure.

A refusal is looked at again while its outage lasts, because taints go, nodes and labels appear, and people do what the
reason advises. Most looks find nothing new, and they must be cheap.
"""

import json
from collections.abc import Iterable
from dataclasses import asdict
from hashlib import sha256

from reactor.model.drift import Policy, Record
from reactor.model.node import NodeView
from reactor.model.objects import Obj
from workers.decide.decision import Passed
from workers.decide.node import still_lost
from workers.decide.observation import Observation, Volume

LOOK = 300.0  # seconds between two looks at what was refused
_BY_NODES = frozenset({"pinned-to-node", "node-local-volume"})
_BY_CLAIMS = _BY_NODES | {"unsupported-storage"}
_SHORT = 16  # characters of the digest


def rests_on_nodes(reason: str) -> bool:
    """Do labels of other nodes decide it?"""
    return reason in _BY_NODES


def rests_on_claims(reason: str) -> bool:
    """Do the VM's claims decide it?"""
    return reason in _BY_CLAIMS


def basis(seen: Observation, record: Record, reason: str, policy: Policy) -> str:
    """Of a judgement for this reason. `policy` is the installation's."""
    others = [node for node in seen.nodes if node.name != record.drift.outage.node.name]
    found = {
        "vm": asdict(seen.vm) if seen.vm else None,
        "namespace": dict(seen.namespace),
        "policy": asdict(policy),
        "nodes": _nodes(others) if rests_on_nodes(reason) else [],
        "claims": _claims(seen.volumes) if rests_on_claims(reason) else [],
    }
    return sha256(json.dumps(found, sort_keys=True).encode()).hexdigest()[:_SHORT]


def lasts(seen: Observation, record: Record) -> bool:
    """Is the node lost as it was, and has nobody cancelled the drift?"""
    return not seen.cancelled and isinstance(still_lost(seen.node, record.drift.outage), Passed)


def unchanged(seen: Observation, record: Record, policy: Policy) -> bool:
    """`seen` holds what `drift.recheck` reads. Whatever else has happened to the node or the drift is a change."""
    if not lasts(seen, record):
        return False
    return basis(seen, record, record.reason, policy) == record.basis


def _nodes(nodes: Iterable[NodeView]) -> list[Obj]:
    found = ({"name": node.name, "uid": node.uid, "labels": dict(node.labels)} for node in nodes)
    return sorted(found, key=lambda node: str(node["name"]))


def _claims(volumes: Iterable[Volume]) -> list[tuple[str, str]]:
    return sorted({(volume.claim, volume.pv) for volume in volumes if volume.claim})
