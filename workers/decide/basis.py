"""What a refusal was decided on, as a digest: while that is the same, the same would be decided again. Pure.

A refusal is checked again while its outage lasts, because taints go, nodes and labels appear, and people do what the
reason advises. Most checks find nothing new, and they must be cheap.
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

LOOK = 300.0  # seconds between two checks of what was refused
_BY_NODES = frozenset({"pinned-to-node", "node-local-volume"})
_BY_CLAIMS = _BY_NODES | {"unsupported-storage"}
_DIGEST_LENGTH = 16  # characters of the digest


def rests_on_nodes(reason: str) -> bool:
    """Do labels of other nodes decide it?"""
    return reason in _BY_NODES


def rests_on_claims(reason: str) -> bool:
    """Do the VM's claims decide it?"""
    return reason in _BY_CLAIMS


def basis(observation: Observation, record: Record, reason: str, policy: Policy) -> str:
    """Of a judgement for this reason. `policy` is the installation's."""
    others = [node for node in observation.nodes if node.name != record.drift.outage.node.name]
    inputs = {
        "vm": asdict(observation.vm) if observation.vm else None,
        "namespace": dict(observation.namespace),
        "policy": asdict(policy),
        "nodes": _nodes(others) if rests_on_nodes(reason) else [],
        "claims": _claims(observation.volumes) if rests_on_claims(reason) else [],
    }
    return sha256(json.dumps(inputs, sort_keys=True).encode()).hexdigest()[:_DIGEST_LENGTH]


def lasts(observation: Observation, record: Record) -> bool:
    """Is the node lost as it was, and has nobody cancelled the drift?"""
    return not observation.cancelled and isinstance(still_lost(observation.node, record.drift.outage), Passed)


def unchanged(observation: Observation, record: Record, policy: Policy) -> bool:
    """`observation` is what `drift.recheck` reads. Whatever else happened to the node or the drift is a change."""
    if not lasts(observation, record):
        return False
    return basis(observation, record, record.reason, policy) == record.basis


def _nodes(nodes: Iterable[NodeView]) -> list[Obj]:
    described = ({"name": node.name, "uid": node.uid, "labels": dict(node.labels)} for node in nodes)
    return sorted(described, key=lambda node: str(node["name"]))


def _claims(volumes: Iterable[Volume]) -> list[tuple[str, str]]:
    return sorted({(volume.claim, volume.pv) for volume in volumes if volume.claim})
