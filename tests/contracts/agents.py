"""Fence agents to hold the adapter against: scripts that say what a test wants, and Debian's own on a simulated BMC."""

import json
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import orjson

from reactor.adapters.fence_agents.agents import FenceAgents, Limits
from reactor.settings import Settings
from tests.support.ports import free_port
from vmdrift.processes import Processes, wait_for

PASSWORD = "s3cret pässword'17"
REAL = Path("/usr/sbin")
# It writes down how it was called, before it does anything; then it does what its last lines say. `state`: on or off.
_AGENT = """#!{python} -IS
import json, os, signal, subprocess, sys, time
from pathlib import Path
folder = Path({folder!r})
given = sys.stdin.read()
options = dict(line.split("=", 1) for line in given.splitlines())
processes = [Path("/proc", pid) for pid in ("self", str(os.getppid()))]
shown = [(process / what).read_text() for process in processes for what in ("cmdline", "environ")]
call = {{"given": given, "shown": shown, "env": sorted(os.environ), "pid": os.getpid()}}
with (folder / "calls").open("a") as calls:
    calls.write(json.dumps(call) + "\\n")
action, state = options["action"], folder / f"state-{{options.get('plug', '')}}"
power = state.read_text() if state.exists() else "on"
{does}
"""
HONEST = """
if action == "off":
    state.write_text("off")
    print("Success: Powered OFF")
else:
    print("Status: " + power.upper())
    sys.exit(2 if power == "off" else 0)
"""


class Script:
    """The agents' folder and the mounted Secret of a test; node worker-1 has an agent that is called fence_test."""

    def __init__(self, folder: Path, does: str = HONEST) -> None:
        self.folder, self.agents, self.secret = folder, folder / "sbin", folder / "secret"
        self.agents.mkdir()
        self.secret.mkdir()
        self.does(does)
        self.write()

    def does(self, text: str, agent: str = "fence_test", interpreter: str = sys.executable) -> None:
        path = self.agents / agent
        path.write_text(_AGENT.format(python=interpreter, folder=str(self.folder), does=text))
        path.chmod(0o755)

    def write(self, content: Any = None, **more: Any) -> None:
        """The node's file: what a test says, or the agent with these options more."""
        options = {"ip": "10.1.0.7", "username": "fencing", "password": PASSWORD, **more}
        (self.secret / "worker-1.json").write_bytes(
            orjson.dumps(content or {"agent": "fence_test", "options": options})
        )

    def feeds(self, *plugs: str, **more: Any) -> None:
        """The node's file, with these outlets."""
        feeds = [{"agent": "fence_test", "options": {"password": PASSWORD, "plug": plug, **more}} for plug in plugs]
        self.write({"feeds": feeds})

    def plugs(self, limit: float = 60.0) -> FenceAgents:
        """The machine that tests run on may be slow."""
        settings = Settings.read({"VMDRIFT_FENCE_AGENT_DIR": str(self.secret)})
        return FenceAgents(settings, agents=self.agents, limits=Limits(limit, limit))

    def calls(self) -> list[Mapping[str, Any]]:
        path = self.folder / "calls"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


_LAN = """
name "bmc"
set_working_mc 0x20
  startlan 1
    addr 127.0.0.1 {port}
    priv_limit admin
    allowed_auths_callback md5
    allowed_auths_user md5
    allowed_auths_operator md5
    allowed_auths_admin md5
    guid a123456789abcdefa123456789abcdef
  endlan
  chassis_control "{power} 0x20"
  user 2 true "fencing" "secret-17" admin 10 md5
"""
_COMMANDS = """
mc_setbmc 0x20
mc_add 0x20 0 no-device-sdrs 0x23 9 8 0x9f 0x1291 0xf02 persist_sdr
sel_enable 0x20 1000 0x0a
mc_enable 0x20
"""
_POWER = """#!{python} -IS
import sys
from pathlib import Path
state, words = Path({state!r}), sys.argv[2:]
if words[0] == "get":
    print(f"{{words[1]}}:{{state.read_text()}}")
if words[:2] == ["set", "power"]:
    state.write_text(words[2])
"""


@contextmanager
def ipmi_bmc(folder: Path) -> Iterator[tuple[int, Path]]:
    """A BMC that speaks IPMI 2.0 on this port of loopback (OpenIPMI's simulator), and the file of its power: 1 or 0."""
    port, state, power = free_port(), folder / "power", folder / "chassis"
    state.write_text("1")
    power.write_text(_POWER.format(python=sys.executable, state=str(state)))
    power.chmod(0o755)
    (folder / "lan.conf").write_text(_LAN.format(port=port, power=power))
    (folder / "bmc.emu").write_text(_COMMANDS)
    command = ["ipmi_sim", "-c", str(folder / "lan.conf"), "-f", str(folder / "bmc.emu"), "-s", str(folder), "-n"]
    with Processes(folder) as processes:
        processes.start("ipmi_sim", command)
        assert wait_for(lambda: _listens(port), 60), processes.log("ipmi_sim").read_text()
        yield port, state


def _listens(port: int) -> bool:
    return any(f":{port:04X} " in line for line in Path("/proc/net/udp").read_text().splitlines())
