"""One finding of the doctor."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from vmdrift.doctor.facts import Unreadable


class Status(StrEnum):
    """How a check came out."""

    OK = "ok"
    WARNING = "warning"  # it works, and yet somebody should know
    FAILED = "failed"
    UNKNOWN = "unknown"  # it could not be checked


@dataclass(frozen=True, slots=True)
class Finding:
    """`about`: of which queue or kind, where there are several. `fix`: what to do, "" where all is well."""

    check: str
    about: str
    status: Status
    sentence: str
    fix: str = ""


def ok(check: str, sentence: str, about: str = "") -> Finding:
    """All is well."""
    return Finding(check, about, Status.OK, sentence)


def warning(check: str, sentence: str, fix: str, about: str = "") -> Finding:
    """It works."""
    return Finding(check, about, Status.WARNING, sentence, fix)


def failed(check: str, sentence: str, fix: str, about: str = "") -> Finding:
    """It does not work."""
    return Finding(check, about, Status.FAILED, sentence, fix)


def unknown(check: str, unreadable: Unreadable, fix: str) -> Finding:
    """It could not be checked."""
    return Finding(check, "", Status.UNKNOWN, f"Unknown: {unreadable.why.rstrip('.')}.", fix)


def unknown_or_forbidden(check: str, unreadable: Unreadable, fix: str) -> Finding:
    """The same, of what not every role may see: only a warning where we may not read it."""
    finding = unknown(check, unreadable, fix)
    return (
        replace(finding, status=Status.WARNING, sentence="No permission to read it.") if unreadable.refused else finding
    )


def sentence(text: str) -> str:
    """With a capital and a full stop."""
    return f"{text[:1].upper()}{text[1:].rstrip('.')}."


def listed(words: Sequence[str]) -> str:
    """As in a sentence: "get, list and delete"."""
    return " and ".join(filter(None, [", ".join(words[:-1]), *words[-1:]]))
