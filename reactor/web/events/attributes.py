"""What CloudEvents 1.0 allows an attribute to be, and JSON where nothing is guessed.

https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/spec.md ("Type System", "Required attributes").
"""

import json
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, NoReturn

from reactor.web.problem import Problem, shortened

REQUIRED = ("specversion", "id", "source", "type")
_DEPTH = 32  # of JSON: no event needs more, and parsers are attacked by depth
_INT32 = 2**31

_LONGEST = 256  # bytes of an id or a source, which are stored: names of 253 fit
_NAME = re.compile(r"[a-z0-9]{1,20}")  # the specification's own advice for the length; longer ones are refused
# RFC 3986, appendix A. What is between brackets is not checked: nothing here connects to it.
_PCHAR = r"(?:[A-Za-z0-9\-._~!$&'()*+,;=:@]|%[0-9A-Fa-f]{2})"
_SCHEME = r"[A-Za-z][A-Za-z0-9+.\-]*:"
_AUTHORITY = (
    r"//(?:(?:[A-Za-z0-9\-._~!$&'()*+,;=:]|%[0-9A-Fa-f]{2})*@)?"
    r"(?:\[[0-9A-Za-z:.~_\-]+\]|(?:[A-Za-z0-9\-._~!$&'()*+,;=]|%[0-9A-Fa-f]{2})*)(?::[0-9]*)?"
)
_TAIL = rf"(?:\?(?:{_PCHAR}|[/?])*)?(?:\#(?:{_PCHAR}|[/?])*)?"
_ABSOLUTE = rf"/(?:{_PCHAR}+(?:/{_PCHAR}*)*)?"
_PLACE = rf"{_AUTHORITY}(?:/{_PCHAR}*)*|{_ABSOLUTE}"
_URI = re.compile(rf"{_SCHEME}(?:{_PLACE}|{_PCHAR}+(?:/{_PCHAR}*)*|){_TAIL}")
# Without a scheme, no colon may stand before the first slash: it would be a scheme.
_REFERENCE = re.compile(rf"{_URI.pattern}|(?:{_PLACE}|(?![^/?\#]*:){_PCHAR}+(?:/{_PCHAR}*)*|){_TAIL}")
_TIME = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,9})?(?:[Zz]|[+-][0-9]{2}:[0-9]{2})"
)
_MEDIA = re.compile(
    r"[A-Za-z0-9!#$&^_.+-]+/[A-Za-z0-9!#$&^_.+-]+(?:\s*;\s*[A-Za-z0-9!#$&^_.+-]+=(?:\"[^\"]*\"|[^\s;\"]+))*"
)
# "Type System", String: no control characters, no surrogates, no noncharacters (the last two of each plane are some).
_LAST = "".join(chr(plane * 0x10000 + last) for plane in range(17) for last in (0xFFFE, 0xFFFF))
_FORBIDDEN = re.compile(f"[\x00-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef{_LAST}]")


def refuse(attribute: str, found: object, expected: str, status: int = 400) -> NoReturn:
    """Problem for one attribute."""
    raise Problem(status, f"{attribute}: expected {expected}.", attribute=attribute, found=found, expected=expected)


def checked(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """All attributes of one event, by name, without those that are null; Problem 400."""
    present = {name: value for name, value in attributes.items() if value is not None}
    for name in REQUIRED:
        if name not in present:
            refuse(name, None, "a value; it is required")
    for name, value in present.items():
        if not _NAME.fullmatch(name) or name == "data":
            refuse("extension", name, "a name of 1 to 20 lower-case letters and digits, other than data")
        _RULES.get(name, _extension)(name, value)
    return present


def moment(text: str) -> float:
    """Seconds since the epoch of a time that was checked; Problem 400 for a day that does not exist."""
    try:
        # Python reads no more than microseconds.
        cut = re.sub(r"(\.\d{6})\d+", r"\1", text.upper().replace("Z", "+00:00"))
        # In UTC first, which fails for the years 0 and 10000: they could not be written again.
        return datetime.fromisoformat(cut).astimezone(UTC).timestamp()
    except (ValueError, OverflowError):
        refuse("time", text, "a valid time, such as 2026-11-24T03:00:00Z")


def text_of(raw: bytes, what: str) -> str:
    """UTF-8; Problem 400."""
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        refuse(what, raw[:30], "UTF-8")


def json_of(raw: bytes, what: str) -> Any:
    """JSON without NaN, infinities, duplicate names and great depth; Problem 400."""
    try:
        value = json.loads(
            text_of(raw, what),
            object_pairs_hook=_no_duplicates,
            parse_constant=_no_number,
            parse_float=_finite,
            parse_int=_whole_number,
        )
    except json.JSONDecodeError as error:
        raise Problem(400, f"{what}: invalid JSON at character {error.pos}.", attribute=what) from None
    except RecursionError:
        value = None
        _too_deep(what)
    if _deeper(value, _DEPTH):
        _too_deep(what)
    return value


def _too_deep(what: str) -> NoReturn:
    raise Problem(400, f"{what}: JSON may be nested at most {_DEPTH} levels deep.", attribute=what)


def _deeper(value: Any, levels: int) -> bool:
    if not isinstance(value, dict | list):
        return False
    children = value.values() if isinstance(value, dict) else value
    return levels == 0 or any(_deeper(child, levels - 1) for child in children)


def _no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members: dict[str, Any] = {}
    for name, value in pairs:
        if name in members:
            raise Problem(400, "A name occurs twice in one JSON object.", attribute=shortened(name), found=name)
        members[name] = value
    return members


def _no_number(word: str) -> NoReturn:
    raise Problem(400, f"{word} is not valid JSON.", attribute="data", found=word)


def _finite(text: str) -> float:
    value = float(text)
    if value in {float("inf"), float("-inf")}:
        raise Problem(400, "A number is too large.", attribute="data", found=text)
    return value


def _whole_number(text: str) -> int:
    if len(text) > 4000:  # noqa: PLR2004 - Python itself refuses at 4,300 digits, with another error
        raise Problem(400, "A number has too many digits.", attribute="data", found=text)
    return int(text)


def _string(name: str, value: Any) -> str:
    if not isinstance(value, str) or not value:
        refuse(name, value, "a non-empty string")
    if _FORBIDDEN.search(value):
        refuse(name, value, "a string without control characters, surrogates and noncharacters")
    return value


def _short(name: str, value: Any) -> None:
    if len(_string(name, value).encode()) > _LONGEST:
        refuse(name, value, f"at most {_LONGEST} bytes")


def _source(name: str, value: Any) -> None:
    _short(name, value)
    _reference(name, value)


def _version(name: str, value: Any) -> None:
    if value != "1.0":
        refuse(name, value, "1.0")


def _matching(pattern: re.Pattern[str], expected: str) -> Callable[[str, Any], None]:
    def check(name: str, value: Any) -> None:
        if not pattern.fullmatch(_string(name, value)):
            refuse(name, value, expected)

    return check


_reference = _matching(_REFERENCE, "a non-empty URI reference")


def _extension(name: str, value: Any) -> None:
    if isinstance(value, bool):
        return
    if isinstance(value, int):
        if not -_INT32 <= value < _INT32:
            refuse(name, value, "a 32-bit integer")
    elif isinstance(value, str):
        if _FORBIDDEN.search(value):
            refuse(name, value, "a string without control characters, surrogates and noncharacters")
    else:
        refuse(name, value, "a string, an integer, or a boolean")


def _time(name: str, value: Any) -> None:
    if not _TIME.fullmatch(_string(name, value)):
        refuse(name, value, "an RFC 3339 time with a time zone, such as 2026-11-24T03:00:00Z")
    moment(value)


_RULES: Mapping[str, Callable[[str, Any], object]] = {
    "specversion": _version,
    "id": _short,
    "type": _string,
    "subject": _string,
    "source": _source,
    "dataschema": _matching(_URI, "a URI with a scheme"),
    "datacontenttype": _matching(_MEDIA, "a media type, such as application/json"),
    "time": _time,
}
