"""An object that no API server would hold, in a file: it costs no other object its answer."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from reactor.model.drift import Policy
from reactor.model.errors import BadInput
from simulator.scene import Storage, Vm
from tests.unit.vmdrift.plans import LOST, listed, world_of
from vmdrift.plan.audit import audited
from vmdrift.plan.free_room import FreeRoom
from vmdrift.plan.totals import losses
from vmdrift.snapshot import ClusterSnapshot, from_dump

_VMS = (
    Vm("rbd", Storage.RBD_BLOCK, node=LOST),
    Vm("mirrored", Storage.HWAMEISTOR_HA, node=LOST),
    Vm("web", node=LOST),
    Vm("other", node="node-b"),
)
_WHOLE: bytes = orjson.dumps(listed(world_of(*_VMS)))
_KINDS = sorted({item["kind"] for item in orjson.loads(_WHOLE)["items"]})
_WRONG: tuple[Any, ...] = ("word", 7, ["x"], {"a": 1}, None, [None])
_STEP = 5  # every so many places, for CI's time
_IDENTITY = {("metadata",), ("metadata", "name"), ("metadata", "namespace"), ("metadata", "uid")}
_Place = tuple[Any, ...]


def _places(value: object, before: _Place = ()) -> Iterator[_Place]:
    if isinstance(value, dict | list):
        for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield (*before, key)
            yield from _places(inner, (*before, key))


def _spoilt(tmp_path: Path, kind: str, place: _Place, value: object) -> ClusterSnapshot:
    """With this value there in the first object of the kind."""
    dump = orjson.loads(_WHOLE)
    inner = _first(dump, kind)
    for key in place[:-1]:
        inner = inner[key]
    inner[place[-1]] = value
    path = tmp_path / "spoilt.json"
    path.write_bytes(orjson.dumps(dump))
    return from_dump(str(path))


def _first(dump: Any, kind: str) -> Any:
    return next(item for item in dump["items"] if item["kind"] == kind)


@pytest.mark.parametrize("kind", _KINDS)
def test_an_audit_goes_on_whatever_an_object_holds(kind: str, tmp_path: Path) -> None:
    places = [place for place in _places(_first(orjson.loads(_WHOLE), kind)) if place not in _IDENTITY]
    places = [place for place in places if place[0] not in {"kind", "apiVersion"}]
    for number, place in enumerate(places[::_STEP]):
        there = _spoilt(tmp_path, kind, place, _WRONG[number % len(_WRONG)])
        audits = audited(there, Policy())
        assert {audit.node.name for audit in audits} >= {LOST, "node-b"}, place
        list(losses(audits, FreeRoom.of(there), Policy(), lambda: True))


@pytest.mark.parametrize(
    ("place", "part"),
    [
        (("metadata", "uid"), "Pod without metadata.name and metadata.uid; make it with"),
        (("metadata", "namespace"), "Pod whose metadata.namespace is no text; make it with"),
    ],
)
def test_what_is_no_identity_is_bad_input_that_names_the_object_and_the_field(
    place: _Place, part: str, tmp_path: Path
) -> None:
    with pytest.raises(BadInput, match=part):
        _spoilt(tmp_path, "Pod", place, ["x"])


def test_what_requests_no_quantity_leaves_no_room_on_its_own_node_and_is_named(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    pod = _first(orjson.loads(_WHOLE), "Pod")
    there = _spoilt(tmp_path, "Pod", ("spec", "containers", 0, "resources"), {"requests": {"cpu": "much"}})
    room, node = FreeRoom.of(there), pod["spec"]["nodeName"]
    others = [view.name for view in there.nodes if view.name != node]
    assert room.fitting([node, *others], {"cpu": 1}) == others
    assert f"What pod default/{pod['metadata']['name']} requests of cpu is no quantity" in "".join(capfd.readouterr())
