"""`python -m release.checksums dist`: SHA256SUMS of all files in a folder, as `sha256sum --check` reads it."""

import hashlib
import sys
from pathlib import Path

NAME = "SHA256SUMS"


def sha256(file: Path) -> str:
    """In hexadecimal digits."""
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def write(folder: Path) -> Path:
    """Of whatever lies in it now, by name."""
    files = sorted(file for file in folder.iterdir() if file.is_file() and file.name != NAME)
    written = folder / NAME
    written.write_text("".join(f"{sha256(file)}  {file.name}\n" for file in files))
    return written


if __name__ == "__main__":
    write(Path(sys.argv[1]))
