"""Text -> the value of a setting. Each parser raises ValueError whose text completes "X is not ..."."""

import json
import re
from collections.abc import Callable
from typing import Any

from reactor.model.names import is_name, is_namespace

Parse = Callable[[str], Any]
_PORTS = 65536
_WORD = re.compile(r"[A-Za-z0-9]([-A-Za-z0-9._]*[A-Za-z0-9])?")


def seconds(least: float, most: float = 7 * 86400, because: str = "") -> Parse:
    """A number of seconds in these bounds. `because`: why not less."""

    def parse(text: str) -> float:
        # The pattern rejects what float() would accept but nobody means: nan, inf, 1e3, 1_000, other scripts' digits.
        if not re.fullmatch(r"[0-9]+(\.[0-9]+)?", text) or not least <= float(text) <= most:
            message = f"a number of seconds from {least:g} to {most:g}" + (f": {because}" if because else "")
            raise ValueError(message)
        return float(text)

    return parse


def zero_or(parse: Parse) -> Parse:
    """0, or what `parse` takes."""

    def parsed(text: str) -> Any:
        try:
            return 0.0 if re.fullmatch(r"0(\.0+)?", text) else parse(text)
        except ValueError as error:
            message = f"0, or {error}"
            raise ValueError(message) from error

    return parsed


def count(least: int, most: int) -> Parse:
    """A whole number in these bounds."""

    def parse(text: str) -> int:
        if not re.fullmatch(r"[0-9]{1,9}", text) or not least <= int(text) <= most:
            message = f"a whole number from {least} to {most}"
            raise ValueError(message)
        return int(text)

    return parse


def one_of(*words: str) -> Parse:
    """One of these words."""

    def parse(text: str) -> str:
        if text not in words:
            message = "one of " + ", ".join(words)
            raise ValueError(message)
        return text

    return parse


def some_of(*words: str) -> Parse:
    """Some of these words, each once, in an order that matters; `none` alone stands for no word."""

    def parse(text: str) -> tuple[str, ...]:
        chosen = tuple(part.strip() for part in text.split(","))
        if chosen == ("none",):
            return ()
        if not set(chosen) <= set(words) or len(set(chosen)) != len(chosen):
            message = "a comma-separated list of " + ", ".join(words) + " (each at most once), or none"
            raise ValueError(message)
        return chosen

    return parse


def share(text: str) -> str:
    """A percentage or a count of nodes."""
    percent = re.fullmatch(r"([0-9]{1,3})%", text)
    if not (percent and int(percent[1]) <= 100) and not re.fullmatch(r"[0-9]{1,5}", text):  # noqa: PLR2004 - percent
        message = "a percentage of the nodes from 0% to 100%, or a number of nodes"
        raise ValueError(message)
    return text


def truth(text: str) -> bool:
    """Either true or false."""
    return bool(one_of("true", "false")(text) == "true")


def globs(what: str, example: str) -> Parse:
    """Patterns for `what`, separated by commas."""

    def parse(text: str) -> tuple[str, ...]:
        names = tuple(part.strip() for part in text.split(","))
        if not all(re.fullmatch(r"[A-Za-z0-9.*?-]+", name) and re.search(r"[A-Za-z0-9]", name) for name in names):
            message = f"a comma-separated list of {what} (wildcards * and ? allowed), such as {example}"
            raise ValueError(message)
        return names

    return parse


def pairs(what: str, example: str) -> Parse:
    """NAME=VALUE, each name once, separated by commas: `what` they are."""

    def parse(text: str) -> tuple[tuple[str, str], ...]:
        parsed = [tuple(word.strip() for word in part.split("=")) for part in text.split(",")]
        names = [pair[0] for pair in parsed]
        if not all(len(pair) == 2 and all(map(_WORD.fullmatch, pair)) for pair in parsed) or len({*names}) < len(names):  # noqa: PLR2004 - a pair
            message = f"a comma-separated list of {what}, each name once, such as {example}"
            raise ValueError(message)
        return tuple((name, value) for name, value in parsed)

    return parse


def groups(what: str, example: str) -> Parse:
    """Two names or more with = between them, each group separated by commas: `what` is the same."""

    def parse(text: str) -> tuple[tuple[str, ...], ...]:
        parsed = tuple(tuple(word.strip() for word in part.split("=")) for part in text.split(","))
        if not all(len(group) > 1 and all(map(_WORD.fullmatch, group)) for group in parsed):
            message = f"a comma-separated list of {what}, with = between those that are the same, such as {example}"
            raise ValueError(message)
        return parsed

    return parse


def ports(text: str) -> tuple[int, ...]:
    """TCP ports, each once, separated by commas."""
    found = text.split(",")
    if not all(re.fullmatch(r"[1-9][0-9]{0,4}", port) and int(port) < _PORTS for port in found) or len({*found}) != len(
        found
    ):
        message = "a comma-separated list of ports from 1 to 65535, each once, such as 10250,22"
        raise ValueError(message)
    return tuple(map(int, found))


def node_name(text: str) -> str:
    """The name of a Node."""
    if not is_name(text):
        raise ValueError("a valid name of a Node")
    return text


def address(text: str) -> str:
    """An address and a port."""
    matched = re.fullmatch(r"(?:\[[0-9a-fA-F:.]+\]|[A-Za-z0-9.-]+):([0-9]{1,5})", text)
    if not matched or not int(matched[1]) < _PORTS:
        message = "an address and a port, such as 127.0.0.1:8080 or [::1]:8080"
        raise ValueError(message)
    return text


def _like(pattern: str, what: str) -> Parse:
    def parse(text: str) -> str:
        if not re.fullmatch(pattern, text):
            raise ValueError(what)
        return text

    return parse


def namespace(text: str) -> str:
    """The name of a namespace."""
    if not is_namespace(text):
        raise ValueError("a valid namespace name")
    return text


redis_url = _like(
    r"(?s)(rediss?(\+sentinel)?|unix)://.*",
    "a URL that starts with redis://, rediss://, unix://, redis+sentinel:// or rediss+sentinel://",
)
template = _like(
    r"[a-z0-9.-]+/v[a-z0-9]+/[a-z]+templates/[a-z0-9.-]+/[a-z0-9.-]+",
    "the path of a template, GROUP/VERSION/PLURAL/NAMESPACE/NAME, such as "
    "fence-agents-remediation.medik8s.io/v1alpha1/fenceagentsremediationtemplates/fencing/vm-drift",
)
# They name a place and hold no secret.
web_url = _like(
    r"https?://[^\s/?#@]+(/[^\s?#]*)?", "a URL that starts with https:// or http://, without user, query or fragment"
)
# Something is posted to them; a query may hold a token.
sink_url = _like(
    r"https?://[^\s/?#@]+([/?][^\s#]*)?", "a URL that starts with https:// or http://, without user or fragment"
)


_CORE = {"specversion", "id", "source", "type", "subject", "time", "datacontenttype", "dataschema", "data", "sequence"}


def overrides(text: str) -> tuple[tuple[str, str], ...]:
    """Knative's CloudEvent overrides: names and values of extensions that every event gets."""
    message = (
        'a JSON object {"extensions": {"name": "text"}} with names of 1 to 20 characters a-z0-9, none of them used by '
        "CloudEvents or vm-drift"
    )
    try:
        extensions = json.loads(text).get("extensions")
        pairs = tuple(extensions.items()) if extensions is not None else ()
    except (ValueError, AttributeError, RecursionError):
        raise ValueError(message) from None
    if not all(re.fullmatch(r"[a-z0-9]{1,20}", n) and n not in _CORE and isinstance(v, str) for n, v in pairs):
        raise ValueError(message)
    return pairs
