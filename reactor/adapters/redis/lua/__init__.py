"""Scripts that Redis runs atomically, one per file; each file says what its KEYS and ARGV are."""

from functools import cache
from importlib.resources import files


@cache
def script(*names: str) -> str:
    """The text of these files, one after the other."""
    return "".join(files(__name__).joinpath(f"{name}.lua").read_text() for name in names)
