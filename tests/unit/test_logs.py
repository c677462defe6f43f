"""Each event of a log is a constant, so that people can filter by it; what varies is a field, also the sentence."""

import ast
import io
import re
import sys
from collections.abc import Iterator

import pytest
import structlog

from reactor.process import configure_logs
from tests.support.places import ROOT

ROOMS = ("reactor", "workers", "vmdrift", "simulator")
CODE = {str(file.relative_to(ROOT)): file.read_text() for room in ROOMS for file in (ROOT / room).rglob("*.py")}
LOGGING = {name: text for name, text in CODE.items() if "structlog" in text}
LEVELS = {"debug", "info", "warning", "error", "critical", "exception"}
PHRASE = re.compile(r"[A-Za-z][A-Za-z ,()'-]{3,59}")  # no sentence: no full stop, no figure, nothing put in


def _calls(tree: ast.AST) -> Iterator[tuple[str, ast.Call]]:
    """Those of methods of `log`, with the method's name."""
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Attribute(value=ast.Name("log"), attr=method)):
                yield method, node


def _varies(method: str, call: ast.Call) -> bool:
    arguments = call.args[1:] if method == "log" else call.args  # the first one of log.log is the level
    match arguments:
        case [ast.Constant(str(event))]:
            return PHRASE.fullmatch(event) is None or method not in LEVELS | {"log"}
    return True


def _wrong(text: str) -> list[int]:
    return [call.lineno for method, call in _calls(ast.parse(text)) if _varies(method, call)]


def test_no_event_of_a_log_varies() -> None:
    assert {name: lines for name, text in LOGGING.items() if (lines := _wrong(text))} == {}
    assert len(LOGGING) > 20


def test_each_event_that_the_docs_list_is_one_of_the_code() -> None:
    logs = (ROOT / "docs" / "metrics.md").read_text().partition("\n## Logs\n")[2]
    listed = {
        event for row in re.findall(r"^\| (`.*?) \|", logs, re.MULTILINE) for event in re.findall(r"`(.*?)`", row)
    }
    calls = (call for text in LOGGING.values() for _, call in _calls(ast.parse(text)))
    written = {word.value for call in calls for word in call.args if isinstance(word, ast.Constant)}
    assert len(listed) > 10
    assert listed <= written


@pytest.mark.parametrize(
    "line",
    [
        "log.info(record.sentence)",
        'log.warning(f"{pod} skipped")',
        'log.log(30, said(off), reason="clock-off")',
        'log.error("%s is away", name)',
        'log.info("Node is lost since 12:00.")',
        'log.info("accepted" if fresh else "duplicate")',
        'log.bind(node=node).info("node is back")',
    ],
)
def test_an_event_that_varies_is_found(line: str) -> None:
    assert _wrong(line) == [1]


def test_each_logger_is_called_log_and_only_called_on_the_spot() -> None:
    made = "\nlog = structlog.get_logger()\n"
    assert [name for name, text in LOGGING.items() if text.count("get_logger") != text.count(made)] == []
    trees = [ast.parse(text) for text in LOGGING.values() if made in text]
    assert sum(map(_uses, trees)) == sum(len(list(_calls(tree))) for tree in trees)


def _uses(tree: ast.AST) -> int:
    return sum(
        isinstance(node, ast.Name) and node.id == "log" and isinstance(node.ctx, ast.Load) for node in ast.walk(tree)
    )


class Tty(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("kind", "shown"),
    [
        (Tty, "drift decided: It waits for the window. node=a"),
        (io.StringIO, '"sentence": "It waits for the window.", "event": "drift decided"'),
    ],
)
def test_a_terminal_shows_the_sentence_behind_the_event_and_json_has_both_as_fields(
    kind: type[io.StringIO], shown: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream = kind()
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setenv("NO_COLOR", "1")
    configure_logs()
    try:
        structlog.get_logger().info("drift decided", node="a", sentence="It waits for the window.")
        structlog.get_logger().info("node is back", node="a")
    finally:
        structlog.reset_defaults()
    first, second = stream.getvalue().splitlines()
    assert shown in first
    assert "node is back" in second
    assert "None" not in first + second
