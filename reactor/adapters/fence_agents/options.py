"""An agent's options: which it may be given, how they are given, and which of them are nobody's business."""

import json
import re
import shlex
from base64 import b64encode
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote, quote_plus

from reactor.adapters.node_files import NodeFile

_KEY = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,63}")
_MOST_OPTIONS, _LONGEST, _MOST = 64, 4096, 32768  # options, characters of one, bytes of all: less than a pipe takes
# Ours alone. An agent takes "-" for "_", and the last line of a key counts.
_ACTION = frozenset({"action", "option", "o", "help", "h", "version", "v"})
_LOUD = frozenset({"debug", "debug_file", "verbose", "verbose_level"})  # they write passwords down
_RUNS = re.compile(r".*_script|.*_path|ssh_options")  # they choose a program that is run
_NO_PROGRAM = frozenset({"api_path"})
_SECRET = re.compile(r"pass|secret|token|key|community|cred|auth|priv|pwd", re.IGNORECASE)
_SHOWN = frozenset({"ip", "ipaddr", "ipport", "plug", "port"})
_PLAIN = re.compile(r"[0-9]{1,5}|true|false|yes|no|on|off", re.IGNORECASE)
HIDDEN = "***"


def checked(file: NodeFile, options: Mapping[str, Any], where: str) -> dict[str, str]:
    """Their text; FenceError for what no agent may be given, or would read otherwise than it is written."""
    if len(options) > _MOST_OPTIONS:
        raise file.wrong(f"{where}: expected at most {_MOST_OPTIONS} options")
    texts = {key: _value(file, value, f"{where}.{_key(file, key, where)}") for key, value in options.items()}
    if len({_plain(key) for key in texts}) < len(texts):
        raise file.wrong(f"{where}: two options have the same name, apart from - and _: keep one of them")
    several = next((key for key in ("plug", "port") if "," in texts.get(key, "")), "")
    if several:
        raise file.wrong(f"{where}.{several}: expected one outlet; name each feed of the machine in feeds")
    if len(lines("status", texts).encode()) > _MOST:
        raise file.wrong(f"{where}: expected at most {_MOST} bytes of options")
    return texts


def lines(action: str, options: Mapping[str, str]) -> str:
    """What an agent reads on its standard input. Without `action` it would reboot: that line is always the first."""
    return "".join(f"{key}={value}\n" for key, value in [("action", action), *sorted(options.items())])


def is_open(key: str, value: str) -> bool:
    """May it be shown? A misspelt password's name says nothing, so only what is known to be harmless may."""
    return key in _SHOWN or (not is_secret(key) and bool(_PLAIN.fullmatch(value)))


def is_secret(key: str) -> bool:
    """Does its name say so?"""
    return bool(_SECRET.search(key))


def cleaned(text: str, options: Mapping[str, str]) -> str:
    """Without the values that may not be shown, however a program writes them, and on one line."""
    hidden = {way for key, value in options.items() if not is_open(key, value) for way in _ways(value)}
    for way in sorted(hidden, key=len, reverse=True):
        text = text.replace(way, HIDDEN)
    return "".join(letter if letter.isprintable() else " " for letter in text).strip()


def _ways(value: str) -> Iterator[str]:
    yield from (value, quote(value, safe=""), quote(value), quote_plus(value), shlex.quote(value))
    yield from (repr(value)[1:-1], ascii(value)[1:-1], b64encode(value.encode()).decode())
    yield from (json.dumps(value, ensure_ascii=ascii_only)[1:-1] for ascii_only in (True, False))


def _key(file: NodeFile, key: str, where: str) -> str:
    plain, shown = _plain(key), f"{where}.{key[:40]!r}"
    if not _KEY.fullmatch(key):
        raise file.wrong(f"{shown}: expected an option's name, of letters, digits and _")
    if plain in _ACTION:
        raise file.wrong(f"{shown}: vm-drift alone says what an agent does; remove it")
    if plain in _LOUD:
        raise file.wrong(f"{shown}: it writes passwords down; remove it")
    if plain == "plug_separator":
        raise file.wrong(f"{shown}: expected one outlet; name each feed of the machine in feeds")
    if _RUNS.fullmatch(plain) and plain not in _NO_PROGRAM:
        raise file.wrong(f"{shown}: it would run a program of the file's choice; remove it, and give the value itself")
    return key


def _plain(key: str) -> str:
    return key.replace("-", "_").lower()


def _value(file: NodeFile, value: Any, where: str) -> str:
    """An agent cuts off spaces and quotes around a value."""
    if isinstance(value, bool):
        return str(int(value))
    if not isinstance(value, str | int):
        raise file.wrong(f"{where}: expected text in quotes, a whole number, true or false")
    text = str(value)
    if not text or len(text) > _LONGEST:
        raise file.wrong(f"{where}: expected 1 to {_LONGEST} characters")
    if not text.isprintable():
        raise file.wrong(f"{where}: it has a line break or a control character, which would begin another option")
    if text != text.strip() or (text[0], text[-1]) == ('"', '"'):
        raise file.wrong(f"{where}: agents cut off spaces and double quotes around a value: choose another one")
    return text
