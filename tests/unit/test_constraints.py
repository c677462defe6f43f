"""What is installed is what was looked at: every version that is pinned comes with the hashes of its files."""

import re

from tests.support.places import ROOT


def test_every_pinned_version_has_hashes() -> None:
    pinned = (ROOT / "constraints.txt").read_text()
    entries = re.split(r"\n(?=\S)", pinned.strip())[1:]  # the first line is a comment
    assert len(entries) > 100
    assert [entry for entry in entries if not re.match(r"[\w.-]+==\S+.*\\\n +--hash=sha256:[0-9a-f]{64}", entry)] == []
