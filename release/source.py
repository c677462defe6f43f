"""What the checkout says of the release: name and version (pyproject.toml), date and changes (CHANGELOG.md)."""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
_HEADING = re.compile(r"(?m)^## (?P<version>\S+)(?: \((?P<date>\d{4}-\d{2}-\d{2})\))?$")


class NotReleasable(Exception):
    """Something that a release needs is missing or contradicts something else."""


@dataclass(frozen=True, slots=True)
class Section:
    """The changes of one version; `date` is "" where it has none, as Unreleased."""

    version: str
    date: str
    text: str


@dataclass(frozen=True, slots=True)
class Source:
    """A checkout."""

    root: Path = ROOT

    @property
    def project(self) -> Mapping[str, Any]:
        """The table [project]."""
        found: Mapping[str, Any] = tomllib.loads(self.text("pyproject.toml"))["project"]
        return found

    @property
    def version(self) -> str:
        """Without a v in front."""
        return str(self.project["version"])

    @property
    def repository(self) -> str:
        """Its address, without a slash at the end."""
        return str(self.project["urls"]["Repository"]).rstrip("/")

    @property
    def moment(self) -> datetime:
        """When the release was made, as CHANGELOG.md says: so the same checkout always builds the same files."""
        section = self.sections().get(self.version)
        return datetime.fromisoformat(section.date if section and section.date else "1980-01-01").replace(tzinfo=UTC)

    def text(self, path: str) -> str:
        """A file's text; NotReleasable."""
        try:
            return (self.root / path).read_text()
        except OSError as error:
            raise NotReleasable(f"{path} cannot be read: {error.strerror}") from error

    def sections(self) -> dict[str, Section]:
        """All of CHANGELOG.md, by version."""
        text = self.text("CHANGELOG.md")
        found = list(_HEADING.finditer(text))
        ends = [match.start() for match in found[1:]] + [len(text)]
        made = [
            Section(match["version"], match["date"] or "", text[match.end() : end].strip())
            for match, end in zip(found, ends, strict=True)
        ]
        return {section.version: section for section in made}

    def section(self, version: str) -> Section:
        """The changes of one version; NotReleasable where CHANGELOG.md has none."""
        found = self.sections().get(version)
        if found is None or not found.text:
            raise NotReleasable(f"CHANGELOG.md has nothing under '## {version} (DATE)'")
        return found
