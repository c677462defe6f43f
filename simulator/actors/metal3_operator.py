"""Metal3's operator: it reads the power of each host, and changes it where it is not as it should be.

Source: metal3-io/baremetal-operator `internal/controller/metal3.io/baremetalhost_controller.go`: a host is looked at
when it changes and every 60 s; a reading that differs is written down first, and acted on at the next look; a host
should be on if `spec.online` says so and no annotation of reboot.metal3.io is there; mode hard cuts the power, soft
asks the system; with `spec.disablePowerOff` it reboots instead; paused hosts are left alone, detached ones only marked.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from simulator.actors import objects
from simulator.client import Client, Obj
from simulator.machines.hypervisor import Hypervisor
from simulator.store.objects import rfc3339

_FINALIZER = "baremetalhost.metal3.io"
_PAUSED, _DETACHED = "baremetalhost.metal3.io/paused", "baremetalhost.metal3.io/detached"
_REBOOT = "reboot.metal3.io"
_HOSTS = "baremetalhosts"
_POLL = 60.0  # seconds
_MANAGED = frozenset({"provisioned", "externally provisioned"})


@dataclass
class Metal3Operator:
    """`hosts`: the machine of each, by name. `takes`, `soft`: seconds to change the power, and for a soft power off.

    `fails`: what the BMC says instead. `hangs`: it does not look at anything. `lies`: it says that a host is off, and
    does nothing.
    """

    client: Client
    hypervisor: Hypervisor
    hosts: Mapping[str, str]
    takes: float = 2.0
    soft: float = 180.0
    fails: str = ""
    hangs: bool = False
    lies: bool = False
    name: str = "metal3-operator"
    watches: tuple[str, ...] = (_HOSTS,)
    _seen: dict[str, tuple[str, float]] = field(default_factory=dict)  # which version was looked at, and when
    _due: dict[str, float] = field(default_factory=dict)  # when the power of which is changed

    def __post_init__(self) -> None:
        self._hosts = self.client.informer(_HOSTS)

    def step(self, now: float) -> float | None:
        """Look at what has changed, and at each again after a while."""
        self._hosts.poll()
        if self.hangs:
            return None
        for host in list(self._hosts.objects.values()):
            self._sync(host, now)
        looks = [at + _POLL for _, at in self._seen.values()]
        return min((due for due in (*looks, *self._due.values()) if due > now), default=None)

    def _sync(self, host: Obj, now: float) -> None:
        meta, annotations = host["metadata"], host["metadata"].get("annotations") or {}
        uid, version = meta["uid"], meta["resourceVersion"]
        seen, at = self._seen.get(uid, ("", 0.0))
        if _PAUSED in annotations or meta["name"] not in self.hosts or objects.deleting(host):
            return
        if version != seen or now >= at + _POLL or self._due.get(uid, now + 1) <= now:
            self._seen[uid] = version, now
            self._look(host, now)

    def _look(self, host: Obj, now: float) -> None:
        status, annotations = host["status"], host["metadata"].get("annotations") or {}
        detached, should = _DETACHED in annotations, "detached" if _DETACHED in annotations else "OK"
        if not host["metadata"].get("finalizers"):
            meta = {"metadata": {"finalizers": [_FINALIZER]}}
            self.client.patch(_HOSTS, host["metadata"]["name"], meta, host["metadata"]["namespace"])
        elif detached or status["operationalStatus"] == "detached":
            if status["operationalStatus"] != should:
                self._write(host, now, operationalStatus=should)
        elif status["provisioning"]["state"] in _MANAGED:
            self._manage(host, now)

    def _manage(self, host: Obj, now: float) -> None:
        uid, machine = host["metadata"]["uid"], self.hosts[host["metadata"]["name"]]
        powered = self.hypervisor.machines[machine].powered
        reboots = _modes(host)
        should = bool(host["spec"]["online"]) and not reboots
        if self.lies and not should:
            powered = False
        if powered != host["status"]["poweredOn"]:
            self._write(host, now, poweredOn=powered)
        elif powered == should:
            self._due.pop(uid, None)
        elif now >= self._due.setdefault(uid, now + self._patience(should, reboots)):
            del self._due[uid]
            self._change(host, machine, now, on=should)

    def _patience(self, on: bool, reboots: list[str]) -> float:
        return self.takes if on or "hard" in reboots else self.soft

    def _change(self, host: Obj, machine: str, now: float, *, on: bool) -> None:
        if self.fails:
            error = {"errorType": "power management error", "errorMessage": self.fails}
            if host["status"].get("errorType") != error["errorType"]:
                self._write(host, now, operationalStatus="error", errorCount=1, **error)
            return
        if not on:
            self.hypervisor.power_cut(machine, by="metal3")
        if on or host["spec"].get("disablePowerOff"):
            self.hypervisor.power_on(machine)
        self._write(host, now, operationalStatus="OK", errorType=None, errorMessage="", errorCount=0)

    def _write(self, host: Obj, now: float, **status: object) -> None:
        meta = host["metadata"]
        told = {"status": {**status, "lastUpdated": rfc3339(now)}}
        self.client.patch(_HOSTS, meta["name"], told, meta["namespace"], subresource="status")


def _modes(host: Obj) -> list[str]:
    """The mode of each annotation that keeps it off."""
    annotations = host["metadata"].get("annotations") or {}
    return [_mode(value) for name, value in annotations.items() if name.partition("/")[0] == _REBOOT]


def _mode(value: str) -> str:
    """Whatever cannot be read is soft."""
    try:
        mode = json.loads(value)["mode"]
    except (ValueError, TypeError, KeyError):
        return "soft"
    return str(mode)
