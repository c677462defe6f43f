"""`-o json|yaml|wide`: in which form a command answers, and the JSON and YAML themselves.

JSON and YAML are one document. Each moment in seconds has a twin in RFC 3339 beside it, so that nothing that read the
seconds has to change: `seen_at` and `seen_at_time`.
"""

import re
import sys
from collections.abc import Callable, Mapping
from enum import StrEnum
from functools import wraps
from typing import Any

import click
import orjson

from reactor.model.printable import harmless_lines
from reactor.model.times import format_time

_CHOSEN, _OLD = "vmdrift.output", "vmdrift.output.json"  # keys in click's context
_MOMENT = re.compile(r"(.*_)?(at|since)")
_FIRST_MOMENT = 1e9  # seconds since the epoch; what is less is no moment of ours: 2001


class Format(StrEnum):
    """How a command answers."""

    TABLE = "table"
    WIDE = "wide"
    JSON = "json"
    YAML = "yaml"


def chosen() -> Format:
    """What the command that runs was asked for."""
    context = click.get_current_context(silent=True)
    return context.meta.get(_CHOSEN, Format.TABLE) if context else Format.TABLE


def wide() -> bool:
    """With all columns, and nothing folded to the width of the terminal."""
    return chosen() is Format.WIDE


def as_of_old() -> bool:
    """Asked for with --json, by who may expect a list where there was no version yet."""
    context = click.get_current_context(silent=True)
    return bool(context and context.meta.get(_OLD))


def output(command: Callable[..., None]) -> Callable[..., None]:
    """Gives a command `-o` and `--json`; what it is called with is `as_json`: JSON or YAML, not for people."""

    @click.option(
        "-o",
        "--output",
        "form",
        type=click.Choice([Format.JSON.value, Format.YAML.value, Format.WIDE.value]),
        help="As JSON or YAML (docs/cli.md), or with all columns, nothing folded.",
    )
    @click.option("--json", "json", is_flag=True, help="The same as -o json.")
    @wraps(command)
    def answer(*, form: str | None, json: bool, **options: Any) -> None:
        if json and form not in {None, Format.JSON}:
            raise click.UsageError(f"--json and -o {form} cannot be combined")
        wanted = Format.JSON if json else Format(form or Format.TABLE)
        click.get_current_context().meta.update({_CHOSEN: wanted, _OLD: json and not form})
        command(as_json=wanted in {Format.JSON, Format.YAML}, **options)

    return answer


def show(value: Any, *, pretty: bool = True, twins: bool = True) -> None:
    """Print a document, as JSON (on one line where it is not `pretty`) or as YAML; `twins`: see `dated`."""
    plain = orjson.loads(orjson.dumps(value))
    document = dated(plain) if twins else plain
    if chosen() is Format.YAML:
        from vmdrift.yaml_text import written  # noqa: PLC0415 - JSON does without

        text = written(document)
    else:
        text = harmless_lines(orjson.dumps(document, option=orjson.OPT_INDENT_2 if pretty else 0).decode()) + "\n"
    sys.stdout.buffer.write(text.encode())


def dated(value: Any) -> Any:
    """With the twin of each moment, null where there is no moment yet."""
    if isinstance(value, list):
        return [dated(item) for item in value]
    if not isinstance(value, Mapping):
        return value
    result: dict[str, Any] = {}
    for key, item in value.items():
        result[key] = dated(item)
        twin = f"{key}_time"
        if _MOMENT.fullmatch(key) and _is(item) and twin not in value:
            result[twin] = _time(item)
    return result


def _is(moment: Any) -> bool:
    """0 and null are "not yet". Not a number that only has the name of a moment: names of resources are anybody's."""
    return moment is None or (type(moment) in {int, float} and (not moment or moment >= _FIRST_MOMENT))


def _time(moment: float | None) -> str | None:
    try:
        return format_time(moment) if moment else None
    except (OverflowError, ValueError):  # after the year 9999
        return None
