"""One place where a process' connections are made, lazily; and one dispatch of its jobs."""

import ast
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import reactor
from reactor.adapters.rq import RUNS
from reactor.model.errors import BadInput, SettingsError, StoreUnreachable
from reactor.settings import Settings
from reactor.wiring import Wiring
from workers.app import App
from workers.fencing.together import Together

ROOT = Path(reactor.__path__[0]).parent
FILES = [file for package in ("reactor", "workers", "vmdrift") for file in sorted((ROOT / package).rglob("*.py"))]
MADE_BY_WIRING = {"connect", "RedisStore", "RqQueue", "RedisInbox", "RedisOutbox", "RedisChanges", "HttpSink"}
NOWHERE = Settings(redis_url="redis://127.0.0.1:1/0", sink="http://127.0.0.1:1")
# Every module, in an interpreter that notes what it does to the world outside.
IMPORTED = """
import importlib, pkgutil, sys
deeds = {"socket.connect", "socket.getaddrinfo", "subprocess.Popen", "os.fork", "os.posix_spawn"}
sys.addaudithook(lambda event, _: print(event) if event in deeds else None)
for package in ("reactor", "workers", "vmdrift"):
    for module in pkgutil.walk_packages(importlib.import_module(package).__path__, f"{package}."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
print("imported")
"""


def called(file: Path) -> Iterator[str]:
    """The last name of all that is called in a file."""
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Call):
            yield getattr(node.func, "attr", getattr(node.func, "id", ""))


def locators(file: Path) -> Iterator[str]:
    """Functions that make something once and for all, out of nothing that they are given."""
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.FunctionDef) and not ast.unparse(node.args):
            yield from (node.name for mark in node.decorator_list if "cache" in ast.unparse(mark))


def test_connections_and_what_stands_on_them_are_made_in_one_place() -> None:
    makers = {str(file.relative_to(ROOT)) for file in FILES if MADE_BY_WIRING & set(called(file))}
    assert makers == {"reactor/wiring.py"}
    assert set(called(ROOT / "reactor" / "wiring.py")) > MADE_BY_WIRING  # else the line above says nothing


def test_nothing_is_made_once_and_for_all_where_it_is_looked_for() -> None:
    assert [name for file in FILES for name in locators(file)] == []


def test_to_import_a_module_does_nothing() -> None:
    odd = {**os.environ, "VMDRIFT_POLICY": "nonsense", "VMDRIFT_REDIS_URL": "nonsense", "KUBECONFIG": "/nowhere"}
    done = subprocess.run([sys.executable, "-c", IMPORTED], env=odd, capture_output=True, text=True, check=False)
    assert (done.stdout.split(), done.stderr) == (["imported"], "")


@pytest.mark.parametrize(
    ("made", "why"),
    [
        (lambda wiring: wiring.redis, StoreUnreachable),
        (lambda wiring: wiring.connection(), StoreUnreachable),
        (lambda wiring: wiring.queue, StoreUnreachable),
        (lambda wiring: wiring.cluster, SettingsError),
        (lambda wiring: wiring.wishes, SettingsError),
    ],
)
def test_what_cannot_be_made_is_said_when_it_is_asked_for(made: Callable[[Wiring], Any], why: type[Exception]) -> None:
    with pytest.raises(why):
        made(Wiring(NOWHERE, ""))


def test_each_is_made_once_but_a_connection_of_its_own_is_another_one(redis_url: str) -> None:
    wiring = Wiring(Settings(redis_url=redis_url), "")
    assert wiring.store is wiring.store
    assert wiring.queue is wiring.queue
    with wiring.connection() as own:
        assert own.connection_pool is not wiring.redis.connection_pool
    assert wiring.redis.ping()


def test_a_process_has_what_it_needs_although_it_lacks_something_else(redis_url: str) -> None:
    """Who delivers needs no cluster, and who has no sink works on drifts."""
    app = App.of(Wiring(Settings(redis_url=redis_url, sink="http://127.0.0.1:1"), ""))
    assert app.delivery() is app.delivery()
    with pytest.raises(SettingsError, match="KUBECONFIG"):
        app.tools()
    with pytest.raises(SettingsError, match="VMDRIFT_SINK"):
        App.of(Wiring(Settings(redis_url=redis_url), "")).delivery()


def test_a_process_asks_all_providers_of_fencing_at_the_same_time(redis_url: str) -> None:
    wiring = Wiring(Settings(redis_url=redis_url), "")
    vars(wiring)["cluster"] = SimpleNamespace(find=lambda *_: {"metadata": {"uid": "cluster"}})
    assert isinstance(App.of(wiring).fence().ask_all, Together)


@pytest.mark.parametrize("function", [function for functions in RUNS.values() for function in functions])
def test_every_function_that_a_job_may_call_is_run_and_refuses_what_another_version_wrote(function: str) -> None:
    with pytest.raises(BadInput, match="expected version"):
        App.of(Wiring(NOWHERE, "")).run(function, [0, {}])
