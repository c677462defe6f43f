"""A Valkey that knows one user per role, by the manifests' own rules and the script that makes them."""

import subprocess
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote

from redis import Redis

from tests.support.places import K8S
from vmdrift.processes import Processes
from vmdrift.valkey import start

BASE = K8S / "base"
RULES = BASE / "users.rules"
FILES = (RULES, K8S / "components" / "audit" / "audit.rules", BASE / "users.sh")  # audit: a role that is opted in to
MADE = {file.name: file.read_text() for file in FILES}  # the ConfigMap redis-users
TESTER = "user tester on nopass allkeys allchannels +@all\n"  # the default user is off


def roles(made: Mapping[str, str] = MADE) -> list[str]:
    """Who is named in the rules, those of the components as well."""
    lines = [line.split() for name, text in made.items() if name.endswith(".rules") for line in text.splitlines()]
    return [words[0] for words in lines if words and not words[0].startswith("#")]


def guarded(processes: Processes, folder: Path, made: Mapping[str, str] = MADE) -> Mapping[str, str]:
    """Start it; a URL for each role, and for `tester`, who may do everything."""
    passwords = {role: f'{role}\'s "pass\\word" $1 %' for role in roles(made)}
    acl = users_made(folder, passwords, made)
    acl.write_text(acl.read_text() + TESTER)
    socket = start(processes, folder, user="tester", aclfile=str(acl)).removeprefix("unix://tester@")
    urls = {role: f"unix://{role}@{socket}?password={quote(password, safe='')}" for role, password in passwords.items()}
    return {**urls, "tester": f"unix://tester@{socket}"}


def denied(url: str) -> list[Mapping[str, str]]:
    """What the server has refused so far: user, reason, object (command or key)."""
    told = ("username", "reason", "object", "context")
    with Redis.from_url(url) as redis:
        return [{key: str(entry[key]) for key in told} for entry in redis.acl_log()]


def users_made(folder: Path, passwords: Mapping[str, str], made: Mapping[str, str] = MADE) -> Path:
    """The users' file, as the init container makes it of the ConfigMap redis-users (`made`), in other folders.

    `folder` then has `passwords`, too.
    """
    secret, mounted = folder / "passwords", folder / "rules"
    for place in (secret, mounted):
        place.mkdir()
    for name, text in made.items():
        (mounted / name).write_text(text)
    for user, password in passwords.items():
        (secret / user).write_text(password)
    subprocess.run(["/bin/sh", "-c", moved(made["users.sh"], folder)], check=True)
    return folder / "users.acl"


def moved(script: str, folder: Path) -> str:
    """A pod's script with its folders elsewhere."""
    for inside, outside in {"/passwords": "/passwords", "/rules": "/rules", "/run/valkey": "", "/data": ""}.items():
        script = script.replace(inside, f"{folder}{outside}")
    return script
