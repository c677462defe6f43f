"""What the door to fence agents promises, with real processes: honest ones, liars, and those that never end."""

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from reactor.adapters.fence_agents.agents import FenceAgents
from reactor.model.errors import FenceError, NoAnswer, SettingsError
from reactor.model.fencing import Target
from reactor.model.identity import NodeRef, Outage
from reactor.settings import Settings
from rehearsal.twins.plug_memory import MemoryPlugMemory
from tests.contracts.agents import PASSWORD, Script
from vmdrift.processes import wait_for
from workers.fencing.providers.fence_agent import FenceAgent

_HANGS = """
child = subprocess.Popen(["sleep", "600"])
(folder / "child").write_text(str(child.pid))
(folder / "agent").write_text(str(os.getpid()))
time.sleep(600)
"""


@pytest.fixture
def script(tmp_path: Path) -> Script:
    return Script(tmp_path)


def _said(script: Script, limit: float = 60.0) -> str:
    """The sentence with which a reading fails; never the password, however it was written."""
    with pytest.raises(FenceError) as caught:
        script.plugs(limit).read("worker-1")
    assert not any(part in str(caught.value) for part in (PASSWORD, "s3cret", "'17", "%2717", "fencing"))
    assert caught.value.__suppress_context__ or caught.value.__context__ is None
    return str(caught.value)


def _ids(script: Script) -> Sequence[str]:
    return [reading.id for reading in script.plugs().read("worker-1")]


def _gone(pid: int) -> bool:
    """Also one that nobody has waited for yet."""
    stat = Path(f"/proc/{pid}/stat")
    try:
        return stat.read_text().rpartition(")")[2].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


def _written(path: Path) -> int:
    """The number of a process, 0 while it is not there."""
    return int(path.read_text() or 0) if path.exists() else 0


def test_a_plug_that_is_on_is_switched_off_and_reads_off(script: Script) -> None:
    plugs = script.plugs()
    (reading,) = plugs.read("worker-1")
    assert (reading.plug, reading.feed, reading.on) == ("fence_test at 10.1.0.7", False, True)
    plugs.off("worker-1", [reading.id])
    assert [again.on for again in plugs.read("worker-1")] == [False]


def test_each_feed_is_read_and_only_what_is_named_is_switched_off(script: Script) -> None:
    script.feeds("7", "8")
    plugs = script.plugs()
    one, other = plugs.read("worker-1")
    assert (one.plug, other.plug, one.feed) == ("fence_test plug 7", "fence_test plug 8", True)
    plugs.off("worker-1", [other.id])
    assert [reading.on for reading in plugs.read("worker-1")] == [True, False]


def test_every_call_says_first_what_to_do_and_none_says_anything_but_status_and_off(script: Script) -> None:
    script.feeds("7", "8", lanplus=True, power_wait=2, **{"api-path": "/v1", "accessId": "x"})
    plugs = script.plugs()
    plugs.off("worker-1", [reading.id for reading in plugs.read("worker-1")])
    plugs.read("worker-1")
    given = [call["given"].splitlines() for call in script.calls()]
    assert sorted(lines[0] for lines in given) == ["action=off"] * 2 + ["action=status"] * 4
    for lines in given:
        assert [line for line in lines if line.startswith(("action", "option", "o="))] == lines[:1]
        assert sorted(lines[1:]) in (
            ["accessId=x", "api-path=/v1", "lanplus=1", f"password={PASSWORD}", f"plug={plug}", "power_wait=2"]
            for plug in "78"
        )
        assert "reboot" not in "".join(lines)


def test_no_list_of_processes_and_no_environment_shows_an_option_or_anything_of_ours(
    script: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VMDRIFT_REDIS_URL", "redis://:hunter2@redis")
    script.plugs().read("worker-1")
    (call,) = script.calls()
    shown = "".join(call["shown"])
    assert not any(word in shown for word in (PASSWORD, "10.1.0.7", "fencing", "hunter2", "action"))
    assert set(call["env"]) == {"PATH", "LC_ALL"}


@pytest.mark.parametrize(
    ("does", "words"),
    [
        ("sys.exit(2)", "does not say whether it is on (exit code 2)"),
        ("sys.exit('Failed: You have to enter plug number')", "(exit code 1: Failed: You have to enter plug number)"),
        ("sys.stderr.write('bad argument\\n\\n\\n'); sys.exit(2)", "(exit code 2: bad argument)"),
        ("print('Status: ON'); sys.exit(2)", "(exit code 2)"),
        ("print('Status: OFF')", "(exit code 0)"),
        ("print('Status: OFF'); print('Status: ON'); sys.exit(2)", "(exit code 2)"),
        ("print('Status: OFF'); print('Status: ON')", "(exit code 0)"),
        ("print('Status: OFFLINE'); sys.exit(2)", "(exit code 2)"),
        ("print('status: off'); sys.exit(2)", "(exit code 2)"),
        ("print('The Status: OFF'); sys.exit(2)", "(exit code 2)"),
        ("print('Status: UNKNOWN'); sys.exit(1)", "(exit code 1)"),
        ("sys.stderr.write('Status: OFF'); sys.exit(2)", "(exit code 2: Status: OFF)"),
        ("print('Status: ON'); sys.exit(3)", "(exit code 3)"),
        ("print('Status: OFF'); sys.stdout.flush(); os.kill(os.getpid(), signal.SIGTERM)", "(exit code "),
        ("sys.stderr.write('2026-11-29 18:06:57,576 ERROR: No\\n'); sys.exit(1)", "(exit code 1: ERROR: No)"),
        ("raise KeyError('--plug')", "(exit code 1: KeyError: '--plug')"),
        ("sys.stderr.write('a\\x1b[31mb'); sys.exit(1)", "(exit code 1: a [31mb)"),
        ("sys.stderr.write('x' * 5000); sys.exit(1)", f"(exit code 1: {'x' * 200})"),
    ],
)
def test_what_does_not_say_on_or_off_by_its_exit_code_and_its_words_says_nothing(
    script: Script, does: str, words: str
) -> None:
    script.does(does)
    assert words in _said(script)


@pytest.mark.parametrize(
    "way",
    [
        "options",
        "given",
        "json.dumps(options)",
        "json.dumps(options, ensure_ascii=False)",
        "ascii(options)",
        "repr(given)",
        "__import__('shlex').quote(options['password'])",
        "__import__('urllib.parse').parse.quote(options['password'])",
        "__import__('urllib.parse').parse.quote_plus(options['password'])",
        "__import__('base64').b64encode(options['password'].encode()).decode()",
        "'user fencing has password ' + options['password']",
    ],
)
def test_whatever_an_agent_writes_down_of_its_options_is_not_shown(script: Script, way: str) -> None:
    script.does(f"sys.stderr.write(('failed with ' + str({way})).replace(chr(10), ' ')); sys.exit(1)")
    assert "***" in _said(script)


def test_an_option_that_the_agent_ignores_makes_its_answer_worthless_and_is_named_without_its_value(
    script: Script,
) -> None:
    script.does("sys.stderr.write(\"Parse error: Ignoring unknown option 'pasword=s3cret'\\n\"); print('Status: ON')")
    script.write(pasword="s3cret")
    assert _said(script) == (
        "fence_test at 10.1.0.7 ignores an option that it does not know, so its answer is worth nothing: correct "
        "option pasword in worker-1.json in VMDRIFT_FENCE_AGENT_DIR"
    )


@pytest.mark.long(10)
def test_an_agent_that_hangs_is_ended_with_its_children_and_nothing_was_heard(script: Script) -> None:
    script.does(_HANGS)
    with pytest.raises(NoAnswer, match=r"^fence_test at 10\.1\.0\.7 has not ended within 10 s \(status\)$"):
        script.plugs(10.0).read("worker-1")
    for name in ("agent", "child"):
        pid = int((script.folder / name).read_text())
        assert wait_for(lambda pid=pid: _gone(pid), 60)  # type: ignore[misc]


def test_a_child_that_an_agent_leaves_behind_is_ended_too(script: Script) -> None:
    script.does(
        "child = subprocess.Popen(['sleep', '600'], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)\n"
        "(folder / 'child').write_text(str(child.pid))\nprint('Status: ON')"
    )
    assert [reading.on for reading in script.plugs().read("worker-1")] == [True]
    pid = int((script.folder / "child").read_text())
    assert wait_for(lambda: _gone(pid), 60)


@pytest.mark.long(11)
def test_an_agent_ends_even_if_whoever_called_it_was_killed(script: Script) -> None:
    script.does(_HANGS)
    caller = dedent(f"""
        from pathlib import Path
        from reactor.adapters.fence_agents.process import run
        run(Path({str(script.agents / "fence_test")!r}), "action=off\\n", 10.0)
    """)
    with subprocess.Popen([sys.executable, "-c", caller]) as process:
        assert wait_for(lambda: _written(script.folder / "agent") > 0, 60)
        process.kill()
    assert wait_for(lambda: _gone(_written(script.folder / "agent")), 60)


def test_an_agent_that_writes_without_end_is_stopped(script: Script) -> None:
    script.does("while True: print('Status: OFF', 'x' * 10000, flush=True)")
    assert _said(script) == "fence_test at 10.1.0.7 writes without end: it was stopped (status)"


def test_megabytes_that_nobody_reads_end_no_worker(script: Script) -> None:
    script.does("sys.stderr.write('x' * 5_000_000); print('Status: ON')")
    assert "writes without end" in _said(script)


def test_an_agent_that_does_not_read_its_options_is_heard(script: Script) -> None:
    (script.agents / "fence_test").write_text("#!/bin/sh\nexec <&-\necho 'Status: ON'\n")
    script.write(**{f"option{number}": "x" * 4000 for number in range(7)})
    assert [reading.on for reading in script.plugs().read("worker-1")] == [True]


def test_without_its_interpreter_an_agent_says_nothing(script: Script) -> None:
    script.does("", interpreter="/nowhere/python3")
    assert "does not say whether it is on (exit code 127: " in _said(script)


def test_an_agent_that_may_not_be_run_says_nothing(script: Script) -> None:
    (script.agents / "fence_test").chmod(0o644)
    assert "does not say whether it is on (exit code 126: " in _said(script)


def test_an_interpreter_that_misses_its_script_ends_with_2_and_says_nothing(script: Script) -> None:
    (script.agents / "fence_test").write_text(f"#!/bin/sh\nexec {sys.executable} /nowhere/fence_test\n")
    assert "does not say whether it is on (exit code 2: " in _said(script)


def test_an_agent_that_is_not_there_is_told(script: Script) -> None:
    script.write({"agent": "fence_absent", "options": {}})
    assert _said(script).startswith("fence_absent of worker-1.json in VMDRIFT_FENCE_AGENT_DIR is not in ")


@pytest.mark.parametrize("does", ["sys.exit(1)", "sys.exit(2)", "print('Success: Powered OFF'); sys.exit(1)"])
def test_an_order_that_fails_is_told(script: Script, does: str) -> None:
    ids = _ids(script)
    script.does(f"if action == 'off':\n    {does}\nprint('Status: ON')")
    with pytest.raises(FenceError, match=r"fence_test at 10\.1\.0\.7 was not switched off"):
        script.plugs().off("worker-1", ids)


def test_all_feeds_get_the_order_though_one_of_them_fails(script: Script) -> None:
    script.feeds("7", "8")
    ids = _ids(script)
    script.does("if options['plug'] == '7': sys.exit(1)\nstate.write_text('off')")
    with pytest.raises(FenceError, match="fence_test plug 7 was not switched off"):
        script.plugs().off("worker-1", ids)
    assert (script.folder / "state-8").read_text() == "off"


def test_while_one_feed_cannot_be_read_nothing_is(script: Script) -> None:
    script.feeds("7", "8")
    script.does("if options['plug'] == '8': sys.exit(1)\nprint('Status: OFF'); sys.exit(2)")
    assert "fence_test plug 8 does not say" in _said(script)


def test_no_order_goes_to_another_plug_than_was_read(script: Script) -> None:
    ids = _ids(script)
    script.write(plug="8")
    with pytest.raises(FenceError, match=r"worker-1\.json in VMDRIFT_FENCE_AGENT_DIR has changed"):
        script.plugs().off("worker-1", ids)
    assert [call["given"].splitlines()[0] for call in script.calls()] == ["action=status"]


@pytest.mark.parametrize(
    ("change", "same"),
    [
        ({}, True),
        ({"password": "another"}, True),
        ({"snmp_priv_passwd": "x"}, True),
        ({"plug": "8"}, False),
        ({"ip": "10.1.0.8"}, False),
        ({"systems_uri": "/redfish/v1/Systems/2"}, False),
    ],
)
def test_a_plug_is_the_same_with_a_new_password_and_another_one_elsewhere(
    script: Script, change: dict[str, Any], *, same: bool
) -> None:
    before = _ids(script)
    script.write(**change)
    assert (_ids(script) == before) is same


def test_the_file_is_read_anew_each_time(script: Script) -> None:
    plugs = script.plugs()
    assert plugs.read("worker-1")[0].plug == "fence_test at 10.1.0.7"
    script.write(ip="10.1.0.8")
    assert plugs.read("worker-1")[0].plug == "fence_test at 10.1.0.8"


def test_without_the_folder_of_files_or_any_agents_it_does_not_start(script: Script) -> None:
    with pytest.raises(SettingsError, match=r"^VMDRIFT_FENCE_AGENT_DIR: not set"):
        FenceAgents(Settings(), agents=script.agents)
    (script.agents / "fence_test").unlink()
    with pytest.raises(SettingsError, match=r"^VMDRIFT_FENCING: fence-agent needs .* use an image"):
        script.plugs()


def test_signals_of_ours_do_not_reach_an_agent(script: Script) -> None:
    """Ctrl-C goes to our whole process group: an order that has begun is finished."""
    script.does("print('Status: ON' if os.getpgrp() != int(options['group']) else 'Status: OFF')")
    script.write(group=os.getpgid(0))
    assert [reading.on for reading in script.plugs().read("worker-1")] == [True]
    assert signal.getsignal(signal.SIGCHLD) == signal.SIG_DFL


def test_a_drill_finds_an_agent_that_is_gone_and_a_plug_that_feeds_another_machine(script: Script) -> None:
    memory, target = MemoryPlugMemory(lambda: 0.0), Target(Outage(NodeRef("worker-1", "u1"), 1), "boot-1")
    provider = FenceAgent(script.plugs(), memory)
    assert provider.drill(target).passed
    assert "off" not in [call["given"].partition("\n")[0] for call in script.calls()]
    provider.fence(target)
    assert "it feeds another machine, or none" in provider.drill(target).sentence
    (script.agents / "fence_test").unlink()
    with pytest.raises(FenceError, match="install it there"):
        provider.drill(target)


def test_credentials_are_others_once_the_file_was_written_again(script: Script) -> None:
    before = script.plugs().credentials("worker-1")
    script.write(username="another")
    assert script.plugs().credentials("worker-1") != before
