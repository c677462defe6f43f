"""The krew manifest: the template `krew.yaml`, with the version and the archives that were built."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml

from release.checksums import sha256
from release.plugin import PROGRAM, PYTHONS, Platform
from release.source import Source

_TEMPLATE = Path(__file__).with_name("krew.yaml")


def manifest(source: Source, archives: Mapping[Platform, Path]) -> str:
    """YAML. `archives`: of each platform."""
    tag = f"v{source.version}"
    pythons = f"{PYTHONS[0]} to {PYTHONS[-1]}"
    found = yaml.safe_load(_TEMPLATE.read_text())
    filled = _filled(found, {"tag": tag, "repository": source.repository, "pythons": pythons})
    filled["spec"]["platforms"] = list(_platforms(f"{source.repository}/releases/download/{tag}", archives.items()))
    return yaml.dump(filled, Dumper=_Readable, sort_keys=False, width=120)


class _Readable(yaml.SafeDumper):
    """Texts of several lines stay so: people review the manifest."""


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Readable.add_representer(str, _text)


def _filled(value: Any, words: Mapping[str, str]) -> Any:
    if isinstance(value, dict):
        return {key: _filled(one, words) for key, one in value.items()}
    return value.format(**words) if isinstance(value, str) else value


def _platforms(where: str, archives: Iterable[tuple[Platform, Path]]) -> Iterable[dict[str, Any]]:
    for platform, archive in archives:
        yield {
            "selector": {"matchLabels": {"os": platform.os, "arch": platform.arch}},
            "uri": f"{where}/{archive.name}",
            "sha256": sha256(archive),
            "bin": PROGRAM,
        }
