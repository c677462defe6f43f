"""What can switch a node off: `VMDRIFT_FENCE_AGENT_DIR/NODE.json`, from a mounted Secret, never through the API.

    {"agent": "fence_ipmilan", "options": {"ip": "10.1.0.7", "username": "...", "password": "...", "lanplus": true}}
    {"feeds": [{"agent": "fence_apc_snmp", "options": {"ip": "10.1.0.8", "plug": 7, ...}}, ...]}

The first is the machine itself (a BMC, a hypervisor, a cloud): what it reads is the machine's. The second are the
outlets that feed it, every one of them: with power the machine may be on or off, and only without any it is off.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

import orjson

from reactor.adapters.fence_agents.options import checked, is_secret
from reactor.adapters.node_files import NodeFile

SETTING = "VMDRIFT_FENCE_AGENT_DIR"
_AGENT = re.compile(r"fence_[a-z0-9_]+")
_MOST_FEEDS = 8
_SHOWN = 60  # characters of an outlet's or a device's name
_ONE = '{"agent": ..., "options": {...}}'
_SHAPE = f'{_ONE} or {{"feeds": [...]}}'
# Their "off" cuts a machine from storage or a network, or nothing at all: it may go on running.
_NO_POWER = frozenset(
    f"fence_{name}"
    for name in (
        "ack_manual", "brocade", "cisco_mds", "compute", "crosslink", "evacuate", "heuristics_ping", "ifmib", "kdump",
        "mpath", "sanbox2", "sbd", "scsi",
    )
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Plug:
    """One thing that an agent can switch. `file`: the file that names it; `feed`: it is an outlet, not the machine."""

    file: str
    agent: str
    options: Mapping[str, str] = field(repr=False)
    feed: bool

    @property
    def id(self) -> str:
        """Another one for another agent, device or outlet; without passwords, so a new one keeps what was seen."""
        said = {key: value for key, value in self.options.items() if not is_secret(key)}
        return sha256(orjson.dumps([self.agent, said], option=orjson.OPT_SORT_KEYS)).hexdigest()[:32]

    @property
    def name(self) -> str:
        """For a sentence."""
        plug, place = self._any("plug", "port"), self._any("ip", "ipaddr")
        return self.agent + (f" plug {plug}" if plug else "") + (f" at {place}" if place else "")

    def _any(self, *keys: str) -> str:
        return next((self.options[key][:_SHOWN] for key in keys if key in self.options), "")


def plugs_of(folder: Path, node: str) -> tuple[Plug, ...]:
    """As the file says now; FenceError, which names file and field."""
    file = NodeFile.read(folder, node, SETTING, _SHAPE)
    if file.has("feeds"):
        _only(file, file.data, "", "feeds")
        return tuple(_feeds(file))
    return (_plug(file, file.data, "", feed=False),)


def _feeds(file: NodeFile) -> Iterator[Plug]:
    feeds = file.data["feeds"]
    if not isinstance(feeds, list) or not 1 <= len(feeds) <= _MOST_FEEDS:
        raise file.wrong(f"feeds: expected a list of 1 to {_MOST_FEEDS} objects such as {_ONE}")
    plugs = [_plug(file, feed, f"feeds[{number}].", feed=True) for number, feed in enumerate(feeds)]
    if len({plug.id for plug in plugs}) < len(plugs):
        raise file.wrong("feeds: two of them are the same outlet: name each feed of the machine once")
    yield from plugs


def _plug(file: NodeFile, data: Any, where: str, *, feed: bool) -> Plug:
    if not isinstance(data, dict):
        raise file.wrong(f"{where.rstrip('.')}: expected an object, {_ONE}")
    _only(file, data, where, "agent", "options")
    options = data.get("options")
    if not isinstance(options, dict):
        raise file.wrong(f"{where}options: expected an object of the agent's options")
    return Plug(file.name, _agent(file, data.get("agent"), where), checked(file, options, f"{where}options"), feed)


def _agent(file: NodeFile, name: Any, where: str) -> str:
    if not isinstance(name, str) or not _AGENT.fullmatch(name):
        raise file.wrong(f"{where}agent: expected the name of an agent such as fence_ipmilan, not a path")
    if name in _NO_POWER:
        raise file.wrong(f"{where}agent: {name} does not switch the machine's power, so it proves nothing; use another")
    return name


def _only(file: NodeFile, data: Mapping[str, Any], where: str, *known: str) -> None:
    """What nobody reads may be what somebody relies on."""
    if unknown := sorted(data.keys() - set(known)):
        raise file.wrong(f"{where}{unknown[0][:40]}: not known here; expected {_SHAPE}")
