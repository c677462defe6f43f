"""What a requirement brings with it: followed through what is installed here, as pip would for the image."""

from collections.abc import Iterable, Iterator, Mapping
from importlib.metadata import Distribution, PackageNotFoundError, distribution

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from release.source import NotReleasable

PYTHON = "3.11.16"  # the base image's (Dockerfile)
_IMAGE = {
    "python_version": PYTHON.rpartition(".")[0],
    "python_full_version": PYTHON,
    "sys_platform": "linux",
    "os_name": "posix",
}


def closure(requirements: Iterable[str], extras: Iterable[str] = ()) -> Mapping[str, tuple[str, ...]]:
    """Each package that is needed, with those that it needs itself, by canonical names; NotReleasable."""
    needed: dict[str, set[str]] = {}
    seen: set[tuple[str, str]] = set()
    waiting = list(_wanted(requirements, extras))
    while waiting:
        name, extra = waiting.pop()
        if (name, extra) in seen:
            continue
        seen.add((name, extra))
        own = list(_wanted(installed(name).requires or (), {extra}))
        needed.setdefault(name, set()).update(one for one, _ in own)
        waiting += own
    return {name: tuple(sorted(needed[name] - {name})) for name in sorted(needed)}


def direct(requirements: Iterable[str], extras: Iterable[str] = ()) -> tuple[str, ...]:
    """Those that are named themselves."""
    return tuple(sorted({name for name, _ in _wanted(requirements, extras)}))


def installed(name: str) -> Distribution:
    """NotReleasable where it is missing."""
    try:
        return distribution(name)
    except PackageNotFoundError:
        raise NotReleasable(f"{name} is needed and not installed: make .venv/dev") from None


def _wanted(requirements: Iterable[str], extras: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Name and extra of each that applies to the image; the extra is "" for none, which every one has, too."""
    chosen = {"", *extras}
    for text in requirements:
        requirement = Requirement(text)
        if requirement.marker is None or any(requirement.marker.evaluate({**_IMAGE, "extra": one}) for one in chosen):
            yield from ((canonicalize_name(requirement.name), extra) for extra in ("", *requirement.extras))
