"""The docs site is built strictly, leads nowhere wrong, fits a telephone, and can be searched from a disk."""

import re
import runpy
import shutil
import subprocess
import sys
from collections.abc import Iterator
from html import unescape
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.support.browser import browser, complaints, needs_chromium, page_of, picture, violations
from tests.support.places import DOCS, ROOT

pytestmark = [pytest.mark.xdist_group("docs site"), pytest.mark.long(12)]  # built once for all
CHECK = runpy.run_path(str(DOCS / "check.py"))
PAGES = sorted(path.stem for path in DOCS.glob("*.md"))


def built(docs: Path, folder: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(docs / "build.py"), str(folder)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    done = built(DOCS, folder)
    assert (done.returncode, done.stderr) == (0, ""), done.stderr + done.stdout
    return folder


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with browser() as found:
        yield found


def test_the_site_is_built_without_a_warning_and_says_where_it_leads(site: Path) -> None:
    assert {path.stem for path in site.glob("*.html")} == {*PAGES, "search"}
    assert len((site / CHECK["LIST"]).read_text().splitlines()) > 10


def test_no_link_has_the_name_of_a_file(site: Path) -> None:
    text = "".join(path.read_text() for path in site.glob("*.html"))
    assert re.findall(r">[\w-]+\.md(?:</[a-z]+>)*</a>", text) == []
    assert re.search(r'href="operations.html#clocks"><span[^>]*>Clocks<', text)


def test_what_people_copy_from_the_site_is_what_was_written(site: Path) -> None:
    assert '--i-checked "how you know"' in unescape((site / "reasons.html").read_text())


WRONG_PAGES = {
    "[x](other.md#nowhere)": "'nowhere'",
    "[x](#no-place)": "'no-place'",
    "[x](nobody.md)": "'nobody.md'",
    "[x](../nobody.py)": "'../nobody.py'",
    "![x](nobody.png)": "nobody.png",
    "### too deep": "H1 to H3",
    "```json\n{no json\n```": "Lexing literal_block",
}
WRONG_LINKS = {"[x](http://example.com/)": "http://example.com/: not https", "[x](https://localhost/)": "no host"}


@pytest.mark.parametrize("wrong", [WRONG_PAGES, WRONG_LINKS])
def test_a_build_fails_of_what_is_wrong_and_says_all_of_it(wrong: dict[str, str], tmp_path: Path) -> None:
    docs = small(tmp_path)
    (docs / "other.md").write_text("# Other\n\n" + "\n\n".join(wrong) + "\n")
    done = built(docs, tmp_path / "site")
    assert done.returncode
    assert [complaint for complaint in wrong.values() if complaint not in done.stderr] == [], done.stderr


@pytest.mark.nightly
def test_a_build_fails_of_a_page_that_nobody_lists_and_without_that_it_does_not(tmp_path: Path) -> None:
    docs = small(tmp_path)
    assert built(docs, tmp_path / "site").returncode == 0
    (docs / "lonely.md").write_text("# Lonely\n")
    done = built(docs, tmp_path / "site")
    assert done.returncode
    assert "lonely" in done.stderr


def small(folder: Path) -> Path:
    """A site of two pages, built as ours is."""
    docs = folder / "docs"
    shutil.copytree(DOCS / "_static", docs / "_static")
    shutil.copy(ROOT / "pyproject.toml", folder)
    for name in ("conf.py", "build.py", "check.py"):
        shutil.copy(DOCS / name, docs)
    (docs / "index.md").write_text("# Small\n\n## One\n\n- [Other](other.md)\n")
    (docs / "other.md").write_text("# Other\n\n[x](../pyproject.toml)\n")
    return docs


@pytest.mark.parametrize(
    ("link", "why"),
    [
        ("other.html", ""),
        ("other.html#there", ""),
        ("other.html#gone", "no such anchor"),
        ("gone.html", "no such file"),
        ("../outside.html", "no such file"),
        ("#gone", "no such anchor"),
        ("https://example.com/a b", "a space"),
        ("https://example/", "no host"),
        ("javascript:x", "not https"),
        ("https://example.com/#a", ""),
    ],
)
def test_the_check_sees_where_a_link_leads(link: str, why: str, tmp_path: Path) -> None:
    (tmp_path / "outside.html").touch()
    site = tmp_path / "site"
    site.mkdir()
    (site / "other.html").write_text('<p id="there">')
    (site / "index.html").write_text(f'<a href="{link}">')
    wrong, _ = CHECK["check"](site)
    assert wrong == ([f"index.html: {link}: {why}"] if why else [])


SECONDS = 60000.0  # milliseconds, as Playwright counts
FOUND = {
    "suspected": "Glossary > Suspected",
    "held": "Reasons > held",
    "VMDRIFT_REQUIRE_FENCE": "Settings > VMDRIFT_REQUIRE_FENCE",
}


@needs_chromium
@pytest.mark.parametrize("width", [1280, 390])
def test_search_works_from_a_disk(site: Path, chromium: Browser, width: int) -> None:
    page = page_of(chromium, width=width)
    said = complaints(page)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    for words, title in FOUND.items():
        page.goto((site / "search.html").as_uri())
        if width < 1000:
            page.locator(".mobile-header label[for=__navigation]").click()
        page.get_by_placeholder("Search").fill(words)
        page.get_by_placeholder("Search").press("Enter")
        expect(page.locator("ul.search").get_by_role("link", name=title, exact=True)).to_be_visible(timeout=SECONDS)
    picture(page, f"docs-search-{width}")
    page.locator("ul.search").get_by_role("link", name=FOUND["VMDRIFT_REQUIRE_FENCE"], exact=True).click()
    expect(page.get_by_role("heading", name="VMDRIFT_REQUIRE_FENCE")).to_be_in_viewport(timeout=SECONDS)
    assert said == []
    assert [url for url in asked if not url.startswith("file:")] == []


@needs_chromium
@pytest.mark.parametrize("width", [1280, 390])
def test_pages_fit_and_can_be_used_by_all(site: Path, chromium: Browser, width: int) -> None:
    page = page_of(chromium, width=width, dark=width < 1000)
    said = complaints(page)
    for name in ("comparison", "settings"):
        page.goto((site / f"{name}.html").as_uri())
        too_wide = page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")
        assert (name, too_wide, violations(page)) == (name, False, [])
        picture(page, f"docs-{name}-{width}")
    assert said == []


@needs_chromium
def test_on_a_telephone_each_cell_names_its_column(site: Path, chromium: Browser) -> None:
    page = page_of(chromium, width=390)
    page.goto((site / "settings.html").as_uri())
    row = page.locator("tr", has_text="VMDRIFT_SUSPECT_AFTER").first
    expect(row.locator("td").nth(2)).to_have_attribute("data-column", "default", timeout=SECONDS)
    left = [cell.bounding_box() for cell in row.locator("td").all()]
    assert len({box["x"] for box in left if box}) == 1, "cells stand below each other"
