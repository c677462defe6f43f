"""One object, as it is built with each switch, as one template: where they differ, it asks for the switch."""

import json
from collections.abc import Iterable, Iterator, Mapping
from difflib import SequenceMatcher
from typing import Any

import yaml

from charts.objects import PLAIN

MISSING = object()
Variants = Mapping[str, Any]  # by switch; `PLAIN` without any


class Template:
    """`conditions`: what each switch is in a template."""

    def __init__(self, conditions: Mapping[str, str]) -> None:
        self._conditions = conditions

    def of(self, variants: Variants, comment: str = "") -> str:
        """The whole object under its comment; a variant is MISSING where it is not built at all."""
        lines = list(self._entry("", variants, ""))
        above = 1 if lines[0].startswith("{{- if ") else 0
        return "\n".join([*lines[:above], *comment.splitlines(), *lines[above:], ""])

    def _entry(self, prefix: str, variants: Variants, indent: str) -> Iterator[str]:
        """A value behind `key:`, or behind the dash of a list."""
        plain = variants[PLAIN]
        others = {switch: value for switch, value in variants.items() if switch and not _same(value, plain)}
        gone = [switch for switch, value in others.items() if value is MISSING]
        if not others:
            yield from [] if plain is MISSING else _dumped(prefix, plain, indent)
        elif plain is MISSING:
            for switch, value in others.items():
                yield from self._where(f"if {self._conditions[switch]}", _dumped(prefix, value, indent), indent)
        elif gone:
            stays = {switch: value for switch, value in variants.items() if switch not in gone}
            yield from self._where(self._none_of(gone), self._entry(prefix, stays, indent), indent)
        else:
            yield from self._different(prefix, {PLAIN: plain, **others}, indent)

    def _different(self, prefix: str, variants: Variants, indent: str) -> Iterator[str]:
        values = list(variants.values())
        inside = indent + "  " if prefix else indent
        if all(isinstance(value, dict) for value in values):
            lines = list(self._mapping(variants, inside))
            yield from _behind(prefix, lines, indent)
        elif all(isinstance(value, list) and value for value in values) and _alike(values):
            yield from [f"{indent}{prefix}", *self._listed(variants, indent)]
        else:
            yield from self._either(prefix, variants, indent)

    def _mapping(self, variants: Variants, indent: str) -> Iterator[str]:
        keys = dict.fromkeys(key for value in variants.values() for key in value)
        for key in keys:
            own = {switch: value.get(key, MISSING) for switch, value in variants.items()}
            yield from self._entry(f"{key}:", own, indent)

    def _listed(self, variants: Variants, indent: str) -> Iterator[str]:
        """Item by item where there are as many, else what is added or gone between them."""
        plain = variants[PLAIN]
        if all(len(value) == len(plain) for value in variants.values()):
            for items in zip(*variants.values(), strict=True):
                yield from self._entry("-", dict(zip(variants, items, strict=True)), indent)
            return
        edits = {switch: _edits(plain, value) for switch, value in variants.items() if switch}
        for at in range(len(plain) + 1):
            # As kustomize does: of several patches that put something there, the last one's comes first.
            for switch, (added, _) in reversed(edits.items()):
                lines = [line for item in added.get(at, []) for line in _dumped("-", item, indent)]
                yield from self._where(f"if {self._conditions[switch]}", lines, indent) if lines else []
            if at < len(plain):
                gone = [switch for switch, (_, gone) in edits.items() if at in gone]
                lines = list(_dumped("-", plain[at], indent))
                yield from self._where(self._none_of(gone), lines, indent) if gone else lines

    def _either(self, prefix: str, variants: Variants, indent: str) -> Iterator[str]:
        word = "if"
        for switch, value in variants.items():
            if switch:
                yield f"{indent}{{{{- {word} {self._conditions[switch]} }}}}"
                yield from _dumped(prefix, value, indent)
                word = "else if"
        yield f"{indent}{{{{- else }}}}"
        yield from _dumped(prefix, variants[PLAIN], indent)
        yield f"{indent}{{{{- end }}}}"

    def _none_of(self, switches: list[str]) -> str:
        conditions = [self._conditions[switch] for switch in switches]
        return f"if not {conditions[0]}" if len(conditions) == 1 else f"if not (or {' '.join(conditions)})"

    @staticmethod
    def _where(condition: str, lines: Iterable[str], indent: str) -> Iterator[str]:
        yield f"{indent}{{{{- {condition} }}}}"
        yield from lines
        yield f"{indent}{{{{- end }}}}"


class Quoted(str):
    """A text that begins like something else when a template has made it."""

    __slots__ = ()


class _Dumper(yaml.SafeDumper):
    """Texts of several lines as such."""


def _represent(dumper: yaml.SafeDumper, text: str) -> yaml.Node:
    style = "|" if "\n" in text else '"' if isinstance(text, Quoted) else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _represent)
_Dumper.add_representer(Quoted, _represent)


def dumped(value: Any) -> str:
    """As YAML, in the order that it has."""
    return yaml.dump(value, Dumper=_Dumper, sort_keys=False, width=10**6, allow_unicode=True)


def _dumped(prefix: str, value: Any, indent: str) -> Iterator[str]:
    whole = value if not prefix else [value] if prefix == "-" else {prefix.removesuffix(":"): value}
    for line in dumped(whole).splitlines():
        yield f"{indent}{line}" if line else ""


def _behind(prefix: str, lines: list[str], indent: str) -> Iterator[str]:
    if prefix == "-" and not lines[0].lstrip().startswith("{{"):
        yield f"{indent}- {lines[0].lstrip()}"
        yield from lines[1:]
    else:
        yield from [*([f"{indent}{prefix}"] if prefix else []), *lines]


def _alike(lists: list[list[Any]]) -> bool:
    """Is anything the same in all of them, or are there as many?"""
    texts = [{_text(item) for item in one} for one in lists]
    return len({len(one) for one in lists}) == 1 or bool(set.intersection(*texts))


def _edits(old: list[Any], new: list[Any]) -> tuple[dict[int, list[Any]], set[int]]:
    """What is added before which item, and which items are gone."""
    added, gone = dict[int, list[Any]](), set[int]()
    matcher = SequenceMatcher(None, [_text(item) for item in old], [_text(item) for item in new], autojunk=False)
    for what, a, b, c, d in matcher.get_opcodes():
        if what != "equal":
            gone |= set(range(a, b))
            added[a] = new[c:d]
    return added, gone


def _text(value: Any) -> str:
    return json.dumps(value, sort_keys=True)


def _same(one: Any, other: Any) -> bool:
    return one is other or (MISSING not in (one, other) and _text(one) == _text(other))
