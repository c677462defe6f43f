"""Text of others, safe to show: nothing in it acts on a terminal, begins a line, or reverses other text."""

import json


def harmless(text: str) -> str:
    r"""On one line. What is not printable (control characters, line ends, bidi and zero-width marks) as \u escapes."""
    return (
        text if text.isprintable() else "".join(char if char.isprintable() else json.dumps(char)[1:-1] for char in text)
    )


def harmless_lines(text: str, between: str = "\n") -> str:
    """Line by line, for what has lines of its own. JSON reads the same: in its strings the escapes are its own."""
    return between.join(harmless(line) for line in text.split("\n"))


def folded(text: str) -> str:
    """So that only the first line begins at the margin, and none looks like another record."""
    return harmless_lines(text, "\n  ")
