"""Whether the objects that fencing meets keep to the schemas of the operators that they belong to."""

from collections.abc import Mapping
from functools import cache
from typing import Any

from jsonschema import Draft202012Validator

from simulator.audit import Request
from simulator.store.resources import SERVED
from simulator.world import World
from tests import crds
from tests.crds.published import PUBLISHED

KINDS = {kind.plural: (kind.api_version, kind.kind) for kind in SERVED if (kind.api_version, kind.kind) in PUBLISHED}
_CHANGES = frozenset({"create", "patch", "update"})


@cache
def _validator(api_version: str, kind: str) -> Draft202012Validator:
    return Draft202012Validator(crds.schema(api_version, kind), format_checker=Draft202012Validator.FORMAT_CHECKER)


def faults(obj: Mapping[str, Any]) -> list[str]:
    """What is wrong with it; empty if all is well. KeyError for a kind that is not of PUBLISHED."""
    kind = obj["apiVersion"], obj["kind"]
    PUBLISHED[kind]
    errors = _validator(*kind).iter_errors(obj)
    return [f"{kind[1]} {obj['metadata']['name']} {error.json_path}: {error.message[:200]}" for error in errors]


class Keeping:
    """Looks at every version of every such object in a world, whoever wrote it."""

    def __init__(self, world: World) -> None:
        self._world, self.wrong = world, list[str]()
        self.written = set[tuple[str, str]]()  # by whom, and what
        self._seen = set[tuple[str, str]]()

    def written_by(self, request: Request) -> None:
        """As a late fault of the simulated API: what it hears of has happened."""
        if request.resource not in KINDS or request.verb not in _CHANGES:
            return
        for obj in self._world.store.objects(request.resource).values():
            version = obj["metadata"]["uid"], obj["metadata"]["resourceVersion"]
            if version not in self._seen:
                self._seen.add(version)
                self.written.add((request.user, request.resource))
                self.wrong += [f"{request.user}: {fault}" for fault in faults(obj)]


def refusing(world: World) -> None:
    """From now on whoever writes an object that its operator does not know fails at once."""
    keeping = Keeping(world)

    def refuse(request: Request) -> None:
        keeping.written_by(request)
        assert keeping.wrong == []

    world.api.late_faults.append(refuse)
