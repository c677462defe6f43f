"""What the VM's next instance will say of itself: the lost one's spec, with the VM's template of today laid over it.

KubeVirt builds it from the template, from what instance type and preference add, and from its own defaults. Pure.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from reactor.model.objects import Obj, part, text
from workers.decide.observation import VmiView, VmView

# Where the template says nothing of these, KubeVirt has a default of its own, which only the lost instance shows.
_DEFAULTED = (("architecture",), ("domain", "cpu", "model"), ("domain", "machine", "type"))
_BORNE = ("nodeSelector", "affinity", "tolerations", "topologySpreadConstraints", "schedulerName", "architecture")
_DOMAIN = ("cpu", "features", "machine", "firmware", "launchSecurity")
_ADDED = ("nodeSelector", "schedulerName", "architecture")


@dataclass(frozen=True, slots=True)
class Instance:
    """`assumed`: the same spec with defaults that are only guessed; `unknown`: what else is not known, in words."""

    spec: Obj
    assumed: Obj
    unknown: str = ""


def next_instance(vm: VmView, lost: VmiView | None, expanded: Obj | None) -> Instance:
    """`lost`: the lost instance, while it is there; `expanded`: as in Observation."""
    old = lost.spec if lost else {}
    if lost and _unedited(vm, lost):
        return Instance(old, old)
    if expanded is not None or not vm.typed:
        today = vm.template if expanded is None else expanded
        return Instance(today, _with_defaults(today, old))
    if lost and contained(_borne(vm.template), old):
        return Instance(old, old)
    kept = {field: old[field] for field in _ADDED if field in old}
    mixed = {**kept, **vm.template, "domain": {**part(old, "domain"), **part(vm.template, "domain")}}
    named = " and ".join(f"{kind} {name}" for kind, name in vm.typed.items())
    unknown = f"{named} add nothing to it that the lost instance did not bear"
    return Instance(mixed, _with_defaults(mixed, old), unknown)


def unclear(vm: VmView, lost: VmiView | None) -> bool:
    """Is it not known what its instance type and preference make of it now? Then it is asked for."""
    return bool(vm.typed) and not (lost and _unedited(vm, lost))


def keeps_state(spec: Obj) -> bool:
    """Does it have a vTPM or EFI whose state lasts?"""
    tpm, efi = part(spec, "domain", "devices", "tpm"), part(spec, "domain", "firmware", "bootloader", "efi")
    return bool(tpm.get("persistent") or efi.get("persistent"))


def contained(wish: object, found: object) -> bool:
    """Is all that is wished there? What is there besides was added by somebody else."""
    if isinstance(wish, Mapping):
        return isinstance(found, Mapping) and all(contained(one, found.get(name)) for name, one in wish.items())
    if isinstance(wish, list):
        return isinstance(found, list) and all(any(contained(one, other) for other in found) for one in wish)
    return wish == found


def _unedited(vm: VmView, lost: VmiView) -> bool:
    """By KubeVirt's count of edits, which the instance bears; and nothing speaks against it."""
    return bool(vm.generation) and vm.generation == lost.generation and contained(_borne(vm.template), lost.spec)


def _borne(template: Obj) -> Obj:
    """What of it decides where it may run, and what it keeps."""
    domain = {name: one for name, one in part(template, "domain").items() if name in _DOMAIN}
    tpm = part(template, "domain", "devices", "tpm")
    said = {name: one for name, one in template.items() if name in _BORNE}
    return {**said, "domain": {**domain, **({"devices": {"tpm": tpm}} if tpm else {})}}


def _with_defaults(today: Obj, old: Obj) -> Obj:
    found = today
    for path in _DEFAULTED:
        if not text(found, *path) and (value := text(old, *path)):
            found = _set(found, path, value)
    return found


def _set(obj: Obj, path: tuple[str, ...], value: str) -> Obj:
    name, *rest = path
    return {**obj, name: _set(part(obj, name), tuple(rest), value) if rest else value}
