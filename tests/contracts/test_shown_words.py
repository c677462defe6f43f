"""Words of others, on the terminal of every command and in logs: plain text, on the line that they belong to."""

import io
import logging
import sys
import time
from dataclasses import replace
from pathlib import Path

import orjson
import pytest
import structlog
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from redis import Redis
from rich.table import Table
from rich.text import Text

import vmdrift
from reactor.adapters.redis.outbox import Delivery, RedisOutbox
from reactor.adapters.redis.store import RedisStore
from reactor.model.drift import Check, OutageRecord, Phase
from reactor.model.errors import BadInput
from reactor.model.printable import harmless, harmless_lines
from reactor.model.sweep import Sweep
from reactor.process import configure_logs, explain
from simulator.scene import Storage, Vm
from tests.contracts.samples import LOST_AT, outage, record
from tests.unit.vmdrift.plans import LOST, listed, world_of
from vmdrift.cli import main
from vmdrift.terminal import Terminal

HOSTILE = "\x1b[31mPWN\x1b]0;title\x07\x9b2K [bold red]mark\x7f \r\nFAKE 2026 line \u202e rtl\u200b \u2028\U000e0041"


def raw(text: str) -> list[str]:
    """What of it acts."""
    lines = text.split("\n")
    return [repr(one) for line in lines for one in line if not one.isprintable()] + [
        line for line in lines if line.lstrip().startswith("FAKE")
    ]


def run(*words: str, **env: str) -> str:
    done = CliRunner().invoke(main, words, env={"COLUMNS": "400", **env})
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done.output


@pytest.fixture
def told(redis: Redis, redis_url: str) -> str:
    """A Redis full of such words; its URL."""
    store = RedisStore(redis, 3600)
    lost = OutageRecord(outage(), LOST_AT, sweep=Sweep(LOST_AT, HOSTILE, False, (HOSTILE,)))
    store.save_outage(lost, done=False)
    blocked = replace(
        record("web", HOSTILE, Phase.BLOCKED), checks=(Check("node", held=False, reason="x", sentence=HOSTILE),)
    )
    ended = replace(record("mail", HOSTILE, Phase.FAILED), ended_at=LOST_AT + 9.0)
    event = {"id": "1", "type": "io.vmdrift.vm.drift.failed", "subject": HOSTILE, "time": "2026-11-28T00:00:00Z"}
    for one in (blocked, ended):
        store.create(one, [{**event, "data": {"sentence": HOSTILE}}])
    redis.hset("vmdrift:clocks", HOSTILE, f"900.0 {redis.time()[0]}")
    return redis_url


@pytest.mark.parametrize("more", [(), ("--json",), ("-o", "yaml"), ("-o", "wide")])
@pytest.mark.parametrize("command", ["status", "history", "events"])
def test_what_is_read_from_redis_acts_on_no_terminal(told: str, command: str, more: tuple[str, ...]) -> None:
    shown = run(command, *more, VMDRIFT_REDIS_URL=told)
    assert "PWN" in shown
    assert raw(shown) == []


@pytest.mark.parametrize("more", [(), ("--json",), ("-o", "yaml"), ("-o", "wide")])
@pytest.mark.parametrize("command", [("plan", LOST), ("audit",)])
def test_what_is_read_from_a_cluster_acts_on_no_terminal(
    tmp_path: Path, command: tuple[str, ...], more: tuple[str, ...]
) -> None:
    dump = orjson.loads(orjson.dumps(listed(world_of(Vm("web", Storage.RBD_BLOCK, node=LOST)))))
    machines = [one for one in dump["items"] if one["kind"] in {"VirtualMachine", "VirtualMachineInstance"}]
    for one in machines:
        spec = one["spec"]["template"]["spec"] if one["kind"] == "VirtualMachine" else one["spec"]
        spec["volumes"].append({"name": HOSTILE, "persistentVolumeClaim": {"claimName": HOSTILE}})
    (tmp_path / "dump.json").write_bytes(orjson.dumps(dump))
    shown = run(*command, *more, "-f", str(tmp_path / "dump.json"))
    assert "PWN" in shown
    assert raw(shown) == []


def test_dead_letters_and_complaints_are_as_harmless(redis: Redis, redis_url: str) -> None:
    letter = Delivery("1-0", {"subject": HOSTILE, "type": HOSTILE}, LOST_AT)
    RedisOutbox(redis, 3600).bury(letter, HOSTILE, time.time())
    shown = run("events", "--dead", VMDRIFT_REDIS_URL=redis_url)
    shown += explain(BadInput(HOSTILE)) + run("plan", HOSTILE) + run(HOSTILE)
    assert shown.count("PWN") == 5
    assert raw(shown) == []


def test_all_that_a_terminal_is_given_is_plain_text_in_cells_and_titles_too() -> None:
    console = Terminal(file=io.StringIO(), width=600)
    table = Table(title=Text(HOSTILE), show_header=True)
    table.add_column(HOSTILE)
    table.add_row(HOSTILE)
    table.add_row(Text(HOSTILE, style="red"))
    console.print(table, HOSTILE, Text(HOSTILE))
    assert isinstance(console.file, io.StringIO)
    shown = console.file.getvalue()
    assert shown.count("[bold red]mark") == 6
    assert raw(shown) == []


def test_no_command_prints_through_anything_else() -> None:
    files = [file for file in Path(vmdrift.__file__).parent.rglob("*.py") if file.name != "terminal.py"]
    assert [file.name for file in files if " Console(" in file.read_text() or "(Console(" in file.read_text()] == []
    by_hand = {"command.py", "completion.py", "kubectl.py"}  # the place of `say`, and what only a shell reads
    assert {file.name for file in files if "sys.stdout.write" in file.read_text()} <= by_hand
    assert {file.name for file in files if "sys.stderr.write" in file.read_text()} <= by_hand


@given(st.text())
def test_json_with_escapes_reads_the_same(text: str) -> None:
    told = orjson.dumps({"x": text}, option=orjson.OPT_INDENT_2).decode()
    assert orjson.loads(harmless_lines(told)) == {"x": text}
    assert harmless(text).isprintable()


class Tty(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("kind", [Tty, io.StringIO])
def test_logs_keep_words_of_others_on_their_line(kind: type[io.StringIO], monkeypatch: pytest.MonkeyPatch) -> None:
    stream = kind()
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setattr(logging.root, "handlers", [])
    configure_logs()
    try:
        structlog.get_logger().warning(HOSTILE, sentence=HOSTILE, claim=HOSTILE, claims=[HOSTILE], **{HOSTILE: 1})
        error = BadInput(HOSTILE)
        structlog.get_logger().error("it failed", exc_info=error)
        logging.getLogger("rq").error("job %s", HOSTILE, exc_info=error)
    finally:
        structlog.reset_defaults()
    assert stream.getvalue().count("PWN") == 8
    assert raw(stream.getvalue().replace("\n  FAKE", "")) == []
