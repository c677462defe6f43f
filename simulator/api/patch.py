"""The three patches that Kubernetes takes, as functions of (object, patch) that change neither.

What a patch leaves alone is shared between the old and the new object, so a heartbeat costs a few dictionaries.
"""

from collections.abc import Callable
from typing import Any

from simulator.client import ApiError, Obj
from simulator.store.objects import copied

# Lists that a strategic patch merges by a key; every other list is replaced. Note what is *not* here: a node's
# spec.taints is atomic (kubernetes `staging/src/k8s.io/api/core/v1/types.go`: listType=atomic, no patchMergeKey).
_MERGE_KEYS = {
    "addresses": "type",
    "conditions": "type",
    "containers": "name",
    "ephemeralContainers": "name",
    "env": "name",
    "imagePullSecrets": "name",
    "initContainers": "name",
    "ownerReferences": "uid",
    "ports": "containerPort",
    "topologySpreadConstraints": "topologyKey",
    "volumeDevices": "devicePath",
    "volumeMounts": "mountPath",
    "volumes": "name",
}
_SETS = frozenset({"finalizers"})
_ORDER, _DELETE_ITEMS, _RETAIN = "$setElementOrder/", "$deleteFromPrimitiveList/", "$retainKeys"


def merge(target: Any, patch: Any) -> Any:
    """JSON merge patch (RFC 7386): null removes, objects merge, everything else replaces."""
    if not isinstance(patch, dict):
        return patch
    result = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = merge(result.get(name), value) if isinstance(value, dict) else value
    return result


def strategic(target: Any, patch: Any) -> Any:
    """Strategic merge patch: as `merge`, but the lists of `_MERGE_KEYS` merge by key and finalizers as a set.

    Directives: `$patch: delete` (an item, or the object), `$patch: replace`, `$deleteFromPrimitiveList`, `$retainKeys`.
    """
    if not isinstance(patch, dict):
        return patch
    if patch.get("$patch") == "replace":
        return {name: value for name, value in patch.items() if name != "$patch"}
    result = dict(target) if isinstance(target, dict) else {}
    if (kept := patch.get(_RETAIN)) is not None:
        result = {name: value for name, value in result.items() if name in kept}
    for name, value in patch.items():
        _merge_field(result, name, value)
    return result


def _merge_field(result: Obj, name: str, value: Any) -> None:
    if name.startswith(_DELETE_ITEMS):
        field = name.removeprefix(_DELETE_ITEMS)
        result[field] = [item for item in result.get(field) or [] if item not in value]
    elif name.startswith(_ORDER) or name in {_RETAIN, "$patch"}:
        return
    elif value is None or (isinstance(value, dict) and value.get("$patch") == "delete"):
        result.pop(name, None)
    elif name in _SETS and isinstance(value, list):
        result[name] = list(dict.fromkeys([*(result.get(name) or []), *value]))
    elif name in _MERGE_KEYS and isinstance(value, list):
        result[name] = _merge_list(result.get(name) or [], value, _MERGE_KEYS[name])
    else:
        result[name] = strategic(result.get(name), value)


def _merge_list(items: list[Any], patches: list[Any], key: str) -> list[Any]:
    if {"$patch": "replace"} in patches:
        return [item for item in patches if item != {"$patch": "replace"}]
    if not all(isinstance(item, dict) and key in item for item in patches):
        raise ApiError(400, "BadRequest", f"map: does not contain declared merge key: {key}")
    merged = {item.get(key): item for item in items}
    for item in patches:
        if item.get("$patch") == "delete":
            merged.pop(item[key], None)
        else:
            merged[item[key]] = strategic(merged.get(item[key]), item)
    return list(merged.values())


def json_patch(target: Any, operations: Any) -> Any:
    """JSON patch (RFC 6902): all operations or none.

    Raises:
        ApiError: 400 for a malformed patch, 422 Invalid when an operation does not apply or a test fails.
    """
    document = copied(target)
    for operation in _checked(operations):
        try:
            document = _OPERATIONS[operation["op"]](document, operation)
        except (KeyError, IndexError, TypeError, ValueError) as error:
            message = f"the server rejected our request due to an error in our request: {operation}: {error}"
            raise ApiError(422, "Invalid", message) from error
    return document


def _checked(operations: Any) -> list[Obj]:
    if not isinstance(operations, list):
        raise ApiError(400, "BadRequest", "a JSON patch is a list of operations")
    for operation in operations:
        known = isinstance(operation, dict) and operation.get("op") in _OPERATIONS
        if not known or not isinstance(operation.get("path"), str):
            raise ApiError(400, "BadRequest", f"not a JSON patch operation: {operation}")
    return operations


def _add(document: Any, operation: Obj) -> Any:
    return _inserted(document, operation["path"], copied(operation["value"]))


def _remove(document: Any, operation: Obj) -> Any:
    parent, last = _parent(document, operation["path"])
    del parent[_index(parent, last)]
    return document


def _replace(document: Any, operation: Obj) -> Any:
    if not operation["path"]:
        return copied(operation["value"])
    _at(document, operation["path"])
    parent, last = _parent(document, operation["path"])
    parent[_index(parent, last)] = copied(operation["value"])
    return document


def _move(document: Any, operation: Obj) -> Any:
    value = _at(document, operation["from"])
    document = _remove(document, {"path": operation["from"]})
    return _inserted(document, operation["path"], value)


def _copy(document: Any, operation: Obj) -> Any:
    return _inserted(document, operation["path"], copied(_at(document, operation["from"])))


def _test(document: Any, operation: Obj) -> Any:
    if _at(document, operation["path"]) != operation["value"]:
        raise ValueError("test failed")
    return document


_OPERATIONS: dict[str, Callable[[Any, Obj], Any]] = {
    "add": _add,
    "remove": _remove,
    "replace": _replace,
    "move": _move,
    "copy": _copy,
    "test": _test,
}


def _inserted(document: Any, path: str, value: Any) -> Any:
    if not path:
        return value
    parent, last = _parent(document, path)
    if isinstance(parent, list):
        position = len(parent) if last == "-" else int(last)
        if not 0 <= position <= len(parent):
            raise IndexError(f"no position {last}")
        parent.insert(position, value)
    else:
        parent[last] = value
    return document


def _at(document: Any, path: str) -> Any:
    for part in _parts(path):
        document = document[_index(document, part)]
    return document


def _parent(document: Any, path: str) -> tuple[Any, str]:
    *way, last = _parts(path)
    for part in way:
        document = document[_index(document, part)]
    return document, last


def _index(container: Any, part: str) -> Any:
    if not isinstance(container, list):
        return part
    position = int(part)
    if not 0 <= position < len(container):
        raise IndexError(f"no position {part}")
    return position


def _parts(path: str) -> list[str]:
    if path and not path.startswith("/"):
        raise ValueError("a path starts with /")
    return [part.replace("~1", "/").replace("~0", "~") for part in path.split("/")[1:]]
