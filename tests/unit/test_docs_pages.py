"""Every page of the docs can be found, words are explained once, and what is compared was measured."""

import json
import re
import runpy

import pytest

from tests.support.places import DOCS, ROOT
from vmdrift.cli import main

PAGES = sorted(path.stem for path in DOCS.glob("*.md"))
INDEX = (DOCS / "index.md").read_text()
NAVIGATION = runpy.run_path(str(DOCS / "conf.py"))["navigation"]


def test_every_page_is_in_the_navigation() -> None:
    named = [page for _, pages in NAVIGATION(INDEX) for page in pages]
    missing = sorted(set(PAGES) - {*named, "index"})
    assert missing == [], f"add a line to docs/index.md for each of {missing}"
    assert len(named) == len(set(named))


def test_the_navigation_is_what_the_index_lists_each_page_once() -> None:
    first = "[before](x.md)\n## One\n- [A](a.md) and [its part](a.md#x), [B](b.md)\n"
    index = f"{first}## Two\n- [A](a.md), [C](c.md), [out](../d.md), [far](https://e/f.md)\n## None\n"
    assert NAVIGATION(index) == [("One", {"a": "A", "b": "B"}), ("Two", {"c": "C"})]


@pytest.mark.parametrize("name", ["README", "CONTRIBUTING", "SECURITY", "CHANGELOG"])
def test_what_the_repository_says_beside_the_site_leads_somewhere(name: str) -> None:
    links = re.findall(r"\]\((?!https?:)([^)#\s]*)(?:#([^)\s]*))?\)", (ROOT / f"{name}.md").read_text())
    for path, anchor in links:
        target = ROOT / (path or f"{name}.md")
        assert target.exists(), path
        assert not anchor or anchor in headings(target.read_text()), (path, anchor)


def headings(text: str) -> set[str]:
    """As GitHub names them in addresses."""
    return {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in re.findall(r"(?m)^#+ (.+)$", text)}


GLOSSARY = dict(re.findall(r"(?m)^### (.+)\n\n((?:.+\n)+)", (DOCS / "glossary.md").read_text()))


@pytest.mark.parametrize("term", sorted(GLOSSARY))
def test_a_word_of_the_glossary_is_used_and_told_in_one_sentence(term: str) -> None:
    others = "".join((DOCS / f"{page}.md").read_text().lower() for page in PAGES if page != "glossary")
    assert re.search(rf"\b{re.escape(term.lower())}", others), "no other page uses this word"
    plain = re.sub(r"\]\([^)]*\)", "]", GLOSSARY[term]).strip()
    assert re.findall(r"[.!?](?=\s|$)", plain) == ["."], plain


def test_the_glossary_has_the_words_of_this_project() -> None:
    wanted = {"Outage", "Launcher pod", "Fencing", "Proof", "VolumeAttachment", "Window", "Drift", "Sweep", "Hold"}
    assert wanted <= set(GLOSSARY)


def test_the_comparison_tells_the_figures_that_were_measured_last() -> None:
    figures = json.loads((ROOT / "benchmarks" / "results" / "host_off.json").read_text())["figures"]
    place = next(n for n, row in enumerate(figures) if "last VM Running, median" in row["what"])
    median, most = (round(row["value"]) for row in figures[place : place + 2])
    assert f"| {median} in the median, {most} at most, for all VMs of a node |" in (DOCS / "comparison.md").read_text()


def test_the_comparison_tells_of_silence_and_fences_what_the_page_on_fencing_tells() -> None:
    comparison, fencing = (DOCS / "comparison.md").read_text(), (DOCS / "fencing.md").read_text()
    for span in ("346 to 359", "706 to 720", "90 to 200", "61 to 90"):
        assert span in comparison
        assert f"{span} s" in fencing


@pytest.mark.parametrize("page", ["howto", "comparison", "limits", "glossary", "index"])
def test_a_page_names_only_commands_that_are_there(page: str) -> None:
    named = re.findall(r"(?:`|^ *|-- )vmdrift ([a-z-]+)", (DOCS / f"{page}.md").read_text(), re.MULTILINE)
    assert set(named) <= set(main.commands)
    assert len(named) > 10 or page != "howto"
