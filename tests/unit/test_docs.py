"""The generated pages are what the code says today."""

import re
import runpy
from pathlib import Path

import pytest

from tests.unit.web.bad_events import BAD

DOCS = Path(__file__).parents[2] / "docs"
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


def test_every_bad_event_that_is_named_for_a_must_is_there() -> None:
    page = (DOCS / "cloudevents.md").read_text()
    lists = re.findall(r'bad_events ("[^|`;]*")', page)
    named = {name for told in lists for name in re.findall(r'"([^"]+)"', told)}
    assert len(named) > 20
    assert sorted(named - {bad.why for bad in BAD}) == []
