"""`vmdrift probe`: a role that goes on is alive, also while Redis is away; one that hangs is not."""

import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.acceptance.commands import Done, eventually, vmdrift
from tests.acceptance.sites import Site
from tests.acceptance.test_trouble import killed_and_restarted

ROLES = (
    "reactor watch",
    "workers events",
    "workers drifts",
    "workers fencing",
    "workers outgoing",
    "workers scheduler",
)


def probe(file: Path, *words: str) -> Done:
    return vmdrift("probe", *words, env={"VMDRIFT_HEARTBEAT_FILE": str(file)})


@pytest.mark.parametrize("role", ROLES)
def test_a_role_that_goes_on_is_alive_and_one_that_hangs_is_not(site: Callable[[int], Site], role: str) -> None:
    cluster = site(0)
    file = cluster.folder / "heartbeat"
    cluster.start(role, VMDRIFT_HEARTBEAT_FILE=str(file), VMDRIFT_SINK="http://127.0.0.1:1")
    eventually("it goes on", lambda: probe(file).code == 0)
    with killed_and_restarted(cluster):
        file.unlink(missing_ok=True)
        eventually("it goes on without Redis", lambda: probe(file).code == 0)
    (name,) = [name for name in cluster.processes._children if role in name]
    cluster.processes._children[name].send_signal(signal.SIGSTOP)
    eventually("it hangs", lambda: probe(file, "--within", "3").code == 1)
    assert "s old, and 3 s are allowed" in probe(file, "--within", "3").err
    cluster.processes._children[name].send_signal(signal.SIGCONT)


def test_without_a_file_to_look_at_it_says_so() -> None:
    done = vmdrift("probe")
    assert (done.code, done.err) == (
        2,
        "vmdrift probe: VMDRIFT_HEARTBEAT_FILE: not set, so there is no heartbeat to look at\n",
    )
