"""Checkouts to release from: ours, and small ones that are right or wrong in one thing."""

from pathlib import Path

from release.source import Source

HERE = Source()

_GOOD = {
    "pyproject.toml": """
[project]
name = "vm-drift"
version = "1.2.0"
license = "Apache-2.0"
dependencies = ["click>=8.1", "nothing-like-it; sys_platform == 'win32'"]
[project.optional-dependencies]
redfish = ["sushy>=5.14"]
[project.urls]
Repository = "https://example.org/our/repo/"
""",
    "CHANGELOG.md": """# Changelog

## Unreleased

## 1.2.0 (2027-01-02)

### Added
- A thing ([docs](docs/thing.md#part), [else](https://example.org/x), [here](#there)).

## 1.1.0 (2026-12-01)

- Older.
""",
    "k8s/base/kustomization.yaml": "images:\n  - {name: vm-drift, newName: vm-drift, newTag: 1.2.0}\n",
    "k8s/overlays/knative/receiver.yaml": "image: vm-drift:1.2.0\n",
    "charts/vm-drift/Chart.yaml": "version: 1.2.0\nappVersion: 1.2.0\n",
    "vmdrift/doctor/supported.yaml": 'kubernetes:\n  "1.35":\n    until: 2027-02-28\n',
    "LICENSE": "text\n",
}


def a_source(folder: Path, **changed: tuple[str, str]) -> Source:
    """All is right in it; `changed`: by a file's bare name, a text in it and what stands there instead."""
    for path, text in _GOOD.items():
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        before, after = changed.get(file.stem.lower(), ("", ""))
        assert before in text
        file.write_text(text.replace(before, after) if before else text)
    return Source(folder)
