"""The spec of the VM's next instance: the lost one's, with the VM's present template laid over it.

KubeVirt builds it from the template, from what instance type and preference add, and from its own defaults. Pure.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from reactor.model.objects import Obj, part, text
from workers.decide.observation import VmiView, VmView

# Where the template says nothing of these, KubeVirt has a default of its own, which only the lost instance shows.
_DEFAULTED = (("architecture",), ("domain", "cpu", "model"), ("domain", "machine", "type"))
_FIELDS = ("nodeSelector", "affinity", "tolerations", "topologySpreadConstraints", "schedulerName", "architecture")
_DOMAIN_FIELDS = ("cpu", "features", "machine", "firmware", "launchSecurity")
_ADDED_FIELDS = ("nodeSelector", "schedulerName", "architecture")


@dataclass(frozen=True, slots=True)
class Instance:
    """`assumed`: the same spec with defaults that are only guessed; `unknown`: what else is not known, in words."""

    spec: Obj
    assumed: Obj
    unknown: str = ""


def next_instance(vm: VmView, lost: VmiView | None, expanded: Obj | None) -> Instance:
    """`lost`: the lost instance, while it is there; `expanded`: as in Observation."""
    lost_spec = lost.spec if lost else {}
    if lost and _unedited(vm, lost):
        return Instance(lost_spec, lost_spec)
    if expanded is not None or not vm.typed:
        today = vm.template if expanded is None else expanded
        return Instance(today, _with_defaults(today, lost_spec))
    if lost and contained(_relevant(vm.template), lost_spec):
        return Instance(lost_spec, lost_spec)
    added = {field: lost_spec[field] for field in _ADDED_FIELDS if field in lost_spec}
    mixed = {**added, **vm.template, "domain": {**part(lost_spec, "domain"), **part(vm.template, "domain")}}
    names = " and ".join(f"{kind} {name}" for kind, name in vm.typed.items())
    unknown = f"{names} add nothing to it that the lost instance did not bear"
    return Instance(mixed, _with_defaults(mixed, lost_spec), unknown)


def unclear(vm: VmView, lost: VmiView | None) -> bool:
    """Is it not known what its instance type and preference make of it now? Then KubeVirt is asked."""
    return bool(vm.typed) and not (lost and _unedited(vm, lost))


def keeps_state(spec: Obj) -> bool:
    """Does it have a vTPM or EFI whose state lasts?"""
    tpm, efi = part(spec, "domain", "devices", "tpm"), part(spec, "domain", "firmware", "bootloader", "efi")
    return bool(tpm.get("persistent") or efi.get("persistent"))


def contained(wanted: object, actual: object) -> bool:
    """Is all of `wanted` there? What else is there was added by somebody else."""
    if isinstance(wanted, Mapping):
        return isinstance(actual, Mapping) and all(contained(value, actual.get(name)) for name, value in wanted.items())
    if isinstance(wanted, list):
        return isinstance(actual, list) and all(any(contained(value, other) for other in actual) for value in wanted)
    return wanted == actual


def _unedited(vm: VmView, lost: VmiView) -> bool:
    """By KubeVirt's count of edits, which the instance carries; and the specs do not contradict it."""
    return bool(vm.generation) and vm.generation == lost.generation and contained(_relevant(vm.template), lost.spec)


def _relevant(template: Obj) -> Obj:
    """The fields that decide where it may run, and what it keeps."""
    domain = {name: value for name, value in part(template, "domain").items() if name in _DOMAIN_FIELDS}
    tpm = part(template, "domain", "devices", "tpm")
    fields = {name: value for name, value in template.items() if name in _FIELDS}
    return {**fields, "domain": {**domain, **({"devices": {"tpm": tpm}} if tpm else {})}}


def _with_defaults(today: Obj, lost_spec: Obj) -> Obj:
    spec = today
    for path in _DEFAULTED:
        if not text(spec, *path) and (value := text(lost_spec, *path)):
            spec = _set(spec, path, value)
    return spec


def _set(obj: Obj, path: tuple[str, ...], value: str) -> Obj:
    name, *rest = path
    return {**obj, name: _set(part(obj, name), tuple(rest), value) if rest else value}
