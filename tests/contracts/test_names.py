"""Names that one part of the house says and another one answers to."""

import ast
import inspect
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest

import workers
from reactor.doors import queue
from reactor.doors.cluster import Cluster, KubernetesCluster
from reactor.doors.queue import Queue, RqQueue
from reactor.doors.store import RedisStore, Store
from reactor.model.reason import REASONS
from simulator.twins.cluster import ApiCluster
from simulator.twins.queue import MemoryQueue
from simulator.twins.store import MemoryStore
from workers import rq

# Those calls whose first text is a reason code: in `decide`, and where `drift` explains what kept it from deciding.
_SAYS_WHY = {"Judgement", "_blocked"}
PAIRS = [
    (Cluster, KubernetesCluster),
    (Cluster, ApiCluster),
    (Queue, RqQueue),
    (Queue, MemoryQueue),
    (Store, RedisStore),
    (Store, MemoryStore),
]


def trees() -> Iterator[ast.AST]:
    """The workers' source."""
    for file in sorted(Path(workers.__path__[0]).rglob("*.py")):
        yield ast.parse(file.read_text())


def texts(tree: ast.AST) -> Iterator[str]:
    """Every text in there."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def codes_said(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in _SAYS_WHY:
            yield from [a.value for a in node.args if isinstance(a, ast.Constant) and isinstance(a.value, str)][:1]


@pytest.mark.parametrize(("name", "function"), [(queue.TAKE_EVENT, rq.take_event), (queue.RUN_DRIFT, rq.run_drift)])
def test_the_dotted_names_in_jobs_are_functions_of_the_workers(name: str, function: object) -> None:
    module, _, attribute = name.rpartition(".")
    assert getattr(import_module(module), attribute) is function


@pytest.mark.parametrize(("protocol", "adapter"), PAIRS)
def test_adapters_and_twins_have_the_doors_methods_with_the_same_parameters(protocol: type, adapter: type) -> None:
    promised = {name: method for name, method in vars(protocol).items() if inspect.isfunction(method)}
    promised = {name: method for name, method in promised.items() if not name.startswith("_")}
    assert promised
    for name, method in promised.items():
        assert inspect.signature(getattr(adapter, name)) == inspect.signature(method), name


def test_every_reason_that_the_workers_give_is_in_the_table() -> None:
    said = {code for tree in trees() for code in codes_said(tree)}
    assert len(said) > 20
    assert said - REASONS.keys() == set()


def test_every_reason_of_the_table_is_given_by_the_workers() -> None:
    known = {text for tree in trees() for text in texts(tree)}
    assert REASONS.keys() - known == set()


def test_every_reason_explains_itself() -> None:
    for reason in REASONS.values():
        assert all(text.endswith(".") for text in (reason.meaning, reason.ends, reason.operator)), reason.code
