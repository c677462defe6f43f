"""What `vmdrift dump` writes, held against what it was made of."""

import json
from collections.abc import Iterator
from typing import Any

import orjson

from reactor.model.drift import Policy
from vmdrift.plan.audit import audited
from vmdrift.plan.prediction import Prediction
from vmdrift.snapshot import ClusterSnapshot, snapshot
from vmdrift.snapshot.dump import as_list
from vmdrift.snapshot.dump_file import Dump, parsed

SYSTEM = {"default", "kube-system", "kube-node-lease", "kube-controller-manager"}


def written(found: Dump, *, nameless: bool = False) -> bytes:
    """What `vmdrift dump` writes."""
    return orjson.dumps(as_list(found, nameless=nameless))


def judged(there: ClusterSnapshot) -> list[Prediction]:
    """Of all nodes, in their order."""
    return [fate for node in audited(there, Policy()) for fate in node.fates]


def shape(fate: Prediction) -> list[Any]:
    """All of it that bears no name."""
    checks = [(check.name, check.held, check.reason) for check in fate.checks]
    sizes = len(fate.volumes), len(fate.targets), len(fate.room), len(fate.ifs), len(fate.lost_disks)
    return [fate.outcome, fate.reason, fate.policy, checks, sizes, bool(fate.place), fate.needs, fate.takes]


def names(found: Dump) -> set[str]:
    """Of everything that is called something by somebody."""
    metas = [obj["metadata"] for resource, some in found.objects.items() if resource != "csidrivers" for obj in some]
    return {meta.get(field) for meta in metas for field in ("name", "namespace")} - {None, *SYSTEM}


def texts(value: Any) -> Iterator[str]:
    """All that is said. What it is said of is the API's: a VM may be called `cpu`."""
    if isinstance(value, dict):
        yield from (text for one in value.values() for text in texts(one))
    elif isinstance(value, list):
        yield from (text for one in value for text in texts(one))
    elif isinstance(value, str):
        yield value


def alike(found: Dump) -> None:
    """Its dump is judged as it is, and so is the one without names, in which none is left."""
    full = judged(snapshot(found))
    assert judged(snapshot(parsed(written(found), "dump"))) == full
    bare = written(found, nameless=True)
    assert [shape(fate) for fate in judged(snapshot(parsed(bare, "dump")))] == [shape(fate) for fate in full]
    assert names(found) & set(texts(json.loads(bare))) == set()
