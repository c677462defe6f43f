"""What this cluster's launchers have beyond what the simulated virt-controller makes of their instances.

Its KubeVirt adds to what guests ask for (overhead, devices, huge pages, CPU by its allocation ratio), admission adds
node selectors and tolerations, and an older KubeVirt asks for fewer labels. The next launcher gets what the lost one
had.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from simulator.actors.launcher import launcher
from simulator.actors.room import Amounts, requested
from simulator.client import Obj
from simulator.store.objects import Key, key_of

_JOB, _CREATED_BY = "kubevirt.io/migrationJobUID", "kubevirt.io/created-by"
_PODS = "pods"  # every pod is one
_LEAST = 1e-6  # less is the rounding of sums
# What KubeVirt picks anew, or asks for where a migration goes.
_NOT_AGAIN = ("scheduling.node.kubevirt.io/tsc-frequency-", "cpu-model-migration.node.kubevirt.io/")
_OF_A_TARGET = ("cpu-feature.node.kubevirt.io/", "cpu-vendor.node.kubevirt.io/", "machine-type.node.kubevirt.io/")
Objects = Mapping[Key, Obj]


@dataclass(frozen=True, slots=True)
class _Beyond:
    """`asked`: in units, negative for less; `selectors`: more of them, `dropped`: keys that are not asked for."""

    asked: Amounts
    selectors: Mapping[str, str]
    dropped: frozenset[str]
    tolerations: tuple[Obj, ...]


class Launchers:
    """Of each instance that runs, by namespace and name: the next one of that name is of the same VM.

    `instances`, `pods`: as they are stored; they are only read.
    """

    def __init__(self, instances: Objects, pods: Objects) -> None:
        own = {_labels(pod).get(_CREATED_BY): pod for pod in pods.values() if pod["spec"].get("nodeName")}
        there = ((key, vmi, own.get(vmi["metadata"]["uid"])) for key, vmi in instances.items())
        self._beyond = {key: _beyond(vmi, pod) for key, vmi, pod in there if pod and _is_whole(vmi, pod)}

    def finished(self, pod: Obj, instance: Obj) -> Obj:
        """The launcher as this cluster would make it."""
        beyond = self._beyond.get(key_of(instance))
        return pod if beyond is None else {**pod, "spec": _with(pod["spec"], requested(pod), beyond)}


def _is_whole(vmi: Obj, pod: Obj) -> bool:
    """What a dump lacks is no evidence: every launcher has a node selector, and asks for something."""
    spec = pod["spec"]
    return bool(vmi.get("spec", {}).get("domain") and spec.get("nodeSelector") and spec.get("containers"))


def _beyond(vmi: Obj, pod: Obj) -> _Beyond:
    made, spec = launcher(vmi), pod["spec"]
    usual, asked = requested(made), requested({"spec": spec})
    more = {name: asked.get(name, 0.0) - usual.get(name, 0.0) for name in {**asked, **usual}}
    selector, derived = spec["nodeSelector"], made["spec"]["nodeSelector"]
    passing = (*_NOT_AGAIN, *(_OF_A_TARGET if _JOB in _labels(pod) else ()))
    return _Beyond(
        {name: amount for name, amount in more.items() if abs(amount) > _LEAST},
        {k: value for k, value in selector.items() if derived.get(k) != value and not k.startswith(passing)},
        frozenset(derived.keys() - selector.keys()),
        tuple(one for one in spec.get("tolerations") or () if one not in made["spec"]["tolerations"]),
    )


def _with(spec: Obj, asked: Amounts, beyond: _Beyond) -> Obj:
    kept = {key: value for key, value in spec["nodeSelector"].items() if key not in beyond.dropped}
    more = [one for one in beyond.tolerations if one not in spec["tolerations"]]
    own = {**spec, "nodeSelector": kept | dict(beyond.selectors), "tolerations": [*spec["tolerations"], *more]}
    if not beyond.asked:
        return own
    total = {name: asked.get(name, 0.0) + beyond.asked.get(name, 0.0) for name in {**asked, **beyond.asked}}
    requests = {name: f"{max(0.0, amount):.3f}" for name, amount in sorted(total.items()) if name != _PODS}
    compute, *others = spec["containers"]
    return own | {"containers": [{**compute, "resources": {**compute["resources"], "requests": requests}}, *others]}


def _labels(pod: Obj) -> Mapping[str, str]:
    return pod["metadata"].get("labels") or {}
