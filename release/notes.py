"""The notes of a release: its section of CHANGELOG.md, with links that also work outside of the repository."""

import re

from release.source import Source

_LINK = re.compile(r"(?<=\]\()(?!https?://|#)([^)\s]+)")
_CHECK = """## Check what you download

```console
sha256sum --check --ignore-missing SHA256SUMS
gh attestation verify FILE --repo {slug}
gh attestation verify oci://IMAGE --repo {slug}
```

What is in each file: [docs/release.md]({base}/docs/release.md).
Before you upgrade: [docs/operations.md]({base}/docs/operations.md#upgrade).
Versions of Kubernetes and KubeVirt: [docs/supported.md]({base}/docs/supported.md).
"""


def notes(source: Source) -> str:
    """Markdown."""
    base = f"{source.repository}/blob/v{source.version}"
    text = _LINK.sub(lambda match: f"{base}/{match[1]}", source.section(source.version).text)
    slug = "/".join(source.repository.split("/")[-2:])
    return f"{text}\n\n{_CHECK.format(slug=slug, version=source.version, base=base)}"
