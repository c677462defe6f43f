"""What an instance type and a preference make of a VM's template, as far as it decides where the VM may run. Pure.

KubeVirt answers that itself (`expand-spec`); this is for dumps, which hold the ControllerRevisions that the VM names.
Source: kubevirt `pkg/instancetype/apply` and `pkg/instancetype/preference/apply`, at d923fdb.
"""

from typing import Any

from reactor.model.objects import Obj, part, parts, text


def expanded(template: Obj, kind: Obj, preference: Obj) -> Obj:
    """`kind`, `preference`: the specs of the instance type and of the preference, {} where the VM names none."""
    domain = part(template, "domain")
    cpu = {**part(domain, "cpu"), **_cpu_fields(part(kind, "cpu"))}
    cpu |= _merged("features", parts(cpu, "features"), parts(preference, "cpu", "preferredCPUFeatures"))
    added: dict[str, Any] = {"nodeSelector": part(template, "nodeSelector") or part(kind, "nodeSelector")}
    added["schedulerName"] = text(template, "schedulerName") or text(kind, "schedulerName")
    added["architecture"] = text(template, "architecture") or text(preference, "preferredArchitecture")
    added["domain"] = {**domain, "cpu": cpu, **_domain(domain, kind, preference)}
    return {**template, **{field: value for field, value in added.items() if value}}


def _cpu_fields(cpu: Obj) -> Obj:
    """Under the template's names of these fields; the template may not set what the instance type sets."""
    fields = {"model": "model", "dedicatedCPUPlacement": "dedicatedCpuPlacement", "realtime": "realtime"}
    return {ours: cpu[theirs] for theirs, ours in fields.items() if cpu.get(theirs) is not None}


def _domain(domain: Obj, kind: Obj, preference: Obj) -> Obj:
    machine = text(domain, "machine", "type") or text(preference, "machine", "preferredMachineType")
    hyperv = {**part(preference, "features", "preferredHyperv"), **part(domain, "features", "hyperv")}
    tpm = part(preference, "devices").get("preferredTPM")
    devices = {**({} if tpm is None else {"tpm": tpm}), **part(domain, "devices")}
    merged: dict[str, Any] = {"devices": devices, "firmware": _firmware(part(domain, "firmware"), preference)}
    merged["machine"] = {"type": machine} if machine else {}
    merged["features"] = {**part(domain, "features"), **({"hyperv": hyperv} if hyperv else {})}
    return {**{field: value for field, value in merged.items() if value}, **_security(domain, kind, preference)}


def _security(domain: Obj, kind: Obj, preference: Obj) -> Obj:
    """An empty one counts, too."""
    sources = (domain.get("launchSecurity"), kind.get("launchSecurity"), preference.get("preferredLaunchSecurity"))
    requested = [source for source in sources if source is not None]
    return {"launchSecurity": requested[0]} if requested else {}


def _firmware(firmware: Obj, preference: Obj) -> Obj:
    loader, preferred = part(firmware, "bootloader"), part(preference, "firmware").get("preferredEfi")
    return firmware if loader or preferred is None else {**firmware, "bootloader": {"efi": preferred}}


def _merged(field: str, own: list[Obj], more: list[Obj]) -> Obj:
    names = {text(item, "name") for item in own}
    merged = own + [item for item in more if text(item, "name") not in names]
    return {field: merged} if merged else {}
