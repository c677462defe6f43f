"""One function puts names into paths of the API server, and no other place does."""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from kubernetes.client import ApiClient

from reactor.adapters.kubernetes.cluster import KubernetesCluster
from reactor.model.errors import InvalidName
from tests.support.hostile import NO_NAMES
from tests.support.places import ROOT

DOOR = ROOT / "reactor" / "adapters" / "kubernetes" / "cluster.py"
_MAKERS = {"list_path", "object_path", "api_prefix"}  # the last one puts in none
_SENDERS = {"_json", "_send"}


@pytest.mark.parametrize("name", NO_NAMES)
def test_what_is_no_name_gets_into_no_path(name: Any) -> None:
    door = KubernetesCluster(ApiClient, timeout=1.0)
    with pytest.raises(InvalidName):
        door.find("pods", name, "default")
    if name:  # no namespace is all of them
        with pytest.raises(InvalidName):
            door.find("pods", "web", name)


def _made(node: ast.expr, function: ast.FunctionDef) -> bool:
    """Does this come from a maker, or is it a constant, or what a sender was given itself?"""
    if isinstance(node, ast.Call):
        return isinstance(node.func, ast.Name) and node.func.id in _MAKERS
    if not isinstance(node, ast.Name):
        return False
    given = function.name in _SENDERS and node.id == "path"
    values = [one.value for one in ast.walk(function) if isinstance(one, ast.Assign) and _names(one, node.id)]
    return given or node.id.isupper() or (bool(values) and all(_made(value, function) for value in values))


def _names(assigned: ast.Assign, name: str) -> bool:
    return any(isinstance(target, ast.Name) and target.id == name for target in assigned.targets)


def _sent() -> Iterator[tuple[ast.FunctionDef, ast.expr]]:
    """Each path that the door sends, with the function that does so."""
    for function in ast.walk(ast.parse(DOOR.read_text())):
        for call in ast.walk(function) if isinstance(function, ast.FunctionDef) else ():
            if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.func.attr in _SENDERS:
                yield function, call.args[1]  # type: ignore[misc]  # it is a function, as was asked above


def test_every_path_that_is_sent_comes_from_that_function() -> None:
    sent = list(_sent())
    assert len(sent) > 8
    assert [ast.unparse(path) for function, path in sent if not _made(path, function)] == []


def test_nobody_but_the_doors_speaks_to_the_api_server() -> None:
    files = [file for package in ("reactor", "workers", "vmdrift") for file in (ROOT / package).rglob("*.py")]
    users = {file for file in files if "kubernetes" in _imported(file) or "pool_manager" in file.read_text()}
    assert DOOR in users
    assert {file.parent for file in users} == {DOOR.parent}
    assert [file for file in users if "pool_manager.request" in file.read_text()] == [DOOR]


def _imported(file: Path) -> set[str]:
    nodes = list(ast.walk(ast.parse(file.read_text())))
    named = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    named |= {node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)}
    return {name.partition(".")[0] for name in named}
