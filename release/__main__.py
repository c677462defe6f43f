"""`python -m release [FOLDER]`: wheel, sdist, plugin archives, krew manifest, bill of materials, notes and checksums.

Into dist/ by default, which is emptied first. Needs no container engine, no git, and no tag.
"""

import shutil
import subprocess
import sys
from pathlib import Path

from release import checksums
from release.krew import manifest
from release.notes import notes
from release.plugin import PLATFORMS, archive
from release.sbom import sbom
from release.source import ROOT, NotReleasable, Source


def build(source: Source, folder: Path, uv: str) -> None:
    """All files of a release, in this empty folder; NotReleasable."""
    name = f"vm-drift_v{source.version}"
    texts = {f"{name}.cdx.json": sbom(source), f"{name}_notes.md": notes(source)}
    command = [uv, "build", "--quiet", "--out-dir", str(folder), str(source.root)]
    subprocess.run(command, check=True, timeout=600)  # noqa: S603 - ours
    (folder / ".gitignore").unlink(missing_ok=True)
    (wheel,) = folder.glob("*.whl")
    archives = {platform: archive(source, platform, wheel, folder, uv) for platform in PLATFORMS}
    texts["vmdrift.yaml"] = manifest(source, archives)
    for file, text in texts.items():
        (folder / file).write_text(text)
    checksums.write(folder)


def main(words: list[str]) -> int:
    """Build it, and say what is there."""
    folder = Path(words[0]) if words else ROOT / "dist"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        build(Source(), folder, str(Path(sys.executable).with_name("uv")))
    except NotReleasable as error:
        sys.stderr.write(f"release: {error}\n")
        return 1
    sys.stdout.write((folder / checksums.NAME).read_text())
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
