"""Where KubeVirt lets an instance run: what it adds to a launcher's nodeSelector and node affinity. Pure.

Source: KubeVirt `pkg/virt-controller/services/nodeselectorrenderer.go`, `template.go` (newNodeSelectorRenderer,
setNodeAffinityForPod), `pkg/virt-controller/watch/topology/tsc.go`, `pkg/util/amd64.go`; labels as recorded (newer
releases say `kubevirt.io/cpumanager`). The feature gate HypervStrictCheck is on here.
"""

from collections.abc import Iterable

from simulator.actors.nodefit import REQUIRED
from simulator.client import Obj

SCHEDULABLE = "kubevirt.io/schedulable"
CPU_MODEL, CPU_FEATURE = "cpu-model.node.kubevirt.io/", "cpu-feature.node.kubevirt.io/"
TSC = "cpu-timer.node.kubevirt.io/tsc-frequency"
_OBSOLETE = "node-labeller.kubevirt.io/obsolete-host-model"
_TSC_SCHEDULABLE = "scheduling.node.kubevirt.io/tsc-frequency"
HOST_MODEL = "host-model"
_NO_MODELS = frozenset({HOST_MODEL, "host-passthrough"})
# Those that need the host's kernel, by their labels, which are their names in lower case.
_HYPERV = ("vpindex", "runtime", "reset", "synic", "synictimer", "frequencies", "reenlightenment", "tlbflush", "ipi")


def selectors(vmi: Obj) -> Obj:
    """The launcher's nodeSelector: KubeVirt's own, the instance's over it, and what its domain needs."""
    spec, arch = vmi["spec"], vmi["spec"].get("architecture")
    own = {SCHEDULABLE: "true"} | ({"kubernetes.io/arch": arch.lower()} if arch else {})
    return {**own, **(spec.get("nodeSelector") or {}), **dict.fromkeys(_needed(vmi), "true")}


def affinity(spec: Obj) -> Obj:
    """The instance's affinity; no term of it admits a node of an obsolete model, or with a forbidden feature."""
    given: Obj = spec.get("affinity") or {}
    absent = [{"key": key, "operator": "DoesNotExist"} for key in _rejected(_cpu(spec))]
    if not absent:
        return given
    node: Obj = given.get("nodeAffinity") or {}
    terms = (node.get(REQUIRED) or {}).get("nodeSelectorTerms") or [{}]
    terms = [{**term, "matchExpressions": [*(term.get("matchExpressions") or ()), *absent]} for term in terms]
    return {**given, "nodeAffinity": {**node, REQUIRED: {"nodeSelectorTerms": terms}}}


def tsc_required(spec: Obj) -> bool:
    """Whether the guest counts on the frequency of its time stamp counter, which virt-controller then writes down."""
    forced = {f["name"] for f in _cpu(spec).get("features") or () if f.get("policy") in ("require", "force")}
    needed = "invtsc" in forced or _on(_hyperv(spec).get("reenlightenment"))
    return bool(spec.get("architecture") == "amd64" and needed)


def _needed(vmi: Obj) -> Iterable[str]:
    spec, cpu = vmi["spec"], _cpu(vmi["spec"])
    if cpu.get("dedicatedCpuPlacement"):
        yield "cpumanager"
    if "realtime" in cpu:
        yield "kubevirt.io/realtime"
    yield from _of_model(cpu)
    yield from _of_hyperv(_hyperv(spec))
    yield from _of_launch_security(spec)
    machine = vmi.get("status", {}).get("machine") or spec.get("domain", {}).get("machine") or {}
    if machine.get("type"):
        yield f"machine-type.node.kubevirt.io/{machine['type']}"
    frequency = vmi.get("status", {}).get("topologyHints", {}).get("tscFrequency")
    if frequency and tsc_required(spec):
        yield f"{_TSC_SCHEDULABLE}-{frequency}"


def _of_model(cpu: Obj) -> Iterable[str]:
    """Features count only where a model is given; the webhook gives every instance one."""
    model = cpu.get("model")
    if not model:
        return
    if model not in _NO_MODELS:
        yield f"{CPU_MODEL}{model}"
    yield from (f"{CPU_FEATURE}{f['name']}" for f in cpu.get("features") or () if _wanted(f))


def _of_hyperv(hyperv: Obj) -> Iterable[str]:
    yield from (f"hyperv.node.kubevirt.io/{name}" for name in _HYPERV if _on(hyperv.get(name)))
    if _on(hyperv.get("evmcs")):
        yield "cpu-vendor.node.kubevirt.io/Intel"


def _of_launch_security(spec: Obj) -> Iterable[str]:
    security = spec.get("domain", {}).get("launchSecurity")
    if security is None:
        return
    if {"sev", "snp"} & security.keys():
        yield "kubevirt.io/sev"
    if ((security.get("sev") or {}).get("policy") or {}).get("encryptedState"):
        yield "kubevirt.io/sev-es"
    if "snp" in security:
        yield "kubevirt.io/sev-snp"
    if "tdx" in security:
        yield "kubevirt.io/tdx"
    if spec.get("architecture") == "s390x":
        yield "kubevirt.io/s390-pv"


def _rejected(cpu: Obj) -> Iterable[str]:
    if cpu.get("model", HOST_MODEL) == HOST_MODEL:
        yield _OBSOLETE
    yield from (f"{CPU_FEATURE}{f['name']}" for f in cpu.get("features") or () if f.get("policy") == "forbid")


def _wanted(feature: Obj) -> bool:
    return feature.get("policy") in (None, "", "require")


def _on(state: Obj | None) -> bool:
    """A feature that is there is on unless it says otherwise."""
    return state is not None and state.get("enabled") is not False


def _cpu(spec: Obj) -> Obj:
    cpu: Obj = spec.get("domain", {}).get("cpu") or {}
    return cpu


def _hyperv(spec: Obj) -> Obj:
    hyperv: Obj = (spec.get("domain", {}).get("features") or {}).get("hyperv") or {}
    return hyperv
