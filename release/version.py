"""`python -m release.version v0.2.0`: is this checkout what the tag says? Exit code 1 where it is not.

The version is written once, in pyproject.toml, and the tag must equal it. To derive it from the tag instead (hatch-vcs)
would need git's metadata, which a tarball or a shallow clone has not; and `vmdrift --version` would then lie.
"""

import re
import sys
from collections.abc import Iterator

import yaml

from release.source import NotReleasable, Source

_TAG = re.compile(r"v\d+\.\d+\.\d+(?:rc\d+)?")
_IMAGES = ("k8s/base/kustomization.yaml", "k8s/overlays/knative/receiver.yaml")
_IMAGE = re.compile(r"vm-drift:(\d\S*)|name: vm-drift,.*newTag: ([^\s}]+)")
_CHART = "charts/vm-drift/Chart.yaml"
_SUPPORTED = "vmdrift/doctor/supported.yaml"


def problems(source: Source, tag: str) -> Iterator[str]:
    """Everything that keeps this tag from being released."""
    if not _TAG.fullmatch(tag):
        yield f"{tag[:40]!r} is no tag of a release; use v1.2.3 or v1.2.3rc1"
    if tag != f"v{source.version}":
        yield f"the tag is {tag[:40]}, and pyproject.toml says {source.version}"
    yield from _changes(source)
    for path in _IMAGES:
        yield from _image(source, path)
    yield from _chart(source)
    yield from _ended(source)


def _changes(source: Source) -> Iterator[str]:
    try:
        if not source.section(source.version).date:
            yield f"CHANGELOG.md: '## {source.version}' has no date"
    except NotReleasable as error:
        yield str(error)
    unreleased = source.sections().get("Unreleased")
    if unreleased and unreleased.text:
        yield f"CHANGELOG.md: move what stands under Unreleased to '## {source.version} (DATE)'"


def _image(source: Source, path: str) -> Iterator[str]:
    named = [one or other for one, other in _IMAGE.findall(source.text(path))]
    if named != [source.version]:
        yield f"{path}: expected the image vm-drift in version {source.version}, found {', '.join(named) or 'none'}"


def _chart(source: Source) -> Iterator[str]:
    try:
        chart = yaml.safe_load(source.text(_CHART))
    except NotReleasable as error:
        yield str(error)
        return
    for field in ("version", "appVersion"):
        if str(chart.get(field)) != source.version:
            yield f"{_CHART}: {field} is {chart.get(field)}, expected {source.version}"


def _ended(source: Source) -> Iterator[str]:
    """Versions that their own projects do not support any more on the day of the release."""
    for kind, rows in yaml.safe_load(source.text(_SUPPORTED)).items():
        for name, row in rows.items():
            if str(row["until"]) < source.moment.date().isoformat():
                yield f"{_SUPPORTED}: {kind} {name} has ended on {row['until']}; take it out, and look for a newer one"


def main(words: list[str]) -> int:
    """Print what is wrong."""
    if len(words) != 1:
        sys.stderr.write("usage: python -m release.version TAG\n")
        return 2
    found = list(problems(Source(), words[0]))
    sys.stderr.writelines(f"release.version: {problem}\n" for problem in found)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
