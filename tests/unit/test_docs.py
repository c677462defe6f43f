"""The generated pages are what the code says today."""

import re
import runpy

import click
import pytest

from tests.support.places import DOCS
from tests.unit.reactor.web.bad_events import BAD
from vmdrift.cli import main

PAGES = runpy.run_path(str(DOCS / "generate.py"))["PAGES"]


@pytest.mark.parametrize("name", sorted(PAGES))
def test_page_is_current(name: str) -> None:
    assert (DOCS / name).read_text() == PAGES[name](), f"run: python docs/generate.py ({name})"


def test_every_test_that_is_named_for_a_must_is_there() -> None:
    page = (DOCS / "cloudevents.md").read_text()
    there = "\n".join(path.read_text() for path in (DOCS.parent / "tests").rglob("test_*.py"))
    named = set(re.findall(r"::(test_[a-z0-9_]+)", page))
    assert len(named) > 30
    assert [name for name in sorted(named) if f"def {name}(" not in there] == []


def test_every_file_of_tests_that_the_threat_model_names_is_there() -> None:
    named = re.findall(r"`(\w+/[\w/]*test_\w+\.py)`", (DOCS / "security.md").read_text())
    assert len(named) > 15
    assert [name for name in named if not (DOCS.parent / "tests" / name).exists()] == []


COMMANDS = (DOCS / "cli.md").read_text()
EVERYWHERE = {"--output", "--context", "--kubeconfig"}  # options of many commands; sections of their own describe them


@pytest.mark.parametrize("name", sorted(main.commands))
def test_every_command_is_in_the_docs_with_each_of_its_options(name: str) -> None:
    (row,) = [line for line in COMMANDS.splitlines() if re.match(rf"\| `vmdrift {name}[ `]", line)]
    options = [
        option
        for parameter in main.commands[name].params
        for option in parameter.opts
        if isinstance(parameter, click.Option) and option.startswith("--") and option not in EVERYWHERE
    ]
    assert [option for option in options if f"`{option}`" not in row] == []


def test_what_many_commands_have_is_in_the_docs() -> None:
    assert [option for option in ("-o json", "-o yaml", "-o wide", *EVERYWHERE) if option not in COMMANDS] == []


def test_no_command_is_in_the_docs_that_is_not_there() -> None:
    assert set(re.findall(r"(?m)^\| `vmdrift ([a-z-]+)", COMMANDS)) == set(main.commands)


def test_every_bad_event_that_is_named_for_a_must_is_there() -> None:
    page = (DOCS / "cloudevents.md").read_text()
    lists = re.findall(r'bad_events ("[^|`;]*")', page)
    named = {name for told in lists for name in re.findall(r'"([^"]+)"', told)}
    assert len(named) > 20
    assert sorted(named - {bad.why for bad in BAD}) == []


def test_the_way_from_a_node_to_the_delete_names_what_is_there() -> None:
    rows = re.findall(r"(?m)^\| \d+ \| ([^|]+) \|", (DOCS / "architecture.md").read_text())
    assert len(rows) > 10
    for row in rows:
        files = re.findall(r"`([\w/]+\.py)`", row)
        there = "".join((DOCS.parent / file).read_text() for file in files)
        names = {name.rpartition(".")[2] for name in re.findall(r"`([\w.]+)`", row)} - {"py"}
        assert [name for name in sorted(names) if f"def {name}(" not in there] == [], files
