"""The versions of Kubernetes and KubeVirt against those that this release supports (`supported.yaml`).

Nothing but a warning comes of it: another version most likely works, and nobody has looked.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import yaml

from vmdrift.doctor.facts import ClusterFacts, KubeVirt, Unreadable
from vmdrift.doctor.finding import Finding, ok, unknown, warning

_FILE = Path(__file__).with_name("supported.yaml")
_CHECK = "versions"
_VERSION = re.compile(r"v?([0-9]{1,4})\.([0-9]{1,4})(?![0-9])")  # "v1.31.4+rke2r1", "v1.30.5-eks-1-30"
_TRY = "Until then look at what it would do first: vmdrift plan, and VMDRIFT_POLICY=observe"
_OLDER = f"Upgrade {{name}}. {_TRY} (docs/supported.md)."
_NEWER = f"Look for a newer vm-drift. {_TRY} (docs/supported.md)."
_PAIR = "Upgrade KubeVirt, or ask its project: this is between the two of them (docs/supported.md)."

Minor = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Supported:
    """One minor version: until when its own project supports it, and what was tried with it, or with what it was."""

    name: str
    until: date
    tried: str = ""
    kubernetes: tuple[str, ...] = ()

    @property
    def minor(self) -> Minor:
        """For comparing: 1.9 comes before 1.10."""
        major, minor = self.name.split(".")
        return int(major), int(minor)


def supported() -> Mapping[str, tuple[Supported, ...]]:
    """By `kubernetes` and `kubevirt`, oldest first."""
    read: Mapping[str, Mapping[str, Any]] = yaml.safe_load(_FILE.read_text())
    return {kind: _rows(rows) for kind, rows in read.items()}


def _rows(rows: Mapping[str, Any]) -> tuple[Supported, ...]:
    made = (
        Supported(name, row["until"], row.get("tried", ""), tuple(row.get("kubernetes", ())))
        for name, row in rows.items()
    )
    return tuple(sorted(made, key=lambda row: row.minor))


def version_findings(facts: ClusterFacts) -> Iterator[Finding]:
    """Kubernetes, KubeVirt, and the two together. A KubeVirt that is missing or unreadable is found elsewhere."""
    if isinstance(facts.version, Unreadable):
        yield unknown(_CHECK, facts.version, "Check kubectl get --raw /version.")
    else:
        yield _compared("Kubernetes", facts.version, supported()["kubernetes"])
    if isinstance(facts.kubevirt, KubeVirt) and facts.kubevirt.version:
        yield _compared("KubeVirt", facts.kubevirt.version, supported()["kubevirt"])
        yield from _together(facts.version, facts.kubevirt.version)


def _compared(name: str, version: str, rows: Sequence[Supported]) -> Finding:
    found, version = _minor(version), version[:40]
    span = f"{rows[0].name} to {rows[-1].name}"
    if found is None:
        text = f"{name} reports the version {version!r}, which cannot be compared with {span}."
        return warning(_CHECK, text, f"Compare it yourself. {_TRY} (docs/supported.md).", name)
    if found < rows[0].minor:
        text = f"{name} {version} is older than what this vm-drift supports ({span}). It may work; nobody has tried."
        return warning(_CHECK, text, _OLDER.format(name=name), name)
    if found > rows[-1].minor:
        text = f"{name} {version} is newer than what this vm-drift knows ({span}). It may work; nobody has tried."
        return warning(_CHECK, text, _NEWER, name)
    return ok(_CHECK, f"{name} {version} is supported ({span}).", name)


def _together(kubernetes: str | Unreadable, kubevirt: str) -> Iterator[Finding]:
    """Only where both are supported one by one: else there is something to do first."""
    if isinstance(kubernetes, Unreadable):
        return
    row = next((row for row in supported()["kubevirt"] if row.minor == _minor(kubevirt)), None)
    known = {each.minor: each.name for each in supported()["kubernetes"]}
    name = known.get(_minor(kubernetes) or (0, 0))
    if row and name and name not in row.kubernetes:
        text = f"KubeVirt's project validated {row.name} with Kubernetes {', '.join(row.kubernetes)}, not with {name}."
        yield warning(_CHECK, text, _PAIR, "KubeVirt on Kubernetes")


def _minor(version: str) -> Minor | None:
    match = _VERSION.match(version)
    return (int(match[1]), int(match[2])) if match else None
