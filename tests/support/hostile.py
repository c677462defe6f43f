"""What others may write where a name, a reference, a number or a time belongs, and an object with it there."""

from collections.abc import Iterator
from typing import Any

from simulator.store.objects import copied

# None of them is a name of anything.
NO_NAMES: tuple[Any, ...] = (
    "",
    "..",
    "../../shop/persistentvolumeclaims/database-disk",
    "..%2f..%2fshop%2fvirtualmachines%2fweb",
    "shop/web?watch=1#",
    "web\n\x1b[2Jname",
    "web\u202egnp",
    "wеb",  # noqa: RUF001 - the look-alike is the point
    "x" * 100_000,
    "Web_1",
    0,
    -1,
    1e308,
    True,
    [],
    ["web", None, 5, {}],
    {},
    {"name": {"name": []}, "": None},
    None,
)
# Names that could be, of what somebody else has.
FOREIGN: tuple[Any, ...] = ("other", "kube-system", "vm-other", "node-b", "00000000-0000-0000-0000-000000000001")

# Texts where JSON belongs.
NO_JSON = ("", "{", "null", "[]", "5", '"x"', "\0", "[" * 5000, '{"a":' * 5000)


def names(victim: str, kind: str = "persistentvolumeclaims", namespace: str = "default") -> dict[str, str]:
    """By what is wrong with it: something that may be taken for the victim's object, or for a path to it."""
    path = f"../../{namespace}/{kind}/{victim}"
    return {
        "the same name": victim,
        "a path": path,
        "an escaped path": path.replace("/", "%2f").replace(".", "%2e"),
        "the way up": "..",
        "another namespace": f"{namespace}/{victim}",
        "a query": f"{victim}?watch=true",
        "a fragment": f"{victim}#",
        "a subresource": f"{victim}/status",
        "a selector": f"{victim},metadata.namespace={namespace}",
        "capitals": victim.upper(),
        "a look-alike": victim.replace("e", "\u0435").replace("a", "\u0430"),
        "turned around": f"\u202e{victim[::-1]}",
        "control characters": f"{victim}\x1b[2J\r\n",
        "nothing seen": f"{victim}\u200b",
        "a tag": "<img src=x onerror=document.title='XSS'>",
        "a template": "{{7*7}}${jndi:ldap://x}%s{0.__class__}",
        "an option": "--all",
        "too long": victim * 1000,
        "a blank": " ",
    }


def replaced(obj: Any, path: tuple[str | int, ...], value: Any) -> Any:
    """The same with this there."""
    changed = copied(obj)
    inner = changed
    for step in path[:-1]:
        inner = inner[step]
    inner[path[-1]] = value
    return changed


def fields(obj: Any, at: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """The path to everything within, what it holds included."""
    entries = obj.items() if isinstance(obj, dict) else enumerate(obj) if isinstance(obj, list) else ()
    for name, value in entries:
        yield (*at, name)
        yield from fields(value, (*at, name))
