"""Checks a built site, `python docs/check.py SITE`: each link inside of it leads to a file and an anchor that exist.

Links to elsewhere are not followed; they must be well-formed, and are written to SITE/external-links.txt. Sphinx checks
the pages' links itself; this looks at the HTML, so also at what theme and navigation make of them.
"""

import re
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import SplitResult, unquote, urlsplit

_HOST = re.compile(r"(?!-)[a-z0-9-]+(\.[a-z0-9-]+)*\.[a-z]{2,}")
LIST = "external-links.txt"


class Page(HTMLParser):
    """What a page of HTML links to, and what can be linked to in it."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.anchors: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Of any element: where it leads, and its name."""
        given = dict(attrs)
        self.anchors |= {name for name in (given.get("id"), given.get("name") if tag == "a" else None) if name}
        self.links += [link for link in (given.get("href"), given.get("src")) if link is not None]


def ill_formed(link: SplitResult) -> str:
    """Why nobody can follow this link to elsewhere; empty if one can."""
    if link.scheme != "https":
        return "not https"
    if not _HOST.fullmatch(link.netloc):
        return "no host"
    return "a space" if re.search(r"\s", link.geturl()) else ""


def leads_nowhere(site: Path, pages: dict[Path, Page], at: Path, link: SplitResult) -> str:
    """Why this link inside the site leads nowhere; empty if it leads somewhere."""
    target = (at.parent / unquote(link.path)).resolve() if link.path else at
    if not target.is_relative_to(site) or not target.is_file():
        return "no such file"
    there = pages.get(target)
    return "no such anchor" if there and link.fragment and unquote(link.fragment) not in there.anchors else ""


def check(site: Path) -> tuple[list[str], list[str]]:
    """What is wrong with the links of a site, and its links to elsewhere."""
    site = site.resolve()
    pages = {path: Page(path.read_text()) for path in sorted(site.rglob("*.html"))}
    links = sorted({(at, text) for at, page in pages.items() for text in page.links})
    return list(_wrong(site, pages, links)), sorted({text for _, text in links if _elsewhere(text)})


def _wrong(site: Path, pages: dict[Path, Page], links: list[tuple[Path, str]]) -> Iterator[str]:
    for at, text in links:
        link = urlsplit(text)
        if link.scheme == "data" or text == "#":
            continue
        why = ill_formed(link) if _elsewhere(text) else leads_nowhere(site, pages, at, link)
        if why:
            yield f"{at.relative_to(site)}: {text}: {why}"


def _elsewhere(text: str) -> bool:
    link = urlsplit(text)
    return bool(link.netloc or link.scheme) and link.scheme != "data"


def report(site: Path) -> str | None:
    """What is wrong, one line for each link; none, and a line for people, if nothing is."""
    wrong, elsewhere = check(site)
    (site / LIST).write_text("".join(f"{link}\n" for link in elsewhere))
    if wrong:
        return "\n".join(wrong)
    print(f"{site}/index.html: every link inside is right; {len(elsewhere)} lead elsewhere ({LIST})")  # noqa: T201
    return None


if __name__ == "__main__":
    sys.exit(report(Path(sys.argv[1])))
