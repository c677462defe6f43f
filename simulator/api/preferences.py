"""What an instance type and a preference add to the spec of a VM's instance. Pure.

Source: KubeVirt `pkg/instancetype/apply` and `pkg/instancetype/preference/apply`, as far as it is about where an
instance runs, with what, and what it keeps. An instance type that contradicts the template is refused by KubeVirt's
webhooks, which are not here; a preference never overrides.
"""

from typing import Any

from simulator.client import Obj

_CPU = ("model", "dedicatedCPUPlacement", "isolateEmulatorThread", "numa", "realtime", "maxSockets")
_SPELT = {"dedicatedCPUPlacement": "dedicatedCpuPlacement"}  # in an instance
_TOPOLOGY = {"cores": "cores", "threads": "threads", "preferCores": "cores", "preferThreads": "threads"}


def applied(spec: Obj, instancetype: Obj | None, preference: Obj | None) -> Obj:
    """The instance's spec, of the template's."""
    if instancetype is not None:
        spec = _typed(spec, instancetype, preference or {})
    return spec if preference is None else _preferred(spec, preference)


def _typed(spec: Obj, kind: Obj, preference: Obj) -> Obj:
    cpu, memory = kind.get("cpu") or {}, kind.get("memory") or {}
    topology = {"cores": 1, "sockets": 1, "threads": 1, _topology(preference): cpu.get("guest", 1)}
    told = {_SPELT.get(name, name): cpu[name] for name in _CPU if name in cpu}
    domain = {
        **spec.get("domain", {}),
        "cpu": {**(spec.get("domain", {}).get("cpu") or {}), **told, **topology},
        "memory": {**(spec.get("domain", {}).get("memory") or {}), "guest": memory.get("guest")},
    }
    if "launchSecurity" in kind:
        domain["launchSecurity"] = kind["launchSecurity"]
    placement = {name: kind[name] for name in ("nodeSelector", "schedulerName") if kind.get(name)}
    return {**spec, **placement, "domain": domain}


def _topology(preference: Obj) -> str:
    return _TOPOLOGY.get((preference.get("cpu") or {}).get("preferredCPUTopology", ""), "sockets")


def _preferred(spec: Obj, preference: Obj) -> Obj:
    domain = dict(spec.get("domain", {}))
    _features(domain, preference)
    _firmware(domain, preference.get("firmware") or {})
    if tpm := (preference.get("devices") or {}).get("preferredTPM"):
        domain["devices"] = {"tpm": tpm, **(domain.get("devices") or {})}
    if machine := (preference.get("machine") or {}).get("preferredMachineType"):
        domain["machine"] = {"type": machine, **(domain.get("machine") or {})}
    _give(domain, "launchSecurity", preference.get("preferredLaunchSecurity"))
    new = {**spec, "domain": domain}
    _give(new, "architecture", preference.get("preferredArchitecture"))
    _give(new, "terminationGracePeriodSeconds", preference.get("preferredTerminationGracePeriodSeconds"))
    return new


def _features(domain: Obj, preference: Obj) -> None:
    if wanted := (preference.get("cpu") or {}).get("preferredCPUFeatures"):
        cpu = domain.get("cpu") or {}
        known = cpu.get("features") or []
        names = {feature["name"] for feature in known}
        domain["cpu"] = {**cpu, "features": [*known, *(f for f in wanted if f["name"] not in names)]}
    if hyperv := (preference.get("features") or {}).get("preferredHyperv"):
        features = domain.get("features") or {}
        domain["features"] = {**features, "hyperv": {**hyperv, **(features.get("hyperv") or {})}}


def _firmware(domain: Obj, firmware: Obj) -> None:
    """EFI or BIOS where the template asks for neither."""
    own = domain.get("firmware") or {}
    if own.get("bootloader"):
        return
    bootloader: Obj = {}
    if firmware.get("preferredUseBios"):
        bootloader["bios"] = {}
    elif firmware.get("preferredEfi") is not None:
        bootloader["efi"] = firmware["preferredEfi"]
    elif firmware.get("preferredUseEfi"):
        bootloader["efi"] = {"secureBoot": True} if firmware.get("preferredUseSecureBoot") else {}
    if bootloader:
        domain["firmware"] = {**own, "bootloader": bootloader}


def _give(obj: Obj, name: str, value: Any) -> None:
    """Set a field that is not set yet, to something."""
    if value:
        obj.setdefault(name, value)
