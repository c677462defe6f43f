"""The three patches of the simulated API server."""

import copy
from typing import Any

import pytest

from simulator.api.patch import json_patch, merge, strategic
from simulator.client import ApiError


@pytest.mark.parametrize(
    ("target", "patch", "expected"),
    [
        ({"a": 1, "b": 2}, {"b": None}, {"a": 1}),
        ({"a": {"b": 1, "c": 2}}, {"a": {"b": None, "d": 3}}, {"a": {"c": 2, "d": 3}}),
        ({"a": [1, 2]}, {"a": [3]}, {"a": [3]}),
        ({"a": "x"}, {"a": {"b": None, "c": 1}}, {"a": {"c": 1}}),
    ],
)
def test_a_merge_patch_merges_objects_and_replaces_the_rest(target: Any, patch: Any, expected: Any) -> None:
    before = copy.deepcopy(target)
    assert merge(target, patch) == expected
    assert target == before


@pytest.mark.parametrize(
    ("target", "patch", "expected"),
    [
        (
            {"conditions": [{"type": "Ready", "status": "True", "reason": "r"}, {"type": "Disk", "status": "False"}]},
            {"conditions": [{"type": "Ready", "status": "Unknown"}, {"type": "New", "status": "True"}]},
            {
                "conditions": [
                    {"type": "Ready", "status": "Unknown", "reason": "r"},
                    {"type": "Disk", "status": "False"},
                    {"type": "New", "status": "True"},
                ]
            },
        ),
        (
            {"containers": [{"name": "a", "env": [{"name": "X", "value": "1"}]}, {"name": "b"}]},
            {"containers": [{"name": "a", "env": [{"name": "Y", "value": "2"}]}, {"name": "b", "$patch": "delete"}]},
            {"containers": [{"name": "a", "env": [{"name": "X", "value": "1"}, {"name": "Y", "value": "2"}]}]},
        ),
        ({"finalizers": ["a", "b"]}, {"finalizers": ["b", "c"]}, {"finalizers": ["a", "b", "c"]}),
        ({"finalizers": ["a", "b"]}, {"$deleteFromPrimitiveList/finalizers": ["a"]}, {"finalizers": ["b"]}),
        ({"a": {"b": 1}, "c": 1}, {"a": {"$patch": "delete"}}, {"c": 1}),
        ({"a": {"b": 1}}, {"a": {"$patch": "replace", "c": 2}}, {"a": {"c": 2}}),
        (
            {"volumes": [{"name": "v"}]},
            {"volumes": [{"$patch": "replace"}, {"name": "w"}]},
            {"volumes": [{"name": "w"}]},
        ),
        ({"volumes": [{"name": "v"}]}, {"$setElementOrder/volumes": [{"name": "v"}]}, {"volumes": [{"name": "v"}]}),
        ({"a": 1, "b": 2}, {"$retainKeys": ["a"], "a": 3}, {"a": 3}),
    ],
)
def test_a_strategic_patch_merges_lists_by_their_keys(target: Any, patch: Any, expected: Any) -> None:
    before = copy.deepcopy(target)
    assert strategic(target, patch) == expected
    assert target == before


def test_a_strategic_patch_replaces_all_taints_of_a_node() -> None:
    node = {"spec": {"taints": [{"key": "old", "effect": "NoSchedule"}]}}
    patched = strategic(node, {"spec": {"taints": [{"key": "new", "effect": "NoExecute"}]}})
    assert patched["spec"]["taints"] == [{"key": "new", "effect": "NoExecute"}]


def test_a_strategic_patch_of_a_list_item_without_its_key_is_refused() -> None:
    with pytest.raises(ApiError, match="declared merge key: type"):
        strategic({}, {"conditions": [{"status": "True"}]})


@pytest.mark.parametrize(
    ("operations", "expected"),
    [
        ([{"op": "add", "path": "/l/1", "value": 9}], {"l": [1, 9, 2], "m": {"x/y": 1}}),
        ([{"op": "add", "path": "/l/-", "value": 9}], {"l": [1, 2, 9], "m": {"x/y": 1}}),
        ([{"op": "remove", "path": "/m/x~1y"}], {"l": [1, 2], "m": {}}),
        ([{"op": "replace", "path": "/l/0", "value": {}}], {"l": [{}, 2], "m": {"x/y": 1}}),
        ([{"op": "move", "from": "/l/0", "path": "/first"}], {"l": [2], "m": {"x/y": 1}, "first": 1}),
        ([{"op": "copy", "from": "/m", "path": "/n"}], {"l": [1, 2], "m": {"x/y": 1}, "n": {"x/y": 1}}),
        ([{"op": "test", "path": "/l/0", "value": 1}], {"l": [1, 2], "m": {"x/y": 1}}),
    ],
)
def test_a_json_patch_applies(operations: Any, expected: Any) -> None:
    target = {"l": [1, 2], "m": {"x/y": 1}}
    assert json_patch(target, operations) == expected
    assert target == {"l": [1, 2], "m": {"x/y": 1}}


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "test", "path": "/l/0", "value": 2},
        {"op": "remove", "path": "/nothing"},
        {"op": "replace", "path": "/nothing", "value": 1},
        {"op": "add", "path": "/l/7", "value": 1},
        {"op": "remove", "path": "/l/-1"},
        {"op": "add", "path": "/a/b/c", "value": 1},
        {"op": "add", "path": "/l/0"},
    ],
)
def test_a_json_patch_that_does_not_apply_is_unprocessable(operation: Any) -> None:
    with pytest.raises(ApiError) as error:
        json_patch({"l": [1]}, [operation])
    assert error.value.code == 422


@pytest.mark.parametrize("operations", [{}, ["x"], [{"op": "explode", "path": "/a"}], [{"op": "remove"}]])
def test_a_malformed_json_patch_is_a_bad_request(operations: Any) -> None:
    with pytest.raises(ApiError) as error:
        json_patch({}, operations)
    assert error.value.code == 400
