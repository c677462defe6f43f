"""The kubectl plugin as an archive for krew: the wheel and what it needs, for every Python at once, and a start script.

Compiled modules bear their Python's version in their file names, so those of all versions lie side by side. krew
unpacks the archive; nothing is installed or downloaded on the user's machine.
"""

import gzip
import shutil
import subprocess
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from release.source import Source

PROGRAM = "kubectl-vmdrift"
PYTHONS = ("3.11", "3.12", "3.13", "3.14")
_LEVEL = 6  # of 9; the highest takes three times as long for one hundredth less
_START = Path(__file__).with_name("kubectl-vmdrift.py")


@dataclass(frozen=True, slots=True)
class Platform:
    """As krew names it, and as uv does."""

    os: str
    arch: str
    uv: str


PLATFORMS = (
    Platform("linux", "amd64", "x86_64-manylinux_2_28"),
    Platform("linux", "arm64", "aarch64-manylinux_2_28"),
)


def archive(source: Source, platform: Platform, wheel: Path, folder: Path, uv: str) -> Path:
    """Built in the folder; its file. The same wheel and constraints give the same bytes."""
    path = folder / f"{PROGRAM}_v{source.version}_{platform.os}_{platform.arch}.tar.gz"
    with TemporaryDirectory() as name:
        place = Path(name) / "plugin"
        for python in PYTHONS:
            one = Path(name) / python
            _installed(source, platform, python, wheel, one, uv)
            _merge(one, place / "lib")
        shutil.rmtree(place / "lib" / "bin", ignore_errors=True)  # scripts of the packages, for the builder's Python
        shutil.copy(_START, place / PROGRAM)
        shutil.copy(source.root / "LICENSE", place / "LICENSE")
        with path.open("wb") as raw, gzip.GzipFile("", "wb", _LEVEL, raw, mtime=0) as packed:
            _pack(place, packed, int(source.moment.timestamp()))
    return path


def _installed(source: Source, platform: Platform, python: str, wheel: Path, target: Path, uv: str) -> None:  # noqa: PLR0913, PLR0917 - what it is, and where
    options = ["--quiet", "--no-compile", "--only-binary", ":all:", "--target", str(target)]
    which = ["--python-version", python, "--python-platform", platform.uv, "-c", str(source.root / "constraints.txt")]
    subprocess.run([uv, "pip", "install", *options, *which, str(wheel)], check=True, timeout=600)  # noqa: S603 - ours
    for said in target.glob("*.dist-info/*"):
        if said.name in {"direct_url.json", "uv_cache.json", "RECORD", "REQUESTED", "INSTALLER"}:
            said.unlink()  # the builder's paths and times


def _merge(one: Path, into: Path) -> None:
    """Moved, not copied: 140 MB for each Python, nearly all of them the same."""
    for file in list(_files(one)):
        place = into / file.relative_to(one)
        place.parent.mkdir(parents=True, exist_ok=True)
        file.replace(place)


def _pack(place: Path, stream: gzip.GzipFile, moment: int) -> None:
    with tarfile.open(fileobj=stream, mode="w", format=tarfile.PAX_FORMAT) as packed:
        for file in sorted(_files(place)):
            entry = tarfile.TarInfo(str(file.relative_to(place)))
            entry.size, entry.mtime = file.stat().st_size, moment
            entry.mode = 0o755 if file.name == PROGRAM else 0o644
            with file.open("rb") as content:
                packed.addfile(entry, content)


def _files(place: Path) -> Iterator[Path]:
    return (file for file in place.rglob("*") if file.is_file() and "__pycache__" not in file.parts)
