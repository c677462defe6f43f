"""A document -> YAML that every reader takes for the same: no aliases, no tags, nothing that acts on a terminal."""

import re
from typing import Any

import yaml

# PyYAML follows YAML 1.1, most others 1.2 (where 1e3 and 0o7 are numbers) or a mixture: what one of them may take for
# something else than text is quoted.
_AMBIGUOUS = re.compile(r"[-+.]?[0-9].*|[-+]?\.(inf|nan)|[yn~]|", re.IGNORECASE)
_ESCAPED = {'"': '\\"', "\\": "\\\\"}


class _Dumper(yaml.SafeDumper):
    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002 - PyYAML's
        """Each value is written where it stands."""
        return True

    def write_double_quoted(self, text: str, split: bool = True) -> None:  # noqa: ARG002 - PyYAML's
        """On one line; what is not printable as an escape."""
        quoted = "".join(map(_escaped, text))
        self.write_indicator(f'"{quoted}"', True)


def _escaped(char: str) -> str:
    if char.isprintable():
        return _ESCAPED.get(char, char)
    return f"\\U{ord(char):08x}" if ord(char) > 0xFFFF else f"\\u{ord(char):04x}"  # noqa: PLR2004 - four digits


def _text(dumper: _Dumper, text: str) -> yaml.ScalarNode:
    quoted = not text.isprintable() or _AMBIGUOUS.fullmatch(text)
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style='"' if quoted else None)


_Dumper.add_representer(str, _text)


def written(document: Any) -> str:
    """One document, which begins with `---`, so that several can follow each other."""
    return yaml.dump(
        document, Dumper=_Dumper, allow_unicode=True, explicit_start=True, sort_keys=False, width=float("inf")
    )
