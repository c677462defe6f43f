"""The processes: what they say when they cannot start, and how they stop."""

import json
import logging
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path

import pytest
from redis import Redis

import reactor
import reactor.__main__
import workers.__main__  # noqa: F401 - else each copy of this process would do it
from simulator.api.api import Api
from simulator.apiserver import ApiServer, kubeconfig
from simulator.store.resources import KUBERNETES
from tests.contracts.clusters import TOKEN, an_api
from tests.support.copies import copied
from tests.support.forked import silent
from vmdrift.processes import Processes, wait_for
from vmdrift.valkey import start

WATCH, DRIFTS, INTAKE, SCHEDULER = "reactor watch", "workers drifts", "workers intake", "workers scheduler"
SERVE, OUTGOING = "reactor serve", "workers outgoing"
OLD = "workers events"  # what the role intake was called
ALL = pytest.mark.parametrize("role", [WATCH, SERVE, DRIFTS, INTAKE, OLD, OUTGOING, SCHEDULER])
ON_CLUSTER = pytest.mark.parametrize("role", [WATCH, DRIFTS])
PASSWORD, WRONG = "the-right-secret", "the-wrong-secret"
ROOT = Path(reactor.__path__[0]).parent
DEADLINE = 30.0  # seconds


@pytest.fixture
def api() -> Api:
    api = an_api()
    api.store.create("namespaces", {"metadata": {"name": "kube-system"}})
    return api


@pytest.fixture
def server(api: Api) -> Iterator[ApiServer]:
    with ApiServer(api) as running:
        yield running


@pytest.fixture
def env(redis_url: str, redis: Redis, server: ApiServer, tmp_path: Path) -> dict[str, str]:
    """An environment in which everything is well."""
    redis.ping()
    file = tmp_path / "kubeconfig"
    file.write_text(json.dumps(kubeconfig(server.url, TOKEN)))
    own = {"VMDRIFT_REDIS_URL": redis_url, "KUBECONFIG": str(file), "VMDRIFT_SINK": "http://127.0.0.1:1"}
    return own | {"VMDRIFT_API_TIMEOUT": "6"}  # as long as it may be: the API server here has no core of its own


@pytest.fixture(scope="module")
def guarded_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A Valkey that asks for a password."""
    folder = tmp_path_factory.mktemp("guarded")
    with Processes(folder) as processes:
        url = start(processes, folder)
        with Redis.from_url(url) as connection:
            connection.config_set("requirepass", PASSWORD)
        yield url


def begin(role: str, env: dict[str, str]) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", *role.split()],
        env={**os.environ, **env},
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def ended(process: subprocess.Popen[str]) -> tuple[int, str]:
    """Exit code and stderr; there is no secret in it, and nothing on stdout."""
    try:
        out, err = process.communicate(timeout=DEADLINE)
    finally:
        process.kill()
    return looked_over(process.returncode, out, err)


def in_a_copy(role: str, env: dict[str, str]) -> tuple[int, str]:
    """The same of a copy of this process, which does what `python -m` does once it has imported everything."""
    package, _, words = role.partition(" ")

    def main() -> int:
        logging.root.handlers.clear()  # pytest's
        os.environ.update(env)
        code: int = import_module(f"{package}.__main__").main(words.split())
        return code

    done = copied(main)
    return looked_over(done.code, done.out, done.err)


def looked_over(code: int, out: str, err: str) -> tuple[int, str]:
    assert out == ""
    assert not [secret for secret in (TOKEN, PASSWORD, WRONG) if secret in err]
    return code, err


def why_not(role: str, env: dict[str, str]) -> str:
    """The one line that says why it cannot start."""
    return reason(role, *in_a_copy(role, env))


def reason(role: str, code: int, err: str) -> str:
    (line,) = err.splitlines()
    package, name = role.split()
    before = f"vmdrift {name if package == 'reactor' else f'work {name}'}: cannot start: "
    assert line.startswith(before)
    assert code == 2
    return line.removeprefix(before)


@pytest.mark.parametrize("role", [WATCH, SCHEDULER])
def test_a_process_that_cannot_start_says_why_and_ends_with_2(role: str, env: dict[str, str]) -> None:
    process = begin(role, env | {"VMDRIFT_REDIS_URL": f"redis://:{PASSWORD}@127.0.0.1:1/0"})
    assert reason(role, *ended(process)).startswith("Redis is away: ")


@ALL
def test_without_redis_nothing_starts(role: str, env: dict[str, str]) -> None:
    said = why_not(role, env | {"VMDRIFT_REDIS_URL": f"redis://:{PASSWORD}@127.0.0.1:1/0"})
    assert said.startswith("Redis is away: ")
    assert "refused" in said


@pytest.mark.parametrize("password", [f"?password={WRONG}", ""])
@pytest.mark.parametrize("role", [WATCH, SCHEDULER])
def test_with_a_wrong_password_nothing_starts(role: str, env: dict[str, str], guarded_url: str, password: str) -> None:
    said = why_not(role, env | {"VMDRIFT_REDIS_URL": guarded_url + password})
    assert said.startswith("Redis refuses: " + ("invalid username-password pair" if password else "Authentication"))


def test_a_password_that_breaks_the_url_is_not_shown(env: dict[str, str]) -> None:
    said = why_not(SCHEDULER, env | {"VMDRIFT_REDIS_URL": f"redis://:{PASSWORD}/x@127.0.0.1:1/0"})
    assert said.startswith("VMDRIFT_REDIS_URL: not a valid URL")


@ALL
def test_malformed_settings_are_all_named_with_what_is_expected(role: str, env: dict[str, str]) -> None:
    said = why_not(role, env | {"VMDRIFT_UNREACHABLE_WINDOW": "5m", "VMDRIFT_POLICY": "on"})
    policy, window = said.split("; ")
    assert policy == "VMDRIFT_POLICY: 'on' is not one of auto, observe, never"
    assert window == "VMDRIFT_UNREACHABLE_WINDOW: '5m' is not a number of seconds from 10 to 604800"


@ON_CLUSTER
def test_without_a_cluster_it_says_which_variable_is_missing(role: str, env: dict[str, str]) -> None:
    said = why_not(role, env | {"KUBECONFIG": ""})
    assert said.startswith("no cluster: KUBECONFIG is not set, and this does not run in a pod")


@ON_CLUSTER
@pytest.mark.parametrize("text", [None, "[]", f"users: {{token: '{TOKEN}"])
def test_a_kubeconfig_that_is_missing_or_malformed_is_named(
    role: str, env: dict[str, str], tmp_path: Path, text: str | None
) -> None:
    file = tmp_path / "another"
    if text is not None:
        file.write_text(text)
    assert why_not(role, env | {"KUBECONFIG": str(file)}).startswith(f"KUBECONFIG={file}: ")


@ON_CLUSTER
def test_an_api_server_that_is_not_there_is_said_to_be_so(role: str, env: dict[str, str], server: ApiServer) -> None:
    server.stop()
    said = why_not(role, env)
    assert said.startswith("the API server gave no answer: ")
    assert "refused" in said


@ON_CLUSTER
def test_an_expired_token_is_said_to_be_unauthorized(role: str, env: dict[str, str], api: Api) -> None:
    api.tokens = {}
    assert "401 Unauthorized" in why_not(role, env)


@pytest.mark.parametrize(
    ("role", "verb", "resource"),
    [
        (WATCH, "list", "nodes"),
        (DRIFTS, "get", "volumeattachments"),
        (DRIFTS, "get", "configmaps"),
        (INTAKE, "list", "volumeattachments"),
    ],
)
def test_a_verb_that_is_not_granted_is_named(
    role: str, env: dict[str, str], api: Api, verb: str, resource: str
) -> None:
    api.authorize = lambda _user, asked, what, _namespace: (asked, what) != (verb, resource)
    said = why_not(role, env)
    assert "403" in said
    assert f'cannot {verb} resource "{resource}"' in said


@pytest.mark.parametrize("role", [DRIFTS, INTAKE])
def test_a_cluster_without_kubevirt_is_said_to_be_one(role: str, env: dict[str, str], tmp_path: Path) -> None:
    api = an_api(resources=KUBERNETES)
    api.store.create("namespaces", {"metadata": {"name": "kube-system"}})
    with ApiServer(api) as server:
        (tmp_path / "kubeconfig").write_text(json.dumps(kubeconfig(server.url, TOKEN)))
        said = why_not(role, env)
    assert said.endswith("Is KubeVirt installed on this cluster?")


def is_watching(api: Api, _: Redis) -> bool:
    with api.lock:
        return any(entry.verb == "watch" for entry in api.audit)


def is_waiting_for_jobs(_: Api, redis: Redis) -> bool:
    return any(redis.hget(key, "state") == b"idle" for key in redis.scan_iter("rq:worker:*"))


def is_looking(_: Api, redis: Redis) -> bool:
    return redis.exists("rq:scheduler:alive") == 1


READY = [
    (WATCH, is_watching),
    (DRIFTS, is_waiting_for_jobs),
    (INTAKE, is_waiting_for_jobs),
    (OUTGOING, is_waiting_for_jobs),
    (SCHEDULER, is_looking),
]


@pytest.mark.parametrize(("role", "ready"), READY)
def test_a_running_role_ends_in_order_on_sigterm(
    role: str, ready: Callable[[Api, Redis], bool], env: dict[str, str], api: Api, redis: Redis
) -> None:
    log = Path(env["KUBECONFIG"]).with_name("said.log")
    with log.open("wb") as file:
        process = silent(role.split(), {**os.environ, **env}, file.fileno())
    is_ready = wait_for(lambda: process.poll() is not None or ready(api, redis), DEADLINE)
    process.send_signal(signal.SIGTERM)
    try:
        assert (process.wait(DEADLINE), log.read_text()) == (0, "")
    finally:
        process.kill()
    assert is_ready


@pytest.mark.parametrize("module", ["reactor", "workers"])
@pytest.mark.parametrize("words", ["", " nothing", " watch drifts"])
def test_an_unknown_role_gets_the_usage(module: str, words: str) -> None:
    code, err = in_a_copy(module + words, {})
    assert (code, err.splitlines()[0].startswith(f"usage: python -m {module} ")) == (2, True)
