"""What KubeVirt itself adds to where a launcher may go, by what the instance's spec says. Pure.

Source: kubevirt `pkg/virt-controller/services/nodeselectorrenderer.go` and `template.go` (newNodeSelectorRenderer,
setNodeAffinityForPod), at d923fdb.
"""

from collections.abc import Mapping

from reactor.model.objects import Obj, part, parts, text, texts

SCHEDULABLE = "kubevirt.io/schedulable"  # virt-handler's label on its node; every launcher asks for it
ARCH = "kubernetes.io/arch"
CPU_MODEL, CPU_FEATURE = "cpu-model.node.kubevirt.io/", "cpu-feature.node.kubevirt.io/"
MACHINE, HYPERV, VENDOR = "machine-type.node.kubevirt.io/", "hyperv.node.kubevirt.io/", "cpu-vendor.node.kubevirt.io/"
TSC = "scheduling.node.kubevirt.io/tsc-frequency-"
MIGRATED = "cpu-model-migration.node.kubevirt.io/"
# A migration's target gets these of its source's node (`watch/migration/migration.go`, createTargetPod) and of what was
# reported of the running guest; a new instance gets only those that its spec asks for.
OF_A_MIGRATION = (MIGRATED, CPU_FEATURE, VENDOR, MACHINE)
_OBSOLETE = "node-labeller.kubevirt.io/obsolete-host-model"
_HOST_MODELS = frozenset({"host-model", "host-passthrough"})
_HYPERV = ("frequencies", "ipi", "reenlightenment", "reset", "runtime", "synic", "synictimer", "tlbflush", "vpindex")
REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"


def derived(spec: Obj) -> dict[str, str]:
    """The node selector of an instance: its own, and what every KubeVirt adds by its spec."""
    arch_label = {ARCH: arch.lower()} if (arch := text(spec, "architecture")) else {}
    return {SCHEDULABLE: "true", **arch_label, **texts(spec, "nodeSelector"), **dict.fromkeys(_labels(spec), "true")}


def gated(spec: Obj) -> dict[str, str]:
    """What only some KubeVirts add: by their version (machine type), or by the feature gate HypervStrictCheck."""
    machine = text(spec, "domain", "machine", "type")
    hyperv = part(spec, "domain", "features", "hyperv")
    labels = [f"{MACHINE}{machine}"] if machine else []
    labels += [f"{HYPERV}{name}" for name in _HYPERV if _enabled(hyperv, name)]
    labels += [f"{VENDOR}Intel"] if _enabled(hyperv, "evmcs") else []
    return dict.fromkeys(labels, "true")


def rendered(spec: Obj, pod_selector: Mapping[str, str]) -> dict[str, str]:
    """Both, where `pod_selector`, a launcher's, shows which of the latter this KubeVirt adds."""
    prefixes = {key.partition("/")[0] for key in pod_selector}
    return {**derived(spec), **{key: value for key, value in gated(spec).items() if key.partition("/")[0] in prefixes}}


def counts_time(spec: Obj) -> bool:
    """Is it bound to nodes of one TSC frequency? Source: `pkg/virt-controller/watch/topology/tsc.go`."""
    features = parts(spec, "domain", "cpu", "features")
    invariant = any(text(f, "name") == "invtsc" and text(f, "policy") in {"require", "force"} for f in features)
    return invariant or _enabled(part(spec, "domain", "features", "hyperv"), "reenlightenment")


def with_rejects(spec: Obj) -> Obj:
    """Its affinity, with the labels that its node may not have in every required term."""
    affinity = part(spec, "affinity")
    rules = [{"key": label, "operator": "DoesNotExist"} for label in _rejects(spec)]
    if not rules:
        return affinity
    nodes = part(affinity, "nodeAffinity")
    terms = parts(nodes, REQUIRED, "nodeSelectorTerms") or [{}]
    extended = [{**term, "matchExpressions": [*parts(term, "matchExpressions"), *rules]} for term in terms]
    return {**affinity, "nodeAffinity": {**nodes, REQUIRED: {"nodeSelectorTerms": extended}}}


def _labels(spec: Obj) -> list[str]:
    cpu, security = part(spec, "domain", "cpu"), part(spec, "domain", "launchSecurity")
    sev, snp = "sev" in security, "snp" in security
    conditions = {
        "cpumanager": cpu.get("dedicatedCpuPlacement") is True,
        "kubevirt.io/realtime": "realtime" in cpu,
        "kubevirt.io/sev": sev or snp,
        "kubevirt.io/sev-es": part(security, "sev", "policy").get("encryptedState") is True,
        "kubevirt.io/sev-snp": snp,
        "kubevirt.io/tdx": "tdx" in security,
        "kubevirt.io/s390-pv": "launchSecurity" in part(spec, "domain") and text(spec, "architecture") == "s390x",
    }
    return [label for label, applies in conditions.items() if applies] + _cpu(cpu)


def _cpu(cpu: Obj) -> list[str]:
    """An instance without a model has been given KubeVirt's default, which is one of the host's own."""
    model = text(cpu, "model")
    required = [f for f in parts(cpu, "features") if text(f, "policy") in {"", "require"}]
    own = [] if model in {"", *_HOST_MODELS} else [f"{CPU_MODEL}{model}"]
    return own + [f"{CPU_FEATURE}{text(feature, 'name')}" for feature in required]


def _rejects(spec: Obj) -> list[str]:
    cpu = part(spec, "domain", "cpu")
    forbidden = [f for f in parts(cpu, "features") if text(f, "policy") == "forbid"]
    obsolete = [_OBSOLETE] if text(cpu, "model") in {"", "host-model"} else []
    return obsolete + [f"{CPU_FEATURE}{text(feature, 'name')}" for feature in forbidden]


def _enabled(features: Obj, name: str) -> bool:
    """A feature that is named is on, unless it says no: KubeVirt's webhook writes that into the instance."""
    return name in features and part(features, name).get("enabled") is not False
