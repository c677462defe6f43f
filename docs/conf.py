"""The docs site: `make docs` builds it from the pages of this folder, with Sphinx (CONTRIBUTING.md says why).

So that the pages read well on GitHub, too, the navigation is what docs/index.md lists, links that leave this folder
lead to the repository, and a link called `fencing.md` gets the name of what it leads to.
"""

import re
import tomllib
from importlib import metadata
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx

HERE = Path(__file__).parent
ROOT = HERE.parent
REPOSITORY = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["urls"]["Repository"]

project = "vm-drift"
version = release = metadata.version(project)
html_title = f"{project} {version}"

extensions = ["myst_parser"]
myst_heading_anchors = 4
source_suffix = {".md": "markdown"}
nitpicky = True
smartquotes = False  # they would turn the -- of commands into a dash

html_theme = "furo"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_js_files = [("site.js", {"priority": 900})]
html_show_copyright = False
html_show_sphinx = False
html_copy_source = False
html_show_sourcelink = False
html_use_index = False
highlight_language = "text"  # of what names none; the default takes it for Python
pygments_style = "a11y-high-contrast-light"
pygments_dark_style = "a11y-high-contrast-dark"
html_theme_options: dict[str, Any] = {"top_of_page_buttons": []}

_LEAVES = re.compile(r"\]\(\.\./([^)#\s]+)((?:#[^)\s]*)?)\)")  # [words](../path#anchor)
_FILE_NAME = re.compile(r"\[[\w-]+\.md\]\(([\w-]+\.md(?:#[\w-]+)?)\)")  # [path.md](path.md#anchor)
_SECTION = re.compile(r"(?m)^## (.+)$")
_ENTRY = re.compile(r"\[([^\]]+)\]\((?!https?:|\.\.)([\w./-]+)\.md\)")


def navigation(index: str) -> list[tuple[str, dict[str, str]]]:
    """Of docs/index.md: each section, and which pages it links to, by the words of the link. A page counts once."""
    seen: set[str] = set()
    sections = []
    parts = _SECTION.split(index)[1:]
    for title, body in zip(parts[::2], parts[1::2], strict=True):
        pages: dict[str, str] = {}
        for words, page in _ENTRY.findall(body):
            if page not in seen:
                pages[page] = words
                seen.add(page)
        sections.append((title, pages))
    return [(title, pages) for title, pages in sections if pages]


def toctree(title: str, pages: dict[str, str]) -> str:
    """The same for Sphinx."""
    entries = "\n".join(f"{words} <{page}>" for page, words in pages.items())
    return f"\n```{{toctree}}\n:hidden:\n:caption: {title}\n\n{entries}\n```\n"


def outward(text: str) -> str:
    """Links to files of the repository outside of docs/. One that leads nowhere stays, and Sphinx complains of it."""

    def there(found: re.Match[str]) -> str:
        path, anchor = found.groups()
        kind = "tree" if (ROOT / path).is_dir() else "blob"
        return f"]({REPOSITORY}/{kind}/main/{path}{anchor})" if (ROOT / path).exists() else found.group()

    return _LEAVES.sub(there, text)


# What scrolls by itself can be reached by keys, and a heading says of which level it is; furo's HTML lacks both.
_KEYS = {"<pre>": '<pre tabindex="0">', '<div class="table-wrapper': '<div tabindex="0" class="table-wrapper'}
_LEVELS = {'role="heading">': 'role="heading" aria-level="2">'}


def _accessible(_app: Sphinx, _page: str, _template: str, context: dict[str, Any], _tree: object) -> None:
    for part, changes in (("body", _KEYS), ("furo_navigation_tree", _LEVELS)):
        for old, new in changes.items():
            if part in context:
                context[part] = context[part].replace(old, new)


def _read(_: Sphinx, page: str, source: list[str]) -> None:
    source[0] = _FILE_NAME.sub(r"[](\1)", outward(source[0]))
    if page == "index":
        source[0] += "".join(toctree(title, pages) for title, pages in navigation(source[0]))


def setup(app: Sphinx) -> None:
    """What Sphinx calls."""
    app.connect("source-read", _read)
    app.connect("html-page-context", _accessible, priority=900)  # after furo
