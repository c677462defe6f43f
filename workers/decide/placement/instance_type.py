"""What an instance type and a preference make of a VM's template, as far as it decides where the VM may run. Pure.

KubeVirt answers that itself (`expand-spec`); this is for dumps, which hold the ControllerRevisions that the VM names.
Source: kubevirt `pkg/instancetype/apply` and `pkg/instancetype/preference/apply`, at d923fdb.
"""

from typing import Any

from reactor.model.objects import Obj, part, parts, text


def expanded(template: Obj, kind: Obj, preference: Obj) -> Obj:
    """`kind`, `preference`: the specs of the instance type and of the preference, {} where the VM names none."""
    domain = part(template, "domain")
    cpu = {**part(domain, "cpu"), **_chosen(part(kind, "cpu"))}
    cpu |= _listed("features", parts(cpu, "features"), parts(preference, "cpu", "preferredCPUFeatures"))
    more: dict[str, Any] = {"nodeSelector": part(template, "nodeSelector") or part(kind, "nodeSelector")}
    more["schedulerName"] = text(template, "schedulerName") or text(kind, "schedulerName")
    more["architecture"] = text(template, "architecture") or text(preference, "preferredArchitecture")
    more["domain"] = {**domain, "cpu": cpu, **_domain(domain, kind, preference)}
    return {**template, **{field: value for field, value in more.items() if value}}


def _chosen(cpu: Obj) -> Obj:
    """The instance type's names of the same fields: what it says, the template may not say."""
    fields = {"model": "model", "dedicatedCPUPlacement": "dedicatedCpuPlacement", "realtime": "realtime"}
    return {ours: cpu[theirs] for theirs, ours in fields.items() if cpu.get(theirs) is not None}


def _domain(domain: Obj, kind: Obj, preference: Obj) -> Obj:
    machine = text(domain, "machine", "type") or text(preference, "machine", "preferredMachineType")
    hyperv = {**part(preference, "features", "preferredHyperv"), **part(domain, "features", "hyperv")}
    tpm = part(preference, "devices").get("preferredTPM")
    devices = {**({} if tpm is None else {"tpm": tpm}), **part(domain, "devices")}
    found: dict[str, Any] = {"devices": devices, "firmware": _firmware(part(domain, "firmware"), preference)}
    found["machine"] = {"type": machine} if machine else {}
    found["features"] = {**part(domain, "features"), **({"hyperv": hyperv} if hyperv else {})}
    return {**{field: value for field, value in found.items() if value}, **_security(domain, kind, preference)}


def _security(domain: Obj, kind: Obj, preference: Obj) -> Obj:
    """An empty one says something, too."""
    told = (domain.get("launchSecurity"), kind.get("launchSecurity"), preference.get("preferredLaunchSecurity"))
    said = [one for one in told if one is not None]
    return {"launchSecurity": said[0]} if said else {}


def _firmware(firmware: Obj, preference: Obj) -> Obj:
    loader, wished = part(firmware, "bootloader"), part(preference, "firmware").get("preferredEfi")
    return firmware if loader or wished is None else {**firmware, "bootloader": {"efi": wished}}


def _listed(field: str, own: list[Obj], more: list[Obj]) -> Obj:
    names = {text(one, "name") for one in own}
    found = own + [one for one in more if text(one, "name") not in names]
    return {field: found} if found else {}
